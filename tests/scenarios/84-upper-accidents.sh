# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2016 # $ in single quotes is of jq or of a container
# Uppers when something goes wrong: ends without poststop, full and read-only disks, killed
# processes, and trees that were made to be hard to remove.

# shellcheck source=tests/scenarios/uppers.sh
. "$REPO/tests/scenarios/uppers.sh"

no_ephemeral_left() {
	[ -z "$(ls -A ephemeral)" ]
}

without_poststop='del(.hooks.poststop)'

each_end_without_poststop() {
	upper_bundle b ephemeral "$without_poststop"
	sh_args b 'echo x >/etc/new'
	run_in "$1" b
	wait_for no_ephemeral_left
}

each_failed_start() {
	upper_bundle b ephemeral '.hooks.prestart += [{path: "/bin/false"}]'
	fails "$1" b .
	wait_for no_ephemeral_left
	# What fails in our own hook, after the upper was made, takes that along: nobody has written to it.
	upper_bundle b keep '.annotations["io.oci-shift.image"] = $i | .mounts += [{type: "tmpfs",
		source: "tmpfs", destination: "/mnt"}]' --arg i "$T/allowed/image"
	mkdir -p allowed/image/{proc,dev,sys,etc}
	fails "$1" b 'mount point /mnt in the image'
	is "$(ls -A uppers)" "" "left of the uppers"
	mkdir allowed/place
	upper_bundle b keep '.annotations["io.oci-shift.image"] = $i | .mounts += [{type: "tmpfs",
		source: "tmpfs", destination: "/mnt"}] | .annotations["io.oci-shift.upperdir"] = $p' \
		--arg i "$T/allowed/image" --arg p "$T/allowed/place"
	fails "$1" b 'mount point /mnt in the image'
	is "$(ls -A allowed/place)" "" "left in a place of somebody's own"
}

each_killed_shifter() {
	upper_bundle b ephemeral
	args b sleep 60
	start "$1" b
	keeper=$(jq .keeper.pid "$STATE/$(container_id)/record.json")
	[ -d "ephemeral/$(container_id)/upper" ] || fail "no upper"
	kill -9 "$(jq .shifter.pid "$STATE/$(container_id)/record.json")"
	wait_for no_ephemeral_left
	wait_for test ! -e "$STATE/$(container_id)"
	[ ! -e "/proc/$keeper/exe" ] || wait_for test ! -e "/proc/$keeper/exe"
	stop "$1"
}

# The keeper too: the next container of this id starts with nothing, and poststop clears up.
each_killed_keeper() {
	upper_bundle b ephemeral
	sh_args b 'echo x >/etc/new; sleep 60'
	start "$1" b
	wait_for test -e "ephemeral/$(container_id)/upper/etc/new"
	kill -9 "$(jq .keeper.pid "$STATE/$(container_id)/record.json")"
	stop "$1"
	is "$(ls -A ephemeral)" "" "left of the uppers"
	upper_bundle b ephemeral "$without_poststop"
	sh_args b 'echo x >/etc/new; sleep 60'
	start "$1" b
	wait_for test -e "ephemeral/$(container_id)/upper/etc/new"
	kill -9 "$(jq .keeper.pid "$STATE/$(container_id)/record.json")"
	stop "$1"
	[ -e "ephemeral/$(container_id)/upper/etc/new" ] || fail "who removed it?"
	upper_bundle b ephemeral
	sh_args b 'ls /etc/new 2>&1'
	has "$(run_in "$1" b || :)" 'No such file'
	is "$(ls -A ephemeral)" "" "left of the uppers"
}

# Killed in the middle of writes; what it had synced is there when it goes on.
each_killed_while_it_writes() {
	upper_bundle b keep
	sh_args b 'i=0; while :; do i=$((i + 1)); echo $i >/var/tmp/new && sync /var/tmp/new &&
		mv /var/tmp/new /var/tmp/f$((i % 50)) && echo $i; done'
	start "$1" b
	wait_for grep -q -x 200 b/log
	kill -9 "$(jq .container.pid "$STATE/$(container_id)/record.json")"
	stop "$1"
	last=$(tail -n 1 b/log)
	sh_args b 'cat /var/tmp/f* | sort -n | tail -n 2'
	got=$(run_in "$1" b | sort -n)
	has "$got" "^($last|$((last + 1)))\$"
}

# small_disk DIR [SIZE [OPTION]]
small_disk() {
	truncate -s "${2:-8M}" "$1.img"
	mkfs.ext4 -q -m 0 "$1.img"
	mkdir "$1"
	mount -o "loop${3:+,$3}" "$1.img" "$1"
}

each_full_disk() {
	upper_bundle b ephemeral
	small_disk disk
	hook_config '{"ephemeralDirectory": "'"$T"'/disk/e", "upperDirectory": "'"$T"'/disk/u"}'
	sh_args b 'mkdir /x; cd /x; i=0; while mkdir -p $i/a/b/c 2>/dev/null; do i=$((i + 1)); [ $i != 300 ] || break; done
		cat /dev/zero >/big; echo $?; echo x >>/etc/issue; echo $?; cat /etc/hostname | wc -l'
	got=$(run_in "$1" b 2>&1)
	has "$got" 'No space left on device'
	has "$got" '^1$'
	is "$(ls -A disk/e)" "" "left of the uppers"
	upper_bundle b keep
	# The space is free again soon after the file is gone.
	sh_args b 'cat /dev/zero >/big; rm /big; until echo x >/etc/new; do sleep 0.1; done; cat /etc/new'
	has "$(run_in "$1" b 2>&1)" '^x$'
	umount disk
}

# The disk as it is at a moment, as after a power cut: what was synced by then is there.
each_power_cut() {
	upper_bundle b keep
	small_disk disk 64M commit=600 # writes nothing by itself for some minutes
	hook_config '{"ephemeralDirectory": "'"$T"'/disk/e", "upperDirectory": "'"$T"'/disk/u"}'
	sh_args b 'echo new >/etc/new && echo more >>/etc/issue && mv /etc/hostname /etc/name &&
		sync /etc/new /etc/issue /etc && echo lost >/etc/lost && echo synced && exec sleep 100'
	start "$1" b
	wait_for grep -q synced b/log
	cp disk.img cut.img
	stop "$1"
	umount disk
	mount -o loop cut.img disk # plays the journal
	is "$(jq -r .written "disk/u/$(container_id)/mark.json")" unshifted
	sh_args b 'cat /etc/new; tail -n 1 /etc/issue; ls /etc/hostname /etc/name 2>/dev/null'
	map b 0:200000:65536
	is "$(run_in "$1" b || :)" $'new\nmore\n/etc/name'
	umount disk
}

# What the image loses, its containers lose; everything else goes on, and to its end.
each_image_that_disappears() {
	image_copy image
	upper_bundle b ephemeral '.root.path = $i' --arg i "$T/image"
	sh_args b 'echo x >/etc/new; exec sleep 100'
	start "$1" b
	wait_for test -e "ephemeral/$(container_id)/upper/etc/new"
	rm -r image/{etc,usr}
	root=$(root_of)
	is "$(cat "$root/etc/new")" x
	timeout 10 ls -lR "$root/etc" "$root/usr" >/dev/null 2>&1 || :
	stop "$1"
	is "$(ls -A ephemeral)" "" "left of the uppers"
}

each_read_only_disk() {
	upper_bundle b keep
	small_disk disk
	hook_config '{"ephemeralDirectory": "'"$T"'/disk/e", "upperDirectory": "'"$T"'/disk/u"}'
	sh_args b 'echo x >/etc/new'
	run_in "$1" b
	mount -o remount,ro disk
	tree disk >before
	fails "$1" b 'Read-only file system'
	upper_bundle b ephemeral
	fails "$1" b 'make .*/disk/e: Read-only file system'
	tree disk >after
	cmp before after
	umount disk
}

# Deep, without permissions, with symlinks to outside, with names of ours; and what the host made
# immutable in it.
each_hostile_tree() {
	upper_bundle b ephemeral
	mkdir outside
	touch outside/file
	sh_args b 'mkdir /t && cd /t && ln -s '"$T"'/outside out && ln -s ../../../../outside out2 &&
		mkdir -p 1/2/3 2/1 3 m/m && chmod 0 1 2 3 m && mkfifo pipe && touch "$(printf "a\nb")" &&
		perl -e '\''for (1..3000) { mkdir "d" or die $!; chdir "d" or die $! }'\'' && sleep 60'
	start "$1" b
	up=ephemeral/$(container_id)/upper
	wait_for eval '[ "$(ps -o comm= -p "$(jq .container.pid "$STATE/$(container_id)/record.json")")" = sleep ] ||
		ps -o comm= --ppid "$(jq .container.pid "$STATE/$(container_id)/record.json")" | grep -q sleep'
	chattr +i "$up/t/2/1" "$up/t/2"
	touch "$up/t/still" && chattr +a "$up/t/still"
	stop "$1"
	is "$(ls -A ephemeral)" "" "left of the uppers"
	[ -e outside/file ] || fail "it followed a symlink"
}

# A mount of the host in it is not gone into: it stays, poststop says so, and can be run again.
test_mount_in_an_upper() {
	upper_bundle b ephemeral
	sh_args b 'mkdir /t; sleep 60'
	start runc b
	up=ephemeral/$(container_id)/upper
	wait_for test -d "$up/t"
	mkdir outside
	touch outside/file
	mount --bind outside "$up/t"
	id=$(container_id)
	runc --root "$T/runc" kill "$id" KILL
	runc --root "$T/runc" delete --force "$id" >log 2>&1 || :
	[ -e outside/file ] || fail "the host's file is gone"
	[ -e "$STATE/$id/record.json" ] || fail "nothing knows of it: $(cat log)"
	umount "$up/t"
	state "$id" 0 "$T/b" stopped | jq 'del(.pid)' | hook poststop
	is "$(ls -A ephemeral)" "" "left of the uppers"
}
