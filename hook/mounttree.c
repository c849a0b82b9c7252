/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/mounttree.h"

#include "base/cleanup.h"
#include "base/io.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

/* A node has at most fs.mount-max mounts, 100,000 unless raised, of a few hundred bytes each. */
#define MOUNTINFO_MAX_BYTES (256u << 20)

/* Spaces, tabs, newlines and backslashes are written as \ooo. In place. */
static void unescape(char *s)
{
    char *to = s;

    while (*s) {
        if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' &&
            s[3] >= '0' && s[3] <= '7') {
            *to++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
            s += 4;
        } else {
            *to++ = *s++;
        }
    }
    *to = '\0';
}

/* "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue" */
static int parse_line(char *line, struct mount_entry *m)
{
    char *save = NULL, *field[5];

    for (int i = 0; i < 5; i++) {
        field[i] = strtok_r(i == 0 ? line : NULL, " ", &save);
        if (!field[i])
            return -EINVAL;
    }
    if (sscanf(field[0], "%" SCNu64, &m->id) != 1 ||
        sscanf(field[1], "%" SCNu64, &m->parent) != 1 ||
        sscanf(field[2], "%" SCNu32 ":%" SCNu32, &m->major, &m->minor) != 2)
        return -EINVAL;
    unescape(field[3]);
    unescape(field[4]);
    /* What is below what is told by these paths: one that starts elsewhere would be misplaced. */
    if (field[4][0] != '/')
        return -EINVAL;
    m->root = field[3];
    m->point = field[4];
    /* Options and any number of tags, "-", the type. */
    do
        field[0] = strtok_r(NULL, " ", &save);
    while (field[0] && strcmp(field[0], "-") != 0);
    m->type = field[0] ? strtok_r(NULL, " ", &save) : NULL;
    if (!m->type)
        m->type = "";
    return 0;
}

static size_t count_lines(const char *text)
{
    size_t n = 1;

    for (; *text; text++)
        n += *text == '\n';
    return n;
}

int mounttree_parse(char *text, struct mounttree *out, struct err *e)
{
    char *save = NULL;

    *out = (struct mounttree){.text = text};
    out->mounts = calloc(count_lines(text), sizeof(*out->mounts));
    if (!out->mounts) {
        mounttree_release(out);
        return err_set(e, -ENOMEM, "mountinfo");
    }
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        if (parse_line(line, &out->mounts[out->n++]) < 0) {
            mounttree_release(out);
            return err_setx(e, -EINVAL, "mountinfo: a line cannot be read");
        }
    return 0;
}

int mounttree_read(pid_t pid, struct mounttree *out, struct err *e)
{
    char path[64];
    char *text = NULL;
    size_t len;
    int r;

    snprintf(path, sizeof(path), "/proc/%d/mountinfo", (int)pid);
    r = io_read_file_at(AT_FDCWD, path, MOUNTINFO_MAX_BYTES, &text, &len);
    if (r < 0)
        return err_set(e, r, "%s", path);
    return mounttree_parse(text, out, e);
}

void mounttree_release(struct mounttree *t)
{
    free(t->mounts);
    free(t->text);
    *t = (struct mounttree){0};
}

const char *mounttree_below(const char *point, const char *base)
{
    size_t n = strlen(base);

    if (strcmp(base, "/") == 0)
        return point + 1;
    if (strncmp(point, base, n) != 0)
        return NULL;
    if (point[n] == '\0')
        return point + n;
    return point[n] == '/' ? point + n + 1 : NULL;
}
