/* SPDX-License-Identifier: Apache-2.0 */
/* route_test.c - every method and path there is, and what is close to one. */
#include "daemon/front/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/num.h"

#define NAME64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void
every_route_is_found(void **state)
{
	static const struct {
		const char *method, *uri;
		unsigned where;
		int ask;
		const char *target;
		uint32_t wait_s;
	} rows[] = {
	    {"GET", "/v1/keys", ROUTE_ON_API, ASK_KEYS, "", 0},
	    {"GET", "/v1/keys/driver-2026", ROUTE_ON_API, ASK_KEY, "driver-2026", 0},
	    {"GET", "/v1/keys/" NAME64, ROUTE_ON_API, ASK_KEY, NAME64, 0},
	    {"GET", "/v1/keys/...", ROUTE_ON_API, ASK_KEY, "...", 0},
	    {"POST", "/v1/signatures", ROUTE_ON_API, ASK_SIGN, "", 0},
	    {"GET", "/v1/signatures/a_B.c-9", ROUTE_ON_API, ASK_SIGNATURE, "a_B.c-9", 0},
	    {"GET", "/v1/signatures/x?wait=0", ROUTE_ON_API, ASK_SIGNATURE, "x", 0},
	    {"GET", "/v1/signatures/x?wait=60", ROUTE_ON_API, ASK_SIGNATURE, "x", 60},
	    {"POST", "/v1/timestamps", ROUTE_ON_API, ASK_TIMESTAMP, "", 0},
	    {"GET", "/healthz", ROUTE_ON_API, 0, "", 0},
	    {"GET", "/healthz", ROUTE_ON_STATUS, 0, "", 0},
	    {"GET", "/readyz", ROUTE_ON_API, ASK_READY, "", 0},
	    {"GET", "/readyz", ROUTE_ON_STATUS, ASK_READY, "", 0},
	    {"GET", "/metrics", ROUTE_ON_STATUS, ASK_METRICS, "", 0},
	};

	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
		struct route_match m = {0};
		struct kd_err e = {0};
		const char *allow = "untouched";

		if (!route_find(
			rows[i].method, rows[i].uri, rows[i].where, &m, &allow, &e))
			fail_msg("'%s': %s", rows[i].uri, e.msg);
		assert_int_equal(m.route->ask, rows[i].ask);
		assert_string_equal(m.target, rows[i].target);
		assert_int_equal(m.wait_s, rows[i].wait_s);
		assert_null(allow);
	}
}

static void
everything_else_is_refused(void **state)
{
	static const struct {
		const char *method, *uri;
		unsigned where;
		enum kd_code code;
		const char *msg, *allow;
	} rows[] = {
	    {"GET", "/v1/signatures", ROUTE_ON_API, KD_E_METHOD,
		"'/v1/signatures' takes only POST, not 'GET'", "POST"},
	    {"HEAD", "/v1/keys", ROUTE_ON_API, KD_E_METHOD,
		"'/v1/keys' takes only GET, not 'HEAD'", "GET"},
	    {"get", "/v1/keys", ROUTE_ON_API, KD_E_METHOD,
		"'/v1/keys' takes only GET, not 'get'", "GET"},
	    {"GET", "/v1/key", ROUTE_ON_API, KD_E_NOT_FOUND, "no such path", NULL},
	    {"GET", "/v1/keys/", ROUTE_ON_API, KD_E_NOT_FOUND, "no such path", NULL},
	    {"GET", "//v1/keys", ROUTE_ON_API, KD_E_NOT_FOUND, "no such path", NULL},
	    {"GET", "/v1/keys/.", ROUTE_ON_API, KD_E_NOT_FOUND, "no such path", NULL},
	    {"GET", "/v1/keys/..", ROUTE_ON_API, KD_E_NOT_FOUND, "no such path", NULL},
	    {"GET", "/v1/keys/a/b", ROUTE_ON_API, KD_E_NOT_FOUND, "no such path", NULL},
	    {"GET", "/v1/keys/" NAME64 "0", ROUTE_ON_API, KD_E_NOT_FOUND, "no such path",
		NULL},
	    {"GET", "/metrics", ROUTE_ON_API, KD_E_NOT_FOUND, "no such path", NULL},
	    {"GET", "/v1/keys", ROUTE_ON_STATUS, KD_E_NOT_FOUND, "no such path", NULL},
	    {"GET", "", ROUTE_ON_API, KD_E_REQUEST,
		"the request target must start with '/'", NULL},
	    {"GET", "*", ROUTE_ON_API, KD_E_REQUEST,
		"the request target must start with '/'", NULL},
	    {"GET", "/v1/keys/a%2e", ROUTE_ON_API, KD_E_REQUEST,
		"path: character 0x25 at offset 10 is not accepted", NULL},
	    {"GET", "/v1/keys;a", ROUTE_ON_API, KD_E_REQUEST,
		"path: character 0x3b at offset 8 is not accepted", NULL},
	    {"GET", "/v1/k\xc3\xa9ys", ROUTE_ON_API, KD_E_REQUEST,
		"path: character 0xc3 at offset 5 is not accepted", NULL},
	    {"GET", "/v1/keys?", ROUTE_ON_API, KD_E_REQUEST,
		"query '' is not understood; this path takes none", NULL},
	    {"GET", "/v1/signatures/x?Wait=1", ROUTE_ON_API, KD_E_REQUEST,
		"query 'Wait=1' is not understood; only 'wait=SECONDS' is", NULL},
	};

	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
		struct route_match m = {.wait_s = 42};
		struct kd_err e = {0};
		const char *allow = NULL;

		assert_false(route_find(
		    rows[i].method, rows[i].uri, rows[i].where, &m, &allow, &e));
		assert_string_equal(e.msg, rows[i].msg);
		assert_int_equal(e.code, rows[i].code);
		assert_int_equal(m.wait_s, 42);
		if (rows[i].allow == NULL)
			assert_null(allow);
		else
			assert_string_equal(allow, rows[i].allow);
	}
}

static void
a_wait_that_is_no_number_up_to_60_is_refused(void **state)
{
	static const char *const waits[] = {
	    "61", "", "-1", "1s", "01", "4294967296", "99999999999999999999", "1&wait=2"};

	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(waits); i++) {
		struct route_match m = {0};
		struct kd_err e = {0};
		const char *allow = NULL;
		char uri[80] = "/v1/signatures/x?wait=";

		memcpy(uri + strlen(uri), waits[i], strlen(waits[i]) + 1);
		assert_false(route_find("GET", uri, ROUTE_ON_API, &m, &allow, &e));
		assert_int_equal(e.code, KD_E_REQUEST);
		assert_memory_equal(e.msg, "wait: ", 6);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_route_is_found),
	    cmocka_unit_test(everything_else_is_refused),
	    cmocka_unit_test(a_wait_that_is_no_number_up_to_60_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
