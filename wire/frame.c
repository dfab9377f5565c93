/* SPDX-License-Identifier: Apache-2.0 */
/* wire/frame.c - cuts a byte stream into frames and queues frames for one. */
#include "wire/frame.h"

#include <errno.h>
#include <sys/socket.h>

#define READ_CHUNK ((size_t)64 << 10)
#define FILL_MAX ((size_t)256 << 10) /* a call; then other connections get their turn */
#define KEEP_MAX ((size_t)1 << 20) /* of memory that an idle connection holds */

/* pos bytes of b are done with: forget them when that costs less than it moves. */
static void
drop_done(struct buf *b, size_t *pos)
{
	size_t left = b->len - *pos;

	if (left == 0 && b->cap > KEEP_MAX)
		buf_clear(b);
	else if (left == 0)
		buf_reset(b);
	else if (*pos >= left)
		buf_drop_front(b, *pos);
	else
		return;
	*pos = 0;
}

void
frame_in_clear(struct frame_in *in)
{
	buf_clear(&in->buf);
	in->pos = 0;
}

static ssize_t
receive(int fd, void *dst, size_t n)
{
	ssize_t got;

	do
		got = recv(fd, dst, n, MSG_DONTWAIT);
	while (got < 0 && errno == EINTR);
	return got;
}

/* A whole frame of the largest kind is there: the caller has to take it before more is
 * read. */
static bool
is_full(const struct frame_in *in)
{
	return in->buf.len - in->pos >= FRAME_HEADER_LEN + in->max_payload;
}

bool
frame_in_fill(struct frame_in *in, int fd, bool *ret_eof, struct kd_err *e)
{
	*ret_eof = false;
	drop_done(&in->buf, &in->pos);
	for (size_t total = 0; total < FILL_MAX && !is_full(in);) {
		uint8_t *p = buf_reserve(&in->buf, READ_CHUNK);
		ssize_t got;

		if (p == NULL)
			return buf_ok(&in->buf, "received frames", e);
		got = receive(fd, p, READ_CHUNK);
		in->buf.len -= READ_CHUNK - (got > 0 ? (size_t)got : 0);
		if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return true;
		if (got < 0)
			return kd_fail_errno(
			    e, KD_E_UNREACHABLE, errno, "receiving frames");
		if (got == 0)
			*ret_eof = true;
		if ((size_t)got < READ_CHUNK) /* the socket is empty: spare the EAGAIN */
			return true;
		total += (size_t)got;
	}
	return true;
}

static bool
type_known(uint16_t type)
{
	switch ((enum frame_type)type) {
	case FRAME_ASK:
	case FRAME_ANSWER:
	case FRAME_SIGN:
	case FRAME_SIGNATURE:
	case FRAME_STATE:
	case FRAME_BAD:
	case FRAME_PING:
	case FRAME_PONG:
	case FRAME_RELAY:
		return true;
	}
	return false;
}

bool
frame_in_next(struct frame_in *in, bool *ret_have, struct frame *ret, struct kd_err *e)
{
	struct rd r = rd_init(in->buf.p, in->buf.len);
	uint16_t version, type;
	uint32_t len;
	uint64_t id;

	*ret_have = false;
	if (in->buf.len - in->pos < FRAME_HEADER_LEN)
		return true;
	rd_skip(&r, in->pos, "frames already taken");
	len = rd_u32le(&r, "frame length");
	version = rd_u16le(&r, "frame version");
	type = rd_u16le(&r, "frame type");
	id = rd_u64le(&r, "frame id");
	if (version != FRAME_VERSION)
		return kd_fail(e, KD_E_PROTOCOL,
		    "frame of version %u, only %u is spoken here", version,
		    FRAME_VERSION);
	if (!type_known(type))
		return kd_fail(e, KD_E_PROTOCOL, "frame of unknown type %u", type);
	if (len > in->max_payload)
		return kd_fail(e, KD_E_PROTOCOL, "frame of %u bytes, at most %zu allowed",
		    len, in->max_payload);
	if (rd_left(&r) < len)
		return true;
	ret->type = (enum frame_type)type;
	ret->id = id;
	ret->payload = rd_sub(&r, len, "frame payload");
	in->pos += FRAME_HEADER_LEN + len;
	*ret_have = true;
	return true;
}

void
frame_out_clear(struct frame_out *out)
{
	buf_clear(&out->buf);
	out->pos = 0;
}

size_t
frame_out_begin(struct frame_out *out, enum frame_type type, uint64_t id)
{
	size_t mark;

	drop_done(&out->buf, &out->pos);
	mark = out->buf.len;
	buf_u32le(&out->buf, 0); /* frame_out_end knows */
	buf_u16le(&out->buf, FRAME_VERSION);
	buf_u16le(&out->buf, (uint16_t)type);
	buf_u64le(&out->buf, id);
	return mark;
}

bool
frame_out_end(struct frame_out *out, size_t mark, struct kd_err *e)
{
	if (!buf_ok(&out->buf, "frames to send", e))
		return false;
	buf_patch_u32le(
	    &out->buf, mark, (uint32_t)(out->buf.len - mark - FRAME_HEADER_LEN));
	return true;
}

size_t
frame_out_pending(const struct frame_out *out)
{
	return out->buf.len - out->pos;
}

bool
frame_out_flush(struct frame_out *out, int fd, struct kd_err *e)
{
	if (!buf_ok(&out->buf, "frames to send", e))
		return false;
	while (out->pos < out->buf.len) {
		ssize_t n = send(fd, &out->buf.p[out->pos], out->buf.len - out->pos,
		    MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return true;
		if (n < 0)
			return kd_fail_errno(
			    e, KD_E_UNREACHABLE, errno, "sending frames");
		out->pos += (size_t)n;
	}
	drop_done(&out->buf, &out->pos);
	return true;
}
