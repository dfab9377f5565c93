/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/keeper/store_test.c - rows in, rows out; versions; what the store refuses.
 */
#include "config.h"

#include "daemon/keeper/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"

static char dir[64], path[80];

static int
set_up(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/kdsign-store.XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/r.db", dir);
	return 0;
}

static int
tear_down(void **state)
{
	static const char *const ends[] = {"", "-wal", "-shm"};
	char name[96];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		(void)snprintf(name, sizeof(name), "%s%s", path, ends[i]);
		(void)unlink(name);
	}
	return rmdir(dir);
}

static struct store
opened(void)
{
	struct kd_err e = {0};
	struct store s = {0};

	assert_true(store_open_sqlite(path, 100, &s, &e));
	return s;
}

static struct store_request
request_of(uint64_t no, const char *id)
{
	struct store_request r = {
	    .no = no, .key = "driver", .client = {1}, .content = {2}, .items_n = 3};

	memcpy(r.id, id, strlen(id));
	return r;
}

static void
a_request_is_added_once_and_found(void **state)
{
	struct store s = opened();
	struct store_request r = request_of(5, "request-00000001"), got = {0};
	struct kd_err e = {0};
	bool have, new;

	(void)state;
	assert_true(s.ops->request_add(s.self, &r, &new, &e) && new);
	r.no = 6;
	assert_true(s.ops->request_add(s.self, &r, &new, &e));
	assert_false(new);
	assert_true(
	    s.ops->request_find(s.self, "request-00000001", &got, &have, &e) && have);
	assert_int_equal(got.no, 5);
	assert_int_equal(got.items_n, 3);
	assert_string_equal(got.key, "driver");
	assert_int_equal(got.client[0], 1);
	assert_true(
	    s.ops->request_find(s.self, "request-00000002", &got, &have, &e) && !have);
	assert_true(s.ops->request_next_open(s.self, &got, &have, &e) && have);
	assert_int_equal(got.no, 5);
	assert_true(s.ops->request_set_open(s.self, 5, false, &e));
	assert_true(s.ops->request_next_open(s.self, &got, &have, &e) && !have);
	s.ops->close(s.self);
}

struct seen {
	size_t n;
	bool final[4];
	char codes[4][32];
};

static bool
see(void *arg, const struct store_item *i, struct kd_err *e)
{
	struct seen *s = arg;

	(void)e;
	s->final[s->n] = i->final;
	(void)snprintf(s->codes[s->n++], 32, "%s", i->code);
	return true;
}

static void
an_outcome_is_kept_unless_nobody_heard(void **state)
{
	struct store s = opened();
	struct store_item i = {.index = 1,
	    .status = API_FAILED,
	    .final = true,
	    .code = "first",
	    .detail = ""};
	struct seen seen = {0};
	struct kd_err e = {0};
	bool new;

	(void)state;
	assert_true(s.ops->item_add(s.self, 7, &i, &new, &e) && new);
	i.code = "second";
	assert_true(s.ops->item_add(s.self, 7, &i, &new, &e) && !new);
	i = (struct store_item){
	    .index = 2, .status = API_FAILED, .code = "unheard", .detail = ""};
	assert_true(s.ops->item_add(s.self, 7, &i, &new, &e) && new);
	assert_true(
	    s.ops->item_add(s.self, 8, &i, &new, &e) && new); /* another request's */
	assert_true(s.ops->item_forget(s.self, 7, 1, &e));
	assert_true(s.ops->items(s.self, 7, see, &seen, &e));
	assert_int_equal(seen.n, 2);
	assert_string_equal(seen.codes[0], "first");
	assert_true(s.ops->item_forget(s.self, 7, 2, &e));
	seen = (struct seen){0};
	assert_true(s.ops->items(s.self, 7, see, &seen, &e));
	assert_int_equal(seen.n, 1);
	s.ops->close(s.self);
}

static void
certificates_get_one_number(void **state)
{
	struct store s = opened();
	const uint8_t sha[32] = {9};
	struct buf der = {0};
	struct kd_err e = {0};
	uint64_t a, b;

	(void)state;
	assert_true(s.ops->chain_put(s.self, sha, (const uint8_t *)"xyz", 3, &a, &e));
	assert_true(s.ops->chain_put(s.self, sha, (const uint8_t *)"xyz", 3, &b, &e));
	assert_int_equal(a, b);
	assert_true(s.ops->chain_get(s.self, a, &der, &e));
	assert_int_equal(der.len, 3);
	buf_clear(&der);
	assert_false(s.ops->chain_get(s.self, a + 1, &der, &e));
	assert_int_equal(e.code, KD_E_INCONSISTENT);
	buf_clear(&der);
	s.ops->close(s.self);
}

static bool
add_event(const struct store *s, uint64_t seq, uint64_t inside)
{
	struct kd_err e = {0};
	char json[32];
	int n =
	    snprintf(json, sizeof(json), "{\"seq\":%llu}", (unsigned long long)inside);

	return s->ops->event_add(s->self, seq, json, (size_t)n, &e);
}

static void
events_must_follow_each_other(void **state)
{
	static const struct {
		uint64_t seq[3], inside[3];
		bool good;
	} cases[] = {
	    {{1, 2, 3}, {1, 2, 3}, true},
	    {{1, 2, 4}, {1, 2, 4}, false},
	    {{2, 3, 4}, {2, 3, 4}, false},
	    {{1, 2, 3}, {1, 2, 4}, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct store s = opened();
		struct kd_err e = {0};
		uint64_t last = 99;

		assert_true(s.ops->begin(s.self, &e));
		for (size_t k = 0; k < 3; k++)
			assert_true(add_event(&s, cases[i].seq[k], cases[i].inside[k]));
		assert_int_equal(s.ops->event_check(s.self, &last, &e), cases[i].good);
		assert_int_equal(last, cases[i].good ? 3 : 99);
		assert_int_equal(e.code, cases[i].good ? KD_OK : KD_E_INCONSISTENT);
		assert_false(add_event(&s, cases[i].seq[0], 1)); /* taken */
		s.ops->rollback(s.self);
		s.ops->close(s.self);
	}
}

static void
what_was_rolled_back_is_not_there(void **state)
{
	struct store s = opened();
	struct kd_err e = {0};
	uint64_t last = 99;

	(void)state;
	assert_true(s.ops->begin(s.self, &e) && add_event(&s, 1, 1));
	s.ops->rollback(s.self);
	assert_true(s.ops->event_last(s.self, &last, &e));
	assert_int_equal(last, 0);
	assert_true(
	    s.ops->begin(s.self, &e) && add_event(&s, 1, 1) && s.ops->commit(s.self, &e));
	s.ops->close(s.self);
	s = opened();
	assert_true(s.ops->event_last(s.self, &last, &e));
	assert_int_equal(last, 1);
	s.ops->close(s.self);
}

static void
a_replaced_file_is_noticed(void **state)
{
	struct store s = opened();
	struct kd_err e = {0};
	char away[96];

	(void)state;
	assert_true(s.ops->in_place(s.self, &e));
	(void)snprintf(away, sizeof(away), "%s.away", path);
	assert_int_equal(rename(path, away), 0);
	assert_false(s.ops->in_place(s.self, &e));
	assert_int_equal(e.code, KD_E_STORE);
	assert_int_equal(rename(away, path), 0);
	s.ops->close(s.self);
}

int
main(void)
{
	const struct CMUnitTest t[] = {
	    cmocka_unit_test_setup_teardown(
		a_request_is_added_once_and_found, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		an_outcome_is_kept_unless_nobody_heard, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		certificates_get_one_number, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		events_must_follow_each_other, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		what_was_rolled_back_is_not_there, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		a_replaced_file_is_noticed, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("store", t, NULL, NULL);
}
