# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Documents, states and surroundings as they should not be: each is refused with one line that says
# what is wrong with what, and nothing is left. Mostly the hook by hand, as a runtime would call it.

# The state is that of container "c", its config.json that of the bundle b.
# refused [PID] MESSAGE: prestart fails with this line, and no other
refused() {
	local pid=$$ code=0 out
	[ $# = 1 ] || { pid=$1 && shift; }
	out=$(printf '{"id": "c", "pid": %d, "bundle": "%s"}' "$pid" "$T/b" | hook prestart 2>&1) || code=$?
	is "$out" "oci-shift-hook: error: container c: $1"
	is "$code" 1 "exit status"
}

# The host's mounts, but those of other runs of the tests.
mounts() {
	sed -n "\\|$T|p; /oci-shift-test/!p" /proc/self/mountinfo
}

# nothing_to_do REASON
nothing_to_do() {
	local before out
	before=$(mounts)
	out=$(state c $$ "$T/b" | hook prestart 2>&1) || fail "$out"
	is "$out" "oci-shift-hook: container c: nothing to do: $1"
	[ ! -e "$STATE" ] || fail "there is a state directory"
	is "$(mounts)" "$before" mounts
}

# config FILTER MESSAGE: config.json, changed by the filter, is refused
config() {
	[ -d good ] || bundle good
	mkdir -p b
	jq "$1" good/config.json >b/config.json
	refused "$T/b/config.json: $2"
}

# text CONTENT MESSAGE: config.json is this text
text() {
	mkdir -p b
	printf %s "$1" >b/config.json
	refused "$T/b/config.json: $2"
}

# state_refused JSON MESSAGE: a state that is not even one of container c
state_refused() {
	local code=0 out
	out=$(printf %s "$1" | hook prestart 2>&1) || code=$?
	is "$out" "oci-shift-hook: error: $2"
	is "$code" 1 "exit status"
}

# user_namespace [UNSHARE-OPTION]: a process in a new user namespace mapped 0:100000:65536; $pid
user_namespace() {
	unshare --user "$@" sleep 60 &
	pid=$!
	trap 'kill $pid' EXIT
	wait_for is_named $pid sleep
	echo "0 100000 65536" >/proc/$pid/uid_map
	echo "0 100000 65536" >/proc/$pid/gid_map
}

is_named() {
	[ "$(cat "/proc/$1/comm")" = "$2" ]
}

# stand_in DIR: a process that looks like a container that a runtime has set up over DIR; $pid
stand_in() {
	user_namespace --mount
	nsenter --target $pid --mount mount --rbind "$1" "$1"
}

# standing: bundle b, over the image or what the filter says, and its stand-in
standing() {
	bundle b "$@"
	stand_in "$(jq -r .root.path b/config.json)"
}

test_no_config() {
	mkdir b
	refused "$T/b/config.json: No such file or directory"
	rmdir b
	refused "$T/b/config.json: No such file or directory"
	touch b
	refused "$T/b/config.json: Not a directory"
}

test_config_that_is_no_file() {
	mkdir -p b/config.json
	refused "$T/b/config.json: not a regular file"
	rmdir b/config.json
	mkfifo b/config.json
	refused "$T/b/config.json: not a regular file"
	rm b/config.json
	ln -s /dev/zero b/config.json
	refused "$T/b/config.json: not a regular file"
	ln -sf config.json b/config.json
	refused "$T/b/config.json: Too many levels of symbolic links"
}

test_config_that_is_no_json() {
	text '' 'empty: there is no JSON value in it'
	text $' \n\t ' 'empty: there is no JSON value in it'
	text 'root' 'not valid JSON: lexical error: invalid char in json text. (at byte 1)'
	text "{'root'" 'not valid JSON: lexical error: invalid char in json text. (at byte 2)'
	text '{"root": {}} {}' 'not valid JSON: parse error: trailing garbage (at byte 14)'
	text '{"root": {},}' 'not valid JSON: parse error: invalid object key (must be a string) (at byte 13)'
	text '{} # comment' 'not valid JSON: parse error: trailing garbage (at byte 4)'
	text '/* comment */ {}' 'not valid JSON: lexical error: probable comment found in input text, comments are not enabled. (at byte 0)'
	text '{"root": {"readonly": 01}}' "not valid JSON: parse error: after key and value, inside map, I expect ',' or '}' (at byte 23)"
	text '{"root": {"readonly": NaN}}' 'not valid JSON: lexical error: invalid char in json text. (at byte 23)'
	text '[]' 'expected an object, found an array'
	text '"root"' 'expected an object, found a string'
	text 'null' 'expected an object, found null'
}

test_config_that_is_no_text() {
	text $'\xef\xbb\xbf{}' 'not valid JSON: lexical error: invalid char in json text. (at byte 1)'
	text $'{"root": {"path": "/\xff"}}' 'not valid JSON: not UTF-8'
	text $'{"root": {"path": "/\n"}}' 'not valid JSON: lexical error: invalid character inside string. (at byte 20)'
	text '{"root": {"path": "/\u0000"}}' 'a string holds a NUL character (\u0000)'
	text '{"root\u0000": {"path": "/"}}' 'a string holds a NUL character (\u0000)'
	local half='a string holds half of a surrogate pair (\ud800)'
	text '{"root": {"path": "/\ud800"}}' "$half"
	text '{"root": {"path": "/\ud83dx\ude00"}}' "$half"
	text '{"root": {"path": "/\ud83d\ud83d"}}' "$half"
	text '{"root": {"path": "/\ude00\ud83d"}}' "$half"
	# Whole pairs, and backslashes that only look like one, are as good as any name.
	text '{"root": {"path": "/\ud83d\ude00/\\ud800"}, "linux": 1}' 'linux: expected an object, found a number'
}

test_config_that_is_cut() {
	bundle good
	mkdir b
	local n size
	size=$(stat -c %s good/config.json)
	for n in 1 2 100 $((size - 2)); do
		head -c "$n" good/config.json >b/config.json
		refused "$T/b/config.json: not valid JSON: it is cut off after $n bytes"
	done
	# What a crash of the writer leaves on some file systems.
	truncate -s +4096 b/config.json
	refused "$T/b/config.json: not valid JSON: lexical error: invalid char in json text. (at byte $((size - 1)))"
	cp good/config.json b/config.json
	truncate -s +4096 b/config.json
	refused "$T/b/config.json: not valid JSON: parse error: trailing garbage (at byte $((size + 1)))"
}

# With little memory and a small stack, too.
test_config_that_is_large() {
	mkdir b
	ulimit -v 200000 -s 256
	truncate -s 100M b/config.json
	refused "$T/b/config.json: larger than 16 MiB"
	head -c $((17 << 20)) /dev/zero | tr '\0' ' ' >b/config.json
	refused "$T/b/config.json: larger than 16 MiB"
	head -c $((16 << 20)) /dev/zero | tr '\0' ' ' >b/config.json
	refused "$T/b/config.json: empty: there is no JSON value in it"
	{ printf '{"root": "' && head -c 10000000 /dev/zero | tr '\0' 'x' && printf '"}'; } >b/config.json
	refused "$T/b/config.json: root: expected an object, found a string"
	{ printf '[0' && yes ,0 | head -n 1048577 | tr -d '\n' && printf ']'; } >b/config.json
	refused "$T/b/config.json: more than 1048576 values"
}

test_config_that_is_deep() {
	mkdir b
	ulimit -v 200000 -s 256
	repeat 500000 '[' >b/config.json
	refused "$T/b/config.json: nested deeper than 64 levels"
	{ repeat 500000 '[' && repeat 500000 ']'; } >b/config.json
	refused "$T/b/config.json: nested deeper than 64 levels"
	{ repeat 500000 '{"a":' && printf 1 && repeat 500000 '}'; } >b/config.json
	refused "$T/b/config.json: nested deeper than 64 levels"
	repeat 65 '[' >b/config.json
	refused "$T/b/config.json: nested deeper than 64 levels"
	repeat 64 '[' >b/config.json
	refused "$T/b/config.json: not valid JSON: it is cut off after 64 bytes"
}

# repeat N TEXT
repeat() {
	yes "$2" | head -n "$1" | tr -d '\n'
}

test_config_with_wrong_types() {
	config '.root = "/"' 'root: expected an object, found a string'
	config '.root.path = ["/"]' 'root.path: expected a string, found an array'
	config '.root.path = null' 'root.path is missing'
	config '.root.path = ""' 'root.path is missing'
	config '.root = null' 'root is missing'
	config 'del(.root)' 'root is missing'
	config '.root.readonly = 1' 'root.readonly: expected true or false, found a number'
	config '.root.readonly = "true"' 'root.readonly: expected true or false, found a string'
	config '.process = []' 'process: expected an object, found an array'
	config '.process.cwd = 1' 'process.cwd: expected a string, found a number'
	config '.linux = []' 'linux: expected an object, found an array'
	config '.linux.namespaces = {"type": "user"}' 'linux.namespaces: expected an array, found an object'
	config '.linux.namespaces[1] = "user"' 'linux.namespaces[1]: expected an object, found a string'
	config '.linux.namespaces[2].type = 3' 'linux.namespaces[2].type: expected a string, found a number'
	config '.linux.uidMappings |= .[0]' 'linux.uidMappings: expected an array, found an object'
	config '.linux.gidMappings = "0:100000:65536"' 'linux.gidMappings: expected an array, found a string'
	config '.linux.uidMappings[0] = [0, 100000, 65536]' 'linux.uidMappings[0]: expected an object, found an array'
	config '.linux.uidMappings[0].hostID = "100000"' 'linux.uidMappings[0].hostID: expected a number, found a string'
	config '.linux.gidMappings[0].size = true' 'linux.gidMappings[0].size: expected a number, found true or false'
	config '.linux.maskedPaths = "/proc/kcore"' 'linux.maskedPaths: expected an array, found a string'
	config '.linux.maskedPaths[3] = 0' 'linux.maskedPaths[3]: expected a string, found a number'
	config '.linux.readonlyPaths = ["/proc/bus", null]' 'linux.readonlyPaths[1]: expected a string, found null'
	config '.linux.mountLabel = {}' 'linux.mountLabel: expected a string, found an object'
	config '.annotations = ["io.oci-shift.upper"]' 'annotations: expected an object, found an array'
	config '.annotations["io.oci-shift.upper"] = 1' 'annotations."io.oci-shift.upper": expected a string, found a number'
	config '.annotations["io.oci-shift.image"] = ["/"]' 'annotations."io.oci-shift.image": expected a string, found an array'
}

test_config_with_a_key_twice() {
	bundle good
	mkdir b
	sed '0,/"hostname"/s//"hostname": "other", &/' good/config.json >b/config.json
	refused "$T/b/config.json: hostname: the key is there twice"
	sed 's/"readonly": true/&, "\\u0072eadonly": false/' good/config.json >b/config.json
	refused "$T/b/config.json: root.readonly: the key is there twice"
	sed 's/"containerID": 0/&, "containerID": 0/' good/config.json >b/config.json
	refused "$T/b/config.json: linux.uidMappings[0].containerID: the key is there twice"
}

# Keys and values come from outside: whatever they hold, the error is one line.
test_message_is_one_line() {
	text '{"root": {"path": "/no\nerror: such\u001b[31m"}, "linux": {"a.b\n": {"c": 1, "c": 2}}}' \
		'linux."a.b?".c: the key is there twice'
	bundle b '.root.path = "/no\nerror: such\u001b[31m\u007f"'
	refused 'root.path: /no?error: such?[31m?: No such file or directory'
	# A path that is too long leaves room for what is wrong with it.
	bundle b '.root.path = "/" + "x" * 100000'
	refused "root.path: /$(repeat 673 x): File name too long"
}

test_mapping_numbers() {
	local key number
	bundle good
	mkdir b
	for key in containerID hostID size; do
		jq ".linux.uidMappings[0].$key = \"NUMBER\"" good/config.json >$key
		for number in -1 -0 1.5 1e3 1E400 4294967296 18446744073709551617 "1$(repeat 50 0)"; do
			sed "s/\"NUMBER\"/$number/" $key >b/config.json
			refused "$T/b/config.json: linux.uidMappings[0].$key: ${number:0:40} is not a whole number from 0 to 4294967295"
		done
	done
	config 'del(.linux.uidMappings[0].size)' 'linux.uidMappings[0]: size is missing'
	config 'del(.linux.gidMappings[0].hostID)' 'linux.gidMappings[0]: hostID is missing'
	config '.linux.gidMappings[0].containerID = null' 'linux.gidMappings[0]: containerID is missing'
}

test_mapping_ranges() {
	local m='.linux.uidMappings'
	config "$m = []" 'linux.gidMappings is there, linux.uidMappings is missing'
	config '.linux.gidMappings = []' 'linux.uidMappings is there, linux.gidMappings is missing'
	config "${m}[0].size = 0" 'linux.uidMappings[0]: the range is empty (size 0)'
	config "${m}[1] = {containerID: 65535, hostID: 300000, size: 2}" 'linux.uidMappings: container id 65535 is in two ranges'
	config "${m}[1] = {containerID: 65536, hostID: 165535, size: 1}" 'linux.uidMappings: host id 165535 is in two ranges'
	config "${m}[1] = {containerID: 65536, hostID: 99999, size: 2}" 'linux.uidMappings: host id 100000 is in two ranges'
	config "${m}[1] = ${m}[0]" 'linux.uidMappings: container id 0 is in two ranges'
	config "${m}[0].size = 4294867296" 'linux.uidMappings[0]: host ids 100000 and 4294867296 more go beyond 4294967294'
	config "${m}[0].containerID = 4294967295" 'linux.uidMappings[0]: container ids 4294967295 and 65536 more go beyond 4294967294'
	config "${m}[0].containerID = 4294901760" 'linux.uidMappings[0]: container ids 4294901760 and 65536 more go beyond 4294967294'
	config "${m}[0].hostID = 4294967295 | ${m}[0].size = 1" 'linux.uidMappings[0]: host ids 4294967295 and 1 more go beyond 4294967294'
	config "$m = [range(341) | {containerID: ., hostID: (. * 2), size: 1}]" \
		"linux.uidMappings: 341 ranges are more than the kernel's limit of 340"
	config 'del(.linux.uidMappings)' 'linux.gidMappings is there, linux.uidMappings is missing'
	config '.linux.gidMappings = null' 'linux.uidMappings is there, linux.gidMappings is missing'
}

test_state_that_is_no_state() {
	state_refused '' 'state on stdin: empty: there is no JSON value in it'
	state_refused '{' 'state on stdin: not valid JSON: it is cut off after 1 bytes'
	state_refused '[]' 'state on stdin: expected an object, found an array'
	state_refused "$(repeat 2000 '[')" 'state on stdin: nested deeper than 64 levels'
	state_refused '{"id": "c", "id": "d"}' 'state on stdin: id: the key is there twice'
	state_refused '{"id": "c", "pid": "1"}' 'state on stdin: pid: expected a number, found a string'
	state_refused '{"id": "c", "status": true}' 'state on stdin: status: expected a string, found true or false'
	local out
	out=$(repeat 1048577 ' ' | hook prestart 2>&1) && fail "accepted"
	is "$out" 'oci-shift-hook: error: state on stdin: larger than 1048576 bytes'
	out=$(hook prestart 2>&1 </) && fail "accepted"
	is "$out" 'oci-shift-hook: error: state on stdin: Is a directory'
	out=$(hook prestart 2>&1 <&-) && fail "accepted"
	is "$out" 'oci-shift-hook: error: state on stdin: Bad file descriptor'
}

test_container_id() {
	state_refused '{"pid": 1}' 'state on stdin: id is missing'
	state_refused '{"id": null}' 'state on stdin: id is missing'
	state_refused '{"id": 5}' 'state on stdin: id: expected a string, found a number'
	state_refused '{"id": ""}' 'state on stdin: id is empty'
	state_refused '{"id": "../x"}' "state on stdin: id '../x' is not a name: it is a path"
	state_refused '{"id": "/"}' "state on stdin: id '/' is not a name: it is a path"
	state_refused '{"id": "."}' "state on stdin: id '.' is not a name: it is a path"
	state_refused '{"id": ".."}' "state on stdin: id '..' is not a name: it is a path"
	state_refused '{"id": "a\nb"}' "state on stdin: id 'a?b' holds a control character"
	state_refused '{"id": "a\u0000"}' 'state on stdin: a string holds a NUL character (\u0000)'
	state_refused "{\"id\": \"$(repeat 256 x)\"}" 'state on stdin: id is longer than 255 bytes'
}

test_bundle_of_the_state() {
	state_refused '{"id": "c"}' 'container c: state on stdin: bundle is missing'
	state_refused '{"id": "c", "bundle": ""}' 'container c: state on stdin: bundle is missing'
	state_refused '{"id": "c", "bundle": "b"}' "state on stdin: bundle: 'b' is not an absolute path"
	state_refused '{"id": "c", "bundle": "./b"}' "state on stdin: bundle: './b' is not an absolute path"
}

test_pid_of_the_state() {
	bundle b
	# pid JSON MESSAGE
	pid() {
		state_refused "{\"id\": \"c\", \"bundle\": \"$T/b\"$1}" "$2"
	}
	pid '' 'container c: state on stdin: pid is missing'
	pid ', "pid": 0' 'container c: state on stdin: pid is missing'
	pid ', "pid": 4194305' 'container c: state on stdin: pid 4194305: No such process'
	pid ', "pid": 2147483648' 'state on stdin: pid: 2147483648 is no process id'
	pid ', "pid": 4294967297' 'state on stdin: pid: 4294967297 is not a whole number from 0 to 4294967295'
	pid ', "pid": -1' 'state on stdin: pid: -1 is not a whole number from 0 to 4294967295'
	pid ', "pid": 1.0' 'state on stdin: pid: 1.0 is not a whole number from 0 to 4294967295'
	true &
	wait $!
	refused $! "state on stdin: pid $!: No such process"
	# A zombie: sleep inherits a child it does not know.
	sh -c 'sleep 0.1 & echo $! >zombie; exec sleep 60' &
	# shellcheck disable=SC2064 # this very process
	trap "kill $!" EXIT
	wait_for grep -qs '^State:.Z' "/proc/$(wait_for test -s zombie && cat zombie)/status"
	refused "$(cat zombie)" "state on stdin: pid $(cat zombie): No such process"
	refused 1 "/proc/1/uid_map says $(tr -s ' ' : </proc/1/uid_map | cut -d: -f2-), config.json says 0:100000:65536"
}

test_stages() {
	local out expected='expected prestart, createRuntime, poststart, poststop or precreate'
	for stage in bogus Prestart '' $'x\ny'; do
		out=$(state c $$ "$T" | hook "$stage" 2>&1) && fail "stage $stage was accepted"
		is "$out" "oci-shift-hook: error: unknown stage '${stage//$'\n'/?}': $expected"
	done
	out=$(state c $$ "$T" | hook prestart poststop 2>&1) && fail "two stages were accepted"
	is "$out" "oci-shift-hook: error: unknown stage 'poststop': $expected"
	out=$(state c $$ "$T" paused | hook 2>&1) && fail "status paused was accepted"
	is "$out" "oci-shift-hook: error: container c: state on stdin: status 'paused' tells no stage"
	out=$(echo '{"id": "c"}' | hook 2>&1) && fail "no status was accepted"
	is "$out" "oci-shift-hook: error: container c: state on stdin: status '' tells no stage"
}

# The same words on the way out: a bundle that another container of this id had.
test_log_is_one_line() {
	mkdir -p "$STATE/c"
	jq -n '{version: 1, id: "c", bundle: "/a\nb", root: "/r", lower: "/l", readOnly: true, uidMappings: "0:1:1",
		gidMappings: "0:1:1", container: {pid: 0, startTime: 0}, shifter: {pid: 0, startTime: 0},
		keeper: {pid: 0, startTime: 0}, device: {major: 0, minor: 0}}' >"$STATE/c/record.json"
	is "$(state c 0 $'/c\nd' stopped | hook poststop 2>&1)" \
		'oci-shift-hook: container c: the record is of the bundle /a?b, not of /c?d: left alone'
	rm -r "$STATE/c"
}

test_root_path() {
	bundle b '.root.path = $p' --arg p "$T/root"
	refused "root.path: $T/root: No such file or directory"
	touch root
	refused "root.path: $T/root: Not a directory"
	rm root
	mkfifo root
	refused "root.path: $T/root: Not a directory"
	rm root
	ln -s root root
	refused "root.path: $T/root: Too many levels of symbolic links"
	bundle b '.root.path = "rootfs"'
	refused "root.path: $T/b/rootfs: No such file or directory"
}

test_root_of_another_mapping() {
	mkdir root
	chown 200000 root
	bundle b '.root.path = $p' --arg p "$T/root"
	refused "$T/root is owned by uid 200000, which is no container id of the mapping: it was written shifted, for another mapping"
	map b 1:200001:65536
	chown 0 root
	refused "$T/root is owned by uid 0, which is no container id of the mapping"
}

test_nothing_to_do() {
	mkdir root
	chown 100000 root
	bundle b '.root.path = $p' --arg p "$T/root"
	nothing_to_do "the root is owned by the container's root: shifted already"
	bundle b '.linux.namespaces |= map(select(.type != "user"))'
	nothing_to_do "config.json has no user namespace"
	bundle b 'del(.linux.namespaces)'
	nothing_to_do "config.json has no user namespace"
	bundle b 'del(.linux)'
	nothing_to_do "config.json has no user namespace"
	bundle b 'del(.linux.uidMappings, .linux.gidMappings)'
	nothing_to_do "config.json has no uidMappings"
	bundle b '.linux.uidMappings = [] | .linux.gidMappings = []'
	nothing_to_do "config.json has no uidMappings"
}

# What the tests below rest on: without the one thing that is wrong in each, it works.
test_stand_in() {
	standing
	is "$(state c $pid "$T/b" | hook prestart 2>&1)" ''
	is "$(nsenter --target $pid --mount stat -c %u:%g "$IMAGE/var/lib/oci-shift-test/owned")" 100998:100999
	kill $pid
	trap - EXIT
}

test_process_in_the_hosts_mount_namespace() {
	mkdir root
	mount --bind "$IMAGE" root
	bundle b '.root.path = $p' --arg p "$T/root"
	user_namespace
	before=$(mounts)
	refused $pid "process $pid is in the hook's own mount namespace"
	is "$(mounts)" "$before" mounts
	umount root
}

test_process_with_another_mapping() {
	bundle b
	map b 0:100000:65535
	user_namespace
	refused $pid "/proc/$pid/uid_map says 0:100000:65536, config.json says 0:100000:65535"
	bundle b '.linux.gidMappings[0].hostID = 200000'
	refused $pid "/proc/$pid/gid_map says 0:100000:65536, config.json says 0:200000:65536"
	unshare --user sleep 60 &
	trap 'kill $pid %2' EXIT
	wait_for is_named $! sleep
	bundle b
	refused $! "/proc/$!/uid_map: there is no range"
}

test_root_that_the_process_does_not_have() {
	bundle b
	user_namespace --mount
	refused $pid "$IMAGE is not a mount of its own in the container's mount namespace: Invalid argument"
	nsenter --target $pid --mount mount --bind /usr "$IMAGE"
	refused $pid "$IMAGE in the container's mount namespace is not the directory that the host has there"
	nsenter --target $pid --mount mount -t tmpfs none "${IMAGE%/*}"
	refused $pid "$IMAGE in the container's mount namespace: No such file or directory"
}

test_root_out_of_reach() {
	mkdir -p closed/open/root
	bundle b '.root.path = $p' --arg p "$T/closed/open/root"
	stand_in "$T/closed/open/root"
	is "$(state c $pid "$T/b" | hook prestart 2>&1)" ''
	kill $pid
	wait_for test ! -e "$STATE/c"
	chmod 700 closed
	stand_in "$T/closed/open/root"
	refused $pid "the container's root cannot reach $T/closed/open/root: $T/closed lacks the x permission for it"
	kill $pid
	chmod 711 closed
	chmod 744 closed/open
	stand_in "$T/closed/open/root"
	refused $pid "the container's root cannot reach $T/closed/open/root: $T/closed/open lacks the x permission for it"
}

test_no_fuse() {
	standing
	# shellcheck disable=SC2016 # expands inside
	export -f hook state is refused
	unshare --mount bash -ec 'mount -t tmpfs none /dev; mknod -m 666 /dev/null c 1 3
		refused "$0" "open /dev/fuse: No such file or directory"
		mknod /dev/fuse c 10 254
		refused "$0" "open /dev/fuse: No such device"' $pid
}

# shifter SCRIPT: a shifter that does this
shifter() {
	printf '#!/bin/sh\n%s\n' "$1" >shifter
	chmod 755 shifter
	hook_config "{\"shifter\": \"$T/shifter\", \"readySeconds\": 1}"
}

test_no_shifter() {
	standing
	hook_config '{"shifter": "/nonexistent"}'
	refused $pid "start the shifter /nonexistent: No such file or directory"
	hook_config '{"shifter": "/usr"}'
	refused $pid "start the shifter /usr: Permission denied"
	shifter 'exit 0'
	chmod 644 shifter
	refused $pid "start the shifter $T/shifter: Permission denied"
	printf '\x7fELF' >shifter
	chmod 755 shifter
	refused $pid "start the shifter $T/shifter: Exec format error"
}

test_shifter_that_fails() {
	standing
	shifter 'exit 1'
	refused $pid "the shifter ended before it was ready"
	shifter 'exit 0'
	refused $pid "the shifter ended before it was ready"
	shifter 'kill -9 $$'
	refused $pid "the shifter ended before it was ready"
	shifter 'echo "no lower" >&5'
	refused $pid "shifter: no lower"
	shifter "echo \$\$ >$T/pid; echo nonsense >&5; exec sleep 1000"
	refused $pid "shifter: nonsense"
	[ ! -e "/proc/$(cat pid)" ] || fail "the shifter still runs"
	shifter 'echo ready >&5'
	refused $pid "the shifter does not answer: Transport endpoint is not connected"
}

test_shifter_that_hangs() {
	standing
	shifter "echo \$\$ >$T/pid; exec sleep 1000"
	refused $pid "the shifter was not ready after 1 s"
	[ ! -e "/proc/$(cat pid)" ] || fail "the shifter still runs"
}

test_shifter_that_hangs_when_ready() {
	standing
	shifter "echo \$\$ >$T/pid; echo ready >&5; exec sleep 1000"
	refused $pid "the shifter does not answer: Transport endpoint is not connected"
	[ ! -e "/proc/$(cat pid)" ] || fail "the shifter still runs"
}

# As a runtime's timeout for hooks does it.
test_hook_that_is_killed() {
	standing
	shifter "echo \$\$ >$T/pid; exec sleep 1000"
	hook_config "{\"shifter\": \"$T/shifter\", \"readySeconds\": 3600}"
	state c $pid "$T/b" >state.json
	"$HOOK" --config "$T/admin.json" prestart <state.json &
	wait_for test -s pid
	kill -9 $!
	wait_for test ! -e "/proc/$(cat pid)"
}

# A runtime that does not read what the hook says.
test_stderr_without_reader() {
	bundle b 'del(.linux)'
	exec 9> >(:)
	wait $!
	state c $$ "$T/b" | hook prestart 2>&9
	state c $$ "$T/b" | hook prestart 2>&-
	standing
	state c $pid "$T/b" | hook prestart 2>&9
	is "$(nsenter --target $pid --mount stat -c %u:%g "$IMAGE/var/lib/oci-shift-test/owned")" 100998:100999
}

# annotation NAME VALUE MESSAGE
annotation() {
	bundle b '.annotations[$name] = $value' --arg name "io.oci-shift.$1" --arg value "$2"
	refused "annotation io.oci-shift.$1: $3"
}

test_annotations() {
	annotation upper bogus "'bogus' is not none, ephemeral or keep"
	annotation upper '' "'' is not none, ephemeral or keep"
	annotation backend bogus "'bogus' is not fuse"
	bundle b '.annotations["io.oci-shift.upperdir"] = "/upper"'
	refused 'annotation io.oci-shift.upperdir is there, and no upper is kept'
	bundle b '.annotations["io.oci-shift.upperdir"] = "/upper" | .annotations["io.oci-shift.upper"] = "ephemeral"'
	refused 'annotation io.oci-shift.upperdir is there, and no upper is kept'
}

# An annotation may come from somebody who may only make containers.
test_image_that_is_not_allowed() {
	local no='is not in a directory that annotationPaths of /etc/oci-shift/config.json lists'
	local out="leads through '..', maybe out of $T/images/" link="leads through a symlink, maybe out of $T/images/"
	annotation image /etc "'/etc' $no"
	annotation image etc "'etc' is not an absolute path"
	annotation image '' "'' is not an absolute path"
	hook_config '{"annotationPaths": []}'
	annotation image /etc "'/etc' $no"
	mkdir -p images/a images2 outside
	hook_config "{\"annotationPaths\": [\"/nonexistent\", \"$T/images/\"]}"
	annotation image /etc "'/etc' $no"
	annotation image "$T/outside" "'$T/outside' $no"
	annotation image "$T/images2" "'$T/images2' $no"
	annotation image "$T/./images/a" "'$T/./images/a' $no"
	annotation image "$T/images/none" "$T/images/none: No such file or directory"
	annotation image "$T/images/../outside" "'$T/images/../outside' $out"
	annotation image "$T/images/a/../../outside" "'$T/images/a/../../outside' $out"
	ln -s ../outside images/relative
	ln -s "$T/outside" images/absolute
	ln -s a images/harmless
	annotation image "$T/images/relative" "'$T/images/relative' $link"
	annotation image "$T/images/absolute/." "'$T/images/absolute/.' $link"
	annotation image "$T/images/harmless" "'$T/images/harmless' $link"
	touch images/file
	annotation image "$T/images/file" "$T/images/file: Not a directory"
	bundle b '.annotations["io.oci-shift.image"] = "/nonexistent/a"'
	refused "annotationPaths: /nonexistent: No such file or directory"
}

test_image_that_is_allowed() {
	mkdir root
	hook_config "{\"annotationPaths\": [\"$CACHE\"]}"
	standing '.root.path = $p | .annotations["io.oci-shift.image"] = $i' --arg p "$T/root" --arg i "$IMAGE"
	is "$(state c $pid "$T/b" | hook prestart 2>&1)" ''
	is "$(nsenter --target $pid --mount stat -c %u:%g "$T/root/var/lib/oci-shift-test/owned")" 100998:100999
}

# admin TEXT MESSAGE: an administrator's configuration that is refused
admin() {
	printf %s "$1" >admin.json
	state_refused '{"id": "c"}' "$T/admin.json: $2"
}

test_admin_config() {
	admin '' 'empty: there is no JSON value in it'
	admin '[]' 'expected an object, found an array'
	admin '{"Shifter": "/usr/bin/oci-shifter"}' 'Shifter: unknown key'
	admin '{"io.oci-shift": 1}' '"io.oci-shift": unknown key'
	admin '{"shifter": "/a", "shifter": "/b"}' 'shifter: the key is there twice'
	admin '{"shifter": "oci-shifter"}' "shifter: 'oci-shifter' is not an absolute path"
	admin '{"shifter": ""}' "shifter: '' is not an absolute path"
	admin '{"shifter": ["/usr/bin/oci-shifter"]}' 'shifter: expected a string, found an array'
	admin '{"stateDirectory": "run"}' "stateDirectory: 'run' is not an absolute path"
	admin '{"readySeconds": "10"}' 'readySeconds: expected a number, found a string'
	admin '{"readySeconds": 0}' 'readySeconds: 0 is not from 1 to 3600'
	admin '{"readySeconds": 3601}' 'readySeconds: 3601 is not from 1 to 3600'
	admin '{"readySeconds": -1}' 'readySeconds: -1 is not a whole number from 0 to 4294967295'
	admin '{"annotationPaths": "/srv"}' 'annotationPaths: expected an array, found a string'
	admin '{"annotationPaths": ["/srv", 1]}' 'annotationPaths[1]: expected a string, found a number'
	admin '{"annotationPaths": ["srv"]}' "annotationPaths[0]: 'srv' is not an absolute path"
	admin '{"logLevel": "loud"}' "logLevel: 'loud' is not error, warning, info or debug"
	truncate -s 17M admin.json
	state_refused '{"id": "c"}' "$T/admin.json: File too large"
	rm admin.json
	state_refused '{"id": "c"}' "$T/admin.json: No such file or directory"
	mkdir admin.json
	state_refused '{"id": "c"}' "$T/admin.json: Is a directory"
}

test_state_directory() {
	standing
	hook_config "{\"stateDirectory\": \"$T/none/state\"}"
	refused $pid "state directory $T/none/state: No such file or directory"
	hook_config "{\"stateDirectory\": \"$T/admin.json\"}"
	refused $pid "state directory $T/admin.json: Not a directory"
}

# Through a runtime: the container does not start, and our line is in the error of the runtime.

# runtime_refuses RUNTIME MESSAGE: running the bundle b. crun wants to be told where a hook's stderr
# goes, and else throws it away.
runtime_refuses() {
	local code=0 out
	sed -i "s|\"annotations\": {|&\"run.oci.hooks.stderr\": \"$T/stderr\",|" b/config.json
	: >stderr
	out=$(run_in "$1" b 2>&1) || code=$?
	out+=$(<stderr)
	[ $code != 0 ] || fail "the container ran: $out"
	has_not "$out" '^started'
	[[ $out == *"oci-shift-hook: error: container $(container_id): $2"* ]] || fail "no '$2' in: $out"
	is "$(rt "$1" list -q)" '' "containers left"
}

# says_started [FILTER]: the bundle b, which would say so if it ran
says_started() {
	bundle b '.annotations["x"] = "y" | .process.args = ["echo", "started"] | '"${1:-.}"
}

each_failed_prestart_is_in_the_runtimes_error() {
	says_started
	hook_config '{"shifter": "/nonexistent"}'
	runtime_refuses "$1" 'start the shifter /nonexistent: No such file or directory'
	says_started
	shifter 'exit 1'
	runtime_refuses "$1" 'the shifter ended before it was ready'
	# Nothing of it is in the way of the next.
	hook_config '{}'
	is "$(run_in "$1" b)" started
}

each_hostile_annotation() {
	says_started '.annotations["io.oci-shift.image"] = "/"'
	runtime_refuses "$1" "annotation io.oci-shift.image: '/' is not in a directory"
	says_started '.annotations["io.oci-shift.upper"] = "keep\nerror: x"'
	runtime_refuses "$1" "annotation io.oci-shift.upper: 'keep?error: x' is not none"
}

# The runtime may take another one of the two than we would.
each_key_twice() {
	says_started
	sed -i 's/"readonly": true/&, "readonly": false/' b/config.json
	runtime_refuses "$1" "$T/b/config.json: root.readonly: the key is there twice"
}
