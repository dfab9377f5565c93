/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/pkcs11/transcript_test.c - a chain in which every edit is found. */
#include "pkcs11/transcript.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"

static char dir[64], path[96];

static int
make_dir(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/kdsign-transcript.XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/" TRANSCRIPT_NAME, dir);
	return 0;
}

static int
remove_dir(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(dir);
}

static void
append(const char *action, const char *phase)
{
	static const char *const people[] = {"Ada, custodian", "Bob \"|\" <b>"};
	struct transcript_entry entry = {.action = action,
	    .phase = phase,
	    .result = "done",
	    .token_serial = "0011",
	    .people = people,
	    .people_n = 2};
	struct transcript t;
	struct kd_err e = {0};

	transcript_init(&t);
	assert_true(transcript_open(dir, &t, &e));
	assert_true(transcript_append(&t, &entry, &e));
	transcript_close(&t);
}

static void
read_all(struct buf *ret)
{
	struct kd_err e = {0};

	buf_reset(ret);
	assert_true(file_read_all(path, TRANSCRIPT_MAX, ret, &e));
}

static void
put_file(const void *p, size_t n)
{
	struct kd_err e = {0};
	int fd = open(path, O_WRONLY | O_TRUNC);

	assert_true(fd >= 0 && file_write_full(fd, p, n, &e));
	assert_int_equal(close(fd), 0);
}

static void
lines_chain(void **state)
{
	AUTO(buf_clear) struct buf text = {0};
	AUTO(buf_clear) struct buf page = {0};
	struct transcript_sum sum;
	struct kd_err e = {0};

	(void)state;
	append("one", "begin");
	append("one", "end");
	append("two", "end");
	read_all(&text);
	assert_true(transcript_check((const char *)text.p, text.len, NULL, &sum, &e));
	assert_int_equal(sum.lines, 3);
	assert_true(transcript_page((const char *)text.p, text.len, &page, &e));
	assert_non_null(strstr(buf_cstr(&page), "## 1. one: begun"));
	assert_non_null(strstr(buf_cstr(&page), "| present | Bob \"\\|\" \\<b\\> |"));
}

/* Each bit of the file, the last newline's too. */
static void
every_bit_is_missed(void **state)
{
	AUTO(buf_clear) struct buf text = {0};
	struct transcript_sum good, sum;
	struct kd_err e = {0};

	(void)state;
	append("one", "begin");
	append("one", "end");
	append("two", "end");
	read_all(&text);
	assert_true(transcript_check((const char *)text.p, text.len, NULL, &good, &e));
	for (size_t bit = 0; bit < text.len * 8; bit++) {
		struct kd_err why = {0};

		text.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (transcript_check(
			(const char *)text.p, text.len, good.head, &sum, &why))
			assert_int_equal(
			    sum.found, 0); /* in the last line: not in any "prev" */
		else
			assert_true(why.code != KD_OK && why.msg[0] != '\0');
		text.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

static void
every_cut_is_missed_by_the_hash(void **state)
{
	AUTO(buf_clear) struct buf text = {0};
	struct transcript_sum good, sum;
	struct kd_err e = {0};

	(void)state;
	append("one", "begin");
	append("one", "end");
	read_all(&text);
	assert_true(transcript_check((const char *)text.p, text.len, NULL, &good, &e));
	for (size_t n = 0; n < text.len; n++) {
		struct kd_err why = {0};

		if (transcript_check((const char *)text.p, n, good.head, &sum, &why))
			assert_int_equal(sum.found, 0);
	}
}

static void
only_one_writes(void **state)
{
	struct transcript t, u;
	struct kd_err e = {0};

	(void)state;
	transcript_init(&t);
	transcript_init(&u);
	assert_true(transcript_open(dir, &t, &e));
	assert_false(transcript_open(dir, &u, &e));
	assert_non_null(strstr(e.msg, "another kdsign-token is writing to it right now"));
	transcript_close(&t);
}

static void
a_line_that_cannot_be_written_leaves_the_file_as_it_was(void **state)
{
	struct transcript_entry entry = {.action = "three", .phase = "end"};
	struct rlimit was, small;
	struct transcript t;
	struct stat before, after;
	struct kd_err e = {0};

	(void)state;
	append("one", "begin");
	transcript_init(&t);
	assert_true(transcript_open(dir, &t, &e));
	assert_int_equal(stat(path, &before), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	small = was;
	small.rlim_cur = (rlim_t)before.st_size + 10;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_false(transcript_append(&t, &entry, &e));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(after.st_size, before.st_size);
	e = (struct kd_err){0};
	assert_true(transcript_append(&t, &entry, &e));
	transcript_close(&t);
}

/* A power cut at any byte: what was a line stays one, the rest is put aside whole. */
static void
every_cut_is_mended(void **state)
{
	AUTO(buf_clear) struct buf all = {0};
	AUTO(buf_clear) struct buf now = {0};
	struct transcript_piece piece;
	struct transcript_sum sum;
	struct kd_err e = {0};
	size_t whole = 0;

	(void)state;
	append("one", "begin");
	append("one", "end");
	append("two", "begin");
	read_all(&all);
	for (size_t n = 1; n <= all.len; n++) {
		char aside[128];
		struct stat st;

		if (all.p[n - 1] == '\n')
			whole = n;
		put_file(all.p, n);
		assert_true(transcript_mend(dir, true, &piece, &e));
		assert_int_equal(piece.n, n - whole);
		read_all(&now);
		assert_int_equal(now.len, n); /* a dry run */
		assert_true(transcript_mend(dir, false, &piece, &e));
		assert_int_equal(piece.n, n - whole);
		read_all(&now);
		assert_int_equal(now.len, whole);
		assert_true(transcript_check((const char *)now.p, now.len, NULL, &sum, &e));
		if (piece.n == 0)
			continue;
		(void)snprintf(aside, sizeof(aside), "%s/%s", dir, piece.name);
		assert_int_equal(stat(aside, &st), 0);
		assert_int_equal(st.st_size, n - whole);
		assert_int_equal(unlink(aside), 0);
	}
	assert_string_equal(sum.begun, "two");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(lines_chain, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(every_bit_is_missed, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(
		every_cut_is_missed_by_the_hash, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(every_cut_is_mended, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(only_one_writes, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(
		a_line_that_cannot_be_written_leaves_the_file_as_it_was, make_dir,
		remove_dir),
	};

	return cmocka_run_group_tests_name("transcript", tests, NULL, NULL);
}
