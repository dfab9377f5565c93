/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/keeper/queue_test.c - clients served in turn, places counted. */
#include "daemon/keeper/queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

struct thing {
	struct queue_node node; /* first */
	int client, number;
};

static void
push(struct queue *q, struct thing *t)
{
	uint8_t client[32] = {7, (uint8_t)t->client}; /* one bucket for all */
	struct kd_err e = {0};

	assert_true(queue_reserve(q, 1, &e));
	assert_true(queue_push(q, client, &t->node, &e));
}

static void
one_clients_thousand_waits_one_turn_for_anothers_one(void **state)
{
	struct queue q = {.limit = 2000};
	struct thing *many = kd_alloc_array(1000, sizeof(*many)), one = {.client = 2},
		     *got;
	int at = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		many[i] = (struct thing){.client = 1, .number = i};
		push(&q, &many[i]);
	}
	push(&q, &one);
	while ((got = (struct thing *)queue_pop(&q)) != &one)
		assert_int_equal(got->number, at++);
	assert_true(at <= 2);
	while ((got = (struct thing *)queue_pop(&q)) != NULL)
		assert_int_equal(got->number, at++); /* and its own order is kept */
	assert_int_equal(at, 1000);
	assert_int_equal(q.reserved + q.waiting, 0);
	free(many);
}

static void
what_was_popped_may_come_back_whatever_the_limit(void **state)
{
	struct queue q = {.limit = 2};
	struct thing t[] = {{.client = 1, .number = 1}, {.client = 1, .number = 2}};
	uint8_t client[32] = {7, 1};
	struct kd_err e = {0};

	(void)state;
	assert_null(queue_peek(&q));
	push(&q, &t[0]);
	push(&q, &t[1]);
	assert_ptr_equal(queue_peek(&q), &t[0]);
	assert_ptr_equal(queue_pop(&q), &t[0]);
	assert_true(queue_reserve(&q, 1, &e)); /* somebody takes the place */
	queue_reserve_again(&q);
	assert_true(queue_push(&q, client, &t[0].node, &e));
	assert_false(queue_reserve(&q, 1, &e));
	assert_ptr_equal(queue_pop(&q), &t[1]);
	assert_ptr_equal(queue_pop(&q), &t[0]);
	queue_release(&q, 1);
	assert_int_equal(q.reserved + q.waiting, 0);
}

static void
three_clients_alternate_and_leave(void **state)
{
	struct queue q = {.limit = 100};
	struct thing t[] = {{.client = 1}, {.client = 1}, {.client = 1}, {.client = 2},
	    {.client = 3}, {.client = 3}};
	const int order[] = {1, 2, 3, 1, 3, 1};
	struct thing *got;

	(void)state;
	for (size_t i = 0; i < 6; i++)
		push(&q, &t[i]);
	for (size_t i = 0; i < 6; i++) {
		got = (struct thing *)queue_pop(&q);
		assert_non_null(got);
		assert_int_equal(got->client, order[i]);
	}
	assert_null(queue_pop(&q));
	push(&q, &t[3]); /* a client that left may come back */
	assert_ptr_equal(queue_pop(&q), &t[3]);
}

static void
places_are_bounded_and_given_back(void **state)
{
	struct queue q = {.limit = 10};
	struct kd_err e = {0};

	(void)state;
	assert_true(queue_reserve(&q, 7, &e));
	assert_false(queue_reserve(&q, 4, &e));
	assert_int_equal(e.code, KD_E_BUSY);
	assert_string_equal(e.msg, "the token's queue has 3 places left of 10, 4 needed");
	queue_release(&q, 1);
	e = (struct kd_err){0};
	assert_true(queue_reserve(&q, 4, &e));
	assert_int_equal(q.reserved, 10);
	q.limit = 8; /* a reload */
	assert_false(queue_reserve(&q, 1, &e));
	assert_string_equal(e.msg, "the token's queue has 0 places left of 8, 1 needed");
	queue_release(&q, 3);
	e = (struct kd_err){0};
	assert_true(queue_reserve(&q, 1, &e));
	assert_int_equal(q.reserved, 8);
}

static void
no_memory_is_said_and_changes_nothing(void **state)
{
	struct queue q = {.limit = 10};
	struct thing t = {.client = 1};
	uint8_t client[32] = {0};
	struct kd_err e = {0};

	(void)state;
	assert_true(queue_reserve(&q, 1, &e));
	kd_alloc_fail_at(0);
	assert_false(queue_push(&q, client, &t.node, &e));
	kd_alloc_fail_at(-1);
	assert_int_equal(e.code, KD_E_NOMEM);
	assert_null(queue_pop(&q));
}

int
main(void)
{
	const struct CMUnitTest t[] = {
	    cmocka_unit_test(one_clients_thousand_waits_one_turn_for_anothers_one),
	    cmocka_unit_test(what_was_popped_may_come_back_whatever_the_limit),
	    cmocka_unit_test(three_clients_alternate_and_leave),
	    cmocka_unit_test(places_are_bounded_and_given_back),
	    cmocka_unit_test(no_memory_is_said_and_changes_nothing),
	};

	return cmocka_run_group_tests_name("queue", t, NULL, NULL);
}
