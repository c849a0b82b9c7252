# SPDX-License-Identifier: GPL-2.0-or-later
"""A snapshotter for containerd, as a proxy plugin: snapshotter.py SOCKET STATE OPTIONS

Layers are unpacked to directories of STATE, unshifted. What a container gets is a mount of the type
fuse3.oci-shifter over them, with OPTIONS, and with an upper where it may be written to. containerd
itself mounts it, by mount.fuse3.

The messages are those of api/services/snapshots/v1/snapshots.proto and api/types/mount.proto of
containerd 1.6 and 1.7; of these, what ctr needs to import an image and to mount it.
"""
import concurrent.futures
import os
import sys

import grpc

ACTIVE, COMMITTED = 2, 3


def varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out) + bytes([n])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def texts(message):
    """The length-delimited fields, the last of each number: all that is asked here."""
    out, at = {}, 0

    def take():
        nonlocal at
        n = shift = 0
        while True:
            byte = message[at]
            at += 1
            n |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return n

    while at < len(message):
        key = take()
        if key & 7 == 2:
            size = take()
            out[key >> 3] = message[at:at + size].decode(errors="replace")
            at += size
        else:
            take()
    return out


def mount(kind, source, *options):
    return field(1, field(1, kind) + field(2, source) + b"".join(field(4, o) for o in options))


class Snapshots:
    def __init__(self, state, options):
        self.state, self.options = state, options
        self.all = {}  # key or name: (kind, parent, directory)

    def directory(self, *more):
        path = os.path.join(self.state, str(len(os.listdir(self.state))))
        os.mkdir(path)
        for name in more:
            os.mkdir(os.path.join(path, name))
        return path

    def layers(self, name):
        while name:
            _, name, path = self.all[name]
            yield path + "/upper"

    def new(self, request, writable):
        key, parent = request[2], request.get(3, "")
        self.all[key] = ACTIVE, parent, self.directory("upper", "work") if writable else ""
        return self.mounts(key)

    def mounts(self, key):
        _, parent, path = self.all[key]
        if not parent:
            return mount("bind", path + "/upper", "rbind", "rw")
        options = ["lowerdir=" + ":".join(self.layers(parent))]
        if path:
            options += [f"upperdir={path}/upper", f"workdir={path}/work"]
        if "extract-" in key:
            return mount("overlay", "overlay", *options)
        return mount("fuse3.oci-shifter", "overlay", *options, *self.options)

    def call(self, method, request, context):
        if method in ("Prepare", "View"):
            return self.new(request, method == "Prepare")
        if method == "Mounts":
            return self.mounts(request[2])
        if method == "Commit":
            _, parent, path = self.all.pop(request[3])
            self.all[request[2]] = COMMITTED, parent, path
            return b""
        if method == "Remove":
            self.all.pop(request[2], None)
            return b""
        if method == "Usage":
            return field(1, 0)
        if method == "Stat" and request[2] in self.all:
            kind, parent, _ = self.all[request[2]]
            return field(1, field(1, request[2]) + field(2, parent) + field(3, kind))
        context.abort(grpc.StatusCode.NOT_FOUND, method + " " + request.get(2, ""))


class Handler(grpc.GenericRpcHandler):
    def __init__(self, snapshots):
        self.snapshots = snapshots

    def service(self, details):
        method = details.method.rpartition("/")[2]

        def unary(message, context):
            return self.snapshots.call(method, texts(message), context)

        def nothing(_message, _context):
            return iter(())

        if method == "List":
            return grpc.unary_stream_rpc_method_handler(nothing)
        return grpc.unary_unary_rpc_method_handler(unary)


def main():
    socket, state, *options = sys.argv[1:]
    # One at a time: the snapshots are a plain dictionary.
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(1))
    server.add_generic_rpc_handlers((Handler(Snapshots(state, options)),))
    server.add_insecure_port("unix://" + socket)
    server.start()
    server.wait_for_termination()


main()
