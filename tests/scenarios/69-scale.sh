# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# alone: it starts more than the machine has processors for
# timeout: 240
# Many containers at a time, many one after the other, and many hooks for one id.

# shellcheck source=tests/scenarios/fs.sh
. "$REPO/tests/scenarios/fs.sh"

MANY=${SANITIZE:+10}
MANY=${MANY:-200}

# What the host has of ours, or of anybody's: processes, mounts, fds of the kernel's tables, records.
of_the_host() {
	sync
	printf '%s\n' "mounts $(wc -l </proc/self/mountinfo)" "records $(find "$STATE" -mindepth 1 2>/dev/null | wc -l)" \
		"shifters $(processes_left | wc -l)" \
		"uppers $(find ephemeral -mindepth 1 -maxdepth 1 2>/dev/null | wc -l)" \
		"connections $(find /sys/fs/fuse/connections -mindepth 1 -maxdepth 1 2>/dev/null | wc -l)"
}

each_at_once() {
	local i
	hook_config "$(jq -n --arg t "$T" '{readySeconds: 60, ephemeralDirectory: "\($t)/ephemeral"}')"
	bundle b '.root.readonly = false | .annotations["io.oci-shift.upper"] = "ephemeral"'
	sh_args b 'echo mine >/etc/new && stat -c %U /usr/bin/ls /etc/new && cat /proc/self/uid_map'
	of_the_host >before
	for ((i = 1; i <= MANY; i++)); do
		cp -r b "b$i"
		map "b$i" "0:$((i * 100000)):65536"
	done
	for ((i = 1; i <= MANY; i++)); do
		(run_in "$1" "b$i" "at-once-$i" >"b$i/out" 2>&1 || echo "status $?" >>"b$i/out") &
	done
	wait
	for ((i = 1; i <= MANY; i++)); do
		is "$(xargs <"b$i/out")" "root root 0 $((i * 100000)) 65536" "container $i"
	done
	wait_for nothing_left
	of_the_host >after
	diff before after
}

# One after the other: whatever was there before the first is there after the last, and no more.
each_in_sequence() {
	local i
	hook_config "$(jq -n --arg t "$T" '{ephemeralDirectory: "\($t)/ephemeral"}')"
	bundle b
	of_the_host >before
	for ((i = 1; i <= MANY / 4; i++)); do
		run_in "$1" b "in-sequence-$i" >out 2>&1 || { cat out && fail "container $i"; }
	done
	nothing_left
	of_the_host >after
	diff before after
}

# inits N: processes that are what a runtime's init is when it runs the hooks; their pids in pids/
inits() {
	local i
	mkdir -m 777 pids
	for ((i = 1; i <= $1; i++)); do
		# shellcheck disable=SC2016 # for that shell
		"$(tool userns)" run 0:100000:65536 unshare --mount --propagation private sh -c \
			'mount --bind "$0" "$0" && echo $$ >"$1.new" && mv "$1.new" "$1" && exec sleep 100' \
			"$IMAGE" "$T/pids/$i" &
	done
	for ((i = 1; i <= $1; i++)); do wait_for test -s "pids/$i"; done
}

kill_inits() {
	local pid
	while read -r pid; do kill "$pid"; done < <(cat pids/*)
	wait
}

test_fifty_hooks_for_one_id() {
	local i
	hook_config '{"readySeconds": 60}'
	bundle b
	inits 50
	for ((i = 1; i <= 50; i++)); do
		(
			state one "$(cat "pids/$i")" "$T/b" | hook prestart >"out.$i" 2>&1 && echo won >"won.$i"
			echo ended >"ended.$i"
		) &
	done
	for ((i = 1; i <= 50; i++)); do
		wait_for test -e "ended.$i"
	done
	is "$(find . -name 'won.*' | wc -l)" 1 "hooks that won"
	is "$(grep -l 'a container of this id runs already: process' out.* | wc -l)" 49 refusals
	is "$(ls "$STATE")" one
	is "$(jq .container.pid "$STATE/one/record.json")" "$(cat "pids/$(find . -name 'won.*' | sed 's/.*\.//')")"
	kill_inits
	nothing_left
}

test_fifty_hooks_for_one_container() {
	local i
	hook_config '{"readySeconds": 60}'
	bundle b
	inits 1
	pid=$(cat pids/1)
	for ((i = 1; i <= 50; i++)); do
		(state one "$pid" "$T/b" | hook prestart >"out.$i" 2>&1 && echo won >"won.$i") &
	done
	wait_for sh -c '[ $(ls won.* 2>/dev/null | wc -l) = 50 ]'
	is "$(cat out.*)" ""
	is "$(processes_left | grep -c fuse-fd)" 1 shifters
	# And as many poststops, of a container that has ended.
	kill_inits
	for ((i = 1; i <= 50; i++)); do
		(state one 0 "$T/b" stopped | jq 'del(.pid)' | hook poststop >"stop.$i" 2>&1 && echo stopped >"stopped.$i") &
	done
	wait_for sh -c '[ $(ls stopped.* 2>/dev/null | wc -l) = 50 ]'
	is "$(cat stop.*)" ""
	nothing_left
}
