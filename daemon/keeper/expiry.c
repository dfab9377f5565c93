/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/expiry.c - how long a key's certificate is still good for, told in time. */
#include "daemon/keeper/expiry.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"

#define DAY ((int64_t)86400)
#define LOOK_MS UINT64_C(600000) /* a step is told at most that late */

static const struct {
	enum expiry_step step;
	int64_t days;
} steps[] = {{EXPIRY_7, 7}, {EXPIRY_30, 30}, {EXPIRY_90, 90}};

enum expiry_step
expiry_step(int64_t not_after, int64_t now_unix)
{
	if (now_unix > not_after)
		return EXPIRY_OVER;
	for (size_t i = 0; i < KD_ARRAY_LEN(steps); i++)
		if (not_after - now_unix <= steps[i].days * DAY)
			return steps[i].step;
	return EXPIRY_FAR;
}

uint64_t
expiry_days(int64_t not_after, int64_t now_unix)
{
	return now_unix >= not_after ? 0 : (uint64_t)((not_after - now_unix) / DAY);
}

void
expiry_text(char *dst, size_t n, int64_t not_after, int64_t now_unix)
{
	unsigned long long days = expiry_days(not_after, now_unix);
	char when[CLOCK_UTC_LEN];

	clock_utc(when, not_after * 1000);
	dst[0] = '\0';
	switch (expiry_step(not_after, now_unix)) {
	case EXPIRY_FAR:
		return;
	case EXPIRY_OVER:
		(void)snprintf(dst, n, "certificate expired on %.10s", when);
		return;
	case EXPIRY_90:
	case EXPIRY_30:
	case EXPIRY_7:
		break;
	}
	if (days == 0)
		(void)snprintf(dst, n, "certificate expires within a day, at %s", when);
	else
		(void)snprintf(dst, n, "certificate expires in %llu day%s, on %.10s", days,
		    days == 1 ? "" : "s", when);
}

void
expiry_watch_clear(struct expiry_watch *w)
{
	free(w->told);
	*w = (struct expiry_watch){0};
}

static void
look_at(uint8_t *told, const struct key *key, int64_t now_unix)
{
	enum expiry_step step = expiry_step(key->info.not_after, now_unix);
	char text[128];

	if (step <= (enum expiry_step)*told)
		return;
	*told = (uint8_t)step;
	expiry_text(text, sizeof(text), key->info.not_after, now_unix);
	log_line(step >= EXPIRY_7 ? LOG_L_ERROR : LOG_L_WARN, "key '%s': %s", key->name, text);
}

uint64_t
expiry_watch_look(struct expiry_watch *w, const struct settings *s, uint64_t now_ms,
    int64_t now_unix)
{
	if (now_ms < w->due_ms)
		return w->due_ms;
	if (w->told == NULL) {
		w->told = kd_alloc_array(s->keys_n, sizeof(*w->told));
		w->told_n = w->told != NULL ? s->keys_n : 0; /* readiness tells all the same */
	}
	for (size_t i = 0; i < w->told_n; i++)
		look_at(&w->told[i], &s->keys[i], now_unix);
	w->due_ms = now_ms + LOOK_MS;
	return w->due_ms;
}
