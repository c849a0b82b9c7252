#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A runtime as small as can be, for what no packaged one does: it opens its root before the hooks and
pivots to that (--pin), as runc's main branch does; it goes by a name (--name); it takes a mount off
again after it went to its root (--umount PATH). One container with a user and a mount namespace.

usage: standin.py [--pin] [--name NAME] [--umount PATH] BUNDLE ID COMMAND..."""
import ctypes
import json
import os
import signal
import subprocess
import sys

libc = ctypes.CDLL(None, use_errno=True)
NEWNS, NEWUSER = 0x20000, 0x10000000
MS_BIND, MS_REC, MS_PRIVATE, MNT_DETACH = 4096, 16384, 1 << 18, 2
PIVOT_ROOT, PR_SET_NAME = 155, 15


def check(result, what):
    if result < 0:
        raise OSError(ctypes.get_errno(), what)


def mount(source, target, flags):
    check(libc.mount(source.encode(), target.encode(), None, flags, None), "mount " + target)


def options(argv):
    opt = {"pin": False, "name": "standin", "umount": None}
    while argv and argv[0].startswith("--"):
        word = argv.pop(0)[2:]
        opt[word] = True if word == "pin" else argv.pop(0)
    return opt, argv[0], argv[1], argv[2:]


def become_root():
    os.setgroups([])
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)


def container(opt, rootfs, command, ready, go):
    """In the child: as a container's init, from its namespaces to its command."""
    libc.prctl(PR_SET_NAME, opt["name"].encode(), 0, 0, 0)
    check(libc.unshare(NEWUSER | NEWNS), "unshare")
    os.write(ready, b"u")
    os.read(go, 1)
    become_root()
    mount("none", "/", MS_REC | MS_PRIVATE)
    mount(rootfs, rootfs, MS_BIND | MS_REC)
    fd = os.open(rootfs, os.O_PATH | os.O_DIRECTORY)
    if not opt["pin"]:
        os.close(fd)
    os.write(ready, b"m")
    os.read(go, 1)
    if opt["pin"]:
        os.fchdir(fd)
        os.close(fd)
    else:
        os.chdir(rootfs)
    check(libc.syscall(PIVOT_ROOT, b".", b"."), "pivot_root")
    check(libc.umount2(b".", MNT_DETACH), "umount the old root")
    os.chdir("/")
    if opt["umount"]:
        check(libc.umount2(opt["umount"].encode(), MNT_DETACH), "umount " + opt["umount"])
    os.write(ready, b"r")
    os.read(go, 1)
    os.execvp(command[0], command)


def run_hooks(config, stage, state):
    for hook in config.get("hooks", {}).get(stage, []):
        r = subprocess.run(hook["args"], executable=hook["path"], input=json.dumps(state).encode())
        if r.returncode != 0:
            return False
    return True


def main():
    opt, bundle, name, command = options(sys.argv[1:])
    with open(bundle + "/config.json") as f:
        config = json.load(f)
    ready, to_ready = os.pipe()
    from_go, go = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            container(opt, config["root"]["path"], command, to_ready, from_go)
        except OSError as e:
            print("standin:", e, file=sys.stderr)
        os._exit(125)
    os.close(to_ready)
    state = {"ociVersion": "1.0.2", "id": name, "status": "created", "pid": pid, "bundle": bundle}
    done = os.read(ready, 1) == b"u"
    for which in ("uid", "gid"):
        with open(f"/proc/{pid}/{which}_map", "w") as f:
            f.write("".join("{containerID} {hostID} {size}\n".format(**m)
                            for m in config["linux"][which + "Mappings"]))
    os.write(go, b"g")
    done = done and os.read(ready, 1) == b"m" and run_hooks(config, "prestart", state)
    if done:
        os.write(go, b"g")
        done = os.read(ready, 1) == b"r"
        done = run_hooks(config, "poststart", dict(state, status="running")) and done
        if done:
            os.write(go, b"g")
    if not done:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    run_hooks(config, "poststop", dict(state, status="stopped"))
    sys.exit(os.waitstatus_to_exitcode(status) if done else 125)


main()
