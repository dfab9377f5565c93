/* SPDX-License-Identifier: Apache-2.0 */
/* wire/frame.h - frames between our processes over a Unix stream socket. */
#ifndef KD_FRAME_H
#define KD_FRAME_H
#include <stddef.h>
#include <stdint.h>

#include "base/builder.h"
#include "base/error.h"
#include "base/reader.h"

/*
 * A frame (docs/PROTOCOL.md "Frames"), all numbers little-endian:
 *
 *	u32 length    of the payload, at most the reader's limit
 *	u16 version   FRAME_VERSION; another one is KD_E_PROTOCOL
 *	u16 type      enum frame_type
 *	u64 id        chosen by the asker, echoed in the answer; 0 for unasked messages
 *	payload
 */
#define FRAME_VERSION 1
#define FRAME_HEADER_LEN 16

enum frame_type {
	FRAME_ASK = 1,    /* front → keeper: one HTTP request (wire/front_msg.h) */
	FRAME_ANSWER,         /* keeper or relay → front */
	FRAME_SIGN = 16,      /* keeper → signer: one digest (wire/signer_msg.h) */
	FRAME_SIGNATURE,      /* signer → keeper: what became of it */
	FRAME_STATE,          /* signer → keeper, unasked: at connect and whenever it changes */
	FRAME_BAD,            /* keeper → signer: a key's signature did not verify */
	FRAME_PING,           /* keeper → signer, front → keeper or relay: are you there (wire/pulse.h) */
	FRAME_PONG,           /* back: yes. Both without payload */
	FRAME_RELAY = 32      /* front → relay: a timestamp wanted (wire/relay_msg.h); FRAME_ANSWER back */
};

struct frame {
	enum frame_type type;
	uint64_t id;
	struct rd payload; /* borrowed from the frame_in, valid until its next call */
};

/* Received bytes not yet taken as frames. All-zero is empty but needs a limit. */
struct frame_in {
	struct buf buf;
	size_t pos;         /* bytes of buf already taken */
	size_t max_payload; /* also bounds the memory: this much and some 256 KiB */
};
void frame_in_clear(struct frame_in *in);
/*
 * frame_in_fill - read what the socket fd has, never waiting, up to some 256 KiB a call.
 *
 * For level-triggered polls: bytes and the end of the stream may be left for the next call.
 * ret_eof  set when the peer has closed its side; frames received before may still be taken
 * Errors: KD_E_UNREACHABLE, KD_E_NOMEM. The connection is then of no more use.
 */
bool frame_in_fill(struct frame_in *in, int fd, bool *ret_eof, struct kd_err *e) KD_MUST;
/* The next whole frame: *ret_have false when more bytes are needed. KD_E_PROTOCOL on a bad
 * header; the stream cannot be read on then. */
bool frame_in_next(struct frame_in *in, bool *ret_have, struct frame *ret, struct kd_err *e) KD_MUST;

/* Frames waiting to be written. Not thread-safe: its owner's lock. */
struct frame_out {
	struct buf buf;
	size_t pos; /* bytes of buf already written */
};
void frame_out_clear(struct frame_out *out);
/*
 * A frame in two steps, so that the payload is built in place: begin, append to &out->buf, end
 * with the mark that begin gave. A failed end (KD_E_NOMEM, KD_E_TOO_LARGE) costs the connection:
 * what was queued before it is lost too.
 */
size_t frame_out_begin(struct frame_out *out, enum frame_type type, uint64_t id);
bool frame_out_end(struct frame_out *out, size_t mark, struct kd_err *e) KD_MUST;
size_t frame_out_pending(const struct frame_out *out);
/* Writes what the socket fd takes, never waiting. KD_E_UNREACHABLE when the peer is gone. */
bool frame_out_flush(struct frame_out *out, int fd, struct kd_err *e) KD_MUST;
#endif
