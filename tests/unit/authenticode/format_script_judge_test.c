/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/format_script_judge_test.c - scripts, both ways against
 * osslsigncode. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "tests/unit/authenticode/demo_pki.h"
#include "tests/unit/authenticode/script_make.h"

/* Debian 12's own version does not know scripts. */
static bool
have_judge(void)
{
	char path[512];

	demo_write("probe.ps1", "exit 0\r\n", 8, path);
	if (demo_run("rm -f %s.out; osslsigncode sign -h sha256 -certs %s -key %s -in %s "
		     "-out %s.out",
		path, DEMO("rsa2048.pem"), DEMO("rsa2048.key"), path, path) == 0)
		return true;
	print_message("# skipped: this osslsigncode does not sign scripts (2.6 and later "
		      "do)\n");
	return false;
}

/* The judge's word on the file of that name; it is told by the suffix. */
static int
judge(const char *name, const struct buf *whole)
{
	char path[512];

	demo_write(name, whole->p, whole->len, path);
	return demo_run("osslsigncode verify -CAfile %s -in %s", DEMO("root.pem"), path);
}

static void
osslsigncode_verifies_what_we_sign(void **state)
{
	(void)state;

	if (!have_judge())
		return;
	for (size_t i = 0; i < scripts_n; i++) {
		AUTO(close) int fd = script_signed(&scripts[i]);
		AUTO(buf_clear) struct buf whole = {0};

		if (!scripts[i].judged)
			continue;
		format_make_slurp(fd, &whole);
		if (judge(scripts[i].name, &whole) != 0)
			fail_msg("%s: does not verify", scripts[i].name);
		whole.p[3] ^= 1;
		assert_int_not_equal(judge(scripts[i].name, &whole), 0);
	}
}

/* What it writes, read; NULL when it does not sign that. */
static bool
sign_by_judge(const char *name, const void *p, size_t n, struct buf *ret)
{
	char path[512], out[512];
	struct kd_err e = {0};

	demo_write(name, p, n, path);
	(void)snprintf(out, sizeof(out), "%.480s.signed", path);
	return demo_run("rm -f %s; osslsigncode sign -h sha384 -certs %s -key %s -in %s "
			"-out %s",
		   out, DEMO("rsa2048.pem"), DEMO("rsa2048.key"), path, out) == 0 &&
	       file_read_all(out, 1 << 20, ret, &e);
}

static void
we_verify_what_osslsigncode_signs(void **state)
{
	(void)state;

	if (!have_judge())
		return;
	for (size_t i = 0; i < scripts_n; i++) {
		AUTO(close) int fd = -1, twin = -1, bare = -1;
		AUTO(buf_clear) struct buf whole = {0};
		struct kd_err e = {0}, why = {0};

		if (!scripts[i].judged)
			continue;
		assert_true(sign_by_judge(
		    scripts[i].name, scripts[i].bytes, scripts[i].len, &whole));
		fd = format_make_fd(whole.p, whole.len);
		if (!script_holds(fd, scripts[i].name, &e))
			fail_msg("%s: %s", scripts[i].name, e.msg);
		bare = format_make_embed(&format_script, fd, scripts[i].name, NULL, 0);
		format_make_check(bare, scripts[i].bytes, scripts[i].len);
		whole.p[4] ^= 1;
		twin = format_make_fd(whole.p, whole.len);
		assert_false(script_holds(twin, scripts[i].name, &why));
	}
}

/* osslsigncode takes every byte that is no UTF-8 for the same character: other bytes in
 * their place would not be noticed. Windows does not take it, and nor do we. */
static void
bytes_made_one_character_do_not_verify(void **state)
{
	AUTO(buf_clear) struct buf whole = {0};
	AUTO(close) int fd = -1;
	struct kd_err e = {0};
	(void)state;

	if (!have_judge())
		return;
	assert_true(sign_by_judge("ansi.ps1", BYTES("# h\xe9llo\r\n"), &whole));
	fd = format_make_fd(whole.p, whole.len);
	assert_false(script_holds(fd, "ansi.ps1", &e));
	assert_int_equal(e.code, KD_E_NOT_VERIFIED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(osslsigncode_verifies_what_we_sign),
	    cmocka_unit_test(we_verify_what_osslsigncode_signs),
	    cmocka_unit_test(bytes_made_one_character_do_not_verify),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
