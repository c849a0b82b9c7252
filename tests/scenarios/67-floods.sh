# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A container that asks for all it can get: inodes, open files, requests from all sides, moves while
# others look. Its server goes on, another's does not feel it, and what was taken comes back.
# alone: the kernel is to forget what it knows, and others would keep it

# shellcheck source=tests/scenarios/65-memory.sh
. "$REPO/tests/scenarios/65-memory.sh"

# other_mount: one over the same kind of tree that another container would have
other_mount() {
	mkdir -p other.lower
	echo text >other.lower/f
	chmod 777 other.lower
	shifted other.lower other
}

other_mount_serves() {
	is "$(as 100000 sh -c 'echo more >>other/f; stat -c %u other/f; cat other/f')" $'100000\ntext\nmore'
	rm other.lower/f
	unmount other
}

# flooded MNT: as root of a container that has it as its root
flooded() {
	echo secret >secret
	inside "$(tool flood)" "$1" 4 16 >flood.out || fail "$(cat flood.out)"
	cat flood.out
	has "$(cat flood.out)" '^[0-9]{3,} read, [0-9]{2,} moved, [0-9]{3,} done, 0 wrong$'
}

# Slots are given to other inodes all the time: no file is ever taken for another, and at the end
# none is left.
test_flood() {
	local cache
	mkdir lower
	for cache in auto always never; do
		mkdir -m 777 "lower/$cache"
		logged "lower/$cache" mnt "cache=$cache,threads=4"
		other_mount
		flooded mnt
		other_mount_serves
		[ "$(find "/proc/$SERVER/task" -mindepth 1 -maxdepth 1 | wc -l)" -le 4 ] || fail "threads"
		unmount_forgotten mnt
	done
}

test_flood_of_fds() {
	mkdir lower work over
	mkdir -m 777 upper
	mount -t overlay none -o lowerdir=lower,upperdir=upper,workdir=work,nfs_export=off over
	logged over mnt
	flooded mnt
	has "$(cat log)" 'serving with fds'
	unmount_forgotten mnt
	umount over
}

# came_back N PID: asked to forget, the kernel has done so, and it has no more than N kB
came_back() {
	forget mnt
	below "$1" memory_of "$2"
}

# TEST_TIMEOUT=300 INODES=1000000 tests/run -k many_inodes: the same by hand.
# plain: sanitizers have memory of their own, and keep what is freed
test_many_inodes() {
	local pid start
	INODES=${INODES:-200000}
	mkdir lower
	mount -t tmpfs -o nr_inodes=0 none lower
	files lower "$INODES"
	shifted lower mnt cache=always,threads=1
	pid=$(server_pid)
	other_mount
	stat mnt/d0/f0 >/dev/null
	start=$(memory_of "$pid")
	walk mnt
	echo "$INODES inodes: $(($(memory_of "$pid") - start)) kB"
	# In kB: 128 bytes for each, and what the buckets take.
	below $((start + INODES / 8 + 4096)) memory_of "$pid" || fail "it has $(memory_of "$pid") kB"
	below 300 fds_of "$pid" || fail "$(fds_of "$pid") fds"
	is "$(as 100000 cat mnt/d0/f0 | wc -c)" 0
	other_mount_serves
	# malloc(3) keeps some of what the buckets were.
	wait_for came_back $((start + 1024 + INODES / 200)) "$pid"
	echo "afterwards: $(($(memory_of "$pid") - start)) kB"
	unmount mnt lower
}

# As many open files as it can have: then an error, and what it has goes on.
test_open_files_run_out() {
	local pid start
	mkdir mnt
	mkdir -m 777 lower
	(cd lower && seq -f 'f%.0f' 2000 | xargs touch && chmod 666 f*)
	bash -c 'ulimit -n 400; exec setpriv --bounding-set=-sys_resource timeout 10 "$@"' - "$SHIFTER" \
		lower mnt -o "uidmapping=$MAP,gidmapping=$MAP"
	pid=$(server_pid)
	other_mount
	stat mnt/f1 >/dev/null
	start=$(fds_of "$pid")
	as 100000 python3 - <<-'EOF'
		import errno, os, resource, time
		resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
		mine, refused = [], 0
		for i in range(2000):
		    try:
		        mine.append(os.open("mnt/f%d" % (i + 1), os.O_RDWR))
		    except OSError as e:
		        assert e.errno == errno.ENFILE, e
		        refused += 1
		assert refused and len(mine) > 100, (refused, len(mine))
		for fd in mine:
		    assert os.write(fd, b"x") == 1 and os.pread(fd, 2, 0) == b"x"
		for what in lambda: os.open("mnt/new", os.O_CREAT | os.O_WRONLY), lambda: os.open("mnt", os.O_TMPFILE | os.O_RDWR):
		    try:
		        what()
		        raise SystemExit("there was room")
		    except OSError as e:
		        assert e.errno == errno.ENFILE, e
		os.close(mine.pop())
		for i in range(100): # the server hears of it a moment later
		    try:
		        mine.append(os.open("mnt/f2000", os.O_RDWR))
		        break
		    except OSError:
		        time.sleep(0.1)
		else:
		    raise SystemExit("no room came back")
		os.rename("mnt/f1999", "mnt/f1998")
		os.stat("mnt/f1998")
	EOF
	other_mount_serves
	forget mnt
	# But for files that were just read, which are kept for the next reader.
	wait_for below $((start + 64)) fds_of "$pid"
	is "$(as 100000 cat mnt/f1)" x
	unmount mnt
}

# The image has itself in it, mounted again and again: each place is shown, and none is endless.
test_mounts_in_a_circle() {
	local at=lower/d
	mkdir -p lower/d
	touch lower/f lower/d/g
	for _ in 1 2 3 4 5; do
		mount --rbind lower "$at"
		at=$at/d
	done
	find lower -printf '%P %y %s\n' 2>/dev/null | sort >wanted
	shifted lower mnt
	umount -R lower/d
	find mnt -printf '%P %y %s\n' 2>/dev/null | sort >got
	no_difference wanted got
	is "$(stat -c %i mnt/f)" "$(stat -c %i lower/f)"
	unmount mnt
}

# A file that is far longer than the disk: reading where nothing is, looking for data, and copying,
# of which one request does a part only, so that nobody waits for it long, or cannot be killed.
test_sparse_giant() {
	local pid start
	mkdir -m 777 lower
	truncate -s 15T lower/giant
	chmod 666 lower/giant
	shifted lower mnt threads=1
	pid=$(server_pid)
	start=$(memory_of "$pid")
	as 100000 python3 - <<-'EOF'
		import os
		T = 1 << 40
		fd = os.open("mnt/giant", os.O_RDWR)
		assert os.fstat(fd).st_size == 15 * T
		assert os.pread(fd, 1 << 20, 15 * T - 4096) == bytes(4096)
		os.pwrite(fd, b"data", 7 * T)
		assert os.lseek(fd, 0, os.SEEK_DATA) <= 7 * T < os.lseek(fd, 7 * T, os.SEEK_HOLE)
		to = os.open("mnt/copy", os.O_CREAT | os.O_RDWR)
		done = os.copy_file_range(fd, to, T)
		assert 0 < done <= 1 << 27, done
		os.ftruncate(fd, 0)
	EOF
	below $((start + 8192)) memory_of "$pid" || fail "$(memory_of "$pid") kB"
	rm lower/*
	unmount mnt
}
