# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Lists of directories read from anywhere, what is on the disk after an fsync(2), and the ends of
# extended attributes on each file system.

# shellcheck source=tests/scenarios/fs.sh
. "$REPO/tests/scenarios/fs.sh"

# Many at a time, each from places of its own, at which lists begin and end anywhere: what follows a
# place is what follows it on the lower. Also where directories are read without being opened.
# The numbers and places of entries are the lower's, so its own list is the measure.
test_lists_from_anywhere() {
	local options n
	mkdir lower
	for n in 0 1 2 3 7 30 100 500 3000; do
		mkdir "lower/d$n"
		(cd "lower/d$n" && seq -f "$(printf 'n%.0s' $(seq $((n % 90 + 1))))%.0f" "$n" | xargs -r touch)
	done
	cat >read.py <<-'END'
		import ctypes, os, random, struct, sys
		libc = ctypes.CDLL(None, use_errno=True)
		def entries(fd, size):
		    buf = ctypes.create_string_buffer(size)
		    n = libc.getdents64(fd, buf, size)
		    if n < 0:
		        raise OSError(ctypes.get_errno(), "getdents64")
		    at, out = 0, []
		    while at < n:
		        ino, off, reclen, kind = struct.unpack_from("QqHB", buf, at)
		        name = buf.raw[at + 19:at + reclen].split(b"\0")[0]
		        out.append((off, kind, name) if name == b".." else (off, kind, name, ino))
		        at += reclen
		    return out
		def whole(fd, size):
		    out = []
		    while True:
		        some = entries(fd, size)
		        if not some:
		            return out
		        out += some
		truth = {}
		for d in os.listdir("lower"):
		    truth[d] = whole(os.open("lower/" + d, os.O_RDONLY), 65536)
		def read(me):
		    random.seed(me)
		    for i in range(40):
		        d = random.choice(list(truth))
		        fd = os.open("mnt/" + d, os.O_RDONLY)
		        want = truth[d]
		        at = random.randrange(len(want))
		        if at > 0 and random.random() < .8:
		            os.lseek(fd, want[at - 1][0], os.SEEK_SET)
		            want = want[at:]
		        size = random.choice((300, 512, 4096, 65536))
		        got = whole(fd, size) if random.random() < .5 else entries(fd, size)
		        if got != want[:len(got)] or (not got and want):
		            print("%s from %d, by %d bytes: got %d, first %r, wanted %d, first %r" %
		                  (d, at, size, len(got), got[:1], len(want), want[:1]))
		            return 1
		        os.close(fd)
		    return 0
		for me in range(8):
		    if os.fork() == 0:
		        code = 1
		        try:
		            code = read(int(sys.argv[1]) * 8 + me)
		        finally:
		            sys.stdout.flush()
		            os._exit(code)
		sys.exit(any([os.wait()[1] for me in range(8)]))
	END
	for options in ro,cache=always cache=auto cache=never ro,cache=always,threads=2; do
		for n in 1 2; do
			shifted lower mnt "$options"
			timeout 120 python3 read.py "$n" >out 2>&1 || fail "-o $options: $(cat out)"
			unmount mnt
		done
	done
}

# after_power_fails NAME: what a copy of the disk, taken now, has in the file; "none" without it
after_power_fails() {
	cp --sparse=always img crash
	mkdir -p crashed
	mount -o loop crash crashed # plays the journal
	cat "crashed/lower/$1" 2>/dev/null || stat -c %F "crashed/lower/$1" 2>/dev/null || echo none
	umount crashed
}

# Each of them brings its own to the disk, which writes nothing by itself for some minutes.
test_what_is_synced_is_on_the_disk() {
	local options
	truncate -s 30M img
	mkfs.ext4 -q img
	mkdir fs
	mount -o loop,commit=600 img fs
	mkdir -m 777 fs/lower
	sync -f fs
	for options in cache=auto cache=always passthrough=off; do
		shifted fs/lower mnt "$options"
		inside python3 -c '
import mmap, os, sys
os.chdir(sys.argv[1])
fd = os.open("fsync", os.O_RDWR | os.O_CREAT)
os.write(fd, b"of fsync")
os.fsync(fd)' "$T/mnt"
		is "$(after_power_fails fsync)" "of fsync" "-o $options"
		inside dd of=mnt/fdatasync conv=fdatasync status=none <<<"of fdatasync"
		is "$(after_power_fails fdatasync)" "of fdatasync" "-o $options"
		inside dd of=mnt/osync oflag=sync status=none <<<"of O_SYNC"
		is "$(after_power_fails osync)" "of O_SYNC" "-o $options"
		inside dd of=mnt/dsync oflag=dsync status=none <<<"of O_DSYNC"
		is "$(after_power_fails dsync)" "of O_DSYNC" "-o $options"
		inside python3 -c '
import mmap, os, sys
os.chdir(sys.argv[1])
fd = os.open("fsync", os.O_RDWR)
page = mmap.mmap(fd, 8)
page[0:8] = b"of msync"
page.flush()' "$T/mnt"
		is "$(after_power_fails fsync)" "of msync" "-o $options"
		inside mkdir mnt/dir
		inside sync mnt
		is "$(after_power_fails dir)" directory "-o $options"
		rm -r fs/lower/*
		sync -f fs
		unmount mnt
	done
	unmount fs
}

xattrs_to_the_end() {
	python3 -c '
import errno, os
def attempt(what, *arguments):
    try:
        return what(*arguments)
    except OSError as e:
        return errno.errorcode[e.errno]
open("f", "w").close()
open("g", "w").close()
for size in 0, 1, 255, 2000, 4000, 4096, 16000, 65535, 65536, 65537:
    print(size, attempt(os.setxattr, "f", "user.v", b"v" * size), end=" ")
    value = attempt(os.getxattr, "f", "user.v")
    print(value if isinstance(value, str) else len(value))
for size in 1, 240, 249, 250, 251:
    print(size, attempt(os.setxattr, "f", "user." + "n" * size, b"v"), len(os.listxattr("f")))
os.removexattr("f", "user.v")
n = 0
while n < 400 and attempt(os.setxattr, "g", "user.%03d" % n + "n" * 240, b"v") is None:
    n += 1
print(n, attempt(os.setxattr, "g", "user.more", b"v"))
names = attempt(os.listxattr, "g")
print(names if isinstance(names, str) else sorted(names) == ["user.%03d" % i + "n" * 240 for i in range(n)])
print(attempt(os.getxattr, "g", "user.000" + "n" * 240))
for i in range(n):
    os.removexattr("g", "user.%03d" % i + "n" * 240)
print(os.listxattr("g"))'
}

test_xattrs_to_the_end() {
	local kind
	for kind in ext4 xfs btrfs tmpfs; do
		mkdir fs
		case $kind in
		tmpfs) mount -t tmpfs -o mode=755 tmpfs fs ;;
		*)
			truncate -s 300M img
			"mkfs.$kind" -q img >log 2>&1 || fail "$(cat log)"
			mount -o loop img fs
			rm img
			;;
		esac
		mkdir fs/lower fs/lower2
		idmapped fs/lower2 kernel "$MAP"
		shifted fs/lower mnt
		for dir in kernel mnt; do
			(cd "$dir" && inside bash -c "$(declare -f xattrs_to_the_end); xattrs_to_the_end") >"$dir.out" 2>&1 || true
		done
		has "$(cat kernel.out)" '^\[' "$kind"
		no_difference kernel.out mnt.out
		unmount mnt kernel fs
		rmdir fs
	done
}

# The limit of open files of who starts the server is raised as far as that may be.
test_limit_of_open_files() {
	mkdir lower mnt
	bash -c 'ulimit -Sn 200; ulimit -Hn 5000; exec setpriv --bounding-set=-sys_resource timeout 10 "$@"' - \
		"$SHIFTER" lower mnt -o "uidmapping=$MAP,gidmapping=$MAP"
	has "$(cat "/proc/$(server_pid)/limits")" '^Max open files +5000 +5000 '
	unmount mnt
}
