# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2016 # $ in single quotes is of jq
# Uppers: writes of a container go to a directory of its own, with disk ids, and the image stays as
# it is. Those that are kept are found again, also under another mapping.

# shellcheck source=tests/scenarios/uppers.sh
. "$REPO/tests/scenarios/uppers.sh"

each_ephemeral() {
	upper_bundle b ephemeral
	tree "$IMAGE" >before
	sh_args b 'echo new >/etc/new && echo more >>/etc/issue && chown 7:8 /etc/new &&
		rm -r /opt && perl -e "rename q(/srv), q(/srv2) or die \$!" && cat /etc/new && stat -c "%u:%g" /etc/new /etc/issue &&
		! ls -d /opt /srv 2>/dev/null && stat -c %U /usr/bin/ls'
	is "$(run_in "$1" b)" $'new\n7:8\n0:0\nroot'
	is "$(ls -A ephemeral)" "" "left of the uppers"
	sh_args b 'ls /etc/new'
	fails "$1" b 'No such file'
	tree "$IMAGE" >after
	cmp before after
}

# What a container wrote, at the place of its upper.
each_disk_ids() {
	upper_bundle b keep
	sh_args b 'umask 022; echo x >/root/new && install -o 5 -g 6 /dev/null /root/of5 && rm /etc/issue &&
		chown 9:9 /etc/hostname && rm -r /opt && mkdir /opt && touch /opt/x && chown 0:3 /opt'
	run_in "$1" b
	upper=uppers/$(container_id)/upper
	is "$(stat -c '%u:%g %a' "$upper"/root/{new,of5} "$upper/opt" "$upper")" \
		"$(printf '0:0 644\n5:6 755\n0:3 755\n%s' "$(stat -c '%u:%g %a' "$IMAGE")")"
	is "$(stat -c '%u:%g %F %t:%T' "$upper/etc/issue")" "0:0 character special file 0:0" whiteout
	is "$(getfattr --only-values -n trusted.overlay.opaque "$upper/opt")" y
	is "$(stat -c %u:%g "$upper/etc/hostname")" 9:9
	is "$(stat -c %a "uppers/$(container_id)")" 700
}

each_kept() {
	upper_bundle b keep
	sh_args b 'echo one >/etc/new; echo two >/root/of5; chown 5:6 /root/of5; rm /etc/issue'
	run_in "$1" b
	sh_args b 'cat /etc/new; stat -c %u:%g /root/of5 /etc/new; ls /etc/issue 2>&1; echo again >>/etc/new'
	is "$(run_in "$1" b)" $'one\n5:6\n0:0\nls: cannot access \'/etc/issue\': No such file or directory'
	map b 0:300000:65536
	is "$(run_in "$1" b)" $'one\nagain\n5:6\n0:0\nls: cannot access \'/etc/issue\': No such file or directory'
	sh_args b 'sleep 60'
	start "$1" b
	is "$(stat -c %u:%g "$(root_of)/root/of5")" 300005:300006
	is "$(jq -c .upper "$STATE/$(container_id)/record.json")" \
		"{\"mode\":\"keep\",\"path\":\"$T/uppers/$(container_id)\"}"
	stop "$1"
	# Another id has another one.
	sh_args b 'cat /etc/new'
	if run_in "$1" b other >log 2>&1; then
		fail "the upper of another"
	fi
}

each_read_only_root() {
	upper_bundle b keep
	sh_args b 'echo one >/etc/new'
	run_in "$1" b
	upper_bundle b keep '.root.readonly = true'
	sh_args b 'cat /etc/new; touch /etc/new 2>&1'
	tree "uppers/$(container_id)/upper" >before
	is "$(run_in "$1" b || :)" $'one\ntouch: cannot touch \'/etc/new\': Read-only file system'
	tree "uppers/$(container_id)/upper" >after
	diff before after
	upper_bundle b ephemeral '.root.readonly = true'
	sh_args b 'cat /etc/issue; touch /etc/new 2>&1'
	has "$(run_in "$1" b || :)" 'Read-only file system'
	[ ! -e ephemeral ] || fail "an upper that nobody can write to"
}

# An upper at the place that an annotation names.
each_annotated_place() {
	upper_bundle b keep '.annotations["io.oci-shift.upperdir"] = $d' --arg d "$T/allowed/mine"
	mkdir allowed/mine
	sh_args b 'echo one >/etc/new'
	run_in "$1" b
	is "$(cat allowed/mine/upper/etc/new)" one
	sh_args b 'cat /etc/new'
	is "$(run_in "$1" b other)" one
	[ ! -e uppers ] || fail "another place was made"
	# Only one at a time.
	sh_args b 'sleep 60'
	start "$1" b other
	fails "$1" b "upper $T/allowed/mine is in use by another container"
	is "$(ls -A "$STATE")" other records
	stop "$1" other
}

# refused_place PATH PATTERN
refused_place() {
	upper_bundle b keep '.annotations["io.oci-shift.upperdir"] = $d' --arg d "$1"
	fails runc b "io.oci-shift.upperdir: .*$2"
}

test_places_that_are_not_allowed() {
	upper_bundle b none
	mkdir -p allowed/real elsewhere/upper allowed-not
	ln -s ../elsewhere allowed/link
	ln -s real allowed/near
	refused_place "$T/elsewhere" 'is not in a directory that annotationPaths'
	refused_place "$T/allowed-not" 'is not in a directory that annotationPaths'
	refused_place "$T/allowed/../elsewhere" "leads through '..'"
	refused_place "$T/allowed/link" 'leads through a symlink'
	refused_place "$T/allowed/link/upper" 'leads through a symlink'
	refused_place "$T/allowed/near" 'leads through a symlink'
	refused_place "$T/allowed/none" 'No such file'
	refused_place allowed/real 'is not an absolute path'
	is "$(find elsewhere allowed allowed-not | sort | tr '\n' ' ')" \
		"allowed allowed-not allowed/link allowed/near allowed/real elsewhere elsewhere/upper "
	# Nor is one that is an image, or anything else.
	mkdir -p allowed/image/etc
	refused_place "$T/allowed/image" 'allowed/image is not empty, and has no upper'
	is "$(ls -A allowed/image)" etc
	# A symlink inside the place leads nowhere.
	ln -s ../../elsewhere allowed/real/upper
	upper_bundle b keep '.annotations["io.oci-shift.upperdir"] = $d' --arg d "$T/allowed/real"
	fails runc b 'allowed/real/upper: Too many levels of symbolic links'
	is "$(find elsewhere)" $'elsewhere\nelsewhere/upper'
}

# While the directory is swapped with a symlink all the time, nothing is written where it leads.
test_race_for_a_place() {
	upper_bundle b keep '.annotations["io.oci-shift.upperdir"] = $d' --arg d "$T/allowed/p"
	mkdir allowed/p elsewhere
	ln -s ../elsewhere allowed/q
	perl -e '($p, $q) = ("allowed/p", "allowed/q");
		for (;;) { syscall(316, -100, $p, -100, $q, 2) }' & # renameat2, RENAME_EXCHANGE
	swapper=$!
	trap 'kill $swapper' EXIT
	for _ in 1 2 3 4 5 6 7 8; do
		run_in runc b >>log 2>&1 || :
	done
	is "$(ls -A elsewhere)" "" "written elsewhere"
	grep -q 'leads through a symlink' log || skip "the swap was never met"
}

test_hostile_ids() {
	local id
	upper_bundle b keep
	sh_args b 'echo x >/etc/new'
	for id in .. . ...; do
		state "$id" $$ "$T/b" | hook poststop || :
	done
	# What runc takes for an id, and what only a state can say.
	run_in runc b a+b-c.d_e
	is "$(cat "uppers/a+b-c.d_e/upper/etc/new")" x
	for id in .. . a/../../x; do
		if state "$id" $$ "$T/b" | hook prestart 2>>log; then
			fail "id $id was taken"
		fi
	done
	is "$(ls -A uppers)" a+b-c.d_e
	is "$(find . -mindepth 1 -maxdepth 1 ! -name state ! -name runc | sort | tr '\n' ' ')" \
		'./admin.json ./allowed ./b ./log ./uppers '
}

# What an upper says of itself to others.
test_mark() {
	local place
	upper_bundle b keep
	sh_args b 'echo x >/etc/new'
	run_in runc b
	place=uppers/$(container_id)
	is "$(jq -r '.version, .written, .lower, .id' "$place/mark.json")" \
		"$(printf '1\nunshifted\n%s\n%s' "$IMAGE" "$(container_id)")"
	[ ! -x /usr/bin/python3 ] || ! python3 -c 'import jsonschema' 2>/dev/null ||
		python3 -c 'import json, jsonschema, sys
jsonschema.validate(json.load(open(sys.argv[1])), json.load(open(sys.argv[2])))' \
			"$place/mark.json" "$REPO/schemas/mark.schema.json"
	has "$(getfattr --only-values -n trusted.oci-shift.upper "$place/upper")" '^written=unshifted$'
	has "$(getfattr --only-values -n trusted.oci-shift.upper "$place/upper")" "^lower=$IMAGE\$"
	# The container's own root has neither.
	sh_args b 'ls -A / | grep -c mark; getfattr -d -m - /; ls -A /work'
	has_not "$(run_in runc b 2>&1 || :)" 'oci-shift|trusted'
}

# refused_upper DIR PATTERN: the container does not start, and nothing of its upper has changed
refused_upper() {
	tree "uppers/$(container_id)" >before
	getfattr -d -m - --absolute-names -R "uppers/$(container_id)" >>before
	fails "$1" "$2" "$3"
	tree "uppers/$(container_id)" >after
	getfattr -d -m - --absolute-names -R "uppers/$(container_id)" >>after
	cmp before after
	[ ! -e "$STATE" ] || is "$(ls -A "$STATE")" "" records
}

each_refused_over_another_lower() {
	upper_bundle b keep
	sh_args b 'echo x >/etc/new'
	run_in "$1" b
	mkdir -p allowed/image/{proc,dev,sys,etc}
	upper_bundle c keep '.annotations["io.oci-shift.image"] = $i' --arg i "$T/allowed/image"
	refused_upper "$1" c "upper $T/uppers/$(container_id) .*over $IMAGE, not over $T/allowed/image"
	# The image that it was made over is still taken.
	sh_args b 'cat /etc/new'
	is "$(run_in "$1" b)" x
}

# By another program, or by this one over an image that was shifted already: its owners say so.
each_refused_as_written_shifted() {
	upper_bundle b keep
	mkdir -p "uppers/$(container_id)/upper/etc"
	chown -R 100000:100000 "uppers/$(container_id)/upper"
	refused_upper "$1" b "upper $T/uppers/$(container_id) was written shifted .*over $IMAGE"
	upper_bundle c keep
	upper=uppers/$(container_id)/upper
	chown -R 0:0 "$upper"
	setfattr -n trusted.oci-shift.upper -v "oci-shift upper 1
written=shifted
by=other
lower=/somewhere
id=1-0
" "$upper"
	refused_upper "$1" c "upper $T/uppers/$(container_id) was written shifted over /somewhere, .*over $IMAGE"
	setfattr -n trusted.oci-shift.upper -v 'oci-shift upper 3' "$upper"
	refused_upper "$1" c "upper $T/uppers/$(container_id) has a mark of a later version"
}

# An image with a mount in it, which the merged tree would hide.
test_refused_over_an_image_with_mounts() {
	mkdir -p allowed/image/{proc,dev,sys,etc,data}
	upper_bundle b keep '.annotations["io.oci-shift.image"] = $i' --arg i "$T/allowed/image"
	mount -t tmpfs tmpfs allowed/image/data
	fails runc b 'the image has a mount at /data, which an upper would hide'
	umount allowed/image/data
	[ ! -e uppers ] || is "$(ls -A uppers)" "" "made for it"
}

# The root directory of the merged tree is the image's, with all that it has.
test_root_directory_of_the_image() {
	mkdir -p allowed/image/{proc,dev,sys,etc}
	upper_bundle b keep '.annotations["io.oci-shift.image"] = $i' --arg i "$T/allowed/image"
	chown 5:6 allowed/image
	chmod 1751 allowed/image
	setfacl -m u:7:rwx,d:g:8:r-x allowed/image
	setfattr -n user.note -v hello allowed/image
	touch -d 2001-02-03T04:05:06.789Z allowed/image
	run_in runc b >log 2>&1 || : # there is no program in it
	upper=uppers/$(container_id)/upper
	is "$(stat -c '%u:%g %a %Y' "$upper")" "$(stat -c '%u:%g %a %Y' allowed/image)"
	is "$(getfacl -cn "$upper" 2>/dev/null)" "$(getfacl -cn allowed/image 2>/dev/null)"
	is "$(getfattr --only-values -n user.note "$upper")" hello
}

# A walk over the whole image copies nothing up.
each_reading_writes_nothing() {
	upper_bundle b keep
	sh_args b 'find / -xdev | wc -l; find / -xdev -type f -exec head -c 1 {} + | wc -c'
	[ "$(run_in "$1" b | head -n 1)" -gt 1000 ] || fail "a small image"
	is "$(ls -A "uppers/$(container_id)/upper")" "" "in the upper"
}
