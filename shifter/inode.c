/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shifter/inode.h"

#include "base/cleanup.h"
#include "shifter/inode_table.h"

#include <assert.h>

/*
 * Counts a lookup of the inode, whose slot gets *fd (stolen) if it is new and has no handle.
 * With no fd at hand, -EAGAIN asks for one.
 */
static int count_lookup(struct inode_table *t, const struct identity *who, int *fd, uint64_t *id,
                        uint64_t *generation)
{
    uint32_t s;
    int r = 0;

    pthread_mutex_lock(&t->lock);
    s = slots_find(&t->slots, who);
    if (s == NO_SLOT)
        r = who->has_handle || *fd >= 0 ? slots_add(&t->slots, who, fd, &s) : -EAGAIN;
    if (r == 0) {
        slot_of(t, s)->nlookup++;
        *id = s;
        *generation = slot_of(t, s)->generation;
    }
    pthread_mutex_unlock(&t->lock);
    return r;
}

/* The state of what fd refers to, as it is shown but for the ids and the inode number. */
static int state_of(const struct inode_table *t, int fd, struct sys_stat *st)
{
    int r = sys_stat(fd, st);

    return r < 0 ? r : override_apply(t->override, fd, &st->st);
}

static bool has_set_id(const struct sys_stat *st)
{
    return S_ISREG(st->st.st_mode) && (st->st.st_mode & (S_ISUID | S_ISGID));
}

/*
 * Marks the slot where st has a set-id bit, then looks again: of a write that takes the bit at the
 * same time, either the writer sees the mark or the second look sees the write.
 */
static int note_set_id(const struct inode_table *t, struct slot *s, int fd, struct sys_stat *st)
{
    if (!has_set_id(st))
        return 0;
    atomic_store(&s->shown_set_id, true);
    return state_of(t, fd, st);
}

struct dir_links *inode_dir_links(struct inode_table *t, uint64_t id)
{
    struct slot *s = slot_of(t, id);

    return t->count_links && s->type == S_IFDIR && slots_has_room(s) ? &s->links : NULL;
}

/* What a state says that sys_stat() cannot know. */
static int complete_state(struct inode_table *t, uint64_t id, int fd, struct sys_stat *st)
{
    int r = note_set_id(t, slot_of(t, id), fd, st);

    dir_links_show(inode_dir_links(t, id), fd, &st->st);
    shown_owner_note(inode_shown_owner(t, id), st->st.st_uid);
    st->st.st_ino = inode_shown_ino(t, id, st->st.st_ino);
    return r;
}

ino_t inode_shown_ino(const struct inode_table *t, uint64_t dir, ino_t ino)
{
    return lower_shown_ino(t->lower, slot_of(t, dir)->mount, ino);
}

mode_t inode_type(const struct inode_table *t, uint64_t id)
{
    return slot_of(t, id)->type;
}

int inode_stat(struct inode_table *t, uint64_t id, int fd, struct sys_stat *st)
{
    int r = state_of(t, fd, st);

    return r < 0 ? r : complete_state(t, id, fd, st);
}

bool inode_take_shown_set_id(struct inode_table *t, uint64_t id)
{
    struct slot *s = slot_of(t, id);

    return atomic_load(&s->shown_set_id) && atomic_exchange(&s->shown_set_id, false);
}

bool inode_shown_set_id(const struct inode_table *t, uint64_t id)
{
    return atomic_load(&slot_of(t, id)->shown_set_id);
}

_Atomic uint64_t *inode_shown_owner(struct inode_table *t, uint64_t id)
{
    return &slot_of(t, id)->owner;
}

uint32_t *inode_backing(struct inode_table *t, uint64_t id)
{
    return &slot_of(t, id)->backing;
}

int inode_get(struct inode_table *t, int fd, uint64_t *id, uint64_t *generation,
              struct sys_stat *st)
{
    struct identity who;
    cleanup_close int own = -1;
    int r = state_of(t, fd, st);

    if (r == 0)
        r = lower_identify(t->lower, fd, st, &who);
    if (r < 0)
        return r;
    r = count_lookup(t, &who, &own, id, generation);
    if (r == -EAGAIN) {
        r = fd_budget_take_for_inode(t->fds);
        if (r < 0)
            return r;
        own = sys_reopen(fd, O_PATH);
        r = own < 0 ? own : count_lookup(t, &who, &own, id, generation);
        /* Not taken: it failed, or another thread was faster. */
        if (own >= 0 || r < 0)
            fd_budget_give(t->fds);
    }
    if (r < 0)
        return r;
    r = complete_state(t, *id, fd, st);
    if (r < 0)
        inode_forget(t, *id, 1);
    return r;
}

/*
 * By name alone, which spares opening and closing. The handle is taken first: what the state then
 * says is of the same inode, or the handle leads nowhere (sys.h). -EAGAIN where that cannot be
 * known, or a second look by an fd is due.
 */
static int get_by_name(struct inode_table *t, int dir_fd, const char *name, uint64_t *id,
                       uint64_t *generation, struct sys_stat *st)
{
    struct identity who;
    uint64_t mnt_id;
    int mount, no_fd = -1;
    int r = sys_handle_at(dir_fd, name, &who.handle, &mnt_id);

    if (r < 0)
        return r == -ENOENT ? r : -EAGAIN;
    r = sys_stat_at(dir_fd, name, st);
    if (r < 0)
        return r;
    mount = lower_known_mount(t->lower, st);
    if (mount < 0 || lower_handle_fd(t->lower, (unsigned)mount) < 0 || mnt_id != st->mnt_id ||
        !sys_handle_has_ino(&who.handle, st->st.st_ino) || has_set_id(st) ||
        (t->count_links && dir_links_are_due(&st->st)))
        return -EAGAIN;
    who.ino = st->st.st_ino;
    who.mount = (uint16_t)mount;
    who.type = (uint16_t)(st->st.st_mode & S_IFMT);
    who.has_handle = true;
    r = count_lookup(t, &who, &no_fd, id, generation);
    if (r < 0)
        return r;
    shown_owner_note(inode_shown_owner(t, *id), st->st.st_uid);
    st->st.st_ino = inode_shown_ino(t, *id, st->st.st_ino);
    return r;
}

int inode_get_at(struct inode_table *t, int dir_fd, const char *name, uint64_t *id,
                 uint64_t *generation, struct sys_stat *st)
{
    cleanup_close int fd = -1;
    /* An attribute is to be that of the very inode, so by an fd. */
    bool by_name = inode_table_has_handles(t) && t->override->read == 0;
    int r = by_name ? get_by_name(t, dir_fd, name, id, generation, st) : -EAGAIN;

    if (r != -EAGAIN)
        return r;
    fd = sys_open_path_at(dir_fd, name);
    return fd < 0 ? fd : inode_get(t, fd, id, generation, st);
}

void inode_forget(struct inode_table *t, uint64_t id, uint64_t n)
{
    struct slot *s = slot_of(t, id);
    bool gone = false;
    uint64_t generation = s->generation;
    int fd = -1;

    if (id == ROOT_SLOT)
        return;
    pthread_mutex_lock(&t->lock);
    assert(n <= s->nlookup); /* the kernel gives back what it was given */
    s->nlookup -= n < s->nlookup ? n : s->nlookup;
    if (s->nlookup == 0) {
        gone = true;
        fd = fd_of_slot(s);
        if (s->type == S_IFREG)
            backing_forget(t->files, &s->backing);
        slots_remove(&t->slots, (uint32_t)id);
    }
    pthread_mutex_unlock(&t->lock);
    if (gone)
        fd_cache_forget(t->recent, id, generation);
    if (fd >= 0)
        fd_budget_close(t->fds, fd);
}

void inode_keep(struct inode_table *t, int *fd)
{
    struct identity who;
    struct sys_stat st;
    uint32_t n;

    if (state_of(t, *fd, &st) < 0 || st.st.st_nlink > 0)
        return;
    /* Without a handle there is an fd already. */
    if (lower_identify(t->lower, *fd, &st, &who) < 0 || !who.has_handle ||
        fd_budget_take(t->fds) < 0)
        return;
    pthread_mutex_lock(&t->lock);
    n = slots_find(&t->slots, &who);
    if (n != NO_SLOT && atomic_load(&slot_of(t, n)->kept_fd) < 0)
        atomic_store(&slot_of(t, n)->kept_fd, steal_fd(fd));
    pthread_mutex_unlock(&t->lock);
    if (*fd >= 0)
        fd_budget_give(t->fds);
}

static int open_by_handle(const struct inode_table *t, const struct slot *s, int flags)
{
    struct sys_handle h;

    slots_handle(s, &h);
    return sys_open_handle(lower_handle_fd(t->lower, s->mount), &h, flags);
}

int inode_path_fd(struct inode_table *t, uint64_t id, struct inode_fd *out)
{
    const struct slot *s = slot_of(t, id);
    int fd = fd_of_slot(s);

    if (fd >= 0) {
        *out = INODE_FD_BORROWED(fd);
        return 0;
    }
    *out = (struct inode_fd){.cache = t->recent};
    out->fd = fd_cache_get(t->recent, id, s->generation, &out->place);
    if (out->fd >= 0)
        return 0;
    fd = open_by_handle(t, s, O_PATH);
    if (fd < 0) {
        *out = INODE_FD_NONE;
        return fd;
    }
    out->fd = fd;
    out->owned = !fd_cache_put(t->recent, id, s->generation, fd, &out->place);
    return 0;
}

int inode_open(struct inode_table *t, uint64_t id, int flags)
{
    const struct slot *s = slot_of(t, id);
    cleanup_close int named = -1;
    int fd = fd_of_slot(s);

    if (s->type == S_IFLNK)
        return -ELOOP;
    if (s->type != S_IFREG && s->type != S_IFDIR)
        return -ENXIO;
    if ((flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC))
        named = inode_open_name(t, id);
    if (named >= 0)
        return sys_reopen(named, flags);
    return fd >= 0 ? sys_reopen(fd, flags) : open_by_handle(t, s, flags);
}
