/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What went wrong, on what, in one line for a person. Functions that set things up return 0 or
 * -errno and take a last `struct err *` that they fill on failure. The struct is plain memory of
 * the caller; nothing in it needs to be released. Not shared between threads.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

struct err {
    int code; /* 0 or -errno */
    char msg[1024];
};

/*
 * Writes the message, then ": " and the text of -code. Returns code, so that a caller can
 * `return err_set(e, -errno, "open %s", path);`. A message that does not fit is cut, its cause
 * is not. Control characters are written as '?': the message is one line whatever a hostile name
 * held.
 */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The same without the text of -code: for errors that the message itself explains. */
int err_setx(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Puts "text: " in front of the message that is there. Returns e->code. */
int err_prefix(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Writes every control character of s as '?'. */
void err_one_line(char *s);

#endif
