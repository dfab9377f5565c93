/* SPDX-License-Identifier: Apache-2.0 */
/* limits_test.c - counts per key, bytes in all, and what an address counts as. */
#include "daemon/front/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "base/mem.h"

static struct limit_key
key(const char *s)
{
	struct limit_key k = {0};
	struct kd_err e = {0};

	if (!limit_key_parse(s, &k, &e))
		fail_msg("%s", e.msg);
	return k;
}

static void
each_key_has_its_own_count(void **state)
{
	AUTO(counts_free) struct counts *c = NULL;
	struct limit_key a = key("192.0.2.1"), b = key("192.0.2.2");
	struct kd_err e = {0};

	(void)state;
	assert_true(counts_new(2, &c, &e));
	assert_true(counts_take(c, &a));
	assert_false(counts_full(c, &a));
	assert_true(counts_take(c, &a));
	assert_true(counts_full(c, &a));
	assert_false(counts_take(c, &a));
	assert_true(counts_take(c, &b));
	counts_drop(c, &a);
	assert_false(counts_full(c, &a));
	assert_true(counts_take(c, &a));
}

static void
many_keys_are_counted_and_forgotten(void **state)
{
	AUTO(counts_free) struct counts *c = NULL;
	struct kd_err e = {0};

	(void)state;
	assert_true(counts_new(1, &c, &e));
	for (int round = 0; round < 2; round++) {
		for (uint16_t i = 0; i < 5000; i++) {
			struct limit_key k = {{(uint8_t)(i & 255), (uint8_t)(i >> 8)}};

			assert_true(counts_take(c, &k));
			assert_false(counts_take(c, &k));
		}
		for (uint16_t i = 0; i < 5000; i++) {
			struct limit_key k = {{(uint8_t)(i & 255), (uint8_t)(i >> 8)}};

			counts_drop(c, &k);
		}
	}
}

static void
without_memory_a_connection_is_refused(void **state)
{
	AUTO(counts_free) struct counts *c = NULL;
	struct limit_key a = key("192.0.2.1");
	struct kd_err e = {0};

	(void)state;
	assert_true(counts_new(2, &c, &e));
	kd_alloc_fail_at(0);
	assert_false(counts_take(c, &a));
	kd_alloc_fail_at(-1);
	assert_true(counts_take(c, &a));
	kd_alloc_fail_at(0);
	assert_false(counts_new(2, &(struct counts *){0}, &e));
	kd_alloc_fail_at(-1);
	assert_int_equal(e.code, KD_E_NOMEM);
}

static void
the_budget_is_never_exceeded(void **state)
{
	struct budget b = {.max = 10};

	(void)state;
	assert_true(budget_take(&b, 10));
	assert_false(budget_take(&b, 1));
	assert_true(budget_take(&b, 0));
	assert_false(budget_fits(&b, 1));
	budget_give(&b, 4);
	assert_true(budget_fits(&b, 4));
	assert_false(budget_fits(&b, 5));
	assert_false(budget_take(&b, 5));
	assert_false(budget_take(&b, UINT64_MAX));
	assert_true(budget_take(&b, 4));
	assert_int_equal(b.used, 10);
}

static void
an_address_counts_as_what_one_machine_owns(void **state)
{
	struct limit_key a, b;
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(1)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(2)};
	struct sockaddr un = {.sa_family = AF_UNIX};

	(void)state;
	assert_int_equal(inet_pton(AF_INET, "192.0.2.1", &v4.sin_addr), 1);
	assert_true(limit_key_address((struct sockaddr *)&v4, sizeof(v4), &a));
	b = key("192.0.2.1");
	assert_memory_equal(&a, &b, sizeof(a));
	assert_int_equal(inet_pton(AF_INET6, "::ffff:192.0.2.1", &v6.sin6_addr), 1);
	assert_true(limit_key_address((struct sockaddr *)&v6, sizeof(v6), &a));
	assert_memory_equal(&a, &b, sizeof(a));
	a = key("2001:db8::1");
	b = key("2001:db8::ffff:1:2:3");
	assert_memory_equal(&a, &b, sizeof(a));
	b = key("2001:db8:0:1::1");
	assert_memory_not_equal(&a, &b, sizeof(a));
	assert_false(limit_key_address(&un, sizeof(un), &a));
	assert_false(limit_key_address((struct sockaddr *)&v4, 4, &a));
	assert_false(limit_key_address(NULL, 0, &a));
}

static void
what_is_no_address_is_refused(void **state)
{
	struct limit_key k;
	struct kd_err e = {0};

	(void)state;
	assert_false(limit_key_parse("192.0.2.1/24", &k, &e));
	assert_int_equal(e.code, KD_E_CONFIG);
	assert_string_equal(e.msg, "'192.0.2.1/24' is not an IPv4 or IPv6 address");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_key_has_its_own_count),
	    cmocka_unit_test(many_keys_are_counted_and_forgotten),
	    cmocka_unit_test(without_memory_a_connection_is_refused),
	    cmocka_unit_test(the_budget_is_never_exceeded),
	    cmocka_unit_test(an_address_counts_as_what_one_machine_owns),
	    cmocka_unit_test(what_is_no_address_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
