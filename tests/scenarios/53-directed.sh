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
