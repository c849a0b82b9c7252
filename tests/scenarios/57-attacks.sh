# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Attacks on the shifter, through its mounts and from where a taken-over server would start.

# shellcheck source=tests/scenarios/fs.sh
. "$REPO/tests/scenarios/fs.sh"

# shift_mount SOURCE DIR [OPTION]
shift_mount() {
	mkdir -p "$2"
	"$SHIFTER" "$1" "$2" -o "uidmapping=$MAP,gidmapping=$MAP${3:+,$3}"
}

# The kernel remembers that a name is not there, and asks for a CREATE without a look at what has
# come to be there meanwhile, through another mount: whose file it is must still count.
test_create_does_not_open_anothers_file() {
	mkdir -p lower/tmp
	chmod 1777 lower/tmp
	shift_mount "$T/lower" a
	shift_mount "$T/lower" b
	for flags in "O_RDWR" "O_RDWR|os.O_TRUNC" "O_RDONLY"; do
		as 101000 test ! -e a/tmp/secret
		(umask 077 && echo "root's secret" >lower/tmp/secret)
		as 101000 python3 -c "
import os, sys
try:
    fd = os.open('a/tmp/secret', os.O_CREAT | os.$flags)
except PermissionError:
    sys.exit(0)
sys.exit('opened: ' + repr(os.read(fd, 100)))"
		is "$(cat lower/tmp/secret)" "root's secret" "$flags"
		rm lower/tmp/secret
		sleep 1.1
	done
	umount a b
}

# What is there now and is one's own opens all the same.
test_create_opens_ones_own_file() {
	mkdir -p lower/tmp
	chmod 1777 lower/tmp
	shift_mount "$T/lower" a
	as 101000 test ! -e a/tmp/mine
	echo mine >lower/tmp/mine
	chown 1000:1000 lower/tmp/mine
	is "$(as 101000 python3 -c "
import os
print(os.read(os.open('a/tmp/mine', os.O_CREAT | os.O_RDWR), 100).decode().strip())")" mine
	umount a
}

# plain: sanitizers have more in reach (sanitizers.h)
test_no_way_out_of_the_sandbox() {
	mkdir lower
	shift_mount "$T/lower" m
	pid=$(server_pid)
	# Its working directory is its own list of fds, and ".." of that the same.
	is "$(stat -L -c %i "/proc/$pid/cwd/..")" "$(stat -L -c %i "/proc/$pid/cwd/.")" "cwd/.."
	is "$(ls "/proc/$pid/root/")" lower "its root directory"
	is "$(awk '{print $5}' "/proc/$pid/mountinfo" | sort)" $'/\n/lower' "its mounts"
	for ns in mnt net ipc; do
		[ "$(readlink "/proc/$pid/ns/$ns")" != "$(readlink /proc/self/ns/$ns)" ] || fail "$ns namespace"
	done
	has "$(cat "/proc/$pid/status")" "NoNewPrivs:.1"
	has "$(cat "/proc/$pid/status")" "Seccomp:.2"
	umount m
}

# A limit of whoever starts the shifter is not one for the container, and never its end.
test_file_size_limit_is_not_the_servers_end() {
	mkdir lower
	chmod 777 lower
	(ulimit -f 8 && shift_mount "$T/lower" m)
	head -c 1000000 /dev/zero | as 100000 sh -c 'cat >m/big' || true
	as 100000 touch m/alive
	umount m
}

test_unnamed_file_lives_as_long_as_it_is_known() {
	mkdir lower
	chmod 777 lower
	shift_mount "$T/lower" m
	as 100000 python3 - <<-'EOF'
		import os, time
		fd = os.open("m", os.O_TMPFILE | os.O_RDWR)
		os.write(fd, b"kept")
		path = os.open("/proc/self/fd/%d" % fd, os.O_PATH)
		os.close(fd)
		time.sleep(1.2)
		assert os.fstat(path).st_size == 4
		assert os.read(os.open("/proc/self/fd/%d" % path, os.O_RDONLY), 9) == b"kept"
	EOF
	umount m
}

# Device nodes of the image do not open, also where a remount has dropped nodev.
test_devices_of_the_image_do_not_open() {
	mkdir lower
	mknod -m 666 lower/null c 1 3
	mknod -m 666 lower/disk b 7 0
	mknod -m 666 lower/whiteout c 0 0
	shift_mount "$T/lower" m nodev
	mount -o remount,bind,dev m
	for f in null disk; do
		out=$(as 100000 cat m/$f 2>&1) && fail "$f opened"
		has "$out" "No such device"
	done
	is "$(stat -c %t:%T m/null m/disk m/whiteout)" $'801:3\n807:0\n0:0'
	umount m
}

each_readonly_root_opens_no_device() {
	image_copy image
	mknod -m 666 image/opt/zero c 1 5
	for readonly in true false; do
		bundle b ".root = {path: \$image, readonly: $readonly}" --arg image "$T/image"
		sh_args b 'head -c 1 /opt/zero | wc -c; head -c 1 /dev/zero | wc -c'
		is "$(run_in "$1" b 2>/dev/null)" $'0\n1' "readonly $readonly"
	done
}

# config.json mounts over a mount of the image the very same directory, read-only: that is the
# container's mount, not the image's, and stays as it is.
each_mount_over_the_images_own_stays_read_only() {
	image_copy image
	mkdir image/srv/x
	mount -t tmpfs -o mode=777 tmpfs image/srv/x
	bundle b '.root = {path: $image, readonly: false}
		| .mounts += [{destination: "/srv/x", type: "bind", source: ($image + "/srv/x"),
			options: ["rbind", "ro"]}]' --arg image "$T/image"
	sh_args b 'touch /srv/x/new 2>&1; true'
	out=$(run_in "$1" b)
	umount image/srv/x
	has "$out" "Read-only file system"
}

# Of system.* the kernel checks no permission: to the lower the server would ask as root.
test_attributes_of_the_file_systems_own_are_nobodys() {
	mkdir odd
	timeout 60 "$(tool oddfs)" -f odd &
	wait_for mountpoint -q odd
	is "$(getfattr --only-values -n system.nfs4_acl odd/f)" "the owner's"
	shift_mount odd m
	export LC_ALL=C
	has "$(as 101000 setfattr -n system.nfs4_acl -v mine m/f 2>&1)" 'Operation not supported'
	has "$(as 101000 setfattr -x system.nfs4_acl m/f 2>&1)" 'Operation not supported'
	has "$(as 101000 getfattr -n system.nfs4_acl m/f 2>&1)" 'Operation not supported'
	is "$(getfattr -m - m/f)" "" "the list"
	umount m
	is "$(getfattr --only-values -n system.nfs4_acl odd/f)" "the owner's"
	umount odd
	wait $!
}

# Whoever may open file handles makes them up: of nodes that the server does not have, and of those
# that it has. It is not even asked. The host's root may everywhere, and newer kernels let whoever is
# root of a mount namespace of its own.
test_handles_that_are_made_up() {
	mkdir -m 777 lower m
	mkdir -m 700 lower/secret
	echo secret >lower/secret/f
	echo text >lower/f
	"$SHIFTER" -d lower m -o "uidmapping=$MAP,gidmapping=$MAP,cache=always" 2>log &
	wait_for mountpoint -q m
	cat m/secret/f m/f >/dev/null
	python3 - >out <<-'EOF'
		import ctypes, errno, os, struct
		libc = ctypes.CDLL(None, use_errno=True)
		mount = os.open("m", os.O_RDONLY)
		seen = set()
		def attempt(kind, nodes, gens):
		    for node in nodes:
		        for gen in gens:
		            words = struct.pack("=III", node >> 32, node & 0xffffffff, gen)
		            if kind == 0x82: # with its parent
		                words += words
		            handle = struct.pack("=Ii", len(words), kind) + words
		            fd = libc.open_by_handle_at(mount, handle, os.O_RDONLY)
		            if fd < 0:
		                seen.add(errno.errorcode[ctypes.get_errno()])
		            elif not os.path.isdir("/proc/self/fd/%d" % fd):
		                seen.add(os.read(fd, 100).decode().strip())
		far = [1 << 12, 1 << 20, (1 << 30) + 5, (1 << 32) - 1, 1 << 32, 1 << 63, (1 << 64) - 1]
		for kind in 0x81, 0x82:
		    attempt(kind, list(range(0, 200)) + far, range(0, 8))
		    attempt(kind, range(1, 2000), [0])
		print(*sorted(seen))
		EOF
	is "$(cat out)" 'ESTALE secret text'
	is "$(as 100000 cat m/f)" text
	umount m
	wait $! || fail "the server ended with $?"
	[ "$(grep -c 'opcode: LOOKUP' log)" -lt 20 ] || fail "$(grep 'opcode: LOOKUP' log | tail -n 3)"
}
