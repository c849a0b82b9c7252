/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Errors as a runtime tells them: engines show what is in the file that --log names. */
#ifndef HOOK_RUNTIME_COMPLAIN_H
#define HOOK_RUNTIME_COMPLAIN_H

#include "hook/runtime/args.h"

/* To stderr and syslog, and to the log of the arguments, in its format. */
void complain(const struct runtime_args *args, const char *message);

#endif
