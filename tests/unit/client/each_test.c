/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/client/each_test.c - by several threads, each once, told in order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sched.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "client/each.h"

#define N 500

static struct {
	unsigned worked[N]; /* each touched by the thread that took its index */
	size_t told;
	size_t ahead; /* 0: any number */
	atomic_size_t told_now;
	atomic_bool too_far;
	bool nobody_told;
	atomic_uint kept, freed;
} seen;

static void
work(void *self, size_t i, void **mine)
{
	assert_ptr_equal(self, &seen);
	if (*mine == NULL) {
		*mine = kd_alloc(1);
		atomic_fetch_add(&seen.kept, 1);
	}
	seen.worked[i]++;
	if (seen.ahead != 0 && i >= atomic_load(&seen.told_now) + seen.ahead)
		atomic_store(&seen.too_far, true);
	if (i % 7 == 0)
		(void)sched_yield();
}

static void
end(void *mine)
{
	atomic_fetch_add(&seen.freed, 1);
	free(mine);
}

static void
done(void *self, size_t i)
{
	(void)self;
	assert_int_equal(i, seen.told);
	assert_int_equal(seen.worked[i], 1);
	seen.told++;
	atomic_store(&seen.told_now, seen.told);
}

static void
tick(void *self, size_t finished_n)
{
	(void)self;
	assert_in_range(finished_n, seen.told, N);
}

static void
run(size_t n, size_t jobs)
{
	const struct each_options o = {.n = n,
	    .jobs = jobs,
	    .work = work,
	    .ahead = seen.ahead,
	    .end = end,
	    .done = seen.nobody_told ? NULL : done,
	    .tick = tick,
	    .self = &seen};
	struct kd_err e = {0};

	for (size_t i = 0; i < N; i++)
		seen.worked[i] = 0;
	seen.told = 0;
	atomic_store(&seen.told_now, 0);
	atomic_store(&seen.kept, 0);
	atomic_store(&seen.freed, 0);
	assert_true(each_run(&o, &e));
	assert_int_equal(seen.told, seen.nobody_told ? 0 : n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(seen.worked[i], 1);
	assert_false(atomic_load(&seen.too_far));
	assert_int_equal(atomic_load(&seen.kept), atomic_load(&seen.freed));
	assert_true(atomic_load(&seen.kept) <= jobs);
}

static void
each_is_done_once_and_told_in_order(void **state)
{
	(void)state;
	run(N, 8);
	run(N, 1);
	run(3, EACH_JOBS_MAX);
	run(0, 4);
	seen.ahead = 5;
	run(N, 8);
	seen.ahead = 1;
	run(N, 3);
	seen.ahead = 0;
	seen.nobody_told = true;
	run(N, 8);
	run(0, 4);
	seen.nobody_told = false;
}

int
main(void)
{
	const struct CMUnitTest t[] = {
	    cmocka_unit_test(each_is_done_once_and_told_in_order),
	};

	return cmocka_run_group_tests_name("client/each", t, NULL, NULL);
}
