/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/expiry.h - how long a key's certificate is still good for, told in time. */
#ifndef KD_KEEPER_EXPIRY_H
#define KD_KEEPER_EXPIRY_H
#include <stddef.h>
#include <stdint.h>

#include "daemon/keeper/settings.h"

/* From how many days on people are warned: each step once in the log, again after a start
 * or reload. The last is what renewing by hand needs at least. */
enum expiry_step { EXPIRY_FAR, EXPIRY_90, EXPIRY_30, EXPIRY_7, EXPIRY_OVER };

enum expiry_step expiry_step(int64_t not_after, int64_t now_unix);
/* Whole days left, 0 in the last one and after the end. */
uint64_t expiry_days(int64_t not_after, int64_t now_unix);
/* "certificate expires in 6 days, on 2026-12-02"; "" while it is far. */
void expiry_text(char *dst, size_t n, int64_t not_after, int64_t now_unix);

struct expiry_watch { /* all-zero: nothing told yet, as after a reload */
	uint8_t *told; /* enum expiry_step of each key */
	size_t told_n;
	uint64_t due_ms;           /* clock_ms: when to look again */
};
void expiry_watch_clear(struct expiry_watch *w);
/* Logs what has come nearer. Returns when to be called again. */
uint64_t expiry_watch_look(struct expiry_watch *w, const struct settings *s,
    uint64_t now_ms, int64_t now_unix);
#endif
