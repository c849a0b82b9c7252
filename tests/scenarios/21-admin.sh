# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2016 # $ in single quotes is of jq, and of the containers' shells
# The administrator's configuration: what each key does, seen from outside, and what annotations of
# untrusted people come to.

places() {
	jq -n --arg t "$T" --argjson more "${1:-{\}}" \
		'{upperDirectory: "\($t)/uppers", ephemeralDirectory: "\($t)/ephemeral"} + $more'
}

# refused RUNTIME DIR PATTERN
refused() {
	jq '.annotations["run.oci.hooks.stderr"] = "/dev/stderr"' "$2/config.json" >n && mv n "$2/config.json"
	out=$(run_in "$1" "$2" 2>&1) && fail "started: $out"
	has "$out" "$3"
}

each_upper_by_default() {
	hook_config "$(places '{"upper": "ephemeral"}')"
	bundle b '.root.readonly = false'
	sh_args b 'echo x >/etc/new && cat /etc/new'
	is "$(run_in "$1" b)" x
	[ ! -e "$IMAGE/etc/new" ] || fail "written to the image"
	hook_config "$(places '{"upper": "keep"}')"
	is "$(run_in "$1" b)" x
	is "$(cat "uppers/$(container_id)/upper/etc/new")" x
	# An annotation wins.
	bundle b '.root.readonly = false | .annotations["io.oci-shift.upper"] = "ephemeral"'
	sh_args b 'cat /etc/new 2>&1'
	has "$(run_in "$1" b || :)" 'No such file'
}

each_allowed_uppers() {
	hook_config "$(places '{"upper": "ephemeral", "allowedUppers": ["ephemeral", "keep"]}')"
	for mode in none keep; do
		bundle b '.root.readonly = false | .annotations["io.oci-shift.upper"] = $m' --arg m $mode
		[ $mode = keep ] || refused "$1" b "annotation io.oci-shift.upper: 'none' is none of allowedUppers of /etc/oci-shift/config.json"
	done
	is "$(run_in "$1" b)" ""
	hook_config "$(places '{"allowedUppers": []}')"
	refused "$1" b "'keep' is none of allowedUppers"
}

# A container over an image that somebody changes.
each_cache() {
	image_copy image
	for cache in never always; do
		echo old >image/etc/issue
		hook_config "$(jq -n --arg c $cache '{cache: $c}')"
		bundle b '.root.path = $i' --arg i "$T/image"
		sh_args b 'cat /etc/issue; echo; read -r x </dev/stdin; cat /etc/issue'
		mkfifo "in.$cache"
		(cd b && rt "$1" run "$(container_id)" <"../in.$cache" >"../out.$cache") &
		exec 7>"in.$cache"
		wait_for grep -q old "out.$cache"
		echo new >image/etc/issue.new && mv image/etc/issue.new image/etc/issue
		echo >&7
		exec 7>&-
		wait
	done
	is "$(xargs <out.never)" 'old new'
	is "$(xargs <out.always)" 'old old'
}

test_passthrough_and_threads() {
	for passthrough in true false; do
		hook_config "$(jq -n --argjson p $passthrough '{passthrough: $p, threads: 1}')"
		bundle b 'del(.hooks) | .root.path = "rootfs"'
		"$CLI" --config "$T/admin.json" prepare b --image "$IMAGE" >log
		cat b/rootfs/usr/bin/{perl,ls,tar} >/dev/null
		reads=$("$CLI" --config "$T/admin.json" inspect b | jq '.[0].requests.read // 0')
		case $passthrough in
		true) is "$reads" 0 reads ;;
		false) [ "$reads" -gt 0 ] || fail "no reads" ;;
		esac
		is "$(find "/proc/$(jq .shifter.pid "$STATE/b/record.json")/task" -mindepth 1 -maxdepth 1 | wc -l)" 1 threads
		"$CLI" --config "$T/admin.json" release b >log
	done
}

# poststop of a container that does not end.
test_stop_seconds() {
	hook_config '{"stopSeconds": 1}'
	bundle b
	args b sleep 60
	start runc b
	pid=$(jq .container.pid "$STATE/$(container_id)/record.json")
	before=$SECONDS
	out=$(state "$(container_id)" 0 "$T/b" stopped | hook poststop 2>&1) && fail "ended"
	has "$out" "the container still runs: process $pid"
	[ $((SECONDS - before)) -lt 4 ] || fail "waited $((SECONDS - before)) s"
	stop runc
}

test_errors_name_the_key() {
	hook_config
	bundle b
	while IFS='|' read -r text why; do
		echo "$text" >bad.json
		out=$(state x $$ "$T/b" | "$HOOK" --config bad.json prestart 2>&1) && fail "$text"
		has "$out" "error: bad.json: $why"
	done <<-'EOF'
		{"cahce": "auto"}|cahce: unknown key
		{"cache": "on"}|cache: .on. is not auto, always or never
		{"allowedUppers": ["none", 5]}|allowedUppers.1.: expected a string
		{"threads": 1e3}|threads: 1e3 is not a whole number
		{"upper": "none", "upper": "none"}|.*twice
		{"stopSeconds": 3601}|stopSeconds: 3601 is not from 1 to 3600
	EOF
}

# Directories that look like an allowed one, or lead out of it.
each_paths_of_annotations() {
	mkdir allowed allowed-evil outside link.d
	image_copy allowed/image
	cp -al allowed/image allowed-evil/image 2>/dev/null || image_copy allowed-evil/image
	ln -s "$T/allowed-evil/image" allowed/link
	ln -s "$T/allowed-evil" allowed/dir
	ln -s "$T/allowed" link
	mkfifo allowed/fifo
	touch allowed/file
	hook_config "$(jq -n --arg t "$T" '{annotationPaths: ["\($t)/allowed"]}')"
	try() {
		bundle b '.annotations["io.oci-shift.image"] = $p' --arg p "$1"
		args b stat -c %U /usr/bin/ls
		refused "$runtime" b "$2"
	}
	runtime=$1
	try "$T/allowed-evil/image" 'is not in a directory that annotationPaths'
	try "$T/allowed/link" 'through a symlink'
	try "$T/allowed/dir/image" 'through a symlink'
	try "$T/allowed/../allowed-evil/image" "'\.\.'"
	try "$T/link/image" 'is not in a directory that annotationPaths'
	try "$T/allowed/fifo" 'Not a directory'
	try "$T/allowed/file" 'Not a directory'
	try "$T/allowed/$(printf 'x%.0s' {1..300})" 'File name too long'
	try "$T/allowed/$(printf 'x/%.0s' {1..3000})" 'File name too long|No such file'
	try "$T/allowed/"$'a\nb' 'No such file'
	try "allowed/image" 'not an absolute path'
	# With slashes too many it is what it is.
	bundle b '.annotations["io.oci-shift.image"] = $p' --arg p "$T/allowed///image/"
	args b stat -c %U /usr/bin/ls
	is "$(run_in "$1" b)" root
}

# Somebody changes a directory for a symlink and back while containers start: each gets what is inside
# of the allowed directory, or is refused.
test_race_for_a_path() {
	mkdir allowed outside
	image_copy allowed/image
	echo inside >allowed/image/etc/where
	mkdir -p outside/etc && echo outside >outside/etc/where
	ln -s "$T/outside" allowed/other
	hook_config "$(jq -n --arg t "$T" '{annotationPaths: ["\($t)/allowed"]}')"
	bundle b '.annotations["io.oci-shift.image"] = $p | .annotations["run.oci.hooks.stderr"] = "/dev/null"' \
		--arg p "$T/allowed/image"
	args b cat /etc/where
	python3 - "$T/allowed/image" "$T/allowed/other" <<-'EOF' &
		import ctypes, sys
		libc = ctypes.CDLL(None)
		a, b = (p.encode() for p in sys.argv[1:])
		while True:
		    libc.renameat2(-100, a, -100, b, 2)
	EOF
	racer=$!
	inside=0
	for i in {1..60}; do
		out=$(run_in crun b "race-$i" 2>/dev/null) || :
		case $out in
		inside) inside=$((inside + 1)) ;;
		*outside*) kill $racer && fail "it was led outside" ;;
		esac
	done
	kill $racer
	wait
	[ $inside -gt 0 ] || fail "never started"
}
