/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/fscontext.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void fscontext_last_words(int fs_fd, char *text, size_t size)
{
    int saved = errno;
    ssize_t n = read(fs_fd, text, size - 1);

    text[n > 0 ? n : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    /* "e " says that it is an error. */
    if (text[0] && text[1] == ' ')
        memmove(text, text + 2, strlen(text + 2) + 1);
    errno = saved;
}
