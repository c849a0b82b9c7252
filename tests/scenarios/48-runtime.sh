# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2016 # $ in single quotes is of jq, and of other shells
# oci-shift-runtime: for engines that take the path of a runtime. Everything is compared with the
# runtime behind it.

# shellcheck source=tests/scenarios/podman.sh
. "$REPO/tests/scenarios/podman.sh"

# plain_bundle DIR [JQ-FILTER...]: without hooks, over an image that lacks one of the mount points
plain_bundle() {
	local dir=$1 filter=${2:-.}
	shift
	[ $# = 0 ] || shift
	[ -e hosts ] || echo 'of the engine' >hosts
	bundle "$dir" 'del(.hooks) | .mounts += [
		{destination: "/run/engine/hosts", type: "bind", source: ($t + "/hosts"), options: ["bind", "ro"]}
		] | '"$filter" --arg t "$T" "$@"
}

# setting RUNTIME: the wrapper is $T/bin/oci-shift-RUNTIME
setting() {
	mkdir -p bin
	ln -sf "$WRAPPER" "bin/oci-shift-$1"
	# Engines do not pass their environment on.
	printf '#!/bin/sh\nexport OCI_SHIFT_CONFIG=%s\nexec %s "$@"\n' "$T/admin.json" "$T/bin/oci-shift-$1" >bin/engine-s
	chmod +x bin/engine-s
	ln -sf engine-s "bin/engine-s-$1"
	hook_config "$(jq -n --arg t "$T" '{upperDirectory: "\($t)/uppers", ephemeralDirectory: "\($t)/ephemeral"}')"
	export OCI_SHIFT_CONFIG=$T/admin.json
}

# wrapped RUNTIME ARGUMENTS...: as rt of lib.sh
wrapped() {
	local name=$1
	shift
	case $name in
	runc) "$T/bin/oci-shift-runc" --root "$T/runc" "$@" ;;
	crun)
		unshare --mount --propagation slave bash -c '
			! mountpoint -q /sys/fs/cgroup/unified || umount /sys/fs/cgroup/unified
			exec "$1/bin/oci-shift-crun" --root "$0" --cgroup-manager=disabled "${@:2}"' \
			"$T/crun" "$T" "$@"
		;;
	esac
}

each_run() {
	setting "$1"
	plain_bundle b
	sh_args b 'stat -c %U /usr/bin/ls; cat /run/engine/hosts; cat; touch /x; exit 7'
	status=0
	out=$(cd b && echo "on stdin" | wrapped "$1" run "$(container_id)" 2>../err) || status=$?
	is "$out" $'root\nof the engine\non stdin'
	is "$status" 7
	has "$(cat err)" 'touch: .*Read-only file system'
	[ ! -e "$IMAGE/run/engine" ] || fail "a mount point in the image"
	nothing_left
	is "$(ls -A ephemeral)" ""
}

each_life() {
	setting "$1"
	plain_bundle b '.root.readonly = false | .annotations["io.oci-shift.upper"] = "keep"'
	sh_args b 'echo here >/opt/new; exec sleep 60'
	id=$(container_id)
	wrapped "$1" create --bundle "$T/b" --pid-file "$T/pid" "$id" >log 2>&1 </dev/null
	is "$(wrapped "$1" state "$id" | jq -r '.status + " \(.pid)"')" "created $(cat pid)"
	has "$("$CLI" --config "$T/admin.json" list | tail -n 1)" "^$id +runtime +$(cat pid) "
	wrapped "$1" start "$id"
	wait_for test -e "uppers/$id/upper/opt/new"
	is "$(wrapped "$1" exec "$id" stat -c %U /opt/new /usr/bin/ls)" $'root\nroot'
	# Nobody outside sees it, and nobody else gets the id.
	is "$(grep -c "$IMAGE .*fuse" /proc/self/mountinfo)" 0
	has "$(wrapped "$1" create --bundle "$T/b" "$id" 2>&1 || :)" 'runs already|there already|process .* is at a container'
	is "$(wrapped "$1" state "$id" | jq -r .status)" running
	has "$(wrapped "$1" delete "$id" 2>&1 || :)" '.'
	is "$(wrapped "$1" exec "$id" cat /opt/new)" here
	wrapped "$1" kill "$id" KILL
	wait_for sh -c '[ "$('"$1"' --root "'"$T/$1"'" state "$0" | jq -r .status)" = stopped ]' "$id"
	wrapped "$1" delete "$id"
	is "$(ls -A "$STATE")" "" "record"
	nothing_left
	is "$(stat -c %u "uppers/$id/upper/opt/new")" 0
}

each_delete_force() {
	setting "$1"
	plain_bundle b
	args b sleep 60
	wrapped "$1" create --bundle "$T/b" "$(container_id)" >log 2>&1 </dev/null
	wrapped "$1" start "$(container_id)"
	wrapped "$1" delete --force "$(container_id)"
	is "$(ls -A "$STATE")" "" "record"
}

# The real runtime's own words and exit statuses.
each_failures_are_the_runtimes() {
	same() {
		local a=0 b=0
		rt "$runtime" "$@" >native.out 2>native.err </dev/null || a=$?
		wrapped "$runtime" "$@" >wrapped.out 2>wrapped.err </dev/null || b=$?
		is $b $a "$*"
		# Without what tells one call from another.
		sed -E 's/time="[^"]*" //; s/^[0-9T:.Z-]+ //' native.err >x && sed -E 's/time="[^"]*" //; s/^[0-9T:.Z-]+ //' wrapped.err >y
		diff x y && cmp native.out wrapped.out
		[ -z "$(ls -A "$STATE" 2>/dev/null)" ] || wait_for sh -c '[ -z "$(ls -A "$0")" ]' "$STATE"
	}
	runtime=$1
	setting "$1"
	plain_bundle b '.mounts |= .[0:-1]'
	same delete nobody
	same state nobody
	same create --bundle "$T/nowhere" x
	same run
	same --version
	args b /no/such/program
	same run --bundle "$T/b" x
}

# What this project's parser refuses a runtime might take, and run the container unshifted.
each_config_that_is_refused() {
	setting "$1"
	plain_bundle b
	jq -c . b/config.json | sed 's/^{/{"root":{"path":"\/"},/' >n && mv n b/config.json
	wrapped "$1" --log "$T/log" run --bundle "$T/b" x >out 2>err </dev/null && fail "it ran"
	has "$(cat err)" "container x: $T/b/config.json: .*twice"
	has "$(cat log)" "level=error msg=\"container x: $T/b/config.json: "
}

each_refusal_is_in_the_log() {
	setting "$1"
	mkdir -p other/image && chown 7000000 other/image
	plain_bundle b '.root.path = $i' --arg i "$T/other/image"
	status=0
	wrapped "$1" --log "$T/log.json" --log-format json create --bundle "$T/b" x >out 2>err </dev/null || status=$?
	is $status 1
	why="container x: $T/other/image is owned by uid 7000000, which is no container id of the mapping: it was written shifted, for another mapping"
	is "$(jq -r '.level + ": " + .msg' log.json)" "error: $why"
	is "$(cat err)" "oci-shift-runtime: error: $why"
	wrapped "$1" --log "$T/log.txt" create --bundle "$T/b" x >out 2>err </dev/null && fail created
	has "$(cat log.txt)" "level=error msg=\"container x: "
	rt "$1" state x >/dev/null 2>&1 && fail "there is a container"
	nothing_left
}

each_without_a_user_namespace() {
	setting "$1"
	plain_bundle b 'del(.linux.uidMappings, .linux.gidMappings, .mounts[-1])
		| .linux.namespaces |= map(select(.type != "user"))'
	args b stat -c %u /usr/bin/ls
	is "$(cd b && wrapped "$1" run "$(container_id)")" 0
	[ ! -e "$STATE" ] || fail "a record"
}

# A signal to the wrapper is one to the runtime, which runc run passes on to the container.
each_signals_and_console() {
	setting "$1"
	runtime=oci-shift-$1
	[ "$1" = runc ] || { printf '#!/bin/sh\nexec unshare --mount sh -c "! mountpoint -q /sys/fs/cgroup/unified || umount /sys/fs/cgroup/unified
		exec %s --cgroup-manager=disabled \"\$@\"" - "$@"\n' "$T/bin/oci-shift-crun" >bin/crun && chmod +x bin/crun && runtime=crun; }
	plain_bundle b
	sh_args b 'trap "echo got it; exit 3" TERM; echo ready; while :; do sleep 0.1; done'
	(cd b && exec python3 -c '
import os, signal, subprocess, sys
p = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, text=True)
assert p.stdout.readline() == "ready\n"
p.send_signal(signal.SIGTERM)
print(p.stdout.read(), p.wait())' "$T/bin/$runtime" run "$(container_id)") >out
	has "$(cat out)" 'got it'
	has "$(cat out)" ' 3$'
	# A terminal: its other end comes over the console socket.
	sh_args b 'tty; stat -c %U /usr/bin/ls'
	jq '.process.terminal = true' b/config.json >n && mv n b/config.json
	python3 - "$T/console" >console.out <<-'EOF' &
		import array, os, socket, sys
		s = socket.socket(socket.AF_UNIX)
		s.bind(sys.argv[1])
		s.listen()
		c, _ = s.accept()
		data, fds, _, _ = c.recvmsg(4096, socket.CMSG_SPACE(4))
		fd = array.array("i", fds[0][2])[0]
		out = b""
		while True:
		    try:
		        more = os.read(fd, 4096)
		    except OSError:
		        break
		    if not more:
		        break
		    out += more
		print(out.decode())
	EOF
	wait_for test -S console
	wrapped "$1" create --bundle "$T/b" --console-socket "$T/console" "$(container_id)" >log 2>&1 </dev/null
	wrapped "$1" start "$(container_id)"
	wait
	has "$(cat console.out)" '^/dev/pts/0'
	has "$(cat console.out)" '^root'
	wait_for sh -c '[ "$('"$1"' --root "'"$T/$1"'" state "$0" | jq -r .status)" = stopped ]' "$(container_id)"
	wrapped "$1" delete "$(container_id)"
}

# By the runtime's own name, in front of it in the PATH of an engine.
test_by_the_name_of_the_runtime() {
	setting runc
	plain_bundle b
	args b stat -c %U /usr/bin/ls
	# shellcheck disable=SC2016 # for that shell
	is "$(unshare --mount --propagation private bash -euc 'mount -t tmpfs tmpfs /usr/local/sbin
		cp "$1" /usr/local/sbin/runc
		cd b && runc --root "$2" run "$3"' - "$WRAPPER" "$T/runc" "$(container_id)")" root
}

# Killed in the middle of its work the runtime leaves nothing.
each_killed_runtime() {
	setting "$1"
	plain_bundle b
	sh_args b 'exec sleep 60'
	rm -f hosts && mkfifo hosts.slow
	wrapped "$1" create --bundle "$T/b" x >log 2>&1 </dev/null && fail "without its mount's source"
	nothing_left
}

each_podman() {
	setting "$1"
	bare_image image
	out=$(podman_run "$T/bin/engine-s-$1" --read-only --read-only-tmpfs=false --rootfs "$T/image" \
		sh -c 'stat -c "owner is: %U" /usr/bin/ls; ls /run/.containerenv')
	has "$out" '^owner is: root$'
	has "$out" '^/run/.containerenv$'
	is "$(ls image/etc/hosts 2>/dev/null)" ""
	out=$(podman_run "$T/bin/engine-s-$1" --annotation io.oci-shift.upper=ephemeral --rootfs "$T/image" \
		sh -c 'touch /opt/new; stat -c "owner is: %U" /opt/new')
	is "$out" 'owner is: root'
	is "$(ls -A image/opt)" ""
	nothing_left
}
