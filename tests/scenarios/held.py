#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""held.py ACTION FILE NAME [MODE]: a user holds FILE open, root takes NAME, which is the same file, and what does the user do?

The user is 101000, root is 100000 to the container. With MODE root sets that after taking the file. Prints what came of the
user's ACTION, through the open file: its error's name, or "done"."""
import errno
import os
import struct
import sys
import time

USER, ROOT = 101000, 100000


def entry(tag, perm, uid=0xFFFFFFFF):
    return struct.pack("<HHI", tag, perm, uid)


ACL = struct.pack("<I", 2) + entry(1, 7) + entry(2, 7, USER) + entry(4, 5) + entry(0x10, 7) + entry(0x20, 5)

ACTIONS = {
    "chmod": lambda fd: os.fchmod(fd, 0o4755),
    "chgrp": lambda fd: os.fchown(fd, -1, USER),
    "acl": lambda fd: os.setxattr(fd, "system.posix_acl_access", ACL),
    "times": lambda fd: os.utime(fd, (5, 5)),
    "now": lambda fd: os.utime(fd),
    "write": lambda fd: os.pwrite(fd, b"EVIL", 0),
    "truncate": lambda fd: os.ftruncate(fd, 2),
    "allocate": lambda fd: os.posix_fallocate(fd, 0, 10000),
}


def hold(action, path, ready, go):
    os.setgroups([])
    os.setresgid(USER, USER, USER)
    os.setresuid(USER, USER, USER)
    fd = os.open(path, os.O_RDWR)
    if action == "write":
        # The kernel has seen that there is nothing to take.
        os.pwrite(fd, b"o", 0)
    os.write(ready, b"x")
    os.read(go, 1)
    try:
        ACTIONS[action](fd)
        print("done", flush=True)
    except OSError as e:
        print(errno.errorcode[e.errno], flush=True)
    os._exit(0)


def main():
    action, held, name = sys.argv[1:4]
    ready, go = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        hold(action, held, ready[1], go[0])
    os.close(ready[1])
    if os.read(ready[0], 1) != b"x":
        sys.exit("the file was not opened")
    os.chown(name, ROOT, ROOT)
    for change in sys.argv[4:]:
        if change.startswith("0"):
            os.chmod(name, int(change, 8))
        else:
            os.setxattr(name, "security.capability", struct.pack("<6I", 0x03000001, 1 << 13, 0, 0, 0, ROOT))
    # Longer than the kernel goes by attributes without asking (timeout=0.2).
    time.sleep(0.4)
    os.write(go[1], b"x")
    os.waitpid(child, 0)


main()
