# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The shifter over each kind of file system: what programs do through it, how it finds the inodes
# again (by handles or by fds), and what it does when the fds run out.

# shellcheck source=tests/scenarios/fs.sh
. "$REPO/tests/scenarios/fs.sh"

# file_system KIND DIR: a new one. A loop device goes with its mount.
file_system() {
	mkdir -p "$2"
	case $1 in
	tmpfs) mount -t tmpfs -o mode=755 tmpfs "$2" ;;
	*)
		truncate -s 300M "$2.img"
		"mkfs.$1" -q "$2.img" >"$2.log" 2>&1 || fail "$(cat "$2.log")"
		mount -o loop "$2.img" "$2"
		;;
	esac
}

# serves_with WHAT LOWER: "handles" or "fds"; the debug log has it
serves_with() {
	local pid
	mkdir -p "$T/probe"
	"$SHIFTER" -d "$2" "$T/probe" -o "uidmapping=$MAP,gidmapping=$MAP" 2>probe.log &
	pid=$!
	wait_for mountpoint -q "$T/probe"
	unmount "$T/probe"
	wait "$pid"
	has "$(grep 'serving with' probe.log)" "serving with $1\$"
}

# as_the_kernel_does_on KIND: for container root and for a user
as_the_kernel_does_on() {
	file_system "$1" fs
	serves_with handles fs
	ON=$T/fs
	same_as_kernel 0 0 "$MAP" "" inside
	rm -r fs/lower fs/lower2
	same_as_kernel 1000 100000 "$MAP" "" as 101000
	unmount fs
}

test_ext4() {
	as_the_kernel_does_on ext4
}

test_xfs() {
	as_the_kernel_does_on xfs
}

test_btrfs() {
	as_the_kernel_does_on btrfs
}

test_tmpfs() {
	as_the_kernel_does_on tmpfs
}

# overlay DIR [OPTION]: DIR.base is below, DIR.rw has the upper
overlay() {
	mkdir -p "$1" "$1.base" "$1.rw/upper" "$1.rw/work"
	mount -t overlay overlay -o "lowerdir=$1.base,upperdir=$1.rw/upper,workdir=$1.rw/work${2:+,$2}" "$1"
}

# The kernel's way to shift an overlay: each of its layers is an idmapped mount. Whoever mounts it
# must be mapped.
idmapped_overlay() {
	mkdir -p "$1" "$2.base" "$2.rw/upper" "$2.rw/work"
	idmapped "$2.base" "$1.base" "$MAP"
	idmapped "$2.rw" "$1.rw" "$MAP"
	chown 100000:100000 "$1.rw"
	setpriv --reuid 100000 --regid 100000 --clear-groups --inh-caps=+all,-sys_resource \
		--ambient-caps=+all,-sys_resource python3 -c '
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
MS_NODEV = 4 # as the mount of the shifter is
if libc.mount(b"overlay", sys.argv[1].encode(), b"overlay", MS_NODEV, sys.argv[2].encode()) < 0:
    sys.exit("overlay: " + os.strerror(ctypes.get_errno()))' \
		"$1" "lowerdir=$1.base,upperdir=$1.rw/upper,workdir=$1.rw/work${3:+,$3}"
}

# Asked for the length only, listxattr(2) of overlayfs counts names in that it does not show.
as_overlay() {
	SAME='/listxattr("pre.caps", NULL, 0)/d'
	mkdir fs.base fs2.base
	tree fs.base 0
	cp -a fs.base/. fs2.base
	overlay "$T/fs" "$1"
	serves_with "$2" "$T/fs"
	idmapped_overlay "$T/kernel" "$T/fs2" "$1"
	shifted fs mnt "${3:-}"
	inside "$(tool ops)" "$T/kernel" 0 >kernel.out 2>&1
	inside "$(tool ops)" "$T/mnt" 0 >shifter.out 2>&1
	unmount mnt fs kernel kernel.rw kernel.base
	# Both anew: a copied-up file of an indexed overlay has one link more after that.
	overlay "$T/fs" "$1"
	overlay "$T/fs2" "$1"
	on_disk fs2 >kernel.disk
	on_disk fs >shifter.disk
	unmount fs fs2
	same_result
}

test_overlay() {
	as_overlay "" fds
}

test_overlay_export() {
	as_overlay index=on,nfs_export=on handles
}

# As the hook has it for an upper, which nobody else writes to.
test_overlay_all_cached() {
	as_overlay index=on,nfs_export=on handles cache=always
}

test_overlay_all_cached_by_fds() {
	as_overlay index=on fds cache=always
}

# bindfs, as root: another FUSE file system. The kernel has no idmapped mount for it, so the measure
# is what bindfs itself does, for ids that stay as they are. But some things it does worse: it goes
# on appending where O_APPEND was taken back, does not count the links of a file again when one goes,
# shows a set-id bit that copy_file_range(2) took away, and does not go by an ACL.
as_bindfs() {
	SAME='/^sharing/,/^tmpfile/{/ data: /d}; /own: mode/d; / \.\/10\/f$/d
		/^unlinked/,/^removed/{s/links [0-9]*//; /link_fd(fd, name)/d}; /^# file: 12.back/,/^$/d; /12.back/d
		s/ g: 100644 links [12]/ g:/
		/pre.open-5/d; /open("pre.acl", O_RDWR)/d'
	tree below/lower "$1"
	tree below/lower2 "$1"
	# A new one each time: what it has shown of an earlier tree the kernel keeps for a second.
	bindfs below fs
	shifted fs/lower mnt "" 0:0:100000
	"${@:2}" "$(tool ops)" "$T/fs/lower2" 0 >kernel.out 2>&1
	"${@:2}" "$(tool ops)" "$T/mnt" 0 >shifter.out 2>&1
	on_disk below/lower2 >kernel.disk
	on_disk below/lower >shifter.disk
	unmount mnt fs
	rm -r below/*
	same_result
}

test_fuse() {
	mkdir fs below
	bindfs below fs
	serves_with fds fs
	unmount fs
	as_bindfs 0 env
	as_bindfs 1000 as 1000
}

# Each hard link is a file by itself to bindfs, and gone with its name.
test_fuse_inodes_are_told_apart() {
	mkdir -p fs below/d
	echo one >below/d/a
	ln below/d/a below/d/b
	bindfs below fs
	shifted fs mnt
	is "$(stat -c '%s %h' mnt/d/a mnt/d/b)" $'4 2\n4 2'
	rm mnt/d/a
	is "$(cat mnt/d/b)" one "the other link"
	echo two >>mnt/d/b
	is "$(cat below/d/b)" $'one\ntwo'
	unmount mnt fs
}

# packed KIND SOURCE DIR: a read-only file system of what SOURCE has
packed() {
	mkdir -p "$3"
	case $1 in
	squashfs) mksquashfs "$2" "$3.img" -quiet -no-progress >"$3.log" 2>&1 ;;
	erofs) mkfs.erofs "$3.img" "$2" >"$3.log" 2>&1 ;;
	esac || fail "$(cat "$3.log")"
	mount -o loop,ro "$3.img" "$3"
}

# numbers DIR: what on_disk leaves out
numbers() {
	(cd "$1" && find . -print0 | sort -z | xargs -0 stat -c '%n %i %s %y %t:%T')
}

# As on the kernel's idmapped mount, and with the numbers of the file system itself.
reads_as_the_kernel_does() {
	tree src 0
	ln src/1/pre/secret src/2/hard
	chown -h 7:8 src/3/pre/absolute
	packed "$1" src fs
	serves_with handles fs
	idmapped fs kernel "$MAP"
	shifted fs mnt
	on_disk kernel >kernel.disk
	on_disk mnt >shifter.disk
	no_difference kernel.disk shifter.disk
	numbers fs >fs.numbers
	numbers mnt >shifter.numbers
	no_difference fs.numbers shifter.numbers
	is "$(stat -c '%u:%g %h' mnt/2/hard)" "100000:100000 2"
	is "$(stat -c %i mnt/2/hard)" "$(stat -c %i mnt/1/pre/secret)"
	is "$(stat -c %t:%T mnt/0/pre/null)" 1:3
	is "$(readlink mnt/3/pre/absolute) $(stat -c %u:%g mnt/3/pre/absolute)" "/nonexistent 100007:100008"
	has "$(getcap -n mnt/0/pre/caps)" 'cap_net_raw=ep \[rootid=100000\]'
	# SquashFS keeps no ACLs.
	[ "$1" = squashfs ] || has "$(getfacl -npc mnt/0/pre/acl)" '^user:101000:rw-'
	refuses_to_be_written
	unmount mnt
	shifted fs mnt ro
	refuses_to_be_written
	unmount mnt kernel fs
}

refuses_to_be_written() {
	local command
	for command in "touch new" "mkdir new" "rm pre/secret" "mv pre new" "chmod 600 pre/secret" \
		"chown 1 pre/secret" "ln pre/secret new" "setfattr -n user.a -v b pre/secret" \
		"truncate -s 0 pre/secret" "cp /etc/passwd pre/secret"; do
		# shellcheck disable=SC2086 # words
		has "$(cd mnt/0 && LC_ALL=C inside $command 2>&1)" 'Read-only file system'
	done
}

test_squashfs() {
	reads_as_the_kernel_does squashfs
}

test_erofs() {
	reads_as_the_kernel_does erofs
}

# Where each inode costs an fd and the limit is low, more of them cannot be known at a time. What
# is known and what is open goes on, and what the kernel forgets makes room: nobody else may make it
# forget.
alone_fds_run_out() {
	local known unknown
	mkdir -p fs.base/d mnt
	(cd fs.base/d && seq -f 'f%04.0f' 2000 | xargs touch)
	echo first >fs.base/d/f0001
	overlay "$T/fs"
	bash -c 'ulimit -n 256; exec setpriv --bounding-set=-sys_resource timeout 10 "$@"' - "$SHIFTER" \
		fs mnt -o "uidmapping=$MAP,gidmapping=$MAP,timeout=1000"
	exec 8<>mnt/d/f0001 9<mnt/d
	LC_ALL=C ls -lU mnt/d >listed 2>errors || true
	is "$(sed 's/.*: //' errors | sort -u)" 'Too many open files in system'
	is "$(sed 1d listed | wc -l)" 2000 "names"
	known=$(awk '/^-r/ {print $NF}' listed | grep -vx f0001 | head -n 1)
	has "$known" '^f'
	# A few may find room that ls(1) has left.
	unknown=$(awk '/^-[?]/ {print $NF}' listed | tail -n 20)
	# shellcheck disable=SC2086 # words
	is "$(cd mnt/d && LC_ALL=C cat $unknown 2>&1 | sed 's/.*: //' | sort -u)" \
		'Too many open files in system'
	# Open.
	is "$(cat <&8)" first
	echo second >&8
	is "$(cat fs/d/f0001)" $'first\nsecond'
	is "$(stat -L -c %s /proc/self/fd/8)" 13
	# Known.
	chmod 640 "mnt/d/$known"
	is "$(stat -c %a "fs/d/$known")" 640
	echo new >"mnt/d/$known"
	is "$(cat "mnt/d/$known" "fs/d/$known")" $'new\nnew'
	echo 2 >/proc/sys/vm/drop_caches
	unknown=${unknown##*$'\n'}
	wait_for stat "mnt/d/$unknown" >/dev/null 2>&1
	echo found >"mnt/d/$unknown"
	is "$(cat "fs/d/$unknown")" found
	is "$(head -n 1 /proc/self/fd/8)" first
	exec 8>&- 9<&-
	unmount mnt fs
}
