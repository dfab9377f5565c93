/* SPDX-License-Identifier: Apache-2.0 */
/* wire/pulse.h - whether who is at the other end of a connection is still at work. */
#ifndef KD_PULSE_H
#define KD_PULSE_H
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "wire/frame.h"

#define PULSE_QUIET_MS 1000u /* nothing heard for so long: ask */
#define PULSE_WAIT_MS 2000u  /* nothing heard for so long after asking: silent */
/* Who looks so much later than it wanted to was not running itself, and perhaps the whole
 * machine was not: it asks once more before it judges. */
#define PULSE_LATE_MS 500u

/*
 * A process that is stopped, or stuck, keeps its connections: only its silence tells. So who
 * needs it sends FRAME_PING after a while without a frame; any frame is an answer to that.
 * Times are clock_ms()'s.
 */
struct pulse {
	uint64_t heard_at;
	uint64_t asked_at; /* 0: nothing is asked */
	bool silent;
};

enum pulse_due { PULSE_NOTHING, PULSE_ASK, PULSE_JUDGE };

/* A new connection. */
void pulse_begin(struct pulse *p, uint64_t now_ms);
/* A frame came, whatever it says. True: it was silent before. */
bool pulse_heard(struct pulse *p, uint64_t now_ms);
/*
 * pulse_due - what is to be done now.
 *
 * PULSE_ASK    send FRAME_PING, then pulse_asked
 * PULSE_JUDGE  read what there is to read, then pulse_judge
 * ret_next     when to look again; UINT64_MAX: when something was heard
 */
enum pulse_due pulse_due(const struct pulse *p, uint64_t now_ms, uint64_t *ret_next);
void pulse_asked(struct pulse *p, uint64_t now_ms);
/* True: it is silent from now on, and was not before. */
bool pulse_judge(struct pulse *p, uint64_t now_ms);

/* The other end: puts FRAME_PONG into to. KD_E_PROTOCOL: the ping is not empty; KD_E_NOMEM. */
bool pulse_answer(const struct frame *ping, struct frame_out *to, struct kd_err *e) KD_MUST;
/* What has come back. KD_E_PROTOCOL: it is not empty. */
bool pulse_check_pong(const struct frame *pong, struct kd_err *e) KD_MUST;
#endif
