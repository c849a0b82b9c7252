# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# For scenarios that mount the shifter by hand: mounts, callers, and the comparison with the kernel.

MAP=0:100000:65536

# The C programs beside this file, built once: tool NAME prints the path.
tool() {
	local name=$1 out=$WORK/tool-$1
	case $name in
	ops | inject) set -- "$REPO/tests/scenarios/$name"*.c ;;
	*) set -- "$REPO/tests/scenarios/$name.c" ;;
	esac
	# shellcheck disable=SC2046 # words
	once "tool-$name" cc -D_GNU_SOURCE -Wall -Wextra -Werror -o "$out" "$@" \
		$([ "$name" != oddfs ] || pkg-config --cflags --libs fuse3) >&2
	echo "$out"
}

# shifted SRC MNT [OPTIONS [MAP]]
shifted() {
	mkdir -p "$2"
	timeout 10 "$SHIFTER" "$1" "$2" \
		-o "uidmapping=${4:-$MAP},gidmapping=${4:-$MAP}${3:+,$3}"
}

# idmapped SRC DST MAP: by the kernel; skips where it cannot
idmapped() {
	local message
	mkdir -p "$2"
	message=$("$(tool userns)" idmap "$1" "$2" "$3" 2>&1) || skip "$message"
}

# as UID COMMAND...: this id and no other, no capabilities, as the host sees it
as() {
	local id=$1
	shift
	timeout 60 setpriv --reuid "$id" --regid "$id" --clear-groups "$@"
}

# inside COMMAND...: as root of a user namespace with $MAP
inside() {
	timeout 60 "$(tool userns)" run "$MAP" "$@"
}

# The host-side end of a test.
unmount() {
	local m
	for m; do
		wait_for umount "$m"
	done
}

# The files that "ops" finds, the same for each of its cases: tree DIR OWNER
tree() {
	local n
	mkdir -p "$1"/0/pre/{sgid-dir,sticky,locked,unmapped-dir,acl-dir}
	chmod 755 "$1" "$1/0" "$1/0/pre"
	tree_files "$1/0/pre"
	chown "$2:$2" "$1/0"
	for n in $(seq 1 14); do
		cp -a "$1/0" "$1/$n"
	done
}

tree_files() {
	local pre=$1 n
	(umask 077 && echo secret >"$pre/secret")
	for n in $(seq 1 7); do
		head -c 5000 /dev/zero >"$pre/open-$n"
	done
	chmod 6777 "$pre"/open-*
	chgrp 50 "$pre/sgid-dir"
	chmod 2777 "$pre/sgid-dir"
	echo 998 >"$pre/sticky/of-998"
	mkfifo "$pre/sticky/fifo-998"
	chown 998:998 "$pre"/sticky/*998
	chmod 666 "$pre"/sticky/*998
	chmod 1777 "$pre/sticky"
	echo unmapped | tee "$pre/unmapped" "$pre/unmapped-group" >"$pre/unmapped-dir/old"
	chmod 666 "$pre"/unmapped*
	chmod 777 "$pre/unmapped-dir"
	chown 70000:70000 "$pre/unmapped" "$pre/unmapped-dir" "$pre/unmapped-dir/old"
	chgrp 70000 "$pre/unmapped-group"
	chmod 777 "$pre/acl-dir"
	setfacl -d -m u:1000:rwx,g:1001:rx,o::- "$pre/acl-dir"
	echo acl >"$pre/acl"
	setfacl -m u:1000:rw,g:65535:r,o::- "$pre/acl"
	printf caps | tee "$pre/caps-2" "$pre/caps-v3" >"$pre/caps"
	chmod 666 "$pre"/caps*
	setcap cap_net_raw+ep "$pre/caps"
	setcap cap_net_raw+ep "$pre/caps-2"
	setcap -n 1000 cap_net_raw+ep "$pre/caps-v3"
	ln -s /nonexistent "$pre/absolute"
	mkfifo -m 666 "$pre/fifo"
	mknod -m 666 "$pre/null" c 1 3
}

# All that a tree says of itself, but times and inode numbers. Where the file system lets a file be
# made 1 PiB long, its size has to do.
on_disk() {
	(cd "$1" && find . -printf '%P %y %m %U:%G %n %l\n' | sort &&
		find . -type f -size -1048576k -print0 | sort -z | xargs -0 cksum &&
		find . -type f -size +1048575k -printf '%P %s\n' | sort &&
		find . -print0 | sort -z | xargs -0 getfattr -h -d -m - -e hex --)
}

# same_as_kernel OWNER BASE MAP OPTIONS COMMAND...: "COMMAND ops DIR BASE" over the shifter and over
# an idmapped mount, whose trees are OWNER's: the same words, and the same on disk. $SAME is a sed
# script for what is to be told apart less finely, $ON the file system that has the trees.
SAME=
ON=
same_as_kernel() {
	local owner=$1 base=$2 map=$3 options=$4
	shift 4
	tree "${ON:-$T}/lower" "$owner"
	cp -a "${ON:-$T}/lower" "${ON:-$T}/lower2"
	idmapped "${ON:-$T}/lower2" "$T/kernel" "$map"
	shifted "${ON:-$T}/lower" "$T/mnt" "$options" "$map"
	"$@" "$(tool ops)" "$T/kernel" "$base" >"$T/kernel.out" 2>&1
	"$@" "$(tool ops)" "$T/mnt" "$base" >"$T/shifter.out" 2>&1
	on_disk "${ON:-$T}/lower2" >"$T/kernel.disk"
	on_disk "${ON:-$T}/lower" >"$T/shifter.disk"
	unmount "$T/mnt" "$T/kernel"
	same_result
}

same_result() {
	has "$(cat "$T/kernel.out")" 'ended with 0'
	has_not "$(grep -A 1 -n ended "$T/kernel.out")" "ended with [^0]"
	no_difference "$T/kernel.out" "$T/shifter.out"
	no_difference "$T/kernel.disk" "$T/shifter.disk"
}

no_difference() {
	diff -U 3 <(sed "$SAME" "$1") <(sed "$SAME" "$2") || fail "not as the kernel does"
}

server_pid() {
	processes_left | cut -d' ' -f1
}

server_gone() {
	[ ! -e "/proc/$1/exe" ]
}
