/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/proc.h"

#include "base/cleanup.h"
#include "base/io.h"
#include "hook/sys.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>

static int read_proc(pid_t pid, const char *file, size_t max, char **buf)
{
    char path[64];
    size_t len;

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
    return io_read_file_at(AT_FDCWD, path, max, buf, &len);
}

int process_parse_stat(const char *stat, char *state, uint64_t *start)
{
    unsigned long long ticks;
    /* The name in field 2 may hold anything, parentheses and spaces too. */
    const char *p = strrchr(stat, ')');

    if (!p || sscanf(p + 1,
                     " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d "
                     "%llu",
                     state, &ticks) != 2)
        return -EINVAL;
    *start = ticks;
    return 0;
}

int process_identify(pid_t pid, struct process *out)
{
    cleanup_free char *stat = NULL;
    uint64_t start;
    char state;
    int r = read_proc(pid, "stat", 4096, &stat);

    if (r < 0)
        return r == -ENOENT ? -ESRCH : r;
    r = process_parse_stat(stat, &state, &start);
    if (r < 0)
        return r;
    if (state == 'Z' || state == 'X')
        return -ESRCH;
    *out = (struct process){pid, start};
    return 0;
}

int process_open(const struct process *p)
{
    struct process now;
    cleanup_close int fd = p->pid > 0 ? sys_pidfd_open(p->pid) : -ESRCH;
    int r;

    if (fd < 0)
        return fd;
    /* Checked while the pidfd holds the pid: it is this process for good. */
    r = process_identify(p->pid, &now);
    if (r < 0)
        return r;
    return now.start == p->start ? steal_fd(&fd) : -ESRCH;
}

bool process_alive(const struct process *p)
{
    cleanup_close int fd = process_open(p);

    return fd >= 0;
}

int process_end(const struct process *p, int ms)
{
    cleanup_close int fd = process_open(p);
    int r;

    if (fd < 0)
        return fd == -ESRCH ? 0 : fd;
    r = sys_pidfd_kill(fd, SIGKILL);
    if (r < 0)
        return r == -ESRCH ? 0 : r;
    return sys_pidfd_wait(fd, ms);
}

int process_parse_map(char *text, struct idmap *map, const char *what, struct err *e)
{
    struct idmap_range ranges[IDMAP_MAX_RANGES];
    size_t n = 0;
    char *save = NULL;

    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        if (n == IDMAP_MAX_RANGES ||
            sscanf(line, "%u %u %u", &ranges[n].disk.v, &ranges[n].mount.v, &ranges[n].size) != 3)
            return err_setx(e, -EINVAL, "%s: cannot be read", what);
        n++;
    }
    return idmap_init(map, ranges, n, what, e);
}

int process_check_map(pid_t pid, const char *which, const struct idmap *map, struct err *e)
{
    cleanup_free char *text = NULL, *have = NULL, *want = NULL;
    struct idmap actual;
    char what[64];
    int r = read_proc(pid, which, 65536, &text);

    snprintf(what, sizeof(what), "/proc/%d/%s", (int)pid, which);
    if (r < 0)
        return err_set(e, r, "%s", what);
    r = process_parse_map(text, &actual, what, e);
    if (r < 0)
        return r;
    have = idmap_format(&actual);
    want = idmap_format(map);
    if (!have || !want)
        return err_set(e, -ENOMEM, "mappings");
    if (strcmp(have, want) != 0)
        return err_setx(e, -EINVAL, "%s says %.200s, config.json says %.200s", what, have, want);
    return 0;
}

bool process_is_runc_init(pid_t pid)
{
    cleanup_free char *comm = NULL;

    return read_proc(pid, "comm", 64, &comm) == 0 && strncmp(comm, "runc:[", 6) == 0;
}
