# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2016 # $ in single quotes is of jq
# Runtimes that go to a root which they opened before the hooks, and containers that come out more open
# than config.json wants them. The packaged runtimes do neither: standin.py does.

standin_bundle() {
	hook_config
	bundle b '.hooks.poststart = [{path: .hooks.prestart[0].path,
		args: (.hooks.prestart[0].args[:-1] + ["poststart"])}] | '"${1:-.}"
}

standin() {
	"$REPO/tests/scenarios/standin.py" "$@" 2>&1
}

test_by_its_path_it_is_shifted() {
	standin_bundle
	is "$(standin "$T/b" x stat -c %U /usr/bin/ls)" root
	is "$(standin --name 'runc:[2:INIT]' "$T/b" x stat -c %U /usr/bin/ls)" root
}

# Refused before anything is done.
test_runc_that_pins_its_root() {
	standin_bundle
	out=$(standin --pin --name 'runc:[2:INIT]' "$T/b" x echo started) && fail "it started: $out"
	has "$out" "container x: this runc goes to the root that it opened before the hooks.*: use oci-shift prepare, podman's precreate, or oci-shift-runtime"
	has_not "$out" started
	[ ! -e "$STATE" ] || is "$(ls -A "$STATE")" ""
}

# Another runtime is known only by what it has done.
test_other_that_pins_its_root() {
	standin_bundle
	out=$(standin --pin "$T/b" x echo started) && fail "it started: $out"
	has "$out" "container x: its root is not the shifted one: .* on the unshifted $IMAGE"
	has_not "$out" started
	nothing_left
}

# What it should have taken: a root that is prepared.
test_pinned_and_prepared() {
	standin_bundle
	jq --arg r "$T/b/rootfs" '.root.path = $r | .mounts = []' b/config.json >n && mv n b/config.json
	"$CLI" --config "$T/admin.json" prepare b --image "$IMAGE" >log
	for name in standin 'runc:[2:INIT]'; do
		is "$(standin --pin --name "$name" "$T/b" b stat -c %U /usr/bin/ls)" root "$name"
	done
	"$CLI" --config "$T/admin.json" release b
}

test_protections_are_looked_at() {
	standin_bundle '.linux.maskedPaths = ["/etc/shadow", "/usr/share", "/nothing", "/usr/share/doc"]
		| .linux.readonlyPaths = ["/etc", "/opt", "/nowhere"] | .root.readonly = false'
	is "$(standin "$T/b" x cat /etc/shadow)" ""
	for path in /etc/shadow /usr/share; do
		out=$(standin --umount $path "$T/b" x echo started) && fail "$path: $out"
		has "$out" "container x: $path is not masked in the container, as config.json wants it"
	done
	out=$(standin --umount /opt "$T/b" x echo started) && fail "$out"
	has "$out" 'container x: /opt is not read-only in the container'
	nothing_left
	# Who may mount can have done it itself.
	jq '.process.capabilities.bounding += ["CAP_SYS_ADMIN"]' b/config.json >n && mv n b/config.json
	is "$(standin --umount /opt "$T/b" x echo started)" started
}

# The packaged runtimes are neither refused nor accused.
each_real_one() {
	hook_config
	bundle b '.hooks.poststart = [{path: .hooks.prestart[0].path,
		args: (.hooks.prestart[0].args[:-1] + ["poststart"])}]
		| .annotations["run.oci.hooks.stderr"] = $e' --arg e "$T/err"
	sh_args b 'stat -c %U /usr/bin/ls; sleep 1'
	is "$(run_in "$1" b 2>>err)" root
	is "$(cat err)" ""
}

# With SELinux every inode of the root gets the label that config.json has. This kernel may have none:
# it says then which option it does not know.
test_mount_label() {
	hook_config
	label=system_u:object_r:container_file_t:s0:c1,c2
	bundle b '.linux.mountLabel = $l' --arg l "$label"
	is "$(standin "$T/b" x stat -c %U /usr/bin/ls)" "$([ -e /sys/fs/selinux/enforce ] || echo root)"
	# shellcheck disable=SC2016 # for that shell
	out=$(unshare --mount --propagation private sh -ec 'mount -t tmpfs tmpfs /sys/fs
		mkdir /sys/fs/selinux && touch /sys/fs/selinux/enforce
		strace -f -qq -s 200 -e trace=fsconfig -o "$0/trace" "$@"' "$T" \
		"$REPO/tests/scenarios/standin.py" "$T/b" x echo started 2>&1) || :
	has "$(cat trace)" "fsconfig\([0-9]+, FSCONFIG_SET_STRING, \"context\", \"$label\", 0\)"
	[ -e /sys/kernel/security/selinux ] || has "$out" 'new fuse superblock: context'
	nothing_left
}
