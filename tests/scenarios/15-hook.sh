# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The ways to say what is shifted, and the stages.

each_relative_root_path() {
	mkdir b
	image_copy b/rootfs
	bundle b '.root.path = "rootfs"'
	sh_args b 'stat -c %U /usr/bin/ls'
	is "$(run_in "$1" b)" root
}

# runc refuses such a path itself.
test_root_path_through_a_symlink() {
	ln -s "$(dirname "$IMAGE")" link
	bundle b '.root.path = $link' --arg link "$T/link/$(basename "$IMAGE")"
	sh_args b 'stat -c %U /usr/bin/ls'
	is "$(run_in crun b)" root
}

# only_stage DIR STAGE: the same hook at that stage only, without prestart
only_stage() {
	jq --arg stage "$2" '.hooks[$stage] = [.hooks.prestart[0] | .args[-1] = $stage]
		| del(.hooks.prestart)' "$1/config.json" >"$1/config.new"
	mv "$1/config.new" "$1/config.json"
}

each_create_runtime() {
	bundle b
	only_stage b createRuntime
	sh_args b 'stat -c %U /usr/bin/ls'
	is "$(run_in "$1" b)" root
}

# One hooks.d file names several stages and one command line: the state has to tell them apart.
each_stage_from_the_state() {
	bundle b '(.hooks.prestart[0] | .args |= .[:-1]) as $h
		| .hooks = {createRuntime: [$h], poststart: [$h], poststop: [$h]}'
	sh_args b 'stat -c %U /usr/bin/ls'
	is "$(run_in "$1" b)" root
}

each_poststart_agrees() {
	bundle b '.hooks.poststart = [.hooks.prestart[0] | .args[-1] = "poststart"]'
	sh_args b 'stat -c %U /usr/bin/ls; sleep 0.2'
	is "$(run_in "$1" b)" root
}

# A root that is not the one the record has: the container's process is made to look elsewhere.
test_poststart_finds_another_root() {
	bundle b
	args b sleep 60
	start runc b
	id=$(container_id)
	record=$STATE/$id/record.json
	jq '.device.minor += 1' "$record" >new && cat new >"$record"
	state "$id" "$(jq .container.pid "$record")" "$T/b" running >state.json
	code=0
	out=$(hook poststart <state.json 2>&1) || code=$?
	is "$code" 1 "exit status"
	is "$out" "oci-shift-hook: error: container $id: its root is not the shifted one: this runtime goes to a root that it opened before the hooks, and the container runs on the unshifted $IMAGE"
	stop runc
}

each_read_only_root_refuses_writes() {
	bundle b
	sh_args b 'touch /opt/x 2>&1; mount -o remount,rw / 2>&1 || true'
	has "$(run_in "$1" b)" "Read-only file system"
	is "$(ls "$IMAGE/opt")" ""
}

each_writable_root_writes_disk_ids() {
	image_copy image
	bundle b '.root = {path: $p, readonly: false}' --arg p "$T/image"
	sh_args b 'touch /opt/x; mkdir /opt/d; ln -s x /opt/l; mkfifo /opt/p; chown -h 5:6 /opt/l'
	run_in "$1" b
	is "$(stat -c '%n %u:%g %F' image/opt/*)" "image/opt/d 0:0 directory
image/opt/l 5:6 symbolic link
image/opt/p 0:0 fifo
image/opt/x 0:0 regular empty file"
}

# root.path is where the container's mounts are made, the image is elsewhere.
each_image_annotation() {
	mkdir -p images rootfs/{proc,dev,sys,tmp}
	ln "$IMAGE" images/debian 2>/dev/null || image_copy images/debian
	hook_config "{\"annotationPaths\": [\"$T/images\"]}"
	bundle b '.root.path = $root | .annotations["io.oci-shift.image"] = $image' \
		--arg root "$T/rootfs" --arg image "$T/images/debian"
	sh_args b 'stat -c %U /usr/bin/ls; test -e /proc/self/stat; test -c /dev/null && echo mounts'
	is "$(run_in "$1" b)" $'root\nmounts'
}

each_identity_mapping_is_left_alone() {
	bundle b
	map b 0:0:65536
	sh_args b 'grep -c fuse /proc/self/mountinfo || true; stat -c %U /usr/bin/ls'
	is "$(run_in "$1" b)" $'0\nroot'
}

# Ten containers on one image at a time, each with its own mapping.
each_ten_at_once() {
	for i in 1 2 3 4 5 6 7 8 9 10; do
		bundle "b$i"
		map "b$i" "0:$((i * 100000)):65536"
		sh_args "b$i" 'stat -c %u /usr/bin/ls; sleep 60'
		start "$1" "b$i" "$(container_id)-$i"
	done
	for i in 1 2 3 4 5 6 7 8 9 10; do
		root=$(root_of "$(container_id)-$i")
		is "$(stat -c %u "$root/usr/bin/ls")" $((i * 100000)) "container $i"
		wait_for grep -qx 0 "b$i/log"
		stop "$1" "$(container_id)-$i"
	done
	is "$(stat -c %u:%g "$IMAGE/usr/bin/ls")" 0:0
}
