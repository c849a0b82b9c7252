#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""layers.py SEED DIR: makes a stack of layers, DIR/0 the topmost, and prints how many there are.

AUFS markers and overlayfs' own whiteouts and opaque marks, of few names, so that they meet. What is
left out is where fuse-overlayfs is not to be followed (85-markers.sh): a name and its marker in one
layer, a marker without a name.
"""
import os
import random
import stat
import sys

NAMES = ["a", "b", "c", ".d"]


def owned(path, rnd):
    os.lchown(path, rnd.randrange(5), rnd.randrange(5))


def fill(path, depth, layer, rnd):
    owned(path, rnd)
    os.chmod(path, rnd.choice([0o755, 0o700, 0o1777, 0o2755]))
    for name in NAMES:
        child = f"{path}/{name}"
        kinds = ["file", "link", "marker", "marker", "whiteout"]
        what = rnd.choice(kinds + ["dir"] * (6 if depth < 3 else 0))
        if rnd.random() < 0.3:
            continue
        if what == "file":
            with open(child, "w") as f:
                f.write(f"{layer} {child}\n")
            owned(child, rnd)
        elif what == "link":
            os.symlink(f"to-{layer}", child)
            owned(child, rnd)
        elif what == "marker":
            marker(f"{path}/.wh.{name}", rnd)
        elif what == "whiteout":
            os.mknod(child, stat.S_IFCHR, os.makedev(0, 0))
        else:
            os.mkdir(child)
            fill(child, depth + 1, layer, rnd)
    opaque = rnd.random()
    if opaque < 0.12:
        marker(f"{path}/.wh..wh..opq", rnd)
    elif opaque < 0.24 and depth > 0:
        os.setxattr(path, "trusted.overlay.opaque", b"y")
    if rnd.random() < 0.1:
        marker(f"{path}/.wh..wh.plnk", rnd)


def marker(path, rnd):
    kind = rnd.random()
    if kind < 0.8:
        open(path, "w").close()
    elif kind < 0.9:
        os.symlink("/", path)
    else:
        os.mkdir(path)


def main():
    rnd = random.Random(int(sys.argv[1]))
    n = rnd.randint(3, 6)
    os.makedirs(sys.argv[2])
    for layer in range(n):
        path = f"{sys.argv[2]}/{layer}"
        os.mkdir(path)
        fill(path, 0, layer, rnd)
    print(n)


main()
