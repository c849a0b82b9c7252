# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Directed cases of what the comparisons of 55-operations.sh do not reach and the random operations
# of 58-random.sh meet too seldom.

# shellcheck source=tests/scenarios/fs.sh
. "$REPO/tests/scenarios/fs.sh"

# A write through a mapping moves the times of the file, and whoever looks sees it, however long
# attributes are kept: also where the kernel writes to the lower past the server.
test_times_of_a_mapped_write() {
	local options
	mkdir -m 777 lower
	for options in timeout=1000 timeout=1000,passthrough=off cache=always cache=never; do
		head -c 8192 /dev/zero >lower/f
		chown 1000:1000 lower/f
		shifted lower mnt "$options"
		as 101000 python3 -c '
import mmap, os
def write(fd):
    os.utime("f", (1000, 1000))
    page = mmap.mmap(fd, 8192)
    os.stat("f") # what is known of the file from before
    page[0:1] = b"x"
    page.flush()
    print("moved" if os.stat("f").st_mtime > 1e9 else "kept")
os.chdir("mnt")
os.stat("f")
write(os.open("f", os.O_RDWR))
write(os.open("f", os.O_RDWR))
os.unlink("f")
fd = os.open("f", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
os.pwrite(fd, b"-", 8191)
write(fd)' >out 2>&1 || fail "$(cat out)"
		is "$(cat out)" $'moved\nmoved\nmoved' "-o $options"
		unmount mnt
	done
}

# compared FILL OPTIONS COMMAND...: run through the shifter and through the kernel's idmapped mount,
# in directories that FILL has filled, it says the same and leaves the same.
compared() {
	local fill=$1 options=$2
	shift 2
	mkdir -m 777 lower lower2
	(cd lower && "$fill")
	(cd lower2 && "$fill")
	idmapped lower2 kernel "$MAP"
	shifted lower mnt "$options"
	(cd kernel && "$@") >kernel.out 2>&1 || true
	(cd mnt && "$@") >shifter.out 2>&1 || true
	on_disk lower2 >kernel.disk
	on_disk lower >shifter.disk
	unmount mnt kernel
	rm -rf lower lower2
	no_difference kernel.out shifter.out
	no_difference kernel.disk shifter.disk
}

# 101000 has files of groups that it is in by its gid, by a second group, and not at all; among the
# last is group 0, which the server's own threads must not be in.
set_gid_files() {
	local gid kind
	for gid in 0 60 70 1000; do
		for kind in acl write truncate trunc fallocate copy chmod chown; do
			echo text >"$kind-$gid"
			echo text >"$kind-$gid-plain"
		done
		mkdir "dir-$gid"
	done
	chown 1000 -- *
	for gid in 0 60 70 1000; do
		chgrp "$gid" -- *-"$gid"*
	done
	chmod 2755 -- *
	chmod 2777 -- dir-*
	chmod 2746 -- *-plain # its group may not execute it
}

set_gid_changes() {
	setpriv --reuid 101000 --regid 101000 --groups 100060 python3 -c '
import errno, os, stat
def attempt(what, *arguments):
    try:
        what(*arguments)
    except OSError as e:
        return errno.errorcode[e.errno]
os.umask(0)
acl = bytes.fromhex("02000000" "01000600ffffffff" "02000600ed890100" "04000400ffffffff" "10000600ffffffff" "20000400ffffffff")
def change(kind, name):
    if kind == "acl":
        os.setxattr(name, "system.posix_acl_access", acl)
    elif kind == "chmod":
        os.chmod(name, 0o2700 if "plain" in name else 0o2755)
    elif kind == "chown":
        os.chown(name, -1, 101000)
    elif kind == "truncate":
        os.truncate(name, 2)
    elif kind == "trunc":
        os.open(name, os.O_WRONLY | os.O_TRUNC)
    else:
        fd = os.open(name, os.O_RDWR)
        if kind == "write":
            os.write(fd, b"x")
        elif kind == "fallocate":
            os.posix_fallocate(fd, 0, 9000)
        else:
            os.copy_file_range(fd, fd, 1, 0, 2)
for gid in 0, 60, 70, 1000:
    for kind in "acl", "write", "truncate", "trunc", "fallocate", "copy", "chmod", "chown":
        for plain in "", "-plain":
            name = "%s-%d%s" % (kind, gid, plain)
            os.stat(name)
            # docs/design.md: the server takes it, who cannot tell who is a member
            if plain and gid in (60, 1000) and kind not in ("acl", "chmod"):
                continue
            print(name, attempt(change, kind, name), oct(os.stat(name).st_mode))
    here = "dir-%d/" % gid
    for name, mode in ("sx", 0o2775), ("s", 0o2764), ("x", 0o775):
        print(attempt(os.close, os.open(here + name, os.O_CREAT | os.O_WRONLY, mode)), oct(os.stat(here + name).st_mode))
        os.mkdir(here + name + "d", mode)
        os.mkfifo(here + name + "p", mode)
        os.mknod(here + name + "n", stat.S_IFREG | mode)
        t = os.open(here, os.O_TMPFILE | os.O_RDWR, mode)
        os.link("/proc/self/fd/%d" % t, here + name + "t", src_dir_fd=t, follow_symlinks=True)
    for name in sorted(os.listdir(here)):
        s = os.stat(here + name)
        print(here + name, oct(s.st_mode), s.st_uid, s.st_gid)'
}

test_set_gid_and_groups() {
	local options
	for options in cache=auto cache=always cache=never passthrough=off; do
		compared set_gid_files "$options" set_gid_changes
		has "$(cat kernel.out)" '^acl-0 None 0o100664' "-o $options"
		has "$(cat kernel.out)" '^acl-60 None 0o102664' "-o $options"
	done
}

# ext4 keeps blocks back for root. A container gets none of them, as on an idmapped mount.
test_blocks_kept_for_root() {
	local options
	truncate -s 40M img
	mkfs.ext4 -q -m 40 img
	mkdir fs
	mount -o loop img fs
	mkdir fs/lower fs/lower2
	idmapped fs/lower2 kernel "$MAP"
	for options in cache=auto passthrough=off; do
		shifted fs/lower mnt "$options"
		for dir in kernel mnt; do
			inside dd if=/dev/zero of="$dir/f" bs=64k count=1000 2>&1 | grep -o 'No space.*' >"$dir.out"
			stat -c %s "$dir/f" >>"$dir.out"
			rm "$dir/f"
			sync -f fs
		done
		is "$(cat mnt.out)" "$(cat kernel.out)" "-o $options"
		unmount mnt
	done
	unmount kernel fs
}

# Every way to make something, by who has no id on disk: EOVERFLOW, and nothing is there afterwards.
test_nothing_is_made_by_the_unmapped() {
	local id
	mkdir -m 777 lower
	mkdir -m 2777 lower/d
	setfacl -d -m u:1000:rwx,g:1001:rx lower/d
	mkfifo lower/f
	chown 1000:1000 lower/f
	chmod 666 lower/f
	on_disk lower >before
	shifted lower mnt
	for id in 0 99999 165536 65534; do
		setpriv --reuid "$id" --regid "$id" --clear-groups python3 -c '
import errno, os, socket, stat
os.chdir("mnt")
os.umask(0)
for here in "", "d/":
    n = here + "new"
    for what in (
        lambda: os.open(n, os.O_CREAT | os.O_WRONLY, 0o600),
        lambda: os.open(n, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o4755),
        lambda: os.open(here + ".", os.O_TMPFILE | os.O_RDWR, 0o600),
        lambda: os.mkdir(n),
        lambda: os.symlink("f", n),
        lambda: os.mkfifo(n),
        lambda: os.mknod(n, stat.S_IFREG | 0o600),
        lambda: os.mknod(n, stat.S_IFCHR | 0o600, 0),
        lambda: socket.socket(socket.AF_UNIX).bind(n),
        lambda: os.link("f", n),
        lambda: os.rename("f", n),
    ):
        try:
            what()
            print("done")
        except OSError as e:
            print(errno.errorcode[e.errno])' >"out.$id"
	done
	# A stranger has no right to the link and the name of another, which the kernel sees first.
	is "$(sort out.0 | uniq -c | tr -s ' ')" " 22 EOVERFLOW" "the host's root"
	for id in 99999 165536 65534; do
		is "$(sort -u "out.$id" | tr '\n' ' ')" "EOVERFLOW EPERM " "$id"
		is "$(grep -c EPERM "out.$id")" 2 "$id"
	done
	unmount mnt
	on_disk lower >after
	no_difference before after
}

# What the ends of a mapping may write into ACLs and capabilities, and what is beyond them.
test_ids_in_xattrs_beyond_the_mapping() {
	local map=0:100000:10:20:200000:10:4294967294:300000:1 id
	mkdir lower
	touch lower/f lower/g
	mkdir lower/d
	shifted lower mnt "" "$map"
	for id in 100000 100009 200000 200009 300000; do
		setfacl -m "u:$id:r,g:$id:w" mnt/f
		setfacl -m "d:u:$id:r" mnt/d
		setcap -n "$id" cap_kill+ep mnt/g
	done
	has "$(getfacl -npc lower/f | tr '\n' ' ')" 'user:0:r-- user:9:r-- user:20:r-- user:29:r-- user:4294967294:r-- '
	has "$(getfacl -npc lower/f | tr '\n' ' ')" 'group:0:-w- group:9:-w- group:20:-w- group:29:-w- group:4294967294:-w- '
	has "$(getfacl -npc lower/d | tr '\n' ' ')" 'default:user:4294967294:r-- '
	has "$(getcap -n lower/g)" 'cap_kill=ep \[rootid=(4294967294|-2)\]'
	on_disk lower >before
	for id in 0 99999 100010 199999 200010 300001 65534; do
		has "$(LC_ALL=C setfacl -m "u:$id:r" mnt/f 2>&1)" 'too large for defined data type'
		has "$(LC_ALL=C setfacl -m "g:$id:r" mnt/f 2>&1)" 'too large for defined data type'
		has "$(LC_ALL=C setfacl -m "d:g:$id:r" mnt/d 2>&1)" 'too large for defined data type'
		# 0 is no root id: the attribute is one of version 2.
		[ "$id" = 0 ] || has "$(LC_ALL=C setcap -n "$id" cap_kill+ep mnt/g 2>&1)" 'too large for defined data type'
	done
	on_disk lower >after
	no_difference before after
	unmount mnt
}

# Whatever inherits a default ACL, by callers of any umask.
acl_files() {
	mkdir -m 777 d none
	chown 1000:1000 d none
	setfacl -d -m u::rwx,u:1000:rwx,u:1001:r,g::rx,g:1002:rwx,m::rwx,o::r d
}

acl_inheritance() {
	as 101000 python3 -c '
import os, socket, stat
for mask in 0, 0o22, 0o77, 0o777:
    os.umask(mask)
    for here in "d/", "none/":
        n = here + "%o-" % mask
        os.close(os.open(n + "f", os.O_CREAT | os.O_WRONLY, 0o666))
        os.close(os.open(n + "x", os.O_CREAT | os.O_WRONLY, 0o711))
        os.mkdir(n + "d", 0o770)
        if mask < 0o700:
            os.mkdir(n + "d/e", 0o777)
        os.mkfifo(n + "p", 0o660)
        os.mknod(n + "n", stat.S_IFREG | 0o640)
        socket.socket(socket.AF_UNIX).bind(n + "s")
        os.symlink("x", n + "l")
        t = os.open(here, os.O_TMPFILE | os.O_RDWR, 0o666)
        os.link("/proc/self/fd/%d" % t, n + "t", src_dir_fd=t, follow_symlinks=True)
        os.chmod(n + "f", 0o604)
        os.rename(n + "n", here.replace("d/", "none/") + "moved-%o" % mask)'
}

test_default_acls() {
	local options
	for options in cache=auto cache=always cache=never; do
		compared acl_files "$options" acl_inheritance
		has "$(cat kernel.disk)" 'd/22-f f 604 1000:1000'
		has "$(cat kernel.disk)" 'd/777-d d 770 1000:1000'
	done
}

# The pages of mappings, shared and private, beside write(2) and O_DIRECT.
pages() {
	python3 -c '
import mmap, os
fd = os.open("f", os.O_RDWR | os.O_CREAT, 0o600)
os.write(fd, b"0" * 12288)
own = mmap.mmap(fd, 12288, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE)
all = mmap.mmap(fd, 12288)
own[0:1] = b"P"
os.pwrite(fd, b"W", 1)
os.pwrite(fd, b"W", 4096)
all[2:3] = b"S"
all[8192:8193] = b"S"
print(own[0:4], own[4096:4100], own[8192:8196], os.pread(fd, 4, 0))
direct = os.open("f", os.O_RDWR | os.O_DIRECT)
page = mmap.mmap(-1, 4096)
print(os.preadv(direct, [page], 0), page[0:4])
page[0:6] = b"DIRECT"
print(os.pwritev(direct, [page], 4096), os.pread(fd, 8, 4096), all[4096:4104], own[4096:4104])
os.ftruncate(fd, 100)
os.ftruncate(fd, 12288)
print(os.pread(fd, 4, 98), all[98:102], all[4096:4104], own[0:1], own[4096:4104])
add = os.open("f", os.O_WRONLY | os.O_APPEND)
all[12287:12288] = b"E"
print(os.write(add, b"end"), os.pread(fd, 10, 12285), os.fstat(fd).st_size)
r, w = os.pipe()
print(os.sendfile(w, fd, 0, 100), os.splice(fd, w, 100, offset_src=12280), os.splice(r, fd, 110, offset_dst=50))
print(os.pread(fd, 20, 45))'
}

test_pages() {
	local options
	for options in cache=auto cache=always cache=never passthrough=off cache=never,passthrough=off; do
		compared : "$options" inside bash -c "$(declare -f pages); pages"
		has "$(cat kernel.out)" "^b'P000' b'W000' b'S000' b'0WS0'$" "-o $options"
	done
}

# Two containers append to one file.
test_appending_by_two_mounts() {
	local options
	mkdir -m 777 lower
	for options in cache=auto passthrough=off cache=never,passthrough=off; do
		: >lower/log
		chmod 666 lower/log
		shifted lower one "$options"
		shifted lower two "$options" 0:300000:65536
		exec 8>>one/log 9>>two/log
		for i in 1 2 3; do
			echo "one $i" >&8
			echo "two $i" >&9
			as 100001 sh -c "echo three $i >>one/log"
		done
		exec 8>&- 9>&-
		is "$(cat lower/log)" "$(printf 'one %d\ntwo %d\nthree %d\n' 1 1 1 2 2 2 3 3 3)" "-o $options"
		unmount one two
	done
}

# Whether a change to the size that a file has moves its times is the file system's matter.
test_truncation_to_the_same_size() {
	local kind
	for kind in ext4 tmpfs; do
		mkdir fs
		[ "$kind" != tmpfs ] || mount -t tmpfs none fs
		mkdir fs/lower fs/lower2
		idmapped fs/lower2 kernel "$MAP"
		shifted fs/lower mnt
		for dir in kernel mnt; do
			inside python3 -c '
import os, sys
os.chdir(sys.argv[1])
fd = os.open("f", os.O_RDWR | os.O_CREAT)
for what in lambda n: os.truncate("f", n), lambda n: os.ftruncate(fd, n):
    for size in 0, 0, 5, 5, 0:
        os.utime("f", (1000, 1000))
        what(size)
        print(size, os.stat("f").st_mtime == 1000)' "$T/$dir" >"$dir.out"
		done
		no_difference kernel.out mnt.out
		unmount mnt kernel
		[ "$kind" != tmpfs ] || unmount fs
		rm -r fs
	done
}

# The bit stays when root sets an ACL and takes it away again: also on tmpfs, which looks who it is.
test_set_gid_bit_stays_without_acl() {
	local kind
	for kind in ext4 tmpfs; do
		mkdir fs
		[ "$kind" != tmpfs ] || mount -t tmpfs none fs
		mkdir fs/lower fs/lower/d
		touch fs/lower/f
		chgrp 2000 fs/lower/*
		chmod 2775 fs/lower/*
		shifted fs/lower mnt
		inside setfacl -m u:1000:rw mnt/d mnt/f
		inside setfacl -b mnt/d mnt/f
		is "$(stat -c %a mnt/d mnt/f fs/lower/d fs/lower/f | sort -u)" 2775 "$kind"
		unmount mnt
		[ "$kind" != tmpfs ] || unmount fs
		rm -r fs
	done
}
