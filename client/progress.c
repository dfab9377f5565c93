/* SPDX-License-Identifier: Apache-2.0 */
/* client/progress.c - a bar on a terminal, nothing anywhere else. */
#include "client/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define BAR_WIDTH 30
#define REDRAW_MS 80 /* more often is not seen */

static struct { /* main thread only */
	const char *what;
	size_t total;
	bool active, drawn;
	uint64_t drawn_ms;
} bar;

void
progress_start(const char *what, size_t total, bool wanted)
{
	const char *term = getenv("TERM");

	bar.what = what;
	bar.total = total;
	bar.active = wanted && total > 1 && isatty(STDERR_FILENO) != 0 &&
		     (term == NULL || strcmp(term, "dumb") != 0);
	bar.drawn = false;
	bar.drawn_ms = 0;
}

void
progress_show(size_t done)
{
	char cells[BAR_WIDTH + 1];
	size_t full;
	uint64_t now = clock_ms();

	if (!bar.active || (bar.drawn && now - bar.drawn_ms < REDRAW_MS))
		return;
	full = done >= bar.total ? BAR_WIDTH : done * BAR_WIDTH / bar.total;
	memset(cells, '.', BAR_WIDTH);
	memset(cells, '#', full);
	cells[BAR_WIDTH] = '\0';
	(void)fprintf(
	    stderr, "\r%s [%s] %zu/%zu\033[K", bar.what, cells, done, bar.total);
	(void)fflush(stderr);
	bar.drawn = true;
	bar.drawn_ms = now;
}

void
progress_hide(void)
{
	if (!bar.drawn)
		return;
	(void)fputs("\r\033[K", stderr);
	(void)fflush(stderr);
	bar.drawn = false;
}

void
progress_end(void)
{
	progress_hide();
	bar.active = false;
}
