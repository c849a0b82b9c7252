# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Real programs in real containers over a shifted root: what they do there is what they do anywhere.
# shellcheck disable=SC2016 # what is in single quotes is for the container's shell

# As an engine starts a container unless told otherwise, and as runc's own example does not.
MAY_GAIN='.process.noNewPrivileges = false'

# writable: a bundle "b" over a copy of the image in "image", and its script on standard input.
writable() {
	image_copy_whole image
	bundle b "$MAY_GAIN"' | .root = {path: $image, readonly: false}
		| .process.env += ["LC_ALL=C", "HOME=/root"]' \
		--arg image "$T/image"
	script
}

# script: what the container runs, from standard input. It ends at the first failure.
script() {
	args b bash -euc "$(cat)"
}

# A small package of the distribution's own, fetched once; without a network, one of our own make.
package() {
	local deb=$CACHE/hello.deb dir=$T/package
	if [ ! -s "$deb" ]; then
		(mkdir "$dir" && cd "$dir" && chmod 777 . && timeout 60 apt-get download hello >&2 &&
			mv hello_*.deb "$deb") || own_package "$dir/own" "$deb"
	fi
	echo "$deb"
}

own_package() {
	mkdir -p "$1/DEBIAN" "$1/usr/bin"
	printf '#!/bin/sh\necho "Hello, world!"\n' >"$1/usr/bin/hello"
	chmod 755 "$1/usr/bin/hello"
	printf '%s\n' 'Package: hello' 'Version: 1' 'Architecture: all' 'Maintainer: nobody' \
		'Description: greets' >"$1/DEBIAN/control"
	dpkg-deb --root-owner-group --build "$1" "$2" >&2
}

each_apt_installs_a_package() {
	writable <<-'END'
		cd /tmp
		# apt reads the package as the user _apt.
		echo 'APT::Sandbox::User "_apt";' >/etc/apt/apt.conf.d/sandbox
		apt-get install -y ./hello.deb >log 2>&1 || { cat log; exit 1; }
		hello
		dpkg -V hello
		dpkg -s hello | grep ^Status
		stat -c %u:%g /usr/bin/hello /var/lib/apt/lists/partial
		apt-get purge -y hello >log 2>&1 || { cat log; exit 1; }
		[ ! -e /usr/bin/hello ]
	END
	cp "$(package)" image/tmp/hello.deb
	chmod 644 image/tmp/hello.deb
	out=$(run_in "$1" b)
	has "$out" 'Hello, world!'
	has "$out" '^Status: install ok installed'
	has "$out" '^0:0$'
	is "$(find image -uid +65535 -o -gid +65535)" "" "shifted ids on the image"
}

each_users_and_groups_are_made() {
	writable <<-'END'
		groupadd -g 4000 team
		useradd -m -u 4001 -G team member
		echo member:word | chpasswd
		su member -c 'touch ~/mine; umask 007; mkdir ~/shared; chgrp team ~/shared; chmod g+s ~/shared
			touch ~/shared/f; stat -c %U:%G:%a ~/shared/f'
		userdel member 2>/dev/null
	END
	is "$(run_in "$1" b)" member:team:660
	is "$(stat -c %u:%g image/home/member/mine image/home/member/shared)" $'4001:4001\n4001:4000'
	is "$(stat -c %u:%g:%a image/etc/shadow)" 0:42:640
}

each_su_works() {
	bundle b "$MAY_GAIN"
	script <<-'END'
		su user -c 'id -u; id -un; cat /etc/shadow 2>/dev/null || echo refused'
		su user -c 'passwd -S' | cut -d" " -f1,2
		su user -c 'grep Uid: /proc/self/status'
	END
	is "$(run_in "$1" b)" $'1000\nuser\nrefused\nuser P\nUid:\t1000\t1000\t1000\t1000'
}

# By its set-user-id bit su becomes another user, whose password it must read.
each_set_user_id_takes_effect() {
	writable <<-'END'
		cp /usr/bin/id /usr/local/bin/suid-id
		chown other:other /usr/local/bin/suid-id
		chmod 6755 /usr/local/bin/suid-id
		su user -c 'suid-id -un; suid-id -gn; suid-id -run'
		su user -c 'script -qec "su other -c id\ -un" /dev/null <<<nonsense' | grep -o 'failure' || :
		echo other:word | chpasswd
		su user -c '(sleep 1; echo word) | script -qec "su other -c id\ -un" /dev/null' | tr -d '\r' | tail -n 1
		# A stranger's write takes the bits away, at once.
		chmod 6777 /usr/local/bin/suid-id
		su user -c 'cat /usr/bin/id >/usr/local/bin/suid-id; suid-id -un'
		stat -c %a /usr/local/bin/suid-id
	END
	# script(1) wants a terminal of its own.
	is "$(run_in "$1" b)" $'other\nother\nuser\nfailure\nother\nuser\n777'
	is "$(stat -c %u:%a image/usr/local/bin/suid-id)" 1001:777
	# Nor has it an effect where the container may gain nothing.
	chmod 4755 image/usr/local/bin/suid-id
	jq '.process.noNewPrivileges = true' b/config.json >b/config.new
	mv b/config.new b/config.json
	script <<<'su user -c "suid-id -un"'
	is "$(run_in "$1" b)" user
}

each_file_capabilities_take_effect() {
	bundle b "$MAY_GAIN"
	script <<-'END'
		cd /var/lib/oci-shift-test
		getcap capable
		su user -c './capable passwd user | cut -d: -f3'
		su user -c '/bin/bash -c "./capable passwd root >/dev/null; echo $?"'
		su user -c 'grep CapEff: /proc/self/status'
	END
	has "$(run_in "$1" b)" 'capable cap_setuid,cap_net_raw=ep'
	image_copy_whole image
	cp image/usr/bin/grep image/usr/local/bin/capable-grep
	setcap cap_net_raw,cap_setuid+ep image/usr/local/bin/capable-grep
	bundle b "$MAY_GAIN"' | .root.path = $image' --arg image "$T/image"
	script <<<'su user -c "capable-grep CapEff: /proc/self/status"'
	is "$(run_in "$1" b)" $'CapEff:\t0000000000002080'
}

# What a container sets counts in it, and in any other container over the same image.
each_setcap_inside() {
	local value
	writable <<-'END'
		cd /usr/local/bin
		cp /usr/bin/grep capable-grep
		su user -c 'capable-grep CapEff: /proc/self/status'
		setcap cap_chown,cap_net_bind_service+ep capable-grep
		getcap -n capable-grep
		su user -c 'capable-grep CapEff: /proc/self/status'
		su user -c 'setcap cap_chown+ep /usr/local/bin/capable-grep 2>/dev/null' || echo refused
	END
	is "$(run_in "$1" b)" $'CapEff:\t0000000000000000
capable-grep cap_chown,cap_net_bind_service=ep
CapEff:\t0000000000000401
refused'
	value=$(getfattr --only-values -n security.capability image/usr/local/bin/capable-grep | od -An -tx1 -v | tr -d " \n")
	is "$value" 0100000201040000000000000000000000000000 "as version 2 for the host's own root"
	map b 0:500000:65536
	script <<<'su user -c "capable-grep CapEff: /proc/self/status"'
	is "$(run_in "$1" b other)" $'CapEff:\t0000000000000401'
	[ -e "$STATE/other" ] && fail "a record is left"
	# A write by anybody, root included, takes them away.
	script <<<'echo >>/usr/local/bin/capable-grep; getcap /usr/local/bin/capable-grep; echo end'
	is "$(run_in "$1" b)" end
}

each_tar_keeps_owners() {
	writable <<-'END'
		mkdir -p /root/from/d /root/to /root/numeric
		cd /root/from
		echo a >a; echo b >b; echo c >d/c; ln a hard; ln -s a soft; mkfifo fifo; truncate -s 1M hole
		chown user:other a; chown 12345:54321 b; chown -h 998:999 soft d/c; chmod 6711 b; chmod 1777 d
		setfattr -n user.note -v text a
		setfacl -m u:other:rw,g:1000:r b; setfacl -d -m u:user:rwx d
		cp /usr/bin/true capable; setcap cap_kill+ep capable
		touch -d 2001-02-03T04:05:06.123456789 a
		opts='--format=posix --xattrs --xattrs-include=* --acls --sparse'
		describe() { find . -printf '%P %y %m %u:%g %U:%G %n %s %l %T@\n' | grep -v '^ ' | sort
			getfattr -Rhd -m - . ; getfacl -R . ; }
		describe >../before
		tar cf ../all.tar $opts .
		tar xpf ../all.tar $opts -C ../to
		tar xpf ../all.tar $opts --numeric-owner -C ../numeric
		for dir in to numeric; do (cd ../$dir; describe) | diff ../before - && echo same; done
		tar df ../all.tar -C ../to && echo no difference
		su user -c 'mkdir /tmp/mine; cd /tmp/mine; tar xf -; stat -c %U:%G b' </root/all.tar 2>/dev/null || :
	END
	is "$(run_in "$1" b)" $'same\nsame\nno difference\nuser:user'
	is "$(cd image/root/to && stat -c %u:%g a b soft)" $'1000:1001\n12345:54321\n998:999'
}

each_languages_run() {
	writable <<-'END'
		cd /root
		perl -MFile::Temp -MFile::Copy -e '
			my ($h, $n) = File::Temp::tempfile(DIR => "."); print $h "perl\n"; close $h;
			move($n, "p") or die; open my $f, "<", "p" or die; print <$f>; printf "%o\n", (stat "p")[2] & 07777'
		python3 -c '
		import os
		with open("m", "w+b") as f:
		    f.truncate(8192)
		    os.pwrite(f.fileno(), b"python", 4096)
		    f.seek(4096)
		    print(f.read(6).decode())
		    os.posix_fallocate(f.fileno(), 0, 16384)
		    os.unlink("m")
		    print(os.fstat(f.fileno()).st_nlink, os.fstat(f.fileno()).st_size)
		os.rename("p", "m")
		os.chown("m", 1000, 1000); print(os.stat("m").st_uid)
		print(sorted(e.name for e in os.scandir(".") if e.is_file()))'
	END
	is "$(run_in "$1" b)" $'perl\n600\npython\n0 16384\n1000\n[\'.bashrc\', \'.profile\', \'m\']'
}

each_a_compiler_builds() {
	writable <<-'END'
		mkdir /src; cd /src; chown user:user .
		cat >main.c <<'C'
		#include "greet.h"
		#include <stdio.h>
		int main(void) { puts(GREETING); return 0; }
		C
		echo '#define GREETING "one"' >greet.h
		printf 'all: main\nmain: main.o\n\tcc -o $@ $^\nmain.o: main.c greet.h\n\tcc -g -c $<\n' >Makefile
		chown user:user *
		su user -c 'make -j4' >/dev/null; ./main
		su user -c 'make' | tail -n 1
		sleep 0.01
		sed -i s/one/two/ greet.h
		su user -c 'make -s'; ./main
		stat -c %U main greet.h
		install -o other -g other -m 4711 main /usr/local/bin; stat -c %U:%a /usr/local/bin/main
		ar rc lib.a main.o; ranlib lib.a; strip main; ./main
	END
	is "$(run_in "$1" b)" $'one\nmake: Nothing to be done for \'all\'.\ntwo\nuser\nuser\nother:4711\ntwo'
}

each_sqlite_keeps_its_data() {
	writable <<-'END'
		su user -c 'cd; sqlite3 db "pragma journal_mode=wal; create table t(writer int, n int);"'
		cd ~user
		for writer in 1 2 3 4; do
			(for n in $(seq 25); do
				sqlite3 -cmd '.timeout 20000' db "insert into t values($writer, $n)"
			done) &
		done
		sqlite3 -cmd '.timeout 20000' db 'select count(*) >= 0 from t'
		wait
		sqlite3 db 'select writer, count(*), sum(n) from t group by writer; pragma integrity_check;'
		sqlite3 db 'pragma journal_mode=delete; vacuum;'
		sqlite3 db 'begin exclusive; insert into t values(5, 1); rollback; select count(*) from t;'
		ls
	END
	is "$(run_in "$1" b)" $'wal\n1\n1|25|325\n2|25|325\n3|25|325\n4|25|325\nok\ndelete\n100\ndb'
	is "$(stat -c %u:%g image/home/user/db)" 1000:1000
}

each_a_shell_has_job_control() {
	bundle b
	script <<-'END'
		cd /dev/shm
		script -qec 'bash --norc -i' /dev/null <<'TYPED' | tr -d '\r' >out
		sleep 100 &
		jobs
		kill %1; wait %1
		echo "ended $?"
		exit
		TYPED
		grep -o 'Running *sleep 100' out
		grep -o 'ended 143' out
		! grep 'no job control' out
	END
	is "$(run_in "$1" b | tr -s ' ')" $'Running sleep 100\nended 143'
}

each_a_big_tree_comes_and_goes() {
	writable <<-'END'
		cd /root
		cp -a /usr/share/perl* /usr/include tree 2>/dev/null || { mkdir tree; cp -a /usr/share/perl* /usr/include tree; }
		(cd /usr/include; find . -printf '%P %y %m %U:%G %s %T@ %l\n' | sort) >before
		(cd tree/include; find . -printf '%P %y %m %U:%G %s %T@ %l\n' | sort) | diff before - && echo same
		diff -r /usr/include tree/include && echo same data
		du -s tree >/dev/null
		find tree -name '*.h' -exec chmod 600 {} +
		find tree -type d -exec chown user {} +
		mv tree moved
		find moved -type f -delete
		rm -rf moved
		ls -d moved tree 2>/dev/null || echo gone
	END
	is "$(run_in "$1" b)" $'same\nsame data\ngone'
	is "$(find image/root -name '*.h')" ""
}
