/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/base/error_test.c - first cause wins, contexts in front, nothing overflows.
 */
#include "config.h"

#include "tests/unit/base/test.h"

#include <errno.h>

#include "base/text.h"

static void
first_cause_wins(void **state)
{
	struct kd_err e = {0};

	assert_false(kd_fail(&e, KD_E_FORMAT, "no %s", "MZ"));
	assert_false(kd_fail(&e, KD_E_BUG, "later"));
	assert_false(kd_fail_errno(&e, KD_E_BUG, ENOSPC, "later"));
	assert_false(kd_fail_nomem(&e, "later"));
	assert_int_equal(e.code, KD_E_FORMAT);
	assert_string_equal(e.msg, "no MZ");
	assert_string_equal(e.hint, "");
}

static void
context_stands_in_front(void **state)
{
	struct kd_err e = {0};

	kd_fail(&e, KD_E_FORMAT, "cut");
	assert_false(kd_in(&e, "DOS header"));
	assert_false(kd_in(&e, "'%s'", "net.sys"));
	assert_string_equal(e.msg, "'net.sys': DOS header: cut");
}

static void
first_hint_wins(void **state)
{
	struct kd_err e = {0};

	assert_false(kd_hint(&e, "copy it %s", "again"));
	assert_false(kd_hint(&e, "later"));
	assert_string_equal(e.hint, "copy it again");
}

static void
errno_chooses_code(void **state)
{
	static const struct {
		int err;
		enum kd_code want;
		const char *msg;
	} cases[] = {
	    {ENOENT, KD_E_FILE, "'x': No such file or directory"},
	    {ENOSPC, KD_E_IO, "'x': No space left on device"},
	    {EDQUOT, KD_E_IO, "'x': Disk quota exceeded"},
	    {EIO, KD_E_IO, "'x': Input/output error"},
	    {EROFS, KD_E_IO, "'x': Read-only file system"},
	    {ENOMEM, KD_E_NOMEM, "'x': Cannot allocate memory"},
	    {54321, KD_E_FILE, "'x': error 54321"},
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++)
		assert_fails(kd_fail_errno(&e, KD_E_FILE, cases[i].err, "'%s'", "x"),
		    cases[i].want, cases[i].msg);
}

static void
long_texts_are_cut_between_characters(void **state)
{
	char text[600] = "";
	struct kd_err e = {0};

	for (size_t i = 0; i + 4 < sizeof(text); i += 3)
		memcpy(text + i, "\xe2\x82\xac", 4); /* euro signs */
	for (size_t shift = 0; shift < 4; shift++) {
		e = (struct kd_err){0};
		kd_fail(&e, KD_E_BUG, "%.*s%s", (int)shift, "aaaa", text);
		assert_true(text_is_utf8(e.msg, strlen(e.msg)));
		assert_in_range(strlen(e.msg), sizeof(e.msg) - 4, sizeof(e.msg) - 1);
		for (int i = 0; i < 5; i++) {
			kd_in(&e, "%.*s%s", (int)shift, "bbbb", text);
			assert_true(text_is_utf8(e.msg, strlen(e.msg)));
		}
		kd_hint(&e, "%s", text);
		assert_true(text_is_utf8(e.hint, strlen(e.hint)));
		assert_in_range(strlen(e.hint), sizeof(e.hint) - 4, sizeof(e.hint) - 1);
	}
}

static void
strerror_is_cut_with_a_long_message(void **state)
{
	char text[511];
	struct kd_err e = {0};

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	kd_fail_errno(&e, KD_E_FILE, ENOENT, "%s", text);
	assert_int_equal(strlen(e.msg), sizeof(e.msg) - 1);
}

/* The names are the API's: whoever changes one breaks every client, and this test. */
static void
table_is_the_contract(void **state)
{
	static const struct {
		enum kd_code code;
		const char *name;
		int http, client, daemon;
	} rows[] = {
	    {KD_OK, "ok", 200, 0, 0},
	    {KD_E_USAGE, "usage", 500, 2, 64},
	    {KD_E_CONFIG, "configuration", 500, 2, 78},
	    {KD_E_REQUEST, "bad_request", 400, 7, 70},
	    {KD_E_TOO_LARGE, "too_large", 413, 7, 70},
	    {KD_E_METHOD, "method_not_allowed", 405, 7, 70},
	    {KD_E_NOT_FOUND, "not_found", 404, 7, 70},
	    {KD_E_CONFLICT, "id_conflict", 409, 7, 70},
	    {KD_E_FILE, "file", 500, 3, 78},
	    {KD_E_FORMAT, "malformed", 400, 3, 78},
	    {KD_E_LIMIT, "limit", 400, 3, 78},
	    {KD_E_UNSIGNED, "unsigned", 400, 1, 70},
	    {KD_E_NOT_VERIFIED, "not_verified", 400, 1, 70},
	    {KD_E_AUTH, "client_refused", 403, 4, 70},
	    {KD_E_DENIED, "not_granted", 403, 4, 70},
	    {KD_E_KEY_UNKNOWN, "key_unknown", 404, 4, 70},
	    {KD_E_KEY_AMBIGUOUS, "key_ambiguous", 400, 2, 70},
	    {KD_E_CERT_INVALID, "certificate_invalid", 403, 4, 78},
	    {KD_E_KEY_RETIRED, "key_retired", 403, 4, 70},
	    {KD_E_TOKEN, "token_unavailable", 503, 5, 70},
	    {KD_E_TOKEN_TIMEOUT, "token_timeout", 504, 5, 70},
	    {KD_E_PIN, "pin_latched", 503, 5, 78},
	    {KD_E_KEY, "key_unusable", 500, 7, 78},
	    {KD_E_BAD_SIGNATURE, "hsm_bad_signature", 500, 7, 70},
	    {KD_E_UNKNOWN_OUTCOME, "outcome_unknown", 500, 7, 70},
	    {KD_E_TIMESTAMP, "timestamp_unavailable", 503, 5, 70},
	    {KD_E_PENDING, "pending", 202, 6, 70},
	    {KD_E_BUSY, "busy", 503, 5, 70},
	    {KD_E_STORE, "record_unavailable", 503, 5, 74},
	    {KD_E_INCONSISTENT, "record_inconsistent", 503, 7, 76},
	    {KD_E_UNREACHABLE, "unreachable", 503, 5, 70},
	    {KD_E_TLS, "tls", 500, 7, 70},
	    {KD_E_PROTOCOL, "protocol", 500, 7, 70},
	    {KD_E_CRYPTO, "crypto", 500, 7, 70},
	    {KD_E_IO, "io", 500, 7, 74},
	    {KD_E_NOMEM, "out_of_memory", 503, 7, 70},
	    {KD_E_BUG, "bug", 500, 7, 70},
	};

	assert_int_equal(KD_ARRAY_LEN(rows), KD_CODES_N);
	for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
		const struct kd_code_info *info = kd_code_info(rows[i].code);

		assert_int_equal(rows[i].code, i);
		assert_string_equal(info->name, rows[i].name);
		assert_int_equal(info->http, rows[i].http);
		assert_int_equal(info->exit_client, rows[i].client);
		assert_int_equal(info->exit_daemon, rows[i].daemon);
		assert_true(strlen(info->title) > 3);
		assert_int_equal(kd_code_by_name(rows[i].name), rows[i].code);
	}
}

static void
unknown_codes_are_bugs(void **state)
{
	assert_int_equal(kd_code_by_name("no_such_code"), KD_E_BUG);
	assert_string_equal(kd_code_info((enum kd_code)KD_CODES_N)->name, "bug");
	assert_string_equal(kd_code_info((enum kd_code) - 1)->name, "bug");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(first_cause_wins),
	    cmocka_unit_test(context_stands_in_front),
	    cmocka_unit_test(first_hint_wins),
	    cmocka_unit_test(errno_chooses_code),
	    cmocka_unit_test(long_texts_are_cut_between_characters),
	    cmocka_unit_test(strerror_is_cut_with_a_long_message),
	    cmocka_unit_test(table_is_the_contract),
	    cmocka_unit_test(unknown_codes_are_bugs),
	};

	return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
