/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What layers say is no file to who looks at the mount. AUFS markers (markers.h) are files to the
 * lower: as with fuse-overlayfs nobody sees, opens or makes a name of theirs, and a directory with
 * nothing but markers in it looks empty, so it can be removed. A whiteout of overlayfs is a device
 * node where there is but one layer, and a name without a file where overlayfs has nothing to merge
 * (it lists such a directory as it is).
 */
#include "base/cleanup.h"
#include "base/io.h"
#include "shifter/markers.h"
#include "shifter/ops.h"
#include "shifter/sys.h"

#include <dirent.h>
#include <string.h>
#include <sys/sysmacros.h>

bool ops_is_hidden(const struct shifter *sh, const char *name)
{
    return sh->hide_markers && markers_is_name(name);
}

bool ops_is_whiteout(const struct shifter *sh, const struct stat *st)
{
    return sh->hide_markers && S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);
}

bool ops_is_hidden_at(const struct shifter *sh, int dir_fd, const char *name, unsigned char type)
{
    struct sys_stat st;
    int r;

    if (!sh->hide_markers)
        return false;
    if (markers_is_name(name))
        return true;
    if ((type != DT_CHR && type != DT_UNKNOWN) || !sys_name_ok(name))
        return false;
    r = sys_stat_at(dir_fd, name, &st);
    return r == -ENOENT || (r == 0 && ops_is_whiteout(sh, &st.st));
}

static int is_marker(int dir, const struct dirent64 *d, void *arg)
{
    (void)dir;
    (void)arg;
    return markers_is_name(d->d_name) ? 0 : -ENOTEMPTY;
}

static int remove_marker(int dir, const struct dirent64 *d, void *arg)
{
    (void)arg;
    if (unlinkat(dir, d->d_name, 0) == 0 || errno == ENOENT)
        return 0;
    return unlinkat(dir, d->d_name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

int ops_empty_hidden(const struct shifter *sh, int dir_fd, const char *name)
{
    int r = sh->hide_markers ? io_each_name(dir_fd, name, is_marker, NULL) : -ENOTEMPTY;

    /* What is made in it meanwhile is by who wants to remove it, or lets it happen. */
    return r < 0 ? r : io_each_name(dir_fd, name, remove_marker, NULL);
}
