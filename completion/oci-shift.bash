# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Completion for oci-shift(8): /usr/share/bash-completion/completions/oci-shift

# The ids of what is shifted now.
_oci_shift_ids() {
	oci-shift list 2>/dev/null | awk 'NR > 1 {print $1}'
}

_oci_shift() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command='' i
	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--config) ((i++)) ;;
		-*) ;;
		*) command=${COMP_WORDS[i]} && break ;;
		esac
	done
	case $before in
	--upper)
		mapfile -t COMPREPLY < <(compgen -W 'none ephemeral keep' -- "$word")
		return
		;;
	--config)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	--image | --upperdir)
		mapfile -t COMPREPLY < <(compgen -d -- "$word")
		return
		;;
	--uidmap | --gidmap | --id) return ;;
	esac
	case $command:$word in
	:-*) mapfile -t COMPREPLY < <(compgen -W '--config --help --version' -- "$word") ;;
	:*) mapfile -t COMPREPLY < <(compgen -W 'prepare release list inspect check help' -- "$word") ;;
	prepare:-*)
		mapfile -t COMPREPLY < <(compgen -W '--image --upper --upperdir --uidmap --gidmap --id --help' -- "$word")
		;;
	prepare:* | check:*) mapfile -t COMPREPLY < <(compgen -d -- "$word") ;;
	release:-*) mapfile -t COMPREPLY < <(compgen -W '--stale --help' -- "$word") ;;
	release:*) mapfile -t COMPREPLY < <(compgen -W "$(_oci_shift_ids)" -- "$word"; compgen -d -- "$word") ;;
	list:*) mapfile -t COMPREPLY < <(compgen -W '--json --help' -- "$word") ;;
	inspect:*) mapfile -t COMPREPLY < <(compgen -W "$(_oci_shift_ids)" -- "$word") ;;
	help:*) mapfile -t COMPREPLY < <(compgen -W 'prepare release list inspect check' -- "$word") ;;
	esac
}

complete -F _oci_shift oci-shift
