/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/fuzz_frame.c - a stream of frames, received in pieces, is cut as when received at
 * once. */
#include <stdint.h>
#include <stdlib.h>

#include <sys/socket.h>

#include "base/own.h"
#include "wire/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#define PAYLOAD_MAX 4096

static void
check(bool holds)
{
	if (!holds)
		abort();
}

/* Frames taken, their payloads added up; stops for good at a refusal. */
struct seen {
	size_t frames, bytes;
	bool refused;
};

static void
take_all(struct frame_in *in, struct seen *seen)
{
	bool have = true;

	while (have && !seen->refused) {
		struct kd_err e = {0};
		struct frame f;

		if (!frame_in_next(in, &have, &f, &e)) {
			check(e.code == KD_E_PROTOCOL && e.msg[0] != '\0');
			seen->refused = true;
		} else if (have) {
			check(rd_left(&f.payload) <= PAYLOAD_MAX);
			seen->frames++;
			seen->bytes += rd_left(&f.payload);
		}
	}
}

/* All of p through a socket, at most step bytes at a time. */
static struct seen
receive(const uint8_t *p, size_t n, size_t step)
{
	struct frame_in in = {.max_payload = PAYLOAD_MAX};
	struct seen seen = {0};
	int fd[2];

	check(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	for (size_t at = 0; at < n && !seen.refused; at += step) {
		size_t now = n - at < step ? n - at : step;
		struct kd_err e = {0};
		bool eof;

		check(send(fd[0], &p[at], now, 0) == (ssize_t)now);
		check(frame_in_fill(&in, fd[1], &eof, &e));
		check(!eof);
		take_all(&in, &seen);
	}
	frame_in_clear(&in);
	close_auto(&fd[0]);
	close_auto(&fd[1]);
	return seen;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct seen at_once, in_pieces;

	if (n > 16384) /* must fit the socket in one go */
		return 0;
	at_once = receive(p, n, 16384);
	in_pieces = receive(p, n, 1 + n / 17);
	check(at_once.frames == in_pieces.frames && at_once.bytes == in_pieces.bytes);
	check(at_once.refused == in_pieces.refused);
	return 0;
}
