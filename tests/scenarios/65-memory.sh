# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the server remembers of an inode goes when the kernel forgets it: memory, fds, lookups.
# alone: others would drop the caches, or keep what is to be forgotten

# shellcheck source=tests/scenarios/fs.sh
. "$REPO/tests/scenarios/fs.sh"

# logged SRC MNT [OPTIONS]: a shifter that logs all to ./log; its pid is $SERVER
logged() {
	mkdir -p "$2"
	"$SHIFTER" -d "$1" "$2" -o "uidmapping=$MAP,gidmapping=$MAP${3:+,$3}" 2>log &
	SERVER=$!
	wait_for mountpoint -q "$2"
}

# The kernel forgets all that nobody uses. It tells the server when it likes to, but no later than
# it asks it for other things.
forget() {
	local round
	for round in 1 2 3; do
		echo 2 >/proc/sys/vm/drop_caches
		for _ in $(seq 20); do
			stat -f "$1" >/dev/null
		done
		sleep 0.$round
	done
}

# unmount_forgotten MNT: of what logged() started, and nothing must be left in its table.
unmount_forgotten() {
	local root
	forget "$1"
	# The directory that is mounted is one that the kernel looked up, from Linux 6.15 on.
	root=$(grep -c " /lower $(realpath "$1") " /proc/self/mountinfo)
	unmount "$1"
	wait "$SERVER" || fail "the server ended with $?"
	is "$(grep -o 'ended with .*' log)" "ended with $root inodes, $root lookups"
}

# Private memory of a process in kB.
memory_of() {
	awk '$1 == "Anonymous:" {print $2}' "/proc/$1/smaps_rollup"
}

fds_of() {
	find "/proc/$1/fd" -type l | wc -l
}

# below N COMMAND...: what it prints is no more than N
below() {
	[ "$("${@:2}")" -le "$1" ]
}

# files DIR N: in directories of 100, and some with a second name
files() {
	python3 - "$@" <<-'EOF'
		import os, sys
		for d in range(int(sys.argv[2]) // 100):
		    path = "%s/d%d" % (sys.argv[1], d)
		    os.mkdir(path)
		    for f in range(100):
		        os.mknod("%s/f%d" % (path, f))
		        if f % 4 == 0:
		            os.link("%s/f%d" % (path, f), "%s/g%d" % (path, f))
	EOF
}

# walk DIR: stat of each name
walk() {
	find "$1" -printf %s | wc -c >/dev/null
}

# walk_takes N PID: it has N kB at the end. Whoever else drops caches meanwhile spoils one walk.
walk_takes() {
	walk mnt
	[ "$(memory_of "$2")" -ge "$1" ]
}

# 64 bytes and a little: that is what an inode costs, and it comes back.
# plain: sanitizers have memory of their own, and keep what is freed
test_memory_comes_back() {
	local pid start after
	mount -t tmpfs none "$(mkdir lower && echo lower)"
	files lower 15000
	# A thread has buffers of its own: one is enough here.
	shifted lower mnt cache=always,threads=1
	pid=$(server_pid)
	walk mnt/d0
	forget mnt
	start=$(memory_of "$pid")
	wait_for walk_takes $((start + 900)) "$pid"
	after=$(memory_of "$pid")
	[ "$after" -le $((start + 1500)) ] || fail "15,000 inodes take $((after - start)) kB"
	forget mnt
	wait_for below $((start + 300)) memory_of "$pid"
	# And again: what was given back is as good as new.
	wait_for walk_takes $((start + 900)) "$pid"
	below $((after + 300)) memory_of "$pid" || fail "the second time $(memory_of "$pid") kB, not $after"
	unmount mnt lower
}

# Where there are no handles an inode costs an fd, and it comes back.
test_fds_come_back() {
	local pid start
	mkdir lower work over
	mkdir -m 777 upper
	files lower 2000
	mount -t overlay none -o lowerdir=lower,upperdir=upper,workdir=work,nfs_export=off over
	shifted over mnt
	pid=$(server_pid)
	start=$(fds_of "$pid")
	walk mnt
	[ "$(fds_of "$pid")" -gt $((start + 2000)) ] || fail "only $(fds_of "$pid") fds: are there handles?"
	forget mnt
	wait_for below "$start" fds_of "$pid"
	as 100000 "$(tool churn)" mnt 1000
	forget mnt
	wait_for below "$start" fds_of "$pid"
	unmount mnt over
}

# Every lookup that the kernel was given it gives back, whatever happened to the call it was for.
test_interrupted_calls_lose_no_lookup() {
	mkdir -m 777 lower
	logged lower mnt
	as 100000 "$(tool churn)" mnt 4000
	has "$(cat log)" 'serving with handles'
	unmount_forgotten mnt
}

test_interrupted_calls_lose_no_lookup_of_fds() {
	mkdir lower work over
	mkdir -m 777 upper
	mount -t overlay none -o lowerdir=lower,upperdir=upper,workdir=work,nfs_export=off over
	logged over mnt cache=never
	as 100000 "$(tool churn)" mnt 2000
	has "$(cat log)" 'serving with fds'
	unmount_forgotten mnt
	umount over
}

# At unmount the kernel does not give back what it remembers. All the same nothing got lost: in a
# build with assertions (SANITIZE) the server has counted a second time, and ends by SIGABRT where
# its table says otherwise.
test_lookups_at_unmount() {
	local cache
	mkdir -m 777 lower
	files lower 1000
	for cache in auto always never; do
		logged lower mnt "cache=$cache"
		walk mnt
		as 100000 "$(tool churn)" mnt 1000
		unmount mnt
		wait "$SERVER" || fail "cache=$cache: the server ended with $?: $(tail -n 5 log)"
		has "$(cat log)" 'ended with [1-9][0-9]* inodes, [1-9][0-9]* lookups'
	done
}

# Unnamed, replaced, in use while its name goes: what the server keeps open for that, it closes.
test_unnamed_inodes_are_let_go() {
	local pid start
	mkdir -m 777 lower
	shifted lower mnt
	pid=$(server_pid)
	# The root is mounted: it stays known, and an fd of it near at hand.
	! stat mnt/none
	start=$(fds_of "$pid")
	(cd mnt && as 100000 python3) <<-'EOF'
		import os, time
		kept = []
		for i in range(300):
		    kept.append(os.open(".", os.O_TMPFILE | os.O_RDWR))
		    fd = os.open("f", os.O_CREAT | os.O_RDWR)
		    kept.append(os.open("f", os.O_PATH))
		    os.close(fd)
		    if i % 2:
		        os.unlink("f")
		    else:
		        os.close(os.open("g", os.O_CREAT | os.O_RDWR))
		        os.rename("g", "f")
		    os.mkdir("d")
		    kept.append(os.open("d", os.O_RDONLY | os.O_DIRECTORY))
		    os.rmdir("d")
		for fd in kept:
		    os.fstat(fd)
	EOF
	forget mnt
	wait_for below "$start" fds_of "$pid"
	unmount mnt
}

# The kernel wants of a creation what it asked for. Where somebody has put another thing in its
# place meanwhile, past this mount, it refuses the reply, and counts no lookup.
test_creation_that_was_replaced_at_once() {
	mkdir -m 777 lower
	logged lower mnt cache=never
	timeout 40 python3 - <<-'EOF' &
		import os
		while not os.path.exists("stop"):
		    os.mkfifo("lower/other")
		    while not os.path.exists("lower/x") and not os.path.exists("stop"):
		        pass
		    os.rename("lower/other", "lower/x")
		    os.unlink("lower/x")
	EOF
	as 100000 python3 - <<-'EOF'
		import errno, os, time
		made, end = 0, time.monotonic() + 1
		while time.monotonic() < end or (made < 2000 and time.monotonic() < end + 20):
		    try:
		        os.mknod("mnt/x")
		        made += 1
		    except OSError as e:
		        assert e.errno in (errno.EEXIST, errno.ENOENT, errno.ESTALE), e
	EOF
	touch stop
	wait %2
	rm -f lower/x lower/other
	unmount_forgotten mnt
}
