# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The fuzz targets and what each starts from. To be read by a script at the top of the tree.

fuzz_targets() {
	local f
	for f in tests/fuzz/*.c; do
		f=${f##*/}
		[ "$f" = main.c ] || echo "${f%.c}"
	done
}

# The directories with the inputs of a target. Those that read documents take the schemas' examples.
fuzz_seeds() { # TARGET
	local d
	for d in "tests/fuzz/corpus/$1" "schemas/examples/$1"/*; do
		[ ! -d "$d" ] || echo "$d"
	done
	[ "$1" != json ] || printf '%s\n' schemas/examples/*/*
}
