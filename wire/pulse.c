/* SPDX-License-Identifier: Apache-2.0 */
/* wire/pulse.c - whether who is at the other end of a connection is still at work. */
#include "wire/pulse.h"

void
pulse_begin(struct pulse *p, uint64_t now_ms)
{
	*p = (struct pulse){.heard_at = now_ms};
}

bool
pulse_heard(struct pulse *p, uint64_t now_ms)
{
	bool was_silent = p->silent;

	pulse_begin(p, now_ms);
	return was_silent;
}

/* now may have been looked up before then was. */
static uint64_t
since(uint64_t then_ms, uint64_t now_ms)
{
	return now_ms > then_ms ? now_ms - then_ms : 0;
}

enum pulse_due
pulse_due(const struct pulse *p, uint64_t now_ms, uint64_t *ret_next)
{
	*ret_next = UINT64_MAX;
	if (p->silent)
		return PULSE_NOTHING;
	if (p->asked_at == 0) {
		if (since(p->heard_at, now_ms) >= PULSE_QUIET_MS)
			return PULSE_ASK;
		*ret_next = p->heard_at + PULSE_QUIET_MS;
	} else {
		if (since(p->asked_at, now_ms) >= PULSE_WAIT_MS)
			return PULSE_JUDGE;
		*ret_next = p->asked_at + PULSE_WAIT_MS;
	}
	return PULSE_NOTHING;
}

void
pulse_asked(struct pulse *p, uint64_t now_ms)
{
	p->asked_at = now_ms > 0 ? now_ms : 1;
}

bool
pulse_judge(struct pulse *p, uint64_t now_ms)
{
	uint64_t waited = since(p->asked_at, now_ms);

	if (p->silent || p->asked_at == 0 || waited < PULSE_WAIT_MS)
		return false;
	if (waited >= PULSE_WAIT_MS + PULSE_LATE_MS) {
		pulse_asked(p, now_ms);
		return false;
	}
	p->silent = true;
	return true;
}

static bool
check_empty(const struct frame *f, const char *what, struct kd_err *e)
{
	struct rd r = f->payload;

	return rd_end(&r, e) || kd_in(e, "%s", what);
}

bool
pulse_answer(const struct frame *ping, struct frame_out *to, struct kd_err *e)
{
	return check_empty(ping, "ping", e) &&
	       frame_out_end(to, frame_out_begin(to, FRAME_PONG, ping->id), e);
}

bool
pulse_check_pong(const struct frame *pong, struct kd_err *e)
{
	return check_empty(pong, "pong", e);
}
