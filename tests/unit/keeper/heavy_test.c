/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/keeper/heavy_test.c - one client's many large requests, and another's one. */
#include "daemon/keeper/heavy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/num.h"

struct piece {
	struct work work; /* first */
	char name[3];
};

static struct rig {
	struct loop *loop;
	struct pool *pool;
	struct heavy heavy;
	char ran[64], done[64]; /* in that order; the first in the thread */
	struct piece late;      /* comes when the first piece is done */
	const uint8_t *late_client;
	size_t left;
} rig;

static const uint8_t client_a[32] = {1}, client_b[32] = {2}, client_c[32] = {3};

static void
note(char list[64], const struct work *w)
{
	memcpy(list + strlen(list), ((const struct piece *)w)->name, 3);
}

static void
piece_run(struct work *w)
{
	note(rig.ran, w);
}

static void
piece_done(struct work *w)
{
	note(rig.done, w);
	rig.left--;
	if (rig.late_client != NULL)
		heavy_add(&rig.heavy, &rig.late.work, rig.late_client);
	rig.late_client = NULL;
}

static void
add(struct piece *p, const char *name, const uint8_t client[32])
{
	*p = (struct piece){.work = {.run = piece_run, .done = piece_done}};
	memcpy(p->name, name, 3);
	rig.left++;
	if (p != &rig.late)
		heavy_add(&rig.heavy, &p->work, client);
	else
		rig.late_client = client;
}

static bool
turn(void *self)
{
	(void)self;
	heavy_turn(&rig.heavy, rig.pool);
	return rig.left > 0;
}

static void
no_timer(void *self, uint64_t now_ms)
{
	(void)self, (void)now_ms;
}

static void
run_all(const char *want)
{
	struct kd_err e = {0};

	heavy_turn(&rig.heavy, rig.pool);
	assert_true(loop_run(rig.loop, &e));
	assert_string_equal(rig.ran, want);
	assert_string_equal(rig.done, want);
}

static int
set_up(void **state)
{
	const struct loop_hooks hooks = {.turn = turn, .timer = no_timer};
	struct kd_err e = {0};

	(void)state;
	rig = (struct rig){0};
	return loop_new(&hooks, &rig.loop, &e) &&
			       pool_new(1, 1, rig.loop, &rig.pool, &e)
		   ? 0
		   : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	pool_free(rig.pool);
	heavy_clear(&rig.heavy);
	loop_free(rig.loop);
	return 0;
}

static void
clients_are_served_in_turn(void **state)
{
	static const char *const names[] = {"a1", "a2", "a3", "a4", "b1", "b2", "c1"};
	const uint8_t *const of[] = {client_a, client_a, client_a, client_a, client_b,
	    client_b, client_c};
	struct piece p[KD_ARRAY_LEN(names)];

	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(names); i++)
		add(&p[i], names[i], of[i]);
	run_all("a1b1c1a2b2a3a4");
}

/* It does not matter that the other was there before. */
static void
who_comes_late_waits_for_one_piece_of_each(void **state)
{
	struct piece p[4];

	(void)state;
	add(&p[0], "a1", client_a);
	add(&p[1], "a2", client_a);
	add(&p[2], "a3", client_a);
	add(&p[3], "a4", client_a);
	add(&rig.late, "b1", client_b);
	run_all("a1a2b1a3a4");
}

static void
what_waits_can_be_forgotten(void **state)
{
	static struct piece p[3]; /* tear_down forgets them */

	(void)state;
	add(&p[0], "a1", client_a);
	add(&p[1], "a2", client_a);
	add(&p[2], "b1", client_b);
}

int
main(void)
{
	const struct CMUnitTest t[] = {
	    cmocka_unit_test_setup_teardown(clients_are_served_in_turn, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		who_comes_late_waits_for_one_piece_of_each, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(what_waits_can_be_forgotten, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("heavy", t, NULL, NULL);
}
