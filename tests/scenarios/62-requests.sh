# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# How many requests reach the server, by kind: what need not be asked is not. A number that grows
# here is time that every container loses.
# shellcheck source=tests/scenarios/fs.sh
. "$REPO/tests/scenarios/fs.sh"

# logged SRC MNT OPTIONS: mounts with a log of requests in $T/log
logged() {
	mkdir -p "$2"
	"$SHIFTER" -d "$1" "$2" -o "nodev,uidmapping=$MAP,gidmapping=$MAP,$3" 2>"$T/log" &
	wait_for mountpoint -q "$2"
}

# requests COMMAND...: runs it, and puts what it took into the array N, by opcode; N[all]: of all
declare -A N
requests() {
	local from name n
	from=$(wc -l <"$T/log")
	"$@" >"$T/out" 2>&1 || { cat "$T/out" && return 1; }
	# Answers to nobody (RELEASE, FORGET) come when the kernel finds the time.
	sleep 0.3
	N=([all]=0)
	while read -r n name; do
		N[$name]=$n
		N[all]=$((N[all] + n))
	done < <(tail -n "+$((from + 1))" "$T/log" | sed -n 's/.*opcode: \([A-Z_0-9]*\) .*/\1/p' |
		sort | uniq -c)
}

# at_most OPCODE=N...: and no request of a kind that is not named
at_most() {
	local limit name
	declare -A max=([all]=0)
	for limit; do
		max[${limit%%=*}]=${limit#*=}
		max[all]=$((max[all] + ${limit#*=}))
	done
	for name in "${!N[@]}"; do
		[ "${N[$name]}" -le "${max[$name]:-0}" ] ||
			fail "${N[$name]} requests $name, where ${max[$name]:-0} would do: $(declare -p N)"
	done
}

# A directory with 40 others, of 25 files each.
small_tree() {
	local d
	for d in $(seq 40); do
		mkdir -p "$1/dir-$d"
		(cd "$1/dir-$d" && seq 25 | split -l 1 -a 4 - file-)
	done
}

# As the root of the container, who owns it all.
walk() {
	inside find "$1" -printf '%s %u %p\n'
}

read_all() {
	inside find "$1" -type f -exec cat {} +
}

test_walk_of_an_image() {
	small_tree lower
	logged lower mnt ro,cache=always
	# Each of 41 directories is listed, and its end asked for; it is never opened or looked up.
	requests walk mnt
	at_most READDIRPLUS=82 READDIR=41 OPENDIR=1 STATFS=1 GETATTR=1
	is "$(wc -l <"$T/out")" 1041
	# The kernel knows it all. Pages of some lists it may have had to give back; of all 41 it has not.
	requests walk mnt
	at_most STATFS=1 READDIRPLUS=15 READDIR=15
	is "$(wc -l <"$T/out")" 1041
	# Also that there is no such file.
	requests bash -c '! cat mnt/none && ! stat mnt/dir-1/none'
	at_most LOOKUP=2 GETXATTR=2
	requests bash -c '! cat mnt/none && ! stat mnt/dir-1/none'
	at_most
	unmount mnt
}

# The kernel forgets the ACLs of all files of a list that it had to ask for again (fs/fuse/readdir.c,
# fuse_direntplus_link): how many GETXATTR that brings back.
of_relisted() {
	echo $((40 * ${N[READDIRPLUS]:-0}))
}

# Whoever is not the owner may have rights by an ACL. That is asked once of each file and directory,
# the root too.
test_walk_by_somebody_else() {
	small_tree lower
	logged lower mnt ro,cache=always
	requests walk mnt
	requests as 101000 find mnt -type f -exec cat {} +
	at_most OPEN=1000 RELEASE=1000 FLUSH=1 GETXATTR=$((1041 + $(of_relisted))) STATFS=1 \
		READDIRPLUS=15 READDIR=15
	requests as 101000 find mnt -type f -exec cat {} +
	at_most OPEN=1000 RELEASE=1000 STATFS=1 READDIRPLUS=15 READDIR=15 GETXATTR="$(of_relisted)"
	requests as 101000 stat -c '%U %s' mnt/dir-1/file-aaaa mnt/dir-2/file-aaab
	at_most
	unmount mnt
}

test_reads_of_an_image() {
	small_tree lower
	logged lower mnt ro,cache=always
	requests walk mnt
	requests read_all mnt
	# FLUSH is asked for once; data never where there is passthrough, once where there is none.
	at_most OPEN=1000 RELEASE=1000 FLUSH=1 STATFS=1 READDIRPLUS=15 READDIR=15
	is "$(wc -l <"$T/out")" 1000
	requests read_all mnt
	at_most OPEN=1000 RELEASE=1000 STATFS=1 READDIRPLUS=15 READDIR=15
	unmount mnt
	# Without it data is in the cache of the mount, and then nobody asks for a file at all.
	logged lower mnt ro,cache=always,passthrough=off
	requests walk mnt
	requests read_all mnt
	at_most OPEN=1 FLUSH=1 READ=1000 STATFS=1 READDIRPLUS=15 READDIR=15
	is "$(wc -l <"$T/out")" 1000
	requests read_all mnt
	at_most READ=5 STATFS=1 READDIRPLUS=15 READDIR=15
	is "$(wc -l <"$T/out")" 1000
	unmount mnt
}

# What can be done with a file that the server was never told to open.
use_open_file() {
	inside python3 - "$1" <<-'END'
		import fcntl, mmap, os, struct, sys
		fd = os.open(sys.argv[1] + "/file", os.O_RDONLY)
		st = os.fstat(fd)
		print(st.st_size, st.st_ino, st.st_uid, st.st_mtime_ns, oct(st.st_mode))
		print(os.lseek(fd, 0, os.SEEK_DATA), os.lseek(fd, 0, os.SEEK_HOLE))
		print(os.lseek(fd, 0, os.SEEK_END))
		print(struct.unpack("i", fcntl.ioctl(fd, 0x80086601, b"\0" * 8)[:4]))
		print(os.pread(fd, 5, 1 << 20), len(os.pread(fd, 1 << 22, 0)))
		print(mmap.mmap(fd, 0, prot=mmap.PROT_READ)[-4:])
		print(os.fsync(fd), os.listxattr(fd), os.getxattr(fd, "user.name"))
		print(os.readlink("/proc/self/fd/%d" % fd).split("/")[-1])
	END
}

test_files_that_are_never_opened() {
	mkdir lower
	truncate -s 1M lower/file
	echo data >>lower/file
	setfattr -n user.name -v value lower/file
	idmapped lower twin "$MAP"
	logged lower mnt ro,cache=always,passthrough=off
	is "$(use_open_file mnt)" "$(use_open_file twin)"
	requests use_open_file mnt
	at_most STATX=2 GETATTR=2 GETXATTR=2 LISTXATTR=1 LSEEK=3 IOCTL=1 FSYNC=1
	unmount mnt
	# The size is asked for anew, and by the handle of the open file.
	shifted lower mnt ro,cache=always,passthrough=off,timeout=0
	is "$(use_open_file mnt)" "$(use_open_file twin)"
	unmount mnt twin
}

# As root of a user namespace, and to keep the owners in the archive, as engines do.
unpack() {
	inside tar -C "$1" -xf "$T/tree.tar"
}

test_unpacking() {
	mkdir lower
	small_tree tree
	tar -C tree -cf tree.tar --numeric-owner .
	logged lower mnt cache=auto
	requests unpack mnt
	# For each file: is it there, the directory's permissions, the file, may it be written, three
	# times its attributes. Writes go past the server. The directories get a few more.
	at_most LOOKUP=1100 GETATTR=1200 CREATE=1000 GETXATTR=2100 SETATTR=3200 MKDIR=40 RELEASE=1000 \
		FLUSH=1 OPENDIR=1 RELEASEDIR=1
	diff -r tree lower
	unmount mnt
}

test_writes() {
	mkdir lower
	logged lower mnt cache=auto
	# 1000 blocks, and whether a file capability has to go asked once, not for each.
	requests inside dd if=/dev/zero of=mnt/file bs=4k count=1000
	at_most LOOKUP=2 GETATTR=3 CREATE=1 GETXATTR=1 FLUSH=1 RELEASE=1
	requests inside dd if=/dev/zero of=mnt/file bs=4k count=1000 conv=notrunc
	at_most LOOKUP=2 GETATTR=3 OPEN=1 GETXATTR=1 RELEASE=1
	unmount mnt
	logged lower mnt cache=auto,passthrough=off
	requests inside dd if=/dev/zero of=mnt/file bs=4k count=1000 conv=notrunc
	at_most LOOKUP=2 GETATTR=3 OPEN=1 GETXATTR=1 WRITE=1000 FLUSH=1 RELEASE=1 STATX=1
	unmount mnt
}

# What a symlink says is asked once, however often its name is looked up again, or a few times where
# the kernel is told to give its memory back meanwhile; another one in its place is another inode, and
# seen.
test_symlinks_of_a_writable_root() {
	mkdir lower && echo one >lower/one && echo two >lower/two && ln -s one lower/link
	logged lower mnt cache=auto
	requests inside sh -c 'for i in 1 2 3 4 5 6 7 8; do cat mnt/link; sleep 0.2; done'
	[ "${N[READLINK]:-0}" -le 3 ] || fail "${N[READLINK]} READLINK for 8 looks"
	is "$(xargs <"$T/out")" 'one one one one one one one one'
	ln -s two lower/link.new && mv lower/link.new lower/link
	wait_for sh -c '[ "$(readlink mnt/link)" = two ]'
	is "$(cat mnt/link)" two
	unmount mnt
}

compile() {
	inside chroot "$1" gcc -O2 -c -o /dev/null -x c - <<-'END'
		#include <stdio.h>
		#include <stdlib.h>
		int main(void) { return puts("hello") < 0; }
	END
}

test_compile() {
	logged "$IMAGE" mnt ro,cache=always
	# cc, cc1, as, their libraries and the headers: each is opened, a program's capability looked at
	# when it is executed, and nothing else asked again.
	mount --bind /dev mnt/dev
	mount -t tmpfs tmpfs mnt/tmp
	requests compile mnt
	requests compile mnt
	at_most OPEN=130 RELEASE=130 GETXATTR=3 READLINK=2
	umount mnt/tmp mnt/dev
	unmount mnt
}
