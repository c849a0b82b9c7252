# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2016 # $ in single quotes is of other shells
# containerd's mount type fuse3.*, as its daemon, ctr and shims have it: containerd mounts what a
# snapshotter tells it to.
# alone: its mount namespace would keep the mounts of other tests

# oci_image LAYER.tar...: an OCI image layout, in a tar on stdout
oci_image() {
	/usr/bin/python3 - "$@" <<-'END'
		import hashlib, io, json, sys, tarfile
		out = tarfile.open(fileobj=sys.stdout.buffer, mode="w|")
		def add(name, data):
		    info = tarfile.TarInfo(name)
		    info.size = len(data)
		    out.addfile(info, io.BytesIO(data))
		def blob(kind, data):
		    digest = hashlib.sha256(data).hexdigest()
		    add("blobs/sha256/" + digest, data)
		    return {"mediaType": "application/vnd.oci.image." + kind, "digest": "sha256:" + digest, "size": len(data)}
		layers = [blob("layer.v1.tar", open(name, "rb").read()) for name in sys.argv[1:]]
		machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(__import__("os").uname().machine, "amd64")
		config = blob("config.v1+json", json.dumps({"architecture": machine, "os": "linux", "config": {},
		    "rootfs": {"type": "layers", "diff_ids": [l["digest"] for l in layers]}}).encode())
		manifest = blob("manifest.v1+json", json.dumps({"schemaVersion": 2, "config": config, "layers": layers,
		    "mediaType": "application/vnd.oci.image.manifest.v1+json"}).encode())
		manifest["annotations"] = {"io.containerd.image.name": "local/test:1", "org.opencontainers.image.ref.name": "1"}
		add("oci-layout", b'{"imageLayoutVersion": "1.0.0"}')
		add("index.json", json.dumps({"schemaVersion": 2, "manifests": [manifest]}).encode())
		out.close()
	END
}

two_layers() {
	mkdir -p one/dir one/proc one/dev two/dir
	echo one | tee one/a one/b >one/dir/x
	chown 3:4 one/b
	echo two >two/a
	touch two/dir/.wh.x
	# All the programs that the image has: what is in /, then makes a file.
	cat >look.c <<-'END'
		#include <dirent.h>
		#include <fcntl.h>
		#include <stdio.h>
		#include <sys/stat.h>
		#include <unistd.h>
		static void look(const char *path)
		{
		    struct stat st;
		    printf("%s %d\n", path, lstat(path, &st) < 0 ? -1 : (int)st.st_uid);
		}
		int main(void)
		{
		    look("/"), look("/a"), look("/b"), look("/dir"), look("/dir/x");
		    return close(open("/new", O_WRONLY | O_CREAT, 0644)) || unlink("/a");
		}
	END
	cc -static -o one/look look.c
	tar -C one -cf one.tar .
	tar -C two -cf two.tar .
	oci_image one.tar two.tar >image.tar
}

# with_containerd SCRIPT: with a containerd of its own that has the snapshotter, and oci-shifter in PATH. In a
# pid namespace, whose end is that of the daemon and its shims.
with_containerd() {
	mkdir -p bin layers c
	ln -sf "$SHIFTER" bin/oci-shifter
	cat >config.toml <<-END
		version = 2
		root = "$T/c/root"
		state = "/run/containerd"
		disabled_plugins = ["io.containerd.grpc.v1.cri"]
		[grpc]
		address = "/run/containerd/containerd.sock"
		[proxy_plugins.shifted]
		type = "snapshot"
		address = "/run/shifted.sock"
	END
	PATH=$T/bin:$PATH timeout 50 unshare --mount --propagation private --pid --fork --kill-child --mount-proc bash -euc '
		mount -t tmpfs tmpfs /run
		mkdir /run/containerd
		map=0:100000:65536
		/usr/bin/python3 "$REPO/tests/scenarios/snapshotter.py" /run/shifted.sock "$T/layers" \
			"uidmapping=$map" "gidmapping=$map" "side_layers=$T/side" &
		containerd --config config.toml >containerd.log 2>&1 &
		for i in $(seq 100); do [ -S /run/shifted.sock ] && ctr version >/dev/null 2>&1 && break; sleep 0.1; done
		'"$1"'
'
}

test_fuse3_mounts() {
	two_layers
	with_containerd '
		! mountpoint -q /sys/fs/cgroup/unified || umount /sys/fs/cgroup/unified
		ctr images import --no-unpack image.tar >/dev/null
		ctr run --snapshotter shifted --net-host local/test:1 c /look
		ctr tasks ls -q
		ctr containers rm c' >out 2>err || { cat out err containerd.log && fail "containerd"; }
	is "$(cat out)" $'/ 100000\n/a 100000\n/b 100003\n/dir 100000\n/dir/x -1'
	# What it wrote is in the upper, unshifted, and the layers are as they were.
	is "$(cd layers/2/upper && stat -c '%n %F %u' a new)" $'a character special file 0\nnew regular empty file 0'
	is "$(find layers/2/upper ! -uid 0)" ''
	is "$(cat layers/[01]/upper/a | tr '\n' ' ')" 'one two '
}
