/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Does to a directory what programs do to file systems, and prints each call with its result:
 * ops DIR BASE. The output over two file systems is the same where they behave alike.
 *
 * DIR was filled by tree() of fs.sh. BASE is added to every id: 0 in a container,
 * 100000 on the host. Ids 0 to 65535 above it are mapped, id 70000 is not.
 */
#ifndef TESTS_OPS_H
#define TESTS_OPS_H

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern unsigned base;
#define ID(n) (base + (n))
#define UNMAPPED (base + 70000)

/* Prints a call and what it returned, or the name of its error. */
#define TRY(call) report(#call, (long)(call))
void report(const char *call, long r);
/* For calls that FUSE itself refuses with another error than a file system of the kernel does. */
#define REFUSED(call) report_refused(#call, (long)(call))
void report_refused(const char *call, long r);

void show(const char *path); /* lstat(2), without times */
void show_fd(int fd);
void show_data(int fd);
/* What the kernel goes by when it executes the file: it asks the server only when it must. */
void show_mode(const char *path);
void show_xattr(const char *path, const char *name);

/* A new file with this text, open for both. */
int file(const char *name, mode_t mode, const char *text);
/* Entries of a directory besides "." and "..", or -1. */
int count(const char *path);

/* ops_names.c */
void case_files(void);
void case_directories(void);
void case_rename(void);
void case_links(void);
void case_nodes(void);
void case_mode_and_owner(void);
void case_times(void);

/* ops_xattr.c */
void case_xattrs(void);

/* ops_data.c */
void case_data(void);
void case_data_moved(void);
void case_sharing(void);
void case_tmpfile(void);
void case_unlinked(void);
void case_removed_directory(void);
void case_set_id(void);

#endif
