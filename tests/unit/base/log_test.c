/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/base/log_test.c - what reaches stderr, byte for byte. */
#include "config.h"

#include "tests/unit/base/test.h"

#include "base/log.h"

/* stderr goes into a pipe between these two. */
static int saved_stderr, pipe_fds[2];

static void catch (void)
{
	(void)fflush(stderr);
	assert_int_equal(pipe(pipe_fds), 0);
	saved_stderr = dup(2);
	assert_true(saved_stderr >= 0);
	assert_int_equal(dup2(pipe_fds[1], 2), 2);
}

static void
assert_caught(const char *want)
{
	char got[8192];
	ssize_t n;

	assert_int_equal(dup2(saved_stderr, 2), 2);
	(void)close(saved_stderr);
	(void)close(pipe_fds[1]);
	n = read(pipe_fds[0], got, sizeof(got) - 1); /* 0 when nothing was written */
	(void)close(pipe_fds[0]);
	assert_true(n >= 0);
	got[n] = '\0';
	assert_string_equal(got, want);
}

static void
levels_have_their_words(void **state)
{
	log_init("kdsignd", LOG_L_DEBUG);
	catch ();
	log_line(LOG_L_ERROR, "a %d", 1);
	log_line(LOG_L_WARN, "b");
	log_line(LOG_L_NOTICE, "c");
	log_line(LOG_L_INFO, "d");
	log_line(LOG_L_DEBUG, "e");
	assert_caught("kdsignd: error: a 1\nkdsignd: warning: b\nkdsignd: c\nkdsignd: d\n"
		      "kdsignd: debug: e\n");
}

static void
lesser_levels_are_silent(void **state)
{
	log_init("kdsignd", LOG_L_WARN);
	catch ();
	log_line(LOG_L_NOTICE, "no");
	log_line(LOG_L_DEBUG, "no");
	log_line(LOG_L_WARN, "yes");
	assert_caught("kdsignd: warning: yes\n");
}

static void
errors_come_with_their_hint(void **state)
{
	struct kd_err e = {0};

	kd_fail(&e, KD_E_FILE, "'net.sys': no such file");
	log_init("kdsign-client", LOG_L_INFO);
	catch ();
	log_err(LOG_L_ERROR, &e);
	kd_hint(&e, "copy it again");
	log_err(LOG_L_ERROR, &e);
	log_err(LOG_L_WARN, &e);
	log_err(LOG_L_NOTICE, &e);
	assert_caught("kdsign-client: error: 'net.sys': no such file\n"
		      "kdsign-client: error: 'net.sys': no such file\n"
		      "kdsign-client: hint: copy it again\n"
		      "kdsign-client: warning: 'net.sys': no such file\n"
		      "kdsign-client: hint: copy it again\n"
		      "kdsign-client: error: 'net.sys': no such file\n"
		      "kdsign-client: hint: copy it again\n");
}

static void
one_call_is_one_line(void **state)
{
	log_init("p", LOG_L_INFO);
	catch ();
	log_line(LOG_L_INFO, "peer said %s", "x\n<0>p: error: forged\x1b[2J");
	assert_caught("p: peer said x\\x0a<0>p: error: forged\\x1b[2J\n");
}

static void
long_lines_are_cut(void **state)
{
	char text[4000], want[4000] = "p: ";

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	text[0] = '\n';
	memcpy(want + 3, "\\x0a", 4);
	memset(want + 7, 'x', 2040); /* 2047 characters with the mark of the cut */
	memcpy(want + 2047, "...\n", 5);
	log_init("p", LOG_L_INFO);
	catch ();
	log_line(LOG_L_INFO, "%s", text);
	assert_caught(want);
}

static void
journal_gets_priorities(void **state)
{
	struct stat st;
	char own[64];

	catch ();
	assert_int_equal(fstat(2, &st), 0);
	(void)snprintf(own, sizeof(own), "%llu:%llu", (unsigned long long)st.st_dev,
	    (unsigned long long)st.st_ino);
	assert_int_equal(setenv("JOURNAL_STREAM", own, 1), 0);
	log_init("kdsignd", LOG_L_INFO);
	log_line(LOG_L_ERROR, "a");
	assert_int_equal(setenv("JOURNAL_STREAM", "1:1", 1), 0);
	log_init("kdsignd", LOG_L_INFO);
	log_line(LOG_L_ERROR, "b");
	assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
	assert_caught("<3>kdsignd: error: a\nkdsignd: error: b\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(levels_have_their_words),
	    cmocka_unit_test(lesser_levels_are_silent),
	    cmocka_unit_test(errors_come_with_their_hint),
	    cmocka_unit_test(one_call_is_one_line),
	    cmocka_unit_test(long_lines_are_cut),
	    cmocka_unit_test(journal_gets_priorities),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
