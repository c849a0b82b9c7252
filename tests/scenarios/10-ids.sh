# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What a container sees of an unshifted image: its own ids.

each_image_is_owned_by_the_container() {
	bundle b
	sh_args b 'id -u; stat -c %U /usr/bin/ls; stat -c %U:%G /etc/shadow
		stat -c %u:%g /var/lib/oci-shift-test/owned'
	out=$(run_in "$1" b)
	is "$out" $'0\nroot\nroot:shadow\n998:999'
}

each_several_ranges() {
	bundle b
	map b 0:200000:998 998:300000:2 1000:400000:64536
	sh_args b 'stat -c %u:%g /var/lib/oci-shift-test/owned /home/user /etc/shadow; cat /proc/self/uid_map | wc -l'
	is "$(run_in "$1" b)" $'998:999\n1000:1000\n0:42\n3'
}

each_unmapped_ids_are_overflow() {
	bundle b
	map b 0:100000:900
	sh_args b 'stat -c %u:%g /var/lib/oci-shift-test/owned /usr/bin/ls'
	is "$(run_in "$1" b)" $'65534:65534\n0:0'
}

# The demonstration: touch, chmod and chown inside; shifted on the shifted root, not on the image.
each_touch_chmod_chown() {
	image_copy image
	bundle b '.root = {path: $image, readonly: false}' --arg image "$T/image"
	map b 0:100000:100000
	sh_args b 'cd /opt; touch foobar foobar2; chmod 600 foobar; chown 998:999 foobar2
		touch done; exec sleep 60'
	start "$1" b
	wait_for test -e image/opt/done
	root=$(root_of)
	is "$(stat -c %u:%g:%a "$root/opt/foobar")" 100000:100000:600 "shifted foobar"
	is "$(stat -c %u:%g "$root/opt/foobar2")" 100998:100999 "shifted foobar2"
	is "$(stat -c %u:%g:%a image/opt/foobar)" 0:0:600 "image's foobar"
	is "$(stat -c %u:%g image/opt/foobar2)" 998:999 "image's foobar2"
	stop "$1"
}
