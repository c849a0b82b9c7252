# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The shifter as a file system, at the ends: large directories, large files, long paths, many
# ranges, many processes. 55-operations.sh has the ordinary.

# shellcheck source=tests/scenarios/fs.sh
. "$REPO/tests/scenarios/fs.sh"

# as_on_kernel OWNER COMMAND...: run in two directories of OWNER, through the shifter and through
# the kernel's idmapped mount, it says the same and leaves the same.
as_on_kernel() {
	mkdir lower lower2
	chown "$1:$1" lower lower2
	idmapped lower2 kernel "$MAP"
	shifted lower mnt
	(cd kernel && "${@:2}") >kernel.out 2>&1 || fail "$(cat kernel.out)"
	(cd mnt && "${@:2}") >shifter.out 2>&1 || true
	on_disk lower2 >kernel.disk
	on_disk lower >shifter.disk
	unmount mnt kernel
	no_difference kernel.out shifter.out
	no_difference kernel.disk shifter.disk
}

# Of 100,000 names, some go, some change and new ones come while the directory is read: nothing is
# listed twice, and nothing is missing that was there all the time.
test_crowded_directory() {
	mkdir -p lower/d
	chown -R 1000:1000 lower
	shifted lower mnt
	python3 -c '
import os
os.chdir("lower/d")
for i in range(100000):
    if i % 1000 == 0: # names, and not as many inodes: quicker
        os.close(os.open("file-%d" % i, os.O_CREAT))
    else:
        os.link("file-%d" % (i - i % 1000), "file-%d" % i)'
	as 101000 python3 -c '
import os
os.chdir("mnt/d")
for i in range(100, 100000, 200):
    os.unlink("file-%d" % i)
    os.close(os.open("new-%d" % i, os.O_CREAT))
    os.rename("file-%d" % (i + 5), "moved-%d" % i)' &
	ls -U mnt/d >listed
	wait $!
	is "$(wc -l <listed)" "$(sort -u listed | wc -l)" "listed once"
	is "$(seq 0 99999 | awk '$1 % 5 {print "file-" $1}' | sort | comm -23 - <(sort listed) | wc -l)" \
		0 "lost"
	is "$(find mnt/d -printf '%P\n' | sort | cksum)" "$(find lower/d -printf '%P\n' | sort | cksum)" \
		afterwards
	unmount mnt
}

test_beyond_4_gib() {
	# shellcheck disable=SC2016 # Python
	as_on_kernel 0 inside python3 -c '
import mmap, os
G = 1 << 30
fd = os.open("big", os.O_RDWR | os.O_CREAT)
print(os.pwrite(fd, b"five", 5 * G + 1), os.pread(fd, 10, 5 * G))
print(os.lseek(fd, 0, os.SEEK_DATA) > 4 * G, os.lseek(fd, 5 * G + 4, os.SEEK_HOLE))
print(os.lseek(fd, 4 * G + 1, os.SEEK_HOLE))
os.ftruncate(fd, 9 * G)
page = mmap.mmap(fd, 4096, offset=8 * G)
page[5:10] = b"eight"
page.flush()
print(os.pread(fd, 5, 8 * G + 5), os.fstat(fd).st_size)
print(os.copy_file_range(fd, fd, 4, 5 * G + 1, 6 * G), os.pread(fd, 4, 6 * G))
os.posix_fallocate(fd, 9 * G, 4096)
os.ftruncate(fd, 8 * G + 8)
print(os.pread(fd, 10, 8 * G + 5), os.fstat(fd).st_blocks < 1000)
os.fsync(fd)
os.truncate("big", 4 * G + 7)
print(os.stat("big").st_size, os.fstat(fd).st_size)
add = os.open("big", os.O_WRONLY | os.O_APPEND)
print(os.write(add, b"end"), os.pread(fd, 10, 4 * G + 5))'
}

# 4095 bytes are the longest path; what is deeper is reached step by step. The names are no UTF-8.
test_longest_paths() {
	on_disk() {
		find "$1" -printf '%d %y %m %U:%G\n'
	}
	# shellcheck disable=SC2016 # Python
	as_on_kernel 1000 as 101000 python3 -c '
import errno, os
name = b"\xff\xc3" + b"x" * 251 + b"\xe2\x82"
def attempt(what, *arguments):
    try:
        return what(*arguments)
    except OSError as e:
        return errno.errorcode[e.errno]
path = name
for i in range(15):
    os.mkdir(path)
    path += b"/" + name
print(len(path), attempt(os.mkdir, path), attempt(os.mkdir, path + b"/x"))
print(os.stat(path).st_uid, os.listdir(os.path.dirname(path)) == [name])
print(attempt(os.mkdir, name + b"x"), attempt(os.symlink, b"t" * 4096, "l"), attempt(os.symlink, b"t" * 4095, "l"))
print(len(attempt(os.readlink, "l")))
for i in range(20):
    attempt(os.mkdir, name)
    os.chdir(name)
os.close(os.open(name, os.O_CREAT, 0o600))
print(os.listdir(b".") == [name], attempt(os.getcwdb)[-300:])
for i in range(20):
    os.chdir("..")
print(sorted(len(n) for n in os.listdir(b".")))'
	shifted lower mnt
	as 101000 find mnt -mindepth 1 -delete
	is "$(find lower -mindepth 1 | wc -l)" 0
	unmount mnt
}

# Two processes on one mount: one listens, the other connects.
test_sockets() {
	as_on_kernel 1000 as 101000 python3 -c '
import os, socket
s = socket.socket(socket.AF_UNIX)
s.bind("socket")
os.chmod("socket", 0o600)
s.listen()
if os.fork() == 0:
    c = socket.socket(socket.AF_UNIX)
    c.connect("socket")
    c.send(b"hello")
    os._exit(0)
print(s.accept()[0].recv(10), os.stat("socket").st_mode)
os.rename("socket", "moved")
c = socket.socket(socket.AF_UNIX)
c.connect("moved")
os.unlink("moved")
try:
    socket.socket(socket.AF_UNIX).connect("moved")
except FileNotFoundError:
    print("gone")'
}

# Eight processes write to one file, by mappings and by write(2), each to places of its own.
test_writers_share_a_file() {
	as_on_kernel 1000 as 101000 python3 -c '
import mmap, os
fd = os.open("f", os.O_RDWR | os.O_CREAT, 0o644)
os.ftruncate(fd, 1 << 16)
def write(me):
    if me % 2:
        page = mmap.mmap(fd, 1 << 16)
        for at in range(me * 16, 1 << 16, 128):
            page[at:at + 16] = b"%15d\n" % me
    else:
        for at in range(me * 16, 1 << 16, 128):
            os.pwrite(fd, b"%15d\n" % me, at)
for me in range(8):
    if os.fork() == 0:
        write(me)
        os._exit(0)
for me in range(8):
    print(os.wait()[1])
print(sum(1 for line in open("f")))'
}

# A lock that is waited for is had when the other process lets go.
test_locks_are_waited_for() {
	as_on_kernel 1000 as 101000 python3 -c '
import fcntl, os
fd = os.open("f", os.O_RDWR | os.O_CREAT, 0o644)
r, w = os.pipe()
fcntl.lockf(fd, fcntl.LOCK_EX, 10, 0)
if os.fork() == 0:
    other = os.open("f", os.O_RDWR)
    os.write(w, b"x")
    fcntl.lockf(other, fcntl.LOCK_EX, 10, 0)
    print("then the other", os.pread(other, 9, 0), flush=True)
    os._exit(0)
os.read(r, 1)
os.pwrite(fd, b"the first", 0)
print("first this one", flush=True)
fcntl.lockf(fd, fcntl.LOCK_UN)
os.wait()
fcntl.flock(fd, fcntl.LOCK_EX)
if os.fork() == 0:
    other = os.open("f", os.O_RDWR)
    os.write(w, b"x")
    fcntl.flock(other, fcntl.LOCK_SH)
    print("shared", flush=True)
    os._exit(0)
os.read(r, 1)
print("released", flush=True)
fcntl.flock(fd, fcntl.LOCK_UN)
os.wait()'
}

# uid_with_groups UID GROUPS SCRIPT
uid_with_groups() {
	setpriv --reuid "$1" --regid "$1" --groups "$2" sh -c "umask 002; exec 2>&1; $3" || true
}

members() {
	uid_with_groups 101000 100050,100060 '
		mkdir d f
		chgrp 100060 d
		chmod 2770 d
		touch d/file
		mkdir d/dir
		chgrp 100050 f
		chmod 2755 f
		chgrp 100070 f
		touch own
		chgrp 100060 own
		chmod 2755 own
		chmod g-x,g+s own'
	uid_with_groups 101001 100060 '
		echo text >d/by-group
		cat d/by-group
		touch d/dir/below f/refused
		rm d/file
		chmod 2775 d/by-group
		chgrp 101001 d/by-group
		chmod 2775 d/by-group d'
	uid_with_groups 101002 100050 '
		ls d
		touch d/other'
}

# What a member of a second group may do, and the set-group-id bit for members and others.
test_supplementary_groups() {
	export LC_ALL=C
	as_on_kernel 1000 members
	has "$(cat shifter.disk)" 'd/by-group f 2?775 1001:1001'
	has "$(cat shifter.disk)" 'd/dir/below f 664 1001:60'
}

# Names of one file in several directories, and what the numbers of all are.
test_hard_links_across_directories() {
	mkdir -p lower/{a,b/c}
	touch lower/a/one
	ln lower/a/one lower/b/two
	shifted lower mnt
	as 100000 ln mnt/b/two mnt/b/c/three
	is "$(stat -c '%i %h' mnt/a/one mnt/b/two mnt/b/c/three | sort -u)" "$(stat -c %i lower/a/one) 3"
	as 100000 mv mnt/a/one mnt/b/c/one
	as 100000 rm mnt/b/two
	is "$(stat -c '%i %h' mnt/b/c/* | sort -u)" "$(stat -c '%i %h' lower/b/c/three)"
	is "$(find mnt -printf '%P %i %n\n' | sort)" "$(find lower -printf '%P %i %n\n' | sort)"
	is "$(cd mnt && ls -iR)" "$(cd lower && ls -iR)" "in a list"
	unmount mnt
}

test_statfs() {
	mkdir lower
	mount -t tmpfs -o size=10m,nr_inodes=1000 none lower
	head -c 1000000 /dev/zero >lower/f
	shifted lower mnt
	is "$(stat -f -c '%b %f %a %c %d %l %s %S' mnt/f)" "$(stat -f -c '%b %f %a %c %d %l %s %S' lower/f)"
	head -c 20000000 /dev/zero 2>/dev/null >mnt/f && fail "more than there is room for"
	is "$(df --output=avail mnt | tail -n 1)" "$(df --output=avail lower | tail -n 1)"
	sync -f mnt/f
	unmount mnt lower
}

# The ends of what ext4 can store, and the half second before 1970.
test_times() {
	as_on_kernel 1000 as 101000 python3 -c '
import os
G = 10 ** 9
open("f", "w")
for t in -2147483648 * G, -G // 2, -1, 0, 1, 2147483647 * G + 999999999, 4294967296 * G, 15032385535 * G + 999999999:
    os.utime("f", ns=(t, t + 1 if t < 15032385535 * G else t))
    s = os.stat("f")
    print(t, s.st_atime_ns, s.st_mtime_ns)
for t in -2147483649 * G, 15032385536 * G:
    os.utime("f", ns=(t, t))
    print(t, os.stat("f").st_mtime_ns)'
}

# As many ranges as the kernel allows, with gaps on both sides.
test_340_ranges() {
	local map
	map=$(seq 0 339 | awk '{printf "%s%d:%d:%d", (NR > 1 ? ":" : ""), $1 * 100, 200000 + (339 - $1) * 1000, $1 % 50 + 1}')
	mkdir lower
	chmod 777 lower
	shifted lower mnt "" "$map"
	python3 -c '
import os
wrong = 0
for i in range(340):
    size = i % 50 + 1
    for disk, shown in (i * 100, 200000 + (339 - i) * 1000), \
            (i * 100 + size - 1, 200000 + (339 - i) * 1000 + size - 1), (i * 100 + size, 65534):
        name = "lower/%d" % disk
        os.close(os.open(name, os.O_CREAT))
        os.chown(name, disk, disk)
        s = os.stat("mnt/%d" % disk)
        wrong += (s.st_uid, s.st_gid) != (shown, shown)
        if shown == 65534:
            try:
                os.chown("mnt/0", 200000 + (339 - i) * 1000 + size, -1)
                wrong += 1
            except OverflowError:
                pass
            except OSError as e:
                wrong += e.errno != 75
        else:
            os.chown("mnt/0", shown, shown)
            s = os.stat("lower/0")
            wrong += (s.st_uid, s.st_gid) != (disk, disk)
print("wrong:", wrong)' >out
	is "$(cat out)" "wrong: 0"
	unmount mnt
	timeout 10 "$SHIFTER" lower mnt -o "uidmapping=$map:40000:600000:1,gidmapping=$map" 2>refused &&
		fail "341 ranges"
	has "$(cat refused)" '^oci-shifter: error: uidmapping: .*340'
}
