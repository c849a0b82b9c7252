/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/log.h"
#include "hook/cli/cli.h"

#include <stdio.h>
#include <string.h>

static const char general[] =
    "usage: oci-shift [--config FILE] COMMAND [ARGUMENT...]\n"
    "\n"
    "Shows containers an image with the owners of its files shifted into their user\n"
    "namespaces. The image is not changed.\n"
    "\n"
    "  prepare BUNDLE   mount the shifted root of a bundle, for runc or crun to start from\n"
    "  release BUNDLE   unmount it again (or release ID, release --stale)\n"
    "  list             what is shifted now\n"
    "  inspect ID       all about one of them, as JSON\n"
    "  check [PATH]     what this machine, and the file system of PATH, can do\n"
    "\n"
    "\"oci-shift help COMMAND\" tells more, and the man page oci-shift(8) all.\n"
    "\n"
    "A container by hand, over the image /srv/images/debian:\n"
    "  mkdir web && cd web && runc spec && chgrp 100000 . && chmod 710 .\n"
    "  # config.json: a user namespace, uidMappings and gidMappings, root.readonly false\n"
    "  oci-shift prepare . --image /srv/images/debian --upper ephemeral\n"
    "  runc run web\n"
    "  oci-shift release .\n";

static const char prepare[] =
    "usage: oci-shift prepare BUNDLE [OPTION...]\n"
    "\n"
    "Mounts the shifted root at root.path of BUNDLE/config.json, which must lie in the bundle.\n"
    "A runtime that is started there needs no hook. It makes the mount points that the image\n"
    "lacks: where the root is read-only, in a directory that \"release\" removes.\n"
    "\n"
    "  --image DIR       the unshifted image, where it is not what is at root.path\n"
    "  --upper MODE      where writes go: none (the image), ephemeral, keep; default: as the\n"
    "                    annotation io.oci-shift.upper says\n"
    "  --upperdir DIR    the place of a kept upper\n"
    "  --uidmap MAP, --gidmap MAP\n"
    "                    CONTAINER:HOST:SIZE[:CONTAINER:HOST:SIZE...], for a config.json that\n"
    "                    joins a user namespace and has no mappings; one of them stands for both\n"
    "  --id ID           the name under which it is listed and a kept upper is found;\n"
    "                    default: the name of the bundle's directory\n";

static const char release[] =
    "usage: oci-shift release BUNDLE|ID...\n"
    "       oci-shift release --stale\n"
    "\n"
    "Unmounts a shifted root, ends its shifter, and removes its record and an ephemeral upper.\n"
    "Refused while a container runs on it.\n"
    "\n"
    "  --stale   all that nobody needs any more: what a killed hook, runtime or engine has left\n";

static const char list[] =
    "usage: oci-shift list [--json]\n"
    "\n"
    "One line for each shifted root: container, how it came about (hook, prepare, precreate,\n"
    "runtime), a process that runs on it, mapping of uids, read-only or writable, upper, pid and\n"
    "memory of the shifter, requests it has answered, image.\n";

static const char inspect[] =
    "usage: oci-shift inspect ID...\n"
    "\n"
    "All that is known of shifted roots: a JSON array of objects, one for each ID.\n";

static const char check[] =
    "usage: oci-shift check [PATH]\n"
    "\n"
    "Tries what this kernel, /dev/fuse, libfuse and the file system of PATH offer, and says what\n"
    "will be used. With PATH, a directory, it is shown through a shifter for a moment. Exit\n"
    "status 1: the hook would fail here.\n";

int cli_help(const char *command)
{
    const struct {
        const char *name, *text;
    } texts[] = {{"prepare", prepare},
                 {"release", release},
                 {"list", list},
                 {"inspect", inspect},
                 {"check", check}};

    if (!command)
        return fputs(general, stdout) < 0 ? CLI_FAILED : CLI_OK;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (strcmp(command, texts[i].name) == 0)
            return fputs(texts[i].text, stdout) < 0 ? CLI_FAILED : CLI_OK;
    log_error("there is no command '%s'", command);
    return CLI_USAGE;
}
