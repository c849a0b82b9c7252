# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the server promises of itself (docs/design.md, "The sandbox"), as the kernel tells it and as
# somebody finds it who has taken the server over: inject.c makes its own thread do what he would.

# shellcheck source=tests/scenarios/fs.sh
. "$REPO/tests/scenarios/fs.sh"

# An image with what might lead out of it.
hostile_image() {
	image=${1:-lower}
	mkdir -p "$image"
	ln -s / "$image/to-the-host"
	mknod -m 666 "$image/node-null" c 1 3
}

# taken_over PID: what came of each call; only what is not the expected EPERM is shown
taken_over() {
	[ "$(uname -m)" = x86_64 ] || skip "inject.c is for x86-64"
	timeout 30 "$(tool inject)" "$1" >calls || fail "$(cat calls)"
	[ "$(wc -l <calls)" -gt 100 ] || fail "only $(cat calls)"
	grep -v ': EPERM$' calls
}

NO_WAY_OUT='clone3: ENOSYS
open /etc/passwd: ENOENT
open /proc: ENOENT
open /dev/null: ENOENT
open .. of its fds: ENOTDIR
open .. of the lower: ENOENT
open a symlink to the host: ELOOP
open below one: ELOOP
open a device node of its own: EACCES
make a file in its root: EROFS
make a directory in its root: EROFS
a device of the host, from /dev/fuse: EACCES
a device of the host, from /dev/null: EACCES'

# Files of the mount, through all its threads, afterwards.
still_serves() {
	local i
	for i in 1 2 3 4 5 6 7 8; do
		as 100000 sh -c "echo $i >mnt/f$i && cat mnt/f$i" >>served &
	done
	wait
	is "$(sort served | tr -d '\n')" 12345678 "served"
}

# plain: sanitizers have more in reach (sanitizers.h)
test_taken_over_it_has_no_way_out() {
	local pid
	hostile_image
	chmod 777 lower
	shifted lower mnt
	pid=$(server_pid)
	is "$(taken_over "$pid")" "$NO_WAY_OUT"
	# The kernel has said so, for some: it says no more than so many lines at a time.
	if grep -qs 'errno' /proc/sys/kernel/seccomp/actions_logged && dmesg >log 2>/dev/null; then
		has "$(cat log)" "type=1326 .* pid=$pid comm=\"oci-shifter\" .* code=0x50000"
	fi
	still_serves
	is "$(server_pid)" "$pid"
	unmount mnt
}

# The one that the hook starts.
# plain: sanitizers have more in reach (sanitizers.h)
each_shifter_of_a_container_has_no_way_out() {
	image_copy image
	hostile_image image
	bundle b '.root = {path: $p, readonly: false}' --arg p "$T/image"
	args b sleep 60
	start "$1" b
	record=$STATE/$(container_id)/record.json
	is "$(taken_over "$(jq .shifter.pid "$record")")" "$NO_WAY_OUT"
	is "$(stat -c %u "$(root_of)/usr/bin/ls")" 100000
	stop "$1"
}

# same_namespaces PID PID: which of all they share
same_namespaces() {
	local ns
	for ns in "/proc/$1"/ns/*; do
		[ "$(readlink "$ns")" != "$(readlink "/proc/$2/ns/${ns##*/}")" ] || echo "${ns##*/}"
	done
}

# promises PID: what the kernel says of a shifter that the hook has started
promises() {
	local status fd
	status=$(cat "/proc/$1/status")
	has "$status" '^NoNewPrivs:[[:space:]]1$'
	has "$status" '^Seccomp:[[:space:]]2$'
	has "$status" '^Seccomp_filters:[[:space:]][2-9]$'
	has "$status" '^CapEff:[[:space:]]00000000882000cf$'
	has "$status" '^CapPrm:[[:space:]]00000000882000df$'
	has "$status" '^CapBnd:[[:space:]]00000000882000df$'
	has "$status" '^Cap(Inh|Amb):[[:space:]]0+$'
	has "$status" '^Groups:[[:space:]]*$'
	is "$(grep -c . "/proc/$1/environ" || true)" 0 "environment"
	if (echo -800 >/proc/self/oom_score_adj) 2>/dev/null; then
		is "$(cat "/proc/$1/oom_score_adj")" -800 "OOM score"
	fi
	is "$(awk '{print $6, $7}' "/proc/$1/stat")" "$1 0" "a session of its own, without a terminal"
	is "$(awk '{print $5, $6}' "/proc/$1/mountinfo" | sed 's/relatime/noatime/' | sort | head -n 1)" \
		"/ ro,nosuid,nodev,noexec,noatime" "its root"
	is "$(awk '{print $5}' "/proc/$1/mountinfo" | sort -u)" $'/\n/lower' "its mounts"
	# Nothing is open but the lower, the empty root, its device, /dev/null, and the log.
	for fd in "/proc/$1"/fd/*; do
		case $(readlink "$fd"):$(stat -L -c %F:%t:%T "$fd") in
		/lower*:*:0:0 | /:directory:0:0 | socket:*:*) ;;
		*:"character special file:1:3" | *:"character special file:a:e5") ;;
		*) fail "open: $(ls -l "$fd")" ;;
		esac
	done
	for fd in 0 1 2; do
		is "$(stat -L -c %t:%T "/proc/$1/fd/$fd")" 1:3 "fd $fd"
	done
}

# plain: sanitizers have more in reach (sanitizers.h)
each_shifter_of_a_container_keeps_what_is_promised() {
	local pid record
	bundle b
	args b sleep 60
	start "$1" b
	record=$STATE/$(container_id)/record.json
	pid=$(jq .shifter.pid "$record")
	promises "$pid"
	# It is none of the container's processes, nor of its namespaces, and has but these of the host.
	is "$(same_namespaces "$pid" "$(jq .container.pid "$record")" | grep -vx 'cgroup\|time.*')" "" \
		"shared with the container"
	is "$(same_namespaces "$pid" self | tr '\n' ' ')" \
		"cgroup pid pid_for_children time time_for_children user uts " "shared with the host"
	# Nobody of the container's ids gets at it, or sees what it has.
	as 100000 ls "/proc/$pid/fd" 2>/dev/null && fail "its fds are seen"
	is "$(stat -c %u:%g "/proc/$pid/environ")" 0:0 "dumpable"
	stop "$1"
}

# runc puts the container into a cgroup before it runs hooks, and runs them outside of it.
test_the_shifter_is_not_in_the_containers_cgroup() {
	local record pid
	bundle b '.linux.cgroupsPath = $p' --arg p "/oci-shift-$(container_id)"
	args b sleep 60
	start runc b
	record=$STATE/$(container_id)/record.json
	pid=$(jq .shifter.pid "$record")
	is "$(cat "/proc/$pid/cgroup")" "$(cat /proc/self/cgroup)" "the runtime's"
	has "$(cat "/proc/$(jq .container.pid "$record")/cgroup")" "/oci-shift-$(container_id)"
	has_not "$(cat "/proc/$pid/cgroup" "/proc/$(jq .keeper.pid "$record")/cgroup")" oci-shift
	stop runc
}

# Whatever a caller has closed: no file of the image gets the number that messages go to.
test_closed_standard_fds_are_not_the_images() {
	local pid fd
	mkdir -m 777 lower
	shifted lower mnt "" <&- >&- 2>&-
	pid=$(server_pid)
	for fd in 0 1 2; do
		is "$(stat -L -c %t:%T "/proc/$pid/fd/$fd")" 1:3 "in the background, fd $fd"
	done
	unmount mnt
	mkdir mnt2
	"$SHIFTER" -d lower mnt2 -o "uidmapping=$MAP,gidmapping=$MAP" <&- >&- 2>&- &
	wait_for mountpoint -q mnt2
	as 100000 touch mnt2/f
	for fd in 0 1 2; do
		is "$(stat -L -c %t:%T "/proc/$!/fd/$fd")" 1:3 "in the foreground, fd $fd"
	done
	unmount mnt2
	wait $!
}
