/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook/runtime/args.h"
#include "tests/unit/suites.h"

#include <string.h>

#define WORDS 24

static const struct {
    const char *argv[WORDS];
    const char *command, *id, *bundle, *log, *config;
    bool json;
} cases[] = {
    {{"r"}, NULL, NULL, NULL, NULL, NULL, false},
    {{"r", "--version"}, NULL, NULL, NULL, NULL, NULL, false},
    {{"r", "create", "c"}, "create", "c", NULL, NULL, NULL, false},
    /* containerd's shim */
    {{"r", "--root", "/run/containerd/runc/k8s.io", "--log", "/b/log.json", "--log-format", "json",
      "--systemd-cgroup", "create", "--bundle", "/b", "--pid-file", "/b/init.pid",
      "--console-socket", "/tmp/pty.sock", "--no-pivot", "c"},
     "create",
     "c",
     "/b",
     "/b/log.json",
     NULL,
     true},
    /* conmon */
    {{"r", "--log-format=json", "--log=/l", "--cgroup-manager", "cgroupfs", "create", "--bundle",
      "/b", "--pid-file", "/p", "c"},
     "create",
     "c",
     "/b",
     "/l",
     NULL,
     true},
    {{"r", "--debug", "--rootless", "true", "run", "-d", "-b", "/b", "--preserve-fds", "3", "c"},
     "run",
     "c",
     "/b",
     NULL,
     NULL,
     false},
    {{"r", "run", "-b/b", "c"}, "run", "c", "/b", NULL, NULL, false},
    {{"r", "run", "-bundle", "/b", "-detach", "c"}, "run", "c", "/b", NULL, NULL, false},
    {{"r", "run", "-bundle=/b", "c"}, "run", "c", "/b", NULL, NULL, false},
    {{"r", "run", "c", "--bundle", "/b"}, "run", "c", "/b", NULL, NULL, false},
    {{"r", "run", "--config", "other.json", "c"}, "run", "c", NULL, NULL, "other.json", false},
    {{"r", "run", "-f", "other.json", "c"}, "run", "c", NULL, NULL, "other.json", false},
    /* There it takes no value. */
    {{"r", "delete", "-f", "c"}, "delete", "c", NULL, NULL, NULL, false},
    {{"r", "delete", "--force", "c"}, "delete", "c", NULL, NULL, NULL, false},
    {{"r", "exec", "-t", "c", "create", "x"}, "exec", "c", NULL, NULL, NULL, false},
    {{"r", "run", "--", "-c"}, "run", "-c", NULL, NULL, NULL, false},
    {{"r", "restore", "--image-path", "/i", "--bundle", "/b", "c"},
     "restore",
     "c",
     "/b",
     NULL,
     NULL,
     false},
    /* Cut off. */
    {{"r", "--root"}, NULL, NULL, NULL, NULL, NULL, false},
    {{"r", "create", "--bundle"}, "create", NULL, NULL, NULL, NULL, false},
    {{"r", "create", "", "-"}, "create", "", NULL, NULL, NULL, false},
};

static void same(size_t i, const char *what, const char *got, const char *want)
{
    ck_assert_msg((!got && !want) || (got && want && strcmp(got, want) == 0),
                  "case %zu: %s is %s, wanted %s", i, what, got ? got : "none",
                  want ? want : "none");
}

START_TEST(command_lines)
{
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct runtime_args a;
        int argc = 0;

        while (cases[i].argv[argc])
            argc++;
        runtime_args_parse(argc, (char *const *)(uintptr_t)cases[i].argv, &a);
        same(i, "command", a.command, cases[i].command);
        same(i, "id", a.id, cases[i].id);
        same(i, "bundle", a.bundle, cases[i].bundle);
        same(i, "log", a.log, cases[i].log);
        same(i, "config", a.config, cases[i].config);
        ck_assert_int_eq(a.log_json, cases[i].json);
    }
}
END_TEST

Suite *suite_args(void)
{
    Suite *s = suite_create("args");
    TCase *t = tcase_create("command lines");

    tcase_add_test(t, command_lines);
    suite_add_tcase(s, t);
    return s;
}
