# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# test_name FILE FUNCTION RUNTIME|-: what a test is called
test_name() {
	local runtime=" ($3)"
	[ "$3" != - ] || runtime=
	echo "$(basename "$1" .sh): ${2#*_}$runtime"
}
