/* SPDX-License-Identifier: GPL-2.0-or-later */
/* By which name a file is copied up: inode.h. */
#include "base/cleanup.h"
#include "shifter/inode.h"
#include "shifter/inode_table.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct slot_name {
    uint64_t parent;
    uint32_t parent_generation; /* the slot may be another directory's by now */
    char name[];
};

bool inode_keeps_names(const struct inode_table *t, const struct stat *st)
{
    return t->keep_names && S_ISREG(st->st_mode) && st->st_nlink > 1;
}

static bool has_room(const struct slot *s)
{
    return s->type == S_IFREG && slots_has_room(s);
}

void inode_note_name(struct inode_table *t, uint64_t id, uint64_t parent, const char *name)
{
    struct slot *s = slot_of(t, id);
    size_t size = strlen(name) + 1;
    struct slot_name *old = malloc(sizeof(*old) + size);

    /* Without one it is copied up by some name. */
    if (!old)
        return;
    old->parent = parent;
    old->parent_generation = slot_of(t, parent)->generation;
    memcpy(old->name, name, size);
    pthread_mutex_lock(&t->lock);
    if (has_room(s)) {
        struct slot_name *fresh = old;

        old = s->name;
        s->name = fresh;
    }
    pthread_mutex_unlock(&t->lock);
    free(old);
}

bool inode_has_name(struct inode_table *t, uint64_t id)
{
    const struct slot *s = slot_of(t, id);
    bool has;

    if (!t->keep_names || !has_room(s))
        return false;
    pthread_mutex_lock(&t->lock);
    has = s->name;
    pthread_mutex_unlock(&t->lock);
    return has;
}

/* The name that is kept, and the directory held on to, if the kernel still knows that. */
static bool hold_name(struct inode_table *t, const struct slot *s, uint64_t *parent,
                      char name[NAME_MAX + 1])
{
    struct slot *dir;
    bool known = false;

    pthread_mutex_lock(&t->lock);
    if (has_room(s) && s->name && strlen(s->name->name) <= NAME_MAX) {
        *parent = s->name->parent;
        strcpy(name, s->name->name);
        dir = slot_of(t, *parent);
        /* One that is not in use any more reads as zeros, or is another's (slots.c). */
        known = *parent == ROOT_SLOT ||
                (dir->nlookup > 0 && dir->generation == s->name->parent_generation);
        if (known && *parent != ROOT_SLOT)
            dir->nlookup++;
    }
    pthread_mutex_unlock(&t->lock);
    return known;
}

static int open_if_same(int dir_fd, const char *name, ino_t ino)
{
    cleanup_close int fd = sys_open_path_at(dir_fd, name);
    struct sys_stat st;

    if (fd < 0 || sys_stat(fd, &st) < 0 || !S_ISREG(st.st.st_mode) || st.st.st_ino != ino)
        return -ENOENT;
    return steal_fd(&fd);
}

int inode_open_name(struct inode_table *t, uint64_t id)
{
    char name[NAME_MAX + 1];
    struct inode_fd dir = INODE_FD_NONE;
    uint64_t parent;
    int fd = -ENOENT;

    if (!t->keep_names || !hold_name(t, slot_of(t, id), &parent, name))
        return -ENOENT;
    if (inode_path_fd(t, parent, &dir) == 0)
        fd = open_if_same(dir.fd, name, slot_of(t, id)->ino);
    inode_fd_release(&dir);
    inode_forget(t, parent, 1);
    return fd;
}

int inode_path_fd_to_change(struct inode_table *t, uint64_t id, struct inode_fd *out)
{
    int fd = inode_open_name(t, id);

    if (fd < 0)
        return inode_path_fd(t, id, out);
    *out = (struct inode_fd){.fd = fd, .owned = true};
    return 0;
}
