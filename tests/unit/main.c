/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/suites.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* All of a run is below this: a test that fails or is killed could not clean up after itself. */
static char scratch_base[] = "/tmp/oci-shift-unit.XXXXXX";

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

const char *scratch_directory(void)
{
    static char path[64];

    snprintf(path, sizeof(path), "%s/XXXXXX", scratch_base);
    ck_assert_ptr_nonnull(mkdtemp(path));
    return path;
}

void scratch_file(const char *dir, const char *name, const char *text)
{
    char path[512];
    int fd;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

int main(void)
{
    SRunner *runner = srunner_create(suite_err());
    int failed;

    if (!mkdtemp(scratch_base)) {
        perror(scratch_base);
        return 1;
    }
    srunner_add_suite(runner, suite_backing());
    srunner_add_suite(runner, suite_num());
    srunner_add_suite(runner, suite_idmap());
    srunner_add_suite(runner, suite_io());
    srunner_add_suite(runner, suite_text());
    srunner_add_suite(runner, suite_merge());
    srunner_add_suite(runner, suite_args());
    srunner_add_suite(runner, suite_uppermark());
    srunner_add_suite(runner, suite_json());
    srunner_add_suite(runner, suite_json_values());
    srunner_add_suite(runner, suite_state());
    srunner_add_suite(runner, suite_config());
    srunner_add_suite(runner, suite_decide());
    srunner_add_suite(runner, suite_admin());
    srunner_add_suite(runner, suite_record());
    srunner_add_suite(runner, suite_rmtree());
    srunner_add_suite(runner, suite_place());
    srunner_add_suite(runner, suite_mounttree());
    srunner_add_suite(runner, suite_proc());
    srunner_add_suite(runner, suite_markers());
    srunner_add_suite(runner, suite_shift());
    srunner_add_suite(runner, suite_acl());
    srunner_add_suite(runner, suite_fcap());
    srunner_add_suite(runner, suite_options());
    srunner_add_suite(runner, suite_override());
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    nftw(scratch_base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return failed > 0;
}
