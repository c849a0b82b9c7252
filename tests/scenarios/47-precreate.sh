# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2016 # $ in single quotes is of jq, and of other shells
# podman's precreate: the root is shifted before the runtime comes, so the image needs no mount points.
# alone: podman has one store

# shellcheck source=tests/scenarios/podman.sh
. "$REPO/tests/scenarios/podman.sh"

setting() {
	hook_config "$(jq -n --arg t "$T" '{upperDirectory: "\($t)/uppers", ephemeralDirectory: "\($t)/ephemeral",
		annotationPaths: [$t]}')"
	mkdir -p hooks.d
	# podman 5 does not say where the rootfs is.
	IMAGE_ANNOTATION=()
	old_podman || IMAGE_ANNOTATION=(--annotation "io.oci-shift.image=$T/image")
	jq --arg h "$HOOK" --arg c "$T/admin.json" \
		'.hook.path = $h | .hook.args = ["oci-shift-hook", "--config", $c, "precreate"]' \
		"$REPO/hooks.d/precreate/oci-shift.json" >hooks.d/oci-shift.json
}

each_image_without_mount_points() {
	setting
	bare_image image
	out=$(podman_run "$1" --read-only --read-only-tmpfs=false "${IMAGE_ANNOTATION[@]}" --annotation io.oci-shift.upper=none --rootfs "$T/image" \
		sh -c 'stat -c "owner is: %U" /usr/bin/ls; ls /run/.containerenv; head -n 1 /etc/hosts; touch /new')  || :
	has "$out" '^owner is: root$'
	has "$out" '^/run/.containerenv$'
	has "$out" localhost
	is "$(ls image/etc/hosts image/run/.containerenv image/new 2>/dev/null)" "" "written to the image"
	is "$(ls -A ephemeral)" "" "left of the uppers"
}

each_writable() {
	setting
	bare_image image
	out=$(podman_run "$1" "${IMAGE_ANNOTATION[@]}" --annotation io.oci-shift.upper=ephemeral --rootfs "$T/image" \
		sh -c 'touch /opt/new; stat -c "owner is: %U" /opt/new')
	is "$out" 'owner is: root'
	is "$(ls -A image/opt)" ""
	podman_run "$1" "${IMAGE_ANNOTATION[@]}" --annotation io.oci-shift.upper=none --rootfs "$T/image" touch /opt/new
	is "$(stat -c %u image/opt/new)" 0
}

# The life of one container: its id is the same each time, and so is its kept upper.
each_started_again() {
	setting
	bare_image image
	out=$(podman_sh 'podman --runtime "$1" create --name c --network none --cgroups "$2" \
			--uidmap 0:100000:65536 --gidmap 0:100000:65536 --annotation io.oci-shift.upper=keep "${@:3}" \
			--rootfs "$T/image" sh -c "cat /opt/new; echo again >>/opt/new; stat -c %U /usr/bin/ls; sleep 60" >/dev/null
		for i in 1 2; do
			podman start c >/dev/null
			for n in $(seq 100); do podman logs c 2>&1 | tail -n 1 | grep -q root && break; sleep 0.1; done
			"$CLI" --config "$T/admin.json" list | tail -n +2
			podman stop -t 0 c >/dev/null
			"$CLI" --config "$T/admin.json" list | tail -n +2
			podman logs c
		done 2>&1
		podman rm c >/dev/null' "$1" "$([ "$1" = crun ] && echo disabled || echo enabled)" "${IMAGE_ANNOTATION[@]}")
	has "$out" "^[0-9a-f]{64} +precreate +[0-9]+ +0:100000:65536 +rw +keep"
	is "$(grep -c precreate <<<"$out")" 2 "lines of the list"
	has "$(tail -n 2 <<<"$out")" root
	is "$(grep -c '^again$' <<<"$out")" 1
	is "$(cat uppers/*/upper/opt/new)" $'again\nagain'
	nothing_left
}

# What podman's own storage has shifted is left alone, and so is what has no mapping.
test_nothing_to_do() {
	setting
	bundle b '.root.path = $i | del(.linux.uidMappings, .linux.gidMappings)' --arg i "$IMAGE"
	hook precreate <b/config.json >out
	cmp b/config.json out
	mkdir shifted && chown 100000:100000 shifted
	bundle b '.root.path = $i' --arg i "$T/shifted"
	hook precreate <b/config.json >out 2>err
	cmp b/config.json out
	has "$(cat err)" 'precreate: nothing to do: .*shifted already'
}

# Nothing of a config.json is lost: unknown members, numbers that fit in no type, order.
test_what_it_does_not_know() {
	setting
	bundle b '.hooks.poststop = [{path: "/bin/first"}] | .mounts = []'
	jq -c . b/config.json | sed 's/^{/{"zzz":{"b":12345678901234567890123,"a":[1e400,-0.0,1.50,null,true,"\\u00e9\\ud83d\\ude00\\n"]},/' >in
	hook precreate <in >out
	at=$(jq -r .root.path out)
	id=$(basename "${at%/root}")
	is "${at%/precreate-*}" "$STATE/.roots"
	# Nobody but the container's root gets to it.
	is "$(stat -c '%a %u:%g' "${at%/root}")" '710 0:100000'
	setpriv --reuid=100000 --regid=100000 --clear-groups ls "$at/etc" >/dev/null
	setpriv --reuid=1000 --regid=1000 --clear-groups ls "$at/etc" >/dev/null 2>&1 && fail "open to anybody"
	has "$(tr -d ' \n' <out)" '^\{"zzz":\{"b":12345678901234567890123,"a":\[1e400,-0\.0,1\.50,null,true,"é😀\\n"\]\},"'
	is "$(jq -c 'keys_unsorted' out)" "$(jq -c keys_unsorted in)"
	is "$(jq -c 'del(.zzz, .root.path, .hooks.poststop)' out)" "$(jq -c 'del(.zzz, .root.path, .hooks.poststop)' in)"
	is "$(jq -c '.hooks.poststop[0]' out)" '{"path":"/bin/first"}'
	is "$(jq -c '.hooks.poststop[1]' out)" \
		"{\"path\":\"$HOOK\",\"args\":[\"oci-shift-hook\",\"--config\",\"$T/admin.json\",\"--record\",\"$id\",\"poststop\"]}"
	is "$(stat -c %u "$at/usr/bin/ls")" 100000
	# As podman runs it: with another id, and no pid.
	state podman-s-id 0 /nowhere stopped | jq 'del(.pid)' |
		"$(jq -r '.hooks.poststop[1].path' out)" --config "$T/admin.json" --record "$id" poststop
	is "$(ls -A "$STATE" "$STATE/.roots")" "$(printf '%s:\n.roots\n\n%s/.roots:' "$STATE" "$STATE")"
}

test_hooks_that_are_null_or_missing() {
	setting
	for filter in 'del(.hooks)' '.hooks = null' '.hooks.poststop = null' '.hooks = {}'; do
		bundle b '.mounts = []'
		jq "$filter" b/config.json >in
		hook precreate <in >out
		is "$(jq '.hooks.poststop | length' out)" 1 "$filter"
		"$CLI" --config "$T/admin.json" release "$(basename "$(dirname "$(jq -r .root.path out)")")" >log
	done
}

test_refusals() {
	setting
	bundle b
	for filter in '.root.path = "rootfs"' '.root.path = "/nowhere"' '.root.path = "/tmp/intermediate-mountpoint-0.0"' '.annotations["io.oci-shift.image"] = "/etc"' \
		'.linux.uidMappings[0].size = 1.5' '.root = 5'; do
		jq "$filter" b/config.json >in
		hook precreate <in >out 2>err && fail "$filter"
		is "$(cat out)" "" "$filter"
		has "$(cat err)" '^oci-shift-hook: error: '
	done
	hook precreate <<<'{"root":' >out 2>err && fail "cut"
	has "$(cat err)" 'config.json on stdin: not valid JSON'
	# stdout that cannot be written to: nothing stays.
	hook precreate <b/config.json >/dev/full 2>err && fail "full"
	has "$(cat err)" 'write config.json: No space left'
	is "$(ls -A "$STATE")" .roots
}
