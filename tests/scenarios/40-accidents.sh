# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2016 # $ in single quotes is of jq, or of the shell of a hook
# However a container comes to its end, nothing of it is left, and nothing happens to its neighbour
# over the same image.

# neighbour RUNTIME: another container over the image, which lives through the accident
neighbour() {
	neighbour=$(container_id)-neighbour
	bundle neighbour
	args neighbour sleep 100
	start "$1" neighbour "$neighbour"
	neighbour_has=$(processes_left)
	neighbour_runtime=$1
}

only_neighbour_is_left() {
	[ "$(processes_left)" = "$neighbour_has" ] &&
		[ "$(ls -A "$STATE")" = "$neighbour" ] &&
		! grep -q "$T" /proc/self/mountinfo
}

# At the end of each test: everything but the neighbour is gone, and that is well.
neighbour_is_well() {
	wait_for only_neighbour_is_left
	is "$(stat -c %u:%g "$(root_of "$neighbour")/etc/shadow")" 100000:100042
	is "$(head -n 1 "$(root_of "$neighbour")/etc/hostname" | wc -l)" 1
	stop "$neighbour_runtime" "$neighbour"
}

# tell DIR: crun keeps what hooks say to itself unless it is asked.
tell() {
	jq '.annotations["run.oci.hooks.stderr"] = "/dev/stderr"' "$1/config.json" >"$1/config.new"
	mv "$1/config.new" "$1/config.json"
}

# fails RUNTIME DIR PATTERN: the container does not start, and the runtime says why.
fails() {
	tell "$2"
	if out=$(run_in "$1" "$2" 2>&1); then
		fail "the container has run: $out"
	fi
	has "$out" "$3"
}

# pid_of shifter|keeper|container [ID]: as the record has it
pid_of() {
	jq ".$1.pid" "$STATE/${2:-$(container_id)}/record.json"
}

parent_of() {
	sed -n 's/^PPid:[[:space:]]*//p' "/proc/$1/status"
}

ended() { # PID
	[ ! -e "/proc/$1/exe" ] || ! readlink "/proc/$1/exe" >/dev/null
}

# with_hook STAGE SCRIPT: a jq filter that adds a hook behind ours
with_hook() {
	jq -rn --arg stage "$1" --arg script "$2" '".hooks[\($stage | @json)] += [{path: \"/bin/sh\",
		args: [\"sh\", \"-c\", \($script | @json)], env: [\"PATH=\($ENV.PATH)\"]}]"'
}

# running RUNTIME [JQ-FILTER [JQ-ARGS...]]: the container of the accident, which sleeps
running() {
	bundle b "${@:2}"
	args b sleep 100
	start "$1" b
	root=$(root_of)
	pid=$(pid_of container)
	shifter=$(pid_of shifter)
	keeper=$(pid_of keeper)
}

each_exit() {
	neighbour "$1"
	bundle b
	args b sh -c 'exit 3'
	code=0
	run_in "$1" b || code=$?
	is $code 3 status
	neighbour_is_well
}

each_missing_command() {
	neighbour "$1"
	bundle b
	args b /no/such/command
	fails "$1" b '/no/such/command'
	neighbour_is_well
}

each_mount_that_fails() {
	neighbour "$1"
	bundle b '.mounts += [{type: "bind", source: "/no/such", destination: "/mnt",
		options: ["bind"]}]'
	fails "$1" b '/no/such'
	neighbour_is_well
}

each_later_prestart_hook_that_fails() {
	neighbour "$1"
	bundle b "$(with_hook prestart 'echo later >&2; exit 7')"
	fails "$1" b '7'
	neighbour_is_well
}

each_create_container_hook_that_fails() {
	neighbour "$1"
	bundle b "$(with_hook createContainer 'exit 7')"
	fails "$1" b '7'
	neighbour_is_well
}

each_reason_in_the_runtimes_words() {
	neighbour "$1"
	bundle b '.annotations["io.oci-shift.image"] = "/etc"'
	fails "$1" b "container $(container_id): annotation io.oci-shift.image: '/etc' is not in a "
	neighbour_is_well
}

each_runtime_killed_in_create() {
	local waiting=$T/waiting
	neighbour "$1"
	bundle b "$(with_hook prestart "echo \$PPID \$\$ >$waiting.new
		mv $waiting.new $waiting; exec sleep 60")"
	run_in "$1" b >log 2>&1 &
	wait_for test -e waiting
	read -r runtime hook <waiting
	is "$(processes_left | wc -l)" 4 "shifters and keepers"
	kill -9 "$runtime"
	wait $! || :
	wait_for only_neighbour_is_left
	kill "$hook"
	stop "$1" >log 2>&1 || :
	neighbour_is_well
}

each_runtime_killed_while_the_container_runs() {
	neighbour "$1"
	bundle b
	args b sleep 100
	run_in "$1" b >log 2>&1 &
	wait_for test -e "$STATE/$(container_id)/record.json"
	pid=$(pid_of container)
	wait_for grep -q sleep "/proc/$pid/comm"
	kill -9 "$(parent_of "$pid")"
	wait $! || :
	is "$(stat -c %u:%g "/proc/$pid/root/etc/shadow")" 100000:100042
	stop "$1"
	neighbour_is_well
}

each_init_killed() {
	neighbour "$1"
	running "$1"
	kill -9 "$pid"
	# No hook has run yet: the shifter has seen that its mount is gone, the keeper that it ended.
	wait_for only_neighbour_is_left
	stop "$1"
	neighbour_is_well
}

not_connected() {
	[[ $(cat "$1" 2>&1) = *'Transport endpoint is not connected'* ]]
}

each_shifter_killed() {
	neighbour "$1"
	running "$1"
	kill -9 "$shifter"
	wait_for ended "$shifter"
	# Its last thread may have the device for a moment longer: a request is aborted then.
	wait_for not_connected "$root/etc/passwd"
	wait_for ended "$keeper"
	stop "$1"
	neighbour_is_well
}

each_keeper_killed() {
	neighbour "$1"
	running "$1"
	kill -9 "$keeper"
	is "$(head -c 4 "$root/etc/passwd")" root
	stop "$1"
	neighbour_is_well
}

# Then nobody clears the record away but poststop.
each_keeper_and_init_killed() {
	neighbour "$1"
	running "$1"
	kill -9 "$keeper" "$pid"
	wait_for ended "$shifter"
	test -e "$STATE/$(container_id)/record.json"
	stop "$1"
	neighbour_is_well
}

# The same without a poststop: the next container of that id replaces the record.
each_record_left_over() {
	neighbour "$1"
	running "$1" 'del(.hooks.poststop)'
	kill -9 "$keeper" "$pid"
	wait_for ended "$shifter"
	stop "$1"
	test -e "$STATE/$(container_id)/record.json"
	bundle again
	args again stat -c %u /etc/shadow
	is "$(run_in "$1" again 2>/dev/null)" 0
	neighbour_is_well
}

each_second_poststop() {
	neighbour "$1"
	running "$1"
	stop "$1"
	for id in "$(container_id)" never-heard-of; do
		state "$id" 0 "$T/b" stopped | hook poststop
	done
	neighbour_is_well
}

each_poststop_of_another_bundle() {
	running "$1"
	record=$(cat "$STATE"/*/record.json)
	state "$(container_id)" 0 /another/bundle stopped | hook poststop
	is "$(cat "$STATE"/*/record.json)" "$record"
	is "$(head -c 4 "$root/etc/passwd")" root
	stop "$1"
}

each_poststop_of_a_container_that_runs() {
	running "$1"
	record=$(cat "$STATE"/*/record.json)
	state "$(container_id)" 0 "$T/b" stopped | hook poststop 2>err && fail "poststop succeeded"
	has "$(cat err)" "container $(container_id): the container still runs: process $pid"
	is "$(cat "$STATE"/*/record.json)" "$record"
	is "$(head -c 4 "$root/etc/passwd")" root
	stop "$1"
}

each_hook_listed_twice() {
	neighbour "$1"
	running "$1" '.hooks.createRuntime = .hooks.prestart | .hooks.prestart += .hooks.prestart
		| .hooks.poststop += .hooks.poststop'
	is "$(processes_left | wc -l)" 4 "shifters and keepers"
	is "$(awk '$5 == "/"' "/proc/$pid/mountinfo" | wc -l)" 1 "mounts at /"
	is "$(stat -c %u:%g "$root/etc/shadow")" 100000:100042
	stop "$1"
	neighbour_is_well
}

# slow_shifter SECONDS: from now on shifters say their pid in $T/slow, and take their time.
slow_shifter() {
	cat >slow-shifter <<EOF
#!/usr/bin/perl
open(my \$f, ">", "$T/slow.new"); print \$f \$\$; close \$f; rename("$T/slow.new", "$T/slow");
sleep($1);
exec("${SHIFTER:?}", @ARGV);
EOF
	chmod +x slow-shifter
	hook_config "{\"shifter\": \"$T/slow-shifter\"${2:-}}"
}

each_hook_killed() {
	neighbour "$1"
	slow_shifter 30
	bundle b
	run_in "$1" b >log 2>&1 &
	wait_for test -e slow
	kill -9 "$(parent_of "$(parent_of "$(cat slow)")")"
	! wait $! || fail "the container has run"
	wait_for ended "$(cat slow)"
	neighbour_is_well
}

each_shifter_too_slow() {
	neighbour "$1"
	slow_shifter 30 ', "readySeconds": 1'
	bundle b
	fails "$1" b "container $(container_id): the shifter was not ready after 1 s"
	wait_for ended "$(cat slow)"
	neighbour_is_well
}

each_shifter_that_cannot_start() {
	neighbour "$1"
	hook_config '{"shifter": "/no/such/shifter"}'
	bundle b
	fails "$1" b "container $(container_id): start the shifter /no/such/shifter: No such file"
	hook_config '{"shifter": "/bin/false"}'
	fails "$1" b "container $(container_id): the shifter ended before it was ready"
	neighbour_is_well
}

# The image behind the annotation lacks a place that the one at root.path has. A hook that fails
# ends the container; one that swallows the failure lets it see that all is as it was.
each_transplant_that_fails() {
	local mounts='.mounts += [
		{type: "tmpfs", source: "tmpfs", destination: "/srv", options: ["size=4k"]},
		{type: "tmpfs", source: "tmpfs", destination: "/srv", options: ["size=8k"]},
		{type: "tmpfs", source: "tmpfs", destination: "/mnt", options: ["size=4k"]}]'
	local swallow='.hooks.prestart[0] |= {path: "/bin/sh",
		args: (["sh", "-c", "\"$@\" 2>'"$T/swallowed"' || true", "sh", .path] + .args[1:])}'
	neighbour "$1"
	image_copy lacking
	rmdir lacking/mnt
	hook_config "{\"annotationPaths\": [\"$T\"]}"
	bundle b "$mounts"' | .annotations["io.oci-shift.image"] = $image' --arg image "$T/lacking"
	fails "$1" b "container $(container_id): mount point /mnt in the image: No such file"
	for b in plain undone; do
		bundle $b "$mounts | $swallow"' | .annotations["io.oci-shift.image"] = $image' \
			--arg image "$T/lacking"
		[ $b = undone ] || bundle $b "$mounts | del(.hooks)"
		args $b awk '{n = split($0, f, " - "); print $5, $6, f[n]}' /proc/self/mountinfo
		run_in "$1" $b | sort >$b.out
	done
	has "$(cat swallowed)" 'mount point /mnt in the image'
	diff plain.out undone.out
	is "$(grep -c '^/srv ' undone.out)" 2 "mounts at /srv"
	neighbour_is_well
}

each_ten_hooks_at_once() {
	neighbour "$1"
	cat >ten <<EOF
#!/bin/bash
cat >$T/state.json
for i in 1 2 3 4 5 6 7 8 9 10; do
	"\$@" <$T/state.json &
done
for i in 1 2 3 4 5 6 7 8 9 10; do
	wait -n
	echo \$? >>$T/codes
done
EOF
	chmod +x ten
	running "$1" '.hooks |= map_values(map({path: $ten, args: (["ten", .path] + .args[1:])}))' \
		--arg ten "$T/ten"
	is "$(sort codes | uniq -c | tr -s ' ')" ' 10 0'
	is "$(processes_left | wc -l)" 4 "shifters and keepers"
	is "$(stat -c %u:%g "$root/etc/shadow")" 100000:100042
	stop "$1"
	is "$(sort codes | uniq -c | tr -s ' ')" ' 20 0'
	neighbour_is_well
}

# Runtimes with different roots do not know of each other's ids.
each_same_id_under_another_root() {
	running "$1"
	processes=$(processes_left)
	record=$(cat "$STATE"/*/record.json)
	bundle another
	# With another bundle, and with the very same one, as poststop of the failed one sees it.
	id=$(container_id)
	mkdir root
	other_root=$T/root
	for b in another b; do
		tell $b
		if out=$( (cd $b && T=$other_root rt "$1" run "$id") 2>&1); then
			fail "the second has run: $out"
		fi
		has "$out" "a container of this id runs already: process $pid, bundle $T/b"
		is "$(processes_left)" "$processes"
		is "$(cat "$STATE"/*/record.json)" "$record"
		is "$(stat -c %u:%g "$root/etc/shadow")" 100000:100042
	done
	stop "$1"
}
