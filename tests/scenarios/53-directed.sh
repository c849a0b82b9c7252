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
