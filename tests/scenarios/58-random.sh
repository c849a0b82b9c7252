# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Random operations, the same on the kernel's idmapped mount and on the shifter, compared after each
# (twin.c). The seeds are fixed here; tests/soak.d/10-random takes new ones. What a failure prints
# can be done again: save its operations and give the file to "random ... --replay FILE".

MAP=0:100000:65536
# With the host's root in the container, as its id 65536: it may make files, and devices.
MAP_WITH_HOST=$MAP,65536:0:1

build() { # NAME SOURCES...: prints the path
	local out=$WORK/random-$1
	once "random-$1" cc -O1 -D_GNU_SOURCE -Wall -Wextra -Werror -o "$out" "${@:2}" >&2
	echo "$out"
}

# random OPTIONS MAP ARGUMENTS OF TWIN...: with the lowers in $ON, or else here
ON=
random() {
	local options=$1 map=$2 at=${ON:-$T} twin idmap code=0
	shift 2
	twin=$(build twin "$REPO"/tests/scenarios/twin*.c)
	idmap=$(build userns "$REPO/tests/scenarios/userns.c")
	mkdir "$at/lower-a" "$at/lower-b" a b
	# Nobody is to make anything beside the trees of a run: its owner is in no mapping.
	chown 70000:70000 "$at/lower-a" "$at/lower-b"
	"$idmap" idmap "$at/lower-a" "$T/a" "$map" || skip "no idmapped mounts here"
	timeout 10 "$SHIFTER" "$at/lower-b" b -o "uidmapping=${map//,/:},gidmapping=${map//,/:},$options"
	"$twin" --map "$map" "$@" "$T/a" "$T/b" "$at/lower-a" "$at/lower-b" || code=$?
	wait_for umount a && wait_for umount b
	return "$code"
}

test_random_operations() {
	random cache=auto "$MAP" --seed 1 --count 5
}

test_random_operations_with_all_cached() {
	random cache=always "$MAP" --seed 1001 --count 4
}

test_random_operations_with_nothing_cached() {
	random cache=never "$MAP" --seed 2001 --count 1
}

test_random_operations_with_one_thread() {
	random threads=1 "$MAP" --seed 3001 --count 2
}

test_random_operations_without_passthrough() {
	random passthrough=off "$MAP" --seed 5001 --count 2
}

test_random_operations_of_a_mapped_host() {
	random cache=auto "$MAP_WITH_HOST" --seed 4001 --count 3
}

# random_on KIND OPTIONS ARGUMENTS OF TWIN...: on a new file system
random_on() {
	local kind=$1 options=$2 code=0 ON=$T/fs
	shift 2
	mkdir fs
	if [ "$kind" = tmpfs ]; then
		mount -t tmpfs -o mode=755 tmpfs fs
	else
		truncate -s 300M fs.img
		"mkfs.$kind" -q fs.img >fs.log 2>&1 || fail "$(cat fs.log)"
		mount -o loop fs.img fs
	fi
	random "$options" "$MAP" "$@" || code=$?
	wait_for umount fs
	return "$code"
}

test_random_operations_on_xfs() {
	random_on xfs cache=auto --seed 6001 --count 2
}

test_random_operations_on_btrfs() {
	random_on btrfs cache=auto --seed 7001 --count 2
}

test_random_operations_on_tmpfs() {
	random_on tmpfs cache=always --seed 8001 --count 2
}

# By an fd for each inode, as where the file system has no handles or the server may not use them.
test_random_operations_by_fds() {
	local SHIFTER=$SHIFTER
	printf '#!/bin/sh\nexec setpriv --bounding-set -dac_read_search --inh-caps -dac_read_search %s "$@"\n' \
		"$SHIFTER" >by-fds
	chmod 755 by-fds
	SHIFTER=$T/by-fds
	random cache=auto "$MAP" --seed 9001 --count 2
}
