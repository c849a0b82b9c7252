# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The shifter as the mount program of podman's storage: one image, any number of mappings, and all
# that podman does with layers. The same list with fuse-overlayfs says what is to come of it.
#
# podman 5 is needed, which Debian 13 has. podman 4.3 maps the layers by itself, mount program or not,
# and they would be shifted twice.
# alone: podman has one store
# timeout: 300

# shellcheck source=tests/scenarios/podman.sh
. "$REPO/tests/scenarios/podman.sh"

# A small root in a tar: what a shell and stat need.
root_tar() {
	once root-tar tar -C "$IMAGE" -cf "$WORK/root.tar" --exclude='./usr/lib/gcc*' --exclude='./usr/libexec/*' \
		--exclude='./usr/share/locale/*' --exclude='./usr/share/doc/*' --exclude='./usr/lib/x86_64-linux-gnu/*.a' \
		--exclude='./usr/bin/*-linux-gnu-*' --exclude='./usr/lib/x86_64-linux-gnu/perl*' --exclude='./usr/include/*' \
		--exclude='./dev/*' --exclude='./var/lib/apt/*' --exclude='./var/cache/*' --exclude='./usr/share/perl*' .
}

# pods COMMAND...: with ids for --userns=auto, and where podman's mounts stay until its end
pods() {
	echo containers:1000000:1000000 >"$T/subids"
	timeout 100 unshare --mount --propagation slave sh -ec '
		! mountpoint -q /sys/fs/cgroup/unified || umount /sys/fs/cgroup/unified
		for f in /etc/subuid /etc/subgid; do mount --bind "$0/subids" $f; done
		exec "$@"' "$T" "$@"
}

pod() {
	pods "$T/podman" "$@"
}

# use RUNTIME PROGRAM [OPTION]: podman with storage of its own, and this program to mount it
use() {
	NET=(--network none --cgroups "$([ "$1" = crun ] && echo disabled || echo enabled)")
	cat >"$T/podman" <<-EOF
		#!/bin/sh
		exec podman --root $T/s --runroot $T/r --runtime $1 --storage-driver overlay \\
			--storage-opt overlay.mount_program=$2 ${3:+--storage-opt $3} "\$@"
	EOF
	chmod +x "$T/podman"
	podman_conf
	export CONTAINERS_CONF=$T/containers.conf PODMAN_IGNORE_CGROUPSV1_WARNING=1
}

# mapped HOST-ID: options
mapped() {
	echo "--uidmap=0:$1:10000" "--gidmap=0:$1:10000"
}

on_disk() {
	(cd "$1" && find . -mindepth 1 -name '.wh..*' -prune -o -printf '%P %y %U:%G\n' | sort)
}

# Ten mappings of one image, and the storage stays as it is.
ten_mappings() {
	local i before after
	pod import -q "$WORK/root.tar" img >/dev/null
	before=$(du --si --summarize s)
	for i in $(seq 10); do
		# shellcheck disable=SC2046 # words
		pod run "${NET[@]}" $(mapped "${i}00000") --rm img stat -c "owner is: %U" /usr/bin/ls
	done
	after=$(du --si --summarize s)
	[ "$before" = "$after" ] || echo "storage: $before, then $after"
	is "$(find s/overlay/*/diff -maxdepth 2 -name ls -o -path '*/usr/bin' -printf '%U\n' | sort -u)" 0
}

# One container that is changed, looked at from the host, started again, copied to and committed.
one_container() {
	# shellcheck disable=SC2046
	pod create --name c "${NET[@]}" $(mapped 100000) img sh -c 'touch /new; chown 5:6 /new; rm -rf /etc/apt /etc/security
		mkdir -p /etc/security; echo text >/etc/motd; stat -c "%u:%g %n" / /new /etc/motd' >/dev/null
	pod start -a c
	# shellcheck disable=SC2016 # for that shell
	pods sh -ec 'm=$("$0" mount c); cd "$m"; stat -c "%u:%g %n" new etc/motd etc/passwd; cd /; "$0" umount c' "$T/podman"
	on_disk "$(pod inspect c -f '{{.GraphDriver.Data.UpperDir}}')"
	# "podman diff" would take c for the beginning of an image's id.
	pod container diff c | grep -v ' /dev\| /run' | grep -E '^[AD]' | sort
	pod start -a c
	pod cp c:/etc/motd got && cat got
	echo from outside >in && pod cp in c:/opt/in
	pod commit -q c img2 >/dev/null
	pod run --rm "${NET[@]}" img2 sh -c 'stat -c "%u:%g %n" /new /opt/in; cat /etc/motd /opt/in; ls /etc/security /etc/apt 2>&1 || :'
	pod rm c >/dev/null
}

# Layers that delete and replace what is below them.
layers_upon_layers() {
	cat >Containerfile <<-'EOF'
		FROM img2
		RUN rm /new && rm -r /etc/cron.d /etc/pam.d && echo replaced >/etc/motd && ln -s /etc/motd /link
		RUN mkdir /etc/pam.d && echo again >/etc/pam.d/new && mv /opt /moved
	EOF
	pod build -q --isolation chroot -t img3 . >/dev/null
	# shellcheck disable=SC2046
	pod run --rm "${NET[@]}" $(mapped 300000) img3 sh -c 'ls /new /etc/cron.d /etc/pam.d /moved; cat /link
		stat -c "%u:%g %n" / /etc/pam.d/new /moved/in' 2>&1 || :
	pod run --rm "${NET[@]}" --read-only img3 sh -c 'touch /x || echo read-only' 2>&1
	pod run --rm "${NET[@]}" --userns=auto:size=5000 img3 stat -c '%U %n' /etc/motd
	mkdir -p vol && echo volume >vol/file
	pod run --rm "${NET[@]}" -v "$T/vol:/vol:O" img3 sh -c 'echo changed >>/vol/file; cat /vol/file'
	cat vol/file
	# shellcheck disable=SC2046
	pod run -d --name d "${NET[@]}" $(mapped 100000) img3 sleep 100 >/dev/null
	pod exec d stat -c '%U %n' /etc/motd
	pod rm -f -t 0 d >/dev/null
}

# Merged roots that are layers of others: of an image, of a stage of a build, of what is mounted on the host.
mounts_upon_mounts() {
	cat >Containerfile <<-'EOF'
		FROM img2 AS first
		RUN mkdir /two && echo stage >/two/file
		FROM img2
		RUN --mount=type=bind,from=img3,source=/,target=/mnt,rw touch /mnt/written && cat /mnt/moved/in >/seen
		RUN --mount=type=bind,from=first,source=/two,target=/mnt cat /mnt/file >>/seen
	EOF
	pod build -q --isolation chroot -t img4 . >/dev/null
	pod run --rm "${NET[@]}" img4 cat /seen
	pod run --rm "${NET[@]}" --mount type=image,source=img3,destination=/im,rw=true img4 \
		sh -c 'cat /im/moved/in && echo changed >/im/moved/in && cat /im/moved/in'
	# shellcheck disable=SC2016 # for that shell
	pods sh -ec 'm=$("$0" image mount img3)
		"$0" run --rm "$@" -v "$m:/vol:O" img4 sh -c "cat /vol/moved/in && echo changed >/vol/moved/in && cat /vol/moved/in"
		"$0" run --rm "$@" --rootfs "$m:O" sh -c "cat /moved/in && echo changed >/moved/in && cat /moved/in"
		cat "$m/moved/in"
		"$0" image unmount img3 >/dev/null' "$T/podman" "${NET[@]}"
}

whole_list() {
	(
		set -e
		ten_mappings
		one_container
		layers_upon_layers
		mounts_upon_mounts
		pod system reset -f >/dev/null
		[ ! -d s ] || find s -mindepth 2 -type f ! -name '*.lock' | head -3
	) 2>&1
	grep "$T" /proc/self/mountinfo || :
}

# listed FILE: the list, in a shell where a failing command counts
listed() {
	whole_list >"$1" &
	wait "$!" || { cat "$1" && return 1; }
}

each_podman_storage() {
	use "$1" "$SHIFTER"
	root_tar
	if old_podman; then
		pod import -q "$WORK/root.tar" img >/dev/null
		# shellcheck disable=SC2046
		has "$(pod run "${NET[@]}" $(mapped 100000) --rm img true 2>&1 || :)" 'is shifted already: it is owned by uid 100000'
		pod system reset -f >/dev/null
		return
	fi
	listed ours
	cat ours
	is "$(head -10 ours | sort -u)" 'owner is: root'
	has_not "$(cat ours)" 'rror|storage:'
	[ "$1" = crun ] || return 0
	rm -rf s r vol in got
	use "$1" "$(cd "$REPO" && bench/programs)"
	listed theirs
	diff -U 3 theirs ours || fail "not as with fuse-overlayfs"
}

# With force_mask the storage is one that all may read: every file on disk is root's, with one mode,
# and says in an attribute whose it is and what its mode is.
test_force_mask() {
	use crun "$SHIFTER" overlay.force_mask=shared
	root_tar
	pod import -q "$WORK/root.tar" img >/dev/null
	has "$(stat -c '%u:%g %a' s/overlay/*/diff/etc/shadow) $(getfattr --only-values -n user.containers.override_stat s/overlay/*/diff/etc/shadow)" \
		'^0:0 755 0:42:0640(:file)?$'
	pod run --name c "${NET[@]}" img sh -c 'touch /f; chown 5:6 /f; chmod 4700 /f; stat -c "%u:%g %a %n" /f /etc/shadow' >out
	is "$(cat out)" $'5:6 4700 /f\n0:42 640 /etc/shadow'
	is "$(stat -c '%u:%g %a' s/overlay/*/diff/f) $(getfattr --only-values -n user.containers.override_stat s/overlay/*/diff/f)" \
		'0:0 755 5:6:4700'
	pod system reset -f >/dev/null
	! old_podman || return 0
	rm -rf s r
	listed ours
	cat ours
	is "$(head -10 ours | sort -u)" 'owner is: root'
	has_not "$(cat ours)" 'rror|storage:'
	rm -rf s r vol in got
	use crun "$(cd "$REPO" && bench/programs)" overlay.force_mask=shared
	listed theirs
	diff -U 3 theirs ours || fail "not as with fuse-overlayfs"
}
