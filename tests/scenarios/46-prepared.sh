# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2016 # $ in single quotes is of jq
# oci-shift: roots that are there before the runtime comes.

cli() {
	"$CLI" --config "$T/admin.json" "$@"
}

# own_bundle DIR [JQ-FILTER [JQ-ARGS...]]: a bundle without hooks, its root to be prepared, which
# wants a mount where the image has no place for it.
own_bundle() {
	local dir=$1 filter=${2:-.}
	shift
	[ $# = 0 ] || shift
	hook_config '{"upperDirectory": "'"$T/uppers"'", "ephemeralDirectory": "'"$T/ephemeral"'"}'
	[ -e hosts ] || echo 'of the engine' >hosts
	bundle "$dir" 'del(.hooks) | .root.path = "rootfs" | .mounts += [
		{destination: "/run/engine/hosts", type: "bind", source: ($t + "/hosts"), options: ["bind", "ro"]}
		] | '"$filter" --arg t "$T" "$@"
	[ ! -e "$IMAGE/run/engine" ] || fail "the image has the mount point"
}

each_without_a_hook() {
	own_bundle b
	sh_args b 'stat -c %U /usr/bin/ls; cat /run/engine/hosts; touch /x 2>&1; stat -c %a /'
	has "$(cli prepare b --image "$IMAGE")" "^b: $T/b/rootfs shows $IMAGE, with an upper: ephemeral$"
	is "$(stat -c %u b/rootfs/usr/bin/ls)" 100000
	is "$(run_in "$1" b)" "root
of the engine
touch: cannot touch '/x': Read-only file system
$(stat -c %a "$IMAGE")"
	# And once more, on the same root.
	is "$(run_in "$1" b | head -n 1)" root
	is "$(cli release b)" "released b"
	is "$(ls -A b/rootfs ephemeral)" "$(printf 'b/rootfs:\n\nephemeral:')"
}

# Where the image has all mount points nothing needs an upper.
each_without_an_upper() {
	own_bundle b 'del(.mounts[-1])'
	args b stat -c %U /usr/bin/ls
	is "$(cli prepare b --image "$IMAGE")" "b: $T/b/rootfs shows $IMAGE"
	has "$(grep "$T/b/rootfs " /proc/self/mountinfo)" ' ro,.* - fuse.oci-shifter oci-shift ro,|- fuse oci-shift ro,'
	is "$(run_in "$1" b)" root
	cli release b
}

each_writable_image_in_the_bundle() {
	own_bundle b '.root.readonly = false'
	image_copy b/rootfs
	sh_args b 'echo new >/etc/new; cat /run/engine/hosts'
	is "$(cli prepare b)" "b: $T/b/rootfs shows $T/b/rootfs"
	is "$(run_in "$1" b)" "of the engine"
	is "$(stat -c %u b/rootfs/etc/new)" 100000
	cli release "$T/b/"
	is "$(stat -c %u b/rootfs/etc/new b/rootfs/run/engine/hosts)" $'0\n0'
}

each_kept_upper() {
	own_bundle b '.root.readonly = false'
	sh_args b 'cat /etc/new; echo more >>/etc/new'
	cli prepare b --image "$IMAGE" --upper keep --id mine
	run_in "$1" b >log 2>&1
	cli release mine
	map b 0:300000:65536
	has "$(cli prepare b --image "$IMAGE" --upper keep --id mine)" '^mine: .*: keep$'
	is "$(run_in "$1" b)" more
	is "$(stat -c %u uppers/mine/upper/etc/new)" 0
	cli release mine
}

# prestart finds the root shifted, and only looks whether it fits.
each_prestart_finds_it() {
	own_bundle b
	cli prepare b --image "$IMAGE"
	bundle c '.root.path = $r' --arg r "$T/b/rootfs"
	sh_args c 'stat -c %U /usr/bin/ls; exec sleep 60'
	start "$1" c
	wait_for grep -q root c/log
	pid=$(rt "$1" state "$(container_id)" | jq .pid)
	is "$(cli list --json | jq -c '[.[] | [.id, .way, .containerPid]]')" "[[\"b\",\"prepare\",$pid]]"
	has "$(cli release b 2>&1 || :)" "container b still runs: process $pid"
	# Nobody else gets that root meanwhile, and nobody under another mapping.
	cp -r c d
	run_in "$1" d other >log 2>&1 && fail "two containers on one root"
	stop "$1"
	map d 0:300000:65536
	jq --arg h "$HOOK" '.hooks.prestart[0].args = ["oci-shift-hook", "--config", $c, "prestart"]
		| .annotations["run.oci.hooks.stderr"] = "/dev/stderr"' --arg c "$T/admin.json" d/config.json >n &&
		mv n d/config.json
	has "$(run_in "$1" d other 2>&1 || :)" 'was shifted for the uidMappings 0:100000:65536, not for 0:300000:65536'
	cli release b
}

test_refusals() {
	refused() { # PATTERN ARGUMENTS...
		local pattern=$1 status=0
		shift
		out=$(cli prepare "$@" 2>&1) || status=$?
		is $status 1
		has "$out" "$pattern"
		is "$(cli list --json | jq length)" 0
		grep -q "$T" /proc/self/mountinfo && fail "left a mount"
		:
	}
	own_bundle b
	refused 'bundle nowhere: No such file' nowhere
	refused "mode 'x' is not none, ephemeral or keep|'x' is not none" b --image "$IMAGE" --upper x
	refused 'image .*/none: No such file' b --image "$T/none"
	refused '--uidmap 0:5:10: config.json has 0:100000:65536' b --image "$IMAGE" --uidmap 0:5:10
	refused "--gidmap: '' is not" b --image "$IMAGE" --gidmap 0:5
	refused "--uidmap: '' is not" b --image "$IMAGE" --uidmap 0:5
	refused "id '../x' is not a name" b --image "$IMAGE" --id ../x
	own_bundle c '.linux.namespaces |= map(select(.type != "user"))'
	refused 'config.json has no user namespace' c --image "$IMAGE"
	own_bundle d 'del(.linux.uidMappings, .linux.gidMappings)'
	refused 'config.json has no uidMappings: --uidmap' d --image "$IMAGE"
	own_bundle e '.root.path = $i' --arg i "$IMAGE"
	refused "root.path: $IMAGE is not in the bundle, and others may use it: .*--image $IMAGE" e
	own_bundle f '.root.path = "../b/rootfs"'
	refused "root.path: $T/b/rootfs is not in the bundle" f --image "$IMAGE"
	mkdir -m 700 closed
	own_bundle closed/g
	refused "cannot reach $T/closed/g/rootfs: $T/closed lacks the x permission" closed/g --image "$IMAGE"
	chown -h 100000:100000 "$(mkdir shifted && echo shifted)"
	refused 'shifted already' b --image "$T/shifted"
}

# Set-user-ID programs of an image are not for other users of the host.
test_other_users_of_the_host() {
	own_bundle b
	has "$(cli prepare b --image "$IMAGE" 2>&1 >/dev/null)" \
		"warning: all users of this machine can reach $T/b/rootfs, .*: chgrp 100000 $T/b && chmod 710 $T/b"
	cli release b
	chgrp 100000 b && chmod 710 b
	is "$(cli prepare b --image "$IMAGE" 2>&1)" "b: $T/b/rootfs shows $IMAGE, with an upper: ephemeral"
	args b stat -c %U /usr/bin/su
	is "$(run_in runc b)" root
	is "$(setpriv --reuid=1000 --regid=1000 --clear-groups ls b/rootfs/usr 2>&1 || :)" \
		"ls: cannot access 'b/rootfs/usr': Permission denied"
	cli release b
}

test_prepared_twice() {
	own_bundle b
	cli prepare b --image "$IMAGE"
	has "$(cli prepare b --image "$IMAGE" 2>&1 || :)" "prepared already, at $T/b/rootfs: oci-shift release b"
	mkdir x && own_bundle x/b
	has "$(cli prepare x/b --image "$IMAGE" 2>&1 || :)" 'prepared already'
	cli prepare x/b --image "$IMAGE" --id other
	is "$(cli list --json | jq -r '.[].id' | xargs)" "b other"
	cli release x/b b
}

# A mapping for a bundle that joins a user namespace.
test_mapping_of_the_command_line() {
	own_bundle b 'del(.linux.uidMappings, .linux.gidMappings)'
	cli prepare b --image "$IMAGE" --uidmap 0:200000:1000
	is "$(stat -c %u:%g b/rootfs/usr/bin/ls)" 200000:200000
	is "$(cli inspect b | jq -r '.[0] | .uidMappings + " " + .gidMappings')" "0:200000:1000 0:200000:1000"
	cli release b
}

test_list_and_inspect() {
	own_bundle b '.root.readonly = false'
	is "$(cli list)" "CONTAINER  WAY  PID  UIDS  MODE  UPPER  SHIFTER  MEMORY  REQUESTS  IMAGE"
	is "$(cli list --json | jq -c .)" '[]'
	cli prepare b --image "$IMAGE" --upper ephemeral
	has "$(cli list | tail -n 1)" "^b +prepare +- +0:100000:65536 +rw +ephemeral +[0-9]+ +[0-9]+K +[0-9]+ +$IMAGE$"
	before=$(cli list --json | jq '.[0].requests')
	ls -lR b/rootfs/etc >/dev/null
	[ "$(cli list --json | jq '.[0].requests')" -gt "$before" ] || fail "requests are not counted"
	has "$(cli inspect b | jq -c '.[0].requests')" '"readdirplus":[0-9]+'
	is "$(cli inspect b | jq -r '.[0] | .bundle + " " + .mountPoint + " " + .upper')" \
		"$T/b $T/b/rootfs $T/ephemeral/b"
	status=0
	cli inspect nobody >log 2>&1 || status=$?
	is $status 3
	has "$(cat log)" 'nothing is shifted under the id nobody'
	cli release b
	status=0
	cli release b >log 2>&1 || status=$?
	is $status 3
}

# A container without a hook is known by its root.
each_running_container_is_not_released() {
	own_bundle b
	args b sleep 60
	cli prepare b --image "$IMAGE"
	start "$1" b
	pid=$(rt "$1" state "$(container_id)" | jq .pid)
	has "$(cli list | tail -n 1)" "^b +prepare +$pid "
	has "$(cli release b 2>&1 || :)" "container b still runs: process $pid"
	stop "$1"
	cli release b
}

test_stale() {
	own_bundle b
	cli prepare b --image "$IMAGE"
	is "$(cli release --stale)" ""
	is "$(cli list --json | jq length)" 1
	# Killed with its keeper, a shifter leaves everything.
	kill -9 "$(jq .keeper.pid "$STATE/b/record.json")" "$(jq .shifter.pid "$STATE/b/record.json")"
	wait_for sh -c '! stat b/rootfs/etc 2>/dev/null'
	has "$(cli list | tail -n 1)" ' dead '
	mkdir "$STATE/empty" ephemeral/lost "$STATE/.roots" "$STATE/.roots/lost" 2>/dev/null || :
	is "$(cli release --stale)" "released b
removed $STATE/empty
removed $T/ephemeral/lost
removed $STATE/.roots/lost"
	is "$(ls -A b/rootfs ephemeral)" "$(printf 'b/rootfs:\n\nephemeral:')"
	# What others have locked stays.
	cli prepare b --image "$IMAGE"
	rm -r "${T:?}/b/config.json" && mv b gone
	is "$(cli release --stale)" "released b"
	rmdir "$STATE/.roots"
}

# The shifter dies alone: its keeper clears away, the mount on the host too.
test_dead_shifter() {
	own_bundle b
	cli prepare b --image "$IMAGE"
	kill -9 "$(jq .shifter.pid "$STATE/b/record.json")"
	wait_for sh -c '! grep -q "'"$T"'" /proc/self/mountinfo'
	wait_for [ ! -e "$STATE/b" ]
	is "$(cli list --json | jq length)" 0
}

test_check() {
	hook_config '{"ephemeralDirectory": "'"$T/ephemeral"'"}'
	out=$(cli check "$IMAGE")
	has "$out" '^kernel +[0-9]'
	has "$out" '^/dev/fuse +yes'
	has "$out" '^shifter +oci-shifter [0-9.]+, libfuse 3'
	has "$out" '^file handles +yes'
	has "$out" '^idmapped mount +(yes|no)'
	has "$out" "^upper +yes, in $T/ephemeral"
	has "$out" '^shifted +yes, ready after [0-9.]+ ms'
	has "$out" '^passthrough +(yes|no)'
	rmdir ephemeral
	status=0
	"$CLI" --config <(jq '.shifter = "/nowhere"' admin.json) check >log || status=$?
	is $status 1
	has "$(cat log)" 'shifter +NO: /nowhere does not run'
}

test_usage() {
	hook_config
	for words in "" "fly" "list x" "prepare" "prepare a b" "release" "release --stale x" "inspect" "list --no"; do
		status=0
		# shellcheck disable=SC2086 # words
		cli $words >log 2>&1 || status=$?
		is $status 2 "$words"
	done
	for c in prepare release list inspect check; do
		has "$(cli help $c)" "^usage: oci-shift $c"
		is "$(cli $c --help)" "$(cli help $c)"
	done
	has "$(cli --help)" 'oci-shift prepare . --image'
	has "$(setpriv --reuid=1000 --regid=1000 --clear-groups "$CLI" list 2>&1 || :)" 'must be run as root'
}
