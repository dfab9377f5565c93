/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/der_test.c - DER, byte for byte, and what is not DER. */
#include "authenticode/der.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "authenticode/oid.h"
#include "base/num.h"

static void
lengths_are_minimal(void **state)
{
	static const struct {
		size_t n;
		const char *head;
		size_t head_len;
	} cases[] = {
	    {0, "\x04\x00", 2},
	    {127, "\x04\x7f", 2},
	    {128, "\x04\x81\x80", 3},
	    {255, "\x04\x81\xff", 3},
	    {256, "\x04\x82\x01\x00", 4},
	    {65535, "\x04\x82\xff\xff", 4},
	    {65536, "\x04\x83\x01\x00\x00", 5},
	};
	static uint8_t zero[65536];
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(buf_clear) struct buf put = {0};
		AUTO(buf_clear) struct buf patched = {0};
		size_t m = der_begin(&patched, DER_OCTET_STRING);

		der_put(&put, DER_OCTET_STRING, zero, cases[i].n);
		buf_zero(&patched, cases[i].n);
		der_end(&patched, m);
		assert_int_equal(put.len, cases[i].head_len + cases[i].n);
		assert_memory_equal(put.p, cases[i].head, cases[i].head_len);
		assert_int_equal(patched.len, put.len);
		assert_memory_equal(patched.p, put.p, put.len);
	}
}

static void
nested_lengths_are_patched_inside_out(void **state)
{
	AUTO(buf_clear) struct buf b = {0};
	static const uint8_t text[130] = {'x'};
	size_t outer = der_begin(&b, DER_SEQUENCE), inner;
	(void)state;

	inner = der_begin(&b, DER_C0);
	der_put(&b, DER_OCTET_STRING, text, sizeof(text));
	der_end(&b, inner);
	der_put(&b, DER_NULL, "", 0);
	der_end(&b, outer);
	assert_int_equal(b.len, 3 + 3 + 3 + 130 + 2);
	assert_memory_equal(b.p, "\x30\x81\x8a\xa0\x81\x85\x04\x81\x82x", 10);
	assert_memory_equal(&b.p[b.len - 2], "\x05\x00", 2);
}

static void
failed_buffer_is_left_alone(void **state)
{
	struct kd_err e = {0};
	AUTO(buf_clear) struct buf b = {.max = 4};
	size_t m = der_begin(&b, DER_SEQUENCE);
	(void)state;

	der_put(&b, DER_OCTET_STRING, "12345", 5);
	der_end(&b, m);
	assert_false(buf_ok(&b, "test", &e));
	assert_int_equal(e.code, KD_E_TOO_LARGE);
}

static void
set_of_is_sorted_and_each_once(void **state)
{
	AUTO(buf_clear) struct buf b = {0};
	struct der_item v[] = {
	    {(const uint8_t *)"\x30\x03\x02\x01\x02", 5},
	    {(const uint8_t *)"\x04\x01\xff", 3},
	    {(const uint8_t *)"\x30\x03\x02\x01\x01", 5},
	    {(const uint8_t *)"\x04\x01\xff", 3},
	    {(const uint8_t *)"\x04\x02\x00\x00", 4},
	};
	(void)state;

	der_put_set(&b, DER_SET, v, KD_ARRAY_LEN(v));
	assert_int_equal(b.len, 19);
	assert_memory_equal(b.p,
	    "\x31\x11\x04\x01\xff\x04\x02\x00\x00\x30\x03\x02\x01\x01\x30\x03\x02\x01"
	    "\x02",
	    19);
}

static void
what_is_not_der_is_named(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *msg;
	} cases[] = {
	    {"", 0, "thing at offset 0x10 needs 1 bytes; the data ends at 0x10"},
	    {"\x30", 1, "thing at offset 0x11 needs 1 bytes; the data ends at 0x11"},
	    {"\x30\x05\x00", 3,
		"thing at offset 0x12 needs 5 bytes; the data ends at 0x13"},
	    {"\x30\x80\x00\x00", 4,
		"thing at offset 0x10: indefinite length, DER expected"},
	    {"\x30\x81\x05", 3,
		"thing at offset 0x10: length 5 in 1 bytes, DER expected"},
	    {"\x30\x82\x00\x80", 4,
		"thing at offset 0x10: length 128 in 2 bytes, DER expected"},
	    {"\x30\x82\x01", 3,
		"thing at offset 0x13 needs 1 bytes; the data ends at 0x13"},
	    {"\x30\x85\x01\x00\x00\x00\x00", 7,
		"thing at offset 0x10: length of 5 bytes, at most 4 expected"},
	    {"\x30\x84\x7f\x00\x00\x00", 6,
		"thing at offset 0x10: length 2130706432, at most 67108864"},
	    {"\x1f\x01\x00", 3,
		"thing at offset 0x10: tag number over 30 is not expected here"},
	    {"\x31\x00", 2, "thing at offset 0x10: tag 0x31, expected 0x30"},
	};
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct rd r = rd_init_at(cases[i].bytes, cases[i].n, 0x10);
		struct tlv t = {.len = 77};
		struct kd_err e = {0};

		assert_false(der_want(&r, DER_SEQUENCE, "thing", &t, &e));
		assert_int_equal(e.code, KD_E_FORMAT);
		assert_string_equal(e.msg, cases[i].msg);
		assert_int_equal(t.len, 77);
	}
}

static void
elements_are_views_of_their_own(void **state)
{
	static const uint8_t der[] = {0x30, 5, 2, 1, 7, 5, 0, 0xff};
	struct rd r = rd_init_at(der, sizeof(der), 0x100);
	struct tlv seq, n, absent;
	struct kd_err e = {0};
	(void)state;

	assert_true(der_next(&r, "seq", &seq, &e));
	assert_int_equal(seq.tag, DER_SEQUENCE);
	assert_ptr_equal(seq.p, der);
	assert_int_equal(seq.len, 7);
	assert_true(der_want(&seq.body, DER_INTEGER, "n", &n, &e));
	assert_true(der_body_is(&n, "\7", 1));
	assert_false(der_body_is(&n, "\7\7", 2));
	assert_true(der_opt(&seq.body, DER_OCTET_STRING, "absent", &absent, &e));
	assert_null(absent.p);
	assert_false(der_done(&seq.body, "seq", &e));
	assert_string_equal(e.msg, "seq has 2 unexpected bytes at offset 0x105");
	e = (struct kd_err){0};
	assert_true(der_opt(&seq.body, DER_NULL, "null", &absent, &e));
	assert_non_null(absent.p);
	assert_true(der_done(&seq.body, "seq", &e));
	assert_false(der_is(&seq.body, 0)); /* nothing left is no tag, not even 0 */
}

static void
oids_are_shown_dotted(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *text;
	} cases[] = {
	    {"\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x02\x01\x04", 12,
		"1.3.6.1.4.1.311.2.1.4"},
	    {"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01", 11,
		"2.16.840.1.101.3.4.2.1"},
	    {"\x06\x02\x88\x37", 4, "2.999"},
	    {"\x06\x00", 2, "(malformed)"},
	    {"\x06\x02\x2a\x86", 4, "(malformed)"},
	    {"\x06\x0a\x2a\x81\x81\x81\x81\x81\x81\x81\x81\x01", 12, "(malformed)"},
	    {"\x02\x01\x2a", 3, "(malformed)"},
	    {"\x06\x03\x2a\x80\x01", 5, "(malformed)"}, /* 1.2.1, the long way */
	    {"\x06\x02\x2a\x00", 4, "1.2.0"},
	    {"\x06\x20\x2a\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f"
	     "\x7f"
	     "\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f",
		34, "1.2.127.127.127.127.127.127.127.127.127.127.127.127.127.127...."},
	};
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct rd r = rd_init(cases[i].bytes, cases[i].n);
		char text[OID_TEXT_LEN];
		struct kd_err e = {0};
		struct tlv t;

		assert_true(der_next(&r, "OID", &t, &e));
		oid_text(&t, text);
		assert_true(strlen(text) < OID_TEXT_LEN);
		assert_string_equal(text, cases[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lengths_are_minimal),
	    cmocka_unit_test(nested_lengths_are_patched_inside_out),
	    cmocka_unit_test(failed_buffer_is_left_alone),
	    cmocka_unit_test(set_of_is_sorted_and_each_once),
	    cmocka_unit_test(what_is_not_der_is_named),
	    cmocka_unit_test(elements_are_views_of_their_own),
	    cmocka_unit_test(oids_are_shown_dotted),
	};

	return cmocka_run_group_tests_name("der", tests, NULL, NULL);
}
