/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * timed COMMAND...: runs the command and prints how long that took; what it prints is dropped.
 * timed -o FILE COMMAND...: appends the time to the file, as a hook does that must print nothing.
 */
#include "bench/tools/clock.h"

#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    const char *file = argc > 3 && strcmp(argv[1], "-o") == 0 ? argv[2] : NULL;
    char **command = argv + (file ? 3 : 1);
    uint64_t start = now_ns();
    FILE *out = stdout;
    int status, null;
    pid_t pid;

    if (argc < 2)
        errx(2, "usage: timed [-o FILE] COMMAND...");
    pid = fork();
    if (pid < 0)
        err(1, "fork");
    if (pid == 0) {
        null = open("/dev/null", O_WRONLY);
        if (null < 0 || dup2(null, STDOUT_FILENO) < 0)
            err(1, "/dev/null");
        execvp(command[0], command);
        err(127, "%s", command[0]);
    }
    if (waitpid(pid, &status, 0) < 0)
        err(1, "wait");
    start = now_ns() - start;
    if (file)
        out = fopen(file, "ae");
    if (!out || fprintf(out, "%" PRIu64 " ns\n", start) < 0 || fflush(out) != 0)
        err(1, "%s", file ? file : "standard output");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
