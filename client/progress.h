/* SPDX-License-Identifier: Apache-2.0 */
/* client/progress.h - a bar on a terminal, nothing anywhere else. */
#ifndef CLIENT_PROGRESS_H
#define CLIENT_PROGRESS_H
#include <stdbool.h>
#include <stddef.h>

/* One bar a process, used by the main thread only. Draws on standard error, when that is
 * a terminal. */
void progress_start(const char *what, size_t total, bool wanted);
void progress_show(size_t done);
/* Takes the bar away before something else is printed; the next progress_show brings it
 * back. */
void progress_hide(void);
void progress_end(void);
#endif
