/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/pkcs11/jobs_test.c - the queue, the shared cells, what the child says, the
 * DER of ECDSA. */
#include "pkcs11/queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/num.h"
#include "pkcs11/child_msg.h"
#include "pkcs11/share.h"
#include "pkcs11/sign.h"

static void
push(struct queue *q, uint64_t id, uint64_t deadline_ms)
{
	queue_push(q, &(struct ask){.frame_id = id, .deadline_ms = deadline_ms});
}

static void
expect(struct queue *q, uint64_t id)
{
	struct ask a;

	assert_true(queue_shift(q, &a));
	assert_int_equal(a.frame_id, id);
}

static void
the_queue_keeps_its_order_around_the_end_of_the_ring(void **state)
{
	struct kd_err e = {0};
	struct queue q;
	struct ask a;

	assert_true(queue_init(&q, 3, 1, &e));
	for (uint64_t i = 0; i < 10; i++) {
		push(&q, 3 * i, 5);
		push(&q, 3 * i + 1, 4);
		push(&q, 3 * i + 2, 6);
		queue_unshift(&q, &(struct ask){.frame_id = 99, .deadline_ms = 9});
		assert_int_equal(queue_deadline(&q), 4);
		expect(&q, 99);
		expect(&q, 3 * i);
		expect(&q, 3 * i + 1);
		expect(&q, 3 * i + 2);
		assert_false(queue_shift(&q, &a));
		assert_true(queue_deadline(&q) == UINT64_MAX);
	}
	queue_clear(&q);
}

static bool
is_odd(void *self, const struct ask *a)
{
	*(unsigned *)self += 1;
	return a->frame_id % 2 != 0;
}

static void
picked_asks_leave_the_rest_in_order(void **state)
{
	struct kd_err e = {0};
	struct queue q;
	unsigned seen = 0;

	assert_true(queue_init(&q, 8, 0, &e));
	for (uint64_t i = 0; i < 7; i++)
		push(&q, i, 1);
	expect(&q, 0);
	push(&q, 7, 1);
	push(&q, 8, 1);
	queue_take_if(&q, is_odd, &seen);
	assert_int_equal(seen, 8);
	expect(&q, 2);
	expect(&q, 4);
	expect(&q, 6);
	expect(&q, 8);
	assert_int_equal(q.n, 0);
	queue_clear(&q);
}

static void
a_job_is_begun_or_taken_back_but_never_both(void **state)
{
	struct share *s;
	struct kd_err e = {0};
	uint64_t ran;
	int fd;

	assert_true(share_new(&s, &fd, &e));
	share_offer(s, 5, 7);
	assert_false(share_begun(s, 5, 1000, &ran));
	assert_false(share_begin(s, 5, 6, 1000)); /* a message of the cell's use before */
	assert_true(share_begin(s, 5, 7, 1000));
	assert_false(share_begin(s, 5, 7, 1000));
	assert_false(share_cancel(s, 5, 7));
	assert_true(share_begun(s, 5, 1250, &ran));
	assert_int_equal(ran, 250);

	share_offer(s, 5, 8);
	assert_true(share_cancel(s, 5, 8));
	assert_false(share_begin(s, 5, 8, 1000));
	assert_false(share_begun(s, 5, 1000, &ran));

	share_offer(s, 5, 9); /* the clock's 29 bits wrap around */
	assert_true(share_begin(s, 5, 9, (UINT64_C(1) << 29) - 10));
	assert_true(share_begun(s, 5, (UINT64_C(1) << 29) + 10, &ran));
	assert_int_equal(ran, 20);
	share_end(s, 5);
	assert_false(share_begun(s, 5, 1000, &ran));

	share_offer(s, 5, 10); /* the child begins after the parent has read the clock */
	assert_true(share_begin(s, 5, 10, 2001));
	assert_true(share_begun(s, 5, 2000, &ran));
	assert_int_equal(ran, 0);
	share_unmap(s);
	(void)close(fd);
}

/* What a dead child had begun is stopped before C_Sign or has been signed, and which of
 * both the parent knows. */
static void
a_job_is_signed_or_stopped_but_never_both(void **state)
{
	struct share *s;
	struct kd_err e = {0};
	uint64_t ran;
	int fd;

	assert_true(share_new(&s, &fd, &e));
	share_offer(s, 5, 7);
	assert_false(share_sign(s, 5, 7)); /* not begun */
	assert_true(share_begin(s, 5, 7, 1000));
	assert_false(share_sign(s, 5, 6));
	assert_true(share_sign(s, 5, 7));
	assert_false(share_sign(s, 5, 7));
	assert_false(share_stop(s, 5, 7));
	assert_true(share_begun(s, 5, 1250, &ran));
	assert_int_equal(ran, 250);

	share_offer(s, 5, 8);
	assert_true(share_begin(s, 5, 8, 1000));
	assert_false(share_stop(s, 5, 7));
	assert_true(share_stop(s, 5, 8));
	assert_false(share_sign(s, 5, 8));
	assert_false(share_stop(s, 5, 8));
	assert_false(share_begun(s, 5, 1000, &ran));

	share_offer(s, 5, 9);
	assert_true(share_stop(s, 5, 9)); /* queued still */
	assert_false(share_begin(s, 5, 9, 1000));
	share_unmap(s);
	(void)close(fd);
}

static void
what_a_broken_child_says_is_refused(void **state)
{
	static union child_msg m;
	struct kd_err e = {0};

	memset(&m, 0xff, sizeof(m));
	assert_false(child_msg_check(&m, 3, 4, &e));
	assert_int_equal(e.code, KD_E_PROTOCOL);
	m.type = CHILD_RESULT;
	assert_false(child_msg_check(&m, sizeof(m.result), 4, &e)); /* cell 0xffffffff */
	m.result = (struct child_result){.type = CHILD_RESULT, .code = KD_OK, .len = 10};
	assert_false(child_msg_check(&m, CHILD_RESULT_HEAD + 10, 4, &e)); /* unheard */
	m.result.heard = 1;
	assert_true(child_msg_check(&m, CHILD_RESULT_HEAD + 10, 4, &(struct kd_err){0}));
	assert_false(child_msg_check(&m, CHILD_RESULT_HEAD + 9, 4, &e));
	m.result.key = 4;
	assert_false(child_msg_check(&m, CHILD_RESULT_HEAD + 10, 4, &e));
	m.result.key = 3;
	m.result.cell = SHARE_CELLS_MAX;
	assert_false(child_msg_check(&m, CHILD_RESULT_HEAD + 10, 4, &e));
	m.found = (struct child_found){.type = CHILD_FOUND, .other = 5};
	assert_false(child_msg_check(&m, sizeof(m.found), 4, &e));
	m.found.other = 4;
	memset(m.found.other_pin, 'x', sizeof(m.found.other_pin));
	assert_true(child_msg_check(&m, sizeof(m.found), 4, &(struct kd_err){0}));
	assert_int_equal(strlen(m.found.other_pin), sizeof(m.found.other_pin) - 1);
	m.key = (struct child_key){.type = CHILD_KEY, .index = 4};
	assert_false(child_msg_check(&m, sizeof(m.key), 4, &e));
	m.key.index = 3;
	memset(m.key.key.detail, 'x', sizeof(m.key.key.detail));
	assert_true(child_msg_check(&m, sizeof(m.key), 4, &(struct kd_err){0}));
	assert_int_equal(strlen(m.key.key.detail), SIGNER_DETAIL_MAX);
	memset(&m.key.key.ready, 2, 1);
	assert_false(child_msg_check(&m, sizeof(m.key), 4, &e));
	m.ready = (struct child_ready){.type = CHILD_READY, .sessions = 0};
	assert_false(child_msg_check(&m, sizeof(m.ready), 4, &e));
	m.fault = (struct child_fault){.type = CHILD_FAULT, .state = TOKEN_READY};
	assert_false(child_msg_check(&m, sizeof(m.fault), 4, &e));
	m.type = CHILD_JOB;
	assert_false(child_msg_check(&m, sizeof(struct child_job), 4, &e));
}

static void
the_setup_comes_over_whole_or_not_at_all(void **state)
{
	char module[] = "/lib/m.so", token[] = "pkcs11:token=t", a[] = "pkcs11:object=a",
	     b[] = "", flush[] = "/bin/flush -t";
	char pin[] = "0123", none[] = "";
	char *uris[] = {a, b}, *pins[] = {pin, none}, *pre_start[] = {flush};
	const struct child_setup s = {
	    .module = module, .token = token, .sessions = 4, .growth_kib = 7,
	    .uris = uris, .keys = 2, .pins = pins, .pre_start = pre_start, .pre_start_n = 1};
	AUTO(buf_clear) struct buf text = {0};
	AUTO(child_setup_clear) struct child_setup got = {0};
	struct kd_err e = {0};

	child_setup_write(&s, &text);
	assert_true(child_setup_read(text.p, text.len, &got, &e));
	assert_string_equal(got.module, module);
	assert_string_equal(got.token, token);
	assert_int_equal(got.sessions, 4);
	assert_int_equal(got.growth_kib, 7);
	assert_int_equal(got.keys, 2);
	assert_string_equal(got.uris[0], a);
	assert_string_equal(got.uris[1], "");
	assert_string_equal(got.pins[0], pin);
	assert_string_equal(got.pins[1], "");
	assert_int_equal(got.pre_start_n, 1);
	assert_string_equal(got.pre_start[0], flush);
	for (size_t n = 0; n < text.len; n++) {
		struct child_setup cut = {0};
		struct kd_err why = {0};

		assert_false(child_setup_read(text.p, n, &cut, &why));
		assert_int_not_equal(why.code, KD_OK);
		assert_null(cut.module);
	}
}

/* X.690 8.3.2: the shortest form, and a zero in front where the first bit is set. */
static void
ecdsa_der_has_the_shortest_integers(void **state)
{
	uint8_t rs[96] = {0}, der[128];
	static const uint8_t small[] = {0x30, 0x06, 0x02, 0x01, 0x00, 0x02, 0x01, 0x05};

	rs[63] = 5;
	assert_int_equal(sign_ecdsa_der(rs, 32, der), sizeof(small));
	assert_memory_equal(der, small, sizeof(small));
	memset(rs, 0xff, sizeof(rs));
	assert_int_equal(sign_ecdsa_der(rs, 32, der), 2 + 2 * (3 + 32));
	assert_memory_equal(der, "\x30\x46\x02\x21\x00\xff", 6);
	assert_int_equal(sign_ecdsa_der(rs, 48, der), 2 + 2 * (3 + 48));
	rs[0] = 0x7f;
	assert_int_equal(sign_ecdsa_der(rs, 48, der), 2 + 2 + 48 + 3 + 48);
	assert_memory_equal(der, "\x30\x65\x02\x30\x7f\xff", 6);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_queue_keeps_its_order_around_the_end_of_the_ring),
	    cmocka_unit_test(picked_asks_leave_the_rest_in_order),
	    cmocka_unit_test(a_job_is_begun_or_taken_back_but_never_both),
	    cmocka_unit_test(a_job_is_signed_or_stopped_but_never_both),
	    cmocka_unit_test(what_a_broken_child_says_is_refused),
	    cmocka_unit_test(the_setup_comes_over_whole_or_not_at_all),
	    cmocka_unit_test(ecdsa_der_has_the_shortest_integers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
