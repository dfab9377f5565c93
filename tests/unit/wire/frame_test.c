/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/wire/frame_test.c - streams cut at every place, short writes, bad headers.
 */
#include "wire/frame.h"

#include <errno.h>
#include <sys/socket.h>

#include "tests/unit/wire/check.h"

/* recv and send as the kernel might have them: -Wl,--wrap. At most io_max bytes a call;
 * the first io_eintr calls are interrupted. */
static size_t io_max = SIZE_MAX;
static int io_eintr;

ssize_t __real_recv(int fd, void *p, size_t n, int flags);
ssize_t __wrap_recv(int fd, void *p, size_t n, int flags);
ssize_t __real_send(int fd, const void *p, size_t n, int flags);
ssize_t __wrap_send(int fd, const void *p, size_t n, int flags);

ssize_t
__wrap_recv(int fd, void *p, size_t n, int flags)
{
	if (io_eintr > 0) {
		io_eintr--;
		errno = EINTR;
		return -1;
	}
	return __real_recv(fd, p, n < io_max ? n : io_max, flags);
}

ssize_t
__wrap_send(int fd, const void *p, size_t n, int flags)
{
	if (io_eintr > 0) {
		io_eintr--;
		errno = EINTR;
		return -1;
	}
	return __real_send(fd, p, n < io_max ? n : io_max, flags);
}

struct fixture {
	int fd[2];
	struct frame_out out; /* writes to fd[0] */
	struct frame_in in;   /* reads from fd[1] */
};

static int
setup(void **state)
{
	static struct fixture f;

	f = (struct fixture){.in.max_payload = 1000};
	io_max = SIZE_MAX;
	io_eintr = 0;
	*state = &f;
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, f.fd);
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	frame_out_clear(&f->out);
	frame_in_clear(&f->in);
	close_auto(&f->fd[0]);
	close_auto(&f->fd[1]);
	return 0;
}

static void
queue(struct frame_out *out, enum frame_type type, uint64_t id, size_t n)
{
	struct kd_err e = {0};
	size_t mark = frame_out_begin(out, type, id);

	for (size_t i = 0; i < n; i++)
		buf_u8(&out->buf, (uint8_t)(id + i));
	check_done(frame_out_end(out, mark, &e), &e);
}

static void
expect(struct frame_in *in, enum frame_type type, uint64_t id, size_t n)
{
	struct frame got = {0};
	struct kd_err e = {0};
	bool have = false;

	check_done(frame_in_next(in, &have, &got, &e), &e);
	assert_true(have);
	assert_int_equal(got.type, type);
	assert_int_equal(got.id, id);
	assert_int_equal(rd_left(&got.payload), n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(rd_u8(&got.payload, "byte"), (uint8_t)(id + i));
}

static void
expect_none(struct frame_in *in)
{
	struct frame got = {.id = 7};
	struct kd_err e = {0};
	bool have = true;

	check_done(frame_in_next(in, &have, &got, &e), &e);
	assert_false(have);
	assert_int_equal(got.id, 7);
}

static bool
fill(struct fixture *f)
{
	struct kd_err e = {0};
	bool eof = false;

	check_done(frame_in_fill(&f->in, f->fd[1], &eof, &e), &e);
	return eof;
}

static void
flush(struct fixture *f)
{
	struct kd_err e = {0};

	check_done(frame_out_flush(&f->out, f->fd[0], &e), &e);
}

static void
put_raw(struct fixture *f, const void *p, size_t n)
{
	assert_int_equal(__real_send(f->fd[0], p, n, 0), n);
}

static void
header_is_as_documented(void **state)
{
	static const uint8_t want[] = {
	    3, 0, 0, 0, 1, 0, 17, 0, 8, 7, 6, 5, 4, 3, 2, 1, 8, 9, 10};
	struct fixture *f = *state;

	queue(&f->out, FRAME_SIGNATURE, 0x0102030405060708, 3);
	assert_int_equal(frame_out_pending(&f->out), sizeof(want));
	assert_memory_equal(f->out.buf.p, want, sizeof(want));
}

static void
several_frames_in_one_read(void **state)
{
	struct fixture *f = *state;

	queue(&f->out, FRAME_ASK, 1, 5);
	queue(&f->out, FRAME_STATE, 0, 0);
	queue(&f->out, FRAME_ANSWER, 3, 1000);
	flush(f);
	assert_int_equal(frame_out_pending(&f->out), 0);
	assert_false(fill(f));
	expect(&f->in, FRAME_ASK, 1, 5);
	expect(&f->in, FRAME_STATE, 0, 0);
	expect(&f->in, FRAME_ANSWER, 3, 1000);
	expect_none(&f->in);
}

static void
frame_cut_at_every_byte(void **state)
{
	struct fixture *f = *state;

	queue(&f->out, FRAME_SIGN, 9, 20);
	io_max = 1;
	flush(f);
	for (size_t i = 1; i < FRAME_HEADER_LEN + 20; i++) {
		assert_false(fill(f));
		expect_none(&f->in);
	}
	assert_false(fill(f));
	expect(&f->in, FRAME_SIGN, 9, 20);
}

static void
interrupted_calls_are_repeated(void **state)
{
	struct fixture *f = *state;

	queue(&f->out, FRAME_SIGN, 9, 20);
	io_eintr = 3;
	flush(f);
	io_eintr = 3;
	assert_false(fill(f));
	expect(&f->in, FRAME_SIGN, 9, 20);
	assert_int_equal(io_eintr, 0);
}

/* More than the socket takes at once: both sides go on where they stopped. */
static void
large_frames_through_a_full_socket(void **state)
{
	struct fixture *f = *state;
	const size_t n = (size_t)3 << 20;

	f->in.max_payload = n;
	for (uint64_t id = 1; id <= 2; id++)
		queue(&f->out, FRAME_ASK, id, n);
	flush(f);
	assert_int_not_equal(frame_out_pending(&f->out), 0);
	for (uint64_t id = 1; id <= 2; id++) {
		while (f->in.buf.len - f->in.pos < FRAME_HEADER_LEN + n) {
			flush(f);
			assert_false(fill(f));
		}
		expect(&f->in, FRAME_ASK, id, n);
	}
	assert_int_equal(frame_out_pending(&f->out), 0);
	assert_int_equal(
	    f->out.buf.cap, 0); /* nothing large stays with an idle connection */
	assert_false(fill(f));
	assert_int_equal(f->in.pos, 0);
}

/* Queueing goes on while a frame is half written. */
static void
frames_queued_behind_a_half_written_one(void **state)
{
	struct fixture *f = *state;
	const size_t n = (size_t)1 << 20;

	f->in.max_payload = n;
	queue(&f->out, FRAME_ASK, 1, n);
	flush(f);
	assert_int_not_equal(frame_out_pending(&f->out), 0);
	queue(&f->out, FRAME_ASK, 2, 10);
	while (f->in.buf.len < 2 * FRAME_HEADER_LEN + n + 10) {
		flush(f);
		assert_false(fill(f));
	}
	expect(&f->in, FRAME_ASK, 1, n);
	expect(&f->in, FRAME_ASK, 2, 10);
}

static void
unread_frames_stop_the_reading(void **state)
{
	struct fixture *f = *state;

	for (uint64_t id = 0; id < 40; id++) {
		queue(&f->out, FRAME_ASK, id, 1000);
		flush(f);
		assert_false(fill(f));
	}
	assert_in_range(f->in.buf.len, 1016, 3 * 1016);
	for (uint64_t id = 0; id < 40; id++) {
		expect(&f->in, FRAME_ASK, id, 1000);
		assert_false(fill(f));
	}
	expect_none(&f->in);
}

static void
end_of_stream_after_the_last_frame(void **state)
{
	struct fixture *f = *state;

	queue(&f->out, FRAME_ASK, 1, 5);
	flush(f);
	assert_int_equal(shutdown(f->fd[0], SHUT_WR), 0);
	assert_false(fill(f));
	expect(&f->in, FRAME_ASK, 1, 5);
	assert_true(fill(f));
	expect_none(&f->in);
}

static void
peer_gone_is_an_error_not_a_signal(void **state)
{
	struct fixture *f = *state;
	struct kd_err e = {0};

	assert_int_equal(close(STEAL_FD(f->fd[1])), 0);
	queue(&f->out, FRAME_ASK, 1, 5);
	check_refusal(frame_out_flush(&f->out, f->fd[0], &e), &e, KD_E_UNREACHABLE,
	    "sending frames: Broken pipe");
}

static void
reading_from_no_socket(void **state)
{
	struct fixture *f = *state;
	struct kd_err e = {0};
	bool eof;

	check_refusal(frame_in_fill(&f->in, -1, &eof, &e), &e, KD_E_UNREACHABLE,
	    "receiving frames: Bad file descriptor");
}

static void
bad_headers(void **state)
{
	static const struct {
		uint8_t raw[FRAME_HEADER_LEN];
		const char *msg;
	} cases[] = {
	    {{0, 0, 0, 0, 2, 0, 1, 0}, "frame of version 2, only 1 is spoken here"},
	    {{0, 0, 0, 0, 1, 0, 0, 0}, "frame of unknown type 0"},
	    {{0, 0, 0, 0, 1, 0, 3, 0}, "frame of unknown type 3"},
	    {{0, 0, 0, 0, 1, 0, 22, 0}, "frame of unknown type 22"},
	    {{0xe9, 3, 0, 0, 1, 0, 1, 0}, "frame of 1001 bytes, at most 1000 allowed"},
	    {{0xff, 0xff, 0xff, 0xff, 1, 0, 1, 0},
		"frame of 4294967295 bytes, at most 1000 allowed"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct frame got = {.id = 7};
		struct kd_err e = {0};
		bool have = true;

		frame_in_clear(&f->in);
		put_raw(f, cases[i].raw, FRAME_HEADER_LEN);
		assert_false(fill(f));
		check_refusal(frame_in_next(&f->in, &have, &got, &e), &e, KD_E_PROTOCOL,
		    cases[i].msg);
		assert_false(have);
		assert_int_equal(got.id, 7);
	}
}

static void
no_memory_to_read(void **state)
{
	struct fixture *f = *state;
	struct kd_err e = {0};
	bool eof, done;

	kd_alloc_fail_at(0);
	done = frame_in_fill(&f->in, f->fd[1], &eof, &e);
	kd_alloc_fail_at(-1);
	assert_false(done);
	assert_int_equal(e.code, KD_E_NOMEM);
}

static void
no_memory_to_queue(void **state)
{
	struct fixture *f = *state;
	struct kd_err e = {0}, again = {0};
	size_t mark;

	kd_alloc_fail_at(0);
	mark = frame_out_begin(&f->out, FRAME_ASK, 1);
	kd_alloc_fail_at(-1);
	assert_false(frame_out_end(&f->out, mark, &e));
	assert_int_equal(e.code, KD_E_NOMEM);
	assert_false(
	    frame_out_flush(&f->out, f->fd[0], &again)); /* nothing half goes out */
	assert_int_equal(again.code, KD_E_NOMEM);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
int
main(void)
{
	const struct CMUnitTest t[] = {
	    T(header_is_as_documented),
	    T(several_frames_in_one_read),
	    T(frame_cut_at_every_byte),
	    T(interrupted_calls_are_repeated),
	    T(large_frames_through_a_full_socket),
	    T(frames_queued_behind_a_half_written_one),
	    T(unread_frames_stop_the_reading),
	    T(end_of_stream_after_the_last_frame),
	    T(peer_gone_is_an_error_not_a_signal),
	    T(reading_from_no_socket),
	    T(bad_headers),
	    T(no_memory_to_read),
	    T(no_memory_to_queue),
	};
	return cmocka_run_group_tests_name("frame", t, NULL, NULL);
}
