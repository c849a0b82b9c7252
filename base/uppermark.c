/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/uppermark.h"

#include "base/cleanup.h"
#include "base/io.h"

#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

/* Of what is written: the first line says in which form the others are. */
#define FORM "oci-shift upper 1"
/* With owners= too: no version that looks at inodes alone may go on with such an upper. */
#define FORM_OWNERS "oci-shift upper 2"
#define MARK_MAX (PATH_MAX + 512)

struct mark {
    char text[MARK_MAX];
    const char *written, *owners, *lower, *id; /* in text; "" where the line lacks */
};

bool uppermark_is_name(const char *name)
{
    return strncmp(name, "trusted." UPPERMARK_PREFIX, sizeof("trusted." UPPERMARK_PREFIX) - 1) ==
               0 ||
           strncmp(name, "user." UPPERMARK_PREFIX, sizeof("user." UPPERMARK_PREFIX) - 1) == 0;
}

/* FNV-1a: to tell lowers apart that nobody has chosen to look alike. */
static void add_to_hash(uint64_t *hash, uint64_t value)
{
    for (int i = 0; i < 8; i++) {
        *hash ^= (value >> (8 * i)) & 0xff;
        *hash *= UINT64_C(1099511628211);
    }
}

static int lowers_id(const struct uppermark *m, char *buf, size_t size, struct err *e)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    struct statx x;

    for (size_t i = 0; i < m->n_lowers; i++) {
        if (statx(m->lowers[i], "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &x) < 0)
            return err_set(e, -errno, "lower %s", m->lower);
        add_to_hash(&hash, x.stx_ino);
        if (x.stx_mask & STATX_BTIME) {
            add_to_hash(&hash, (uint64_t)x.stx_btime.tv_sec);
            add_to_hash(&hash, x.stx_btime.tv_nsec);
        }
    }
    snprintf(buf, size, "%zu-%016llx", m->n_lowers, (unsigned long long)hash);
    return 0;
}

/* The rest of the line that starts with key, cut off where it ends. */
static const char *line_of(char *text, const char *key)
{
    size_t len = strlen(key);

    for (char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, len) == 0)
            return line + len;
    }
    return "";
}

static void cut_lines(char *text)
{
    for (; *text; text++)
        if (*text == '\n')
            *text = '\0';
}

/* Returns 0, -ENODATA where there is none, or an error. */
static int read_mark(int fd, struct mark *out)
{
    ssize_t n = fgetxattr(fd, UPPERMARK_NAME, out->text, sizeof(out->text) - 1);

    if (n < 0)
        n = fgetxattr(fd, UPPERMARK_USER_NAME, out->text, sizeof(out->text) - 1);
    if (n < 0)
        return errno == EOPNOTSUPP ? -ENODATA : -errno;
    out->text[n] = '\0';
    if (strncmp(out->text, FORM "\n", sizeof(FORM)) != 0 &&
        strncmp(out->text, FORM_OWNERS "\n", sizeof(FORM_OWNERS)) != 0)
        return -EINVAL;
    out->written = line_of(out->text, "written=");
    out->owners = line_of(out->text, "owners=");
    out->lower = line_of(out->text, "lower=");
    out->id = line_of(out->text, "id=");
    cut_lines(out->text);
    return 0;
}

/* A mount id that is no disk id: then *disk is what it would be on disk. */
static bool is_shifted(const struct uppermark *m, uid_t uid, struct disk_id *disk)
{
    struct mount_id any;

    return !idmap_to_mount(m->uid, (struct disk_id){uid}, &any) &&
           idmap_to_disk(m->uid, (struct mount_id){uid}, disk);
}

/* Nothing says how it was written but the owner of its root. */
static int check_owner(const struct uppermark *m, int fd, struct err *e)
{
    struct disk_id disk;
    struct stat st;

    if (fstat(fd, &st) < 0)
        return err_set(e, -errno, "upper %s", m->upper);
    if (!is_shifted(m, st.st_uid, &disk) || io_dir_is_empty(fd))
        return 0;
    return err_setx(e, -EINVAL,
                    "the upper %s was written shifted (it is owned by uid %u, which is the "
                    "container's %u), and would be shifted again over %s",
                    m->upper, st.st_uid, disk.v, m->lower);
}

int uppermark_own(const struct uppermark *m, int upper_fd, struct upper_owner *before,
                  struct err *e)
{
    struct disk_id uid, gid;
    struct stat st;

    *before = (struct upper_owner){.changed = false};
    if (fstat(upper_fd, &st) < 0)
        return err_set(e, -errno, "upper %s", m->upper);
    if (!is_shifted(m, st.st_uid, &uid) || !io_dir_is_empty(upper_fd))
        return 0;
    if (!idmap_to_disk(m->gid, (struct mount_id){st.st_gid}, &gid))
        gid.v = st.st_gid;
    if (fchown(upper_fd, uid.v, gid.v) < 0)
        return err_set(e, -errno, "upper %s: change the owner", m->upper);
    *before = (struct upper_owner){st.st_uid, st.st_gid, true};
    return 0;
}

void uppermark_disown(int upper_fd, const struct upper_owner *before)
{
    int r = before->changed ? fchown(upper_fd, before->uid, before->gid) : 0;

    (void)r; /* there is an error to report already */
}

int uppermark_check(const struct uppermark *m, int upper_fd, struct err *e)
{
    struct mark mark;
    char id[64];
    int r = read_mark(upper_fd, &mark);

    if (r == -ENODATA)
        return check_owner(m, upper_fd, e);
    if (r == -EINVAL)
        return err_setx(e, r, "the upper %s has a mark of a later version, or a broken one",
                        m->upper);
    if (r < 0)
        return err_set(e, r, "mark of the upper %s", m->upper);
    if (strcmp(mark.written, "unshifted") != 0)
        return err_setx(e, -EINVAL,
                        "the upper %s was written %s over %s, and only an unshifted one can be "
                        "used over %s",
                        m->upper, mark.written, mark.lower, m->lower);
    if (strcmp(mark.owners, m->owners ? m->owners : "") != 0)
        return err_setx(e, -EINVAL,
                        "the upper %s has its owners and modes in %s, and would be used with those "
                        "of %s",
                        m->upper, mark.owners[0] ? mark.owners : "its inodes",
                        m->owners ? m->owners : "its inodes");
    r = lowers_id(m, id, sizeof(id), e);
    if (r < 0 || strcmp(mark.id, id) == 0 ||
        (m->same_path_will_do && strcmp(mark.lower, m->lower) == 0))
        return r;
    return err_setx(e, -EINVAL,
                    strcmp(mark.lower, m->lower) == 0
                        ? "the upper %s was written over another lower: over what was at %s then, "
                          "and %s is another directory now"
                        : "the upper %s was written over another lower: over %s, not over %s",
                    m->upper, mark.lower, m->lower);
}

int uppermark_owners(int upper_fd, char out[UPPERMARK_OWNERS_MAX])
{
    struct mark mark;
    int r = read_mark(upper_fd, &mark);

    if (r < 0)
        return r;
    if (strlen(mark.owners) >= UPPERMARK_OWNERS_MAX)
        return -EINVAL;
    strcpy(out, mark.owners);
    return 0;
}

int uppermark_set(const struct uppermark *m, int upper_fd, struct err *e)
{
    cleanup_free char *text = NULL;
    char id[64];
    int len, r = lowers_id(m, id, sizeof(id), e);

    if (r < 0)
        return r;
    len =
        asprintf(&text, "%s\nwritten=unshifted\nby=oci-shift " VERSION "\n%s%s%slower=%s\nid=%s\n",
                 m->owners ? FORM_OWNERS : FORM, m->owners ? "owners=" : "",
                 m->owners ? m->owners : "", m->owners ? "\n" : "", m->lower, id);
    if (len < 0)
        return err_set(e, -ENOMEM, "mark of the upper %s", m->upper);
    if (fsetxattr(upper_fd, UPPERMARK_NAME, text, (size_t)len, 0) == 0 ||
        fsetxattr(upper_fd, UPPERMARK_USER_NAME, text, (size_t)len, 0) == 0)
        return 0;
    return err_set(e, -errno, "mark the upper %s", m->upper);
}
