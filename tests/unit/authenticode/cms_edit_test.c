/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/cms_edit_test.c - timestamps and nested signatures put in,
 * taken out, replaced: nothing signed changes, and judges that are not ours accept the
 * result. */
#include "authenticode/cms_edit.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "authenticode/oid.h"
#include "authenticode/pe.h"
#include "authenticode/pe_embed.h"
#include "base/mem.h"
#include "base/num.h"
#include "tests/unit/authenticode/demo_pki.h"
#include "tests/unit/authenticode/pe_make.h"
#include "tests/unit/authenticode/tsa_ask.h"

#define SIGNED_CAP 65536

static const struct demo_signature rsa = {
    "rsa2048", "rsa2048.chain", MD_SHA256, "driver", NULL};
static const struct demo_signature second = {
    "p256", "p256.chain", MD_SHA256, NULL, NULL};
static const struct pe_make shape = {.plus = true};
static uint8_t image[PE_MAKE_CAP];

/* A signature of the made image. */
static void
sign(const struct demo_signature *how, struct buf *ret)
{
	int fd = pe_make_fd(image, pe_make(&shape, image));
	struct pe_digest d = {.md = {how->md}};
	struct kd_err e = {0};
	struct pe pe;

	assert_true(pe_open(fd, &pe, &e) && pe_digest(fd, &pe, &d, &e));
	demo_cms(how, d.digest[0], ret, NULL);
	close(fd);
}

/* The made image with that ContentInfo, as a file; its path. */
static const char *
embed(const struct buf *cms, char dst[512])
{
	int in = pe_make_fd(image, pe_make(&shape, image)), out = pe_make_fd("", 0);
	struct pe_digest d = {.md = {MD_SHA256}};
	static uint8_t file[SIGNED_CAP];
	struct kd_err e = {0};
	struct pe pe;

	assert_true(pe_open(in, &pe, &e) && pe_digest(in, &pe, &d, &e) &&
		    pe_embed(in, &pe, &d, cms->p, cms->len, out, &e));
	demo_write("signed.sys", file, pe_make_slurp(out, file, sizeof(file)), dst);
	close(in);
	close(out);
	return dst;
}

static void
parse(const struct buf *b, struct cms *ret)
{
	struct kd_err e = {0};

	if (!cms_parse(b->p, b->len, ret, &e) || !cms_check_message_digest(ret, &e) ||
	    !cms_check_signature(ret, &e))
		fail_msg("%s", e.msg);
}

/* Content, signed attributes and signature are the same bytes. */
static void
same_signature(const struct buf *a, const struct buf *b)
{
	AUTO(cms_clear) struct cms before = {0};
	AUTO(cms_clear) struct cms after = {0};

	parse(a, &before);
	parse(b, &after);
	assert_int_equal(before.content_len, after.content_len);
	assert_memory_equal(before.content, after.content, after.content_len);
	assert_int_equal(before.attrs_len, after.attrs_len);
	assert_memory_equal(before.attrs, after.attrs, after.attrs_len);
	assert_int_equal(before.signature_len, after.signature_len);
	assert_memory_equal(before.signature, after.signature, after.signature_len);
}

static void
is_sorted(struct rd set)
{
	struct tlv last = {0}, t;
	struct kd_err e = {0};

	for (; rd_left(&set) > 0; last = t) {
		assert_true(der_next(&set, "element", &t, &e));
		if (last.p != NULL)
			assert_true(memcmp(last.p, t.p,
					last.len < t.len ? last.len : t.len) < 0);
	}
}

/* Certificates and unsigned attributes are in DER's order, whatever was put in. */
static void
sets_are_sorted(const struct buf *cms)
{
	struct cms_signer_info s = tsa_signer(cms);
	struct cms_attribute a;
	struct kd_err e = {0};
	struct cms_outer o;
	struct rd r = s.unsigned_attrs.body;

	assert_true(cms_outer_parse(cms->p, cms->len, &o, &e));
	is_sorted(o.certificates.body);
	is_sorted(s.unsigned_attrs.body);
	while (rd_left(&r) > 0) {
		assert_true(cms_attribute_next(&r, "attribute", &a, &e));
		is_sorted(a.values.body);
	}
}

static void
stamp(const struct buf *cms, enum tsp_kind kind, struct buf *ret)
{
	AUTO(cms_clear) struct cms c = {0};
	AUTO(buf_clear) struct buf value = {0};
	AUTO(certs_free) struct certs *certs = NULL;
	struct kd_err e = {0};

	parse(cms, &c);
	assert_true(certs_new(&certs, &e));
	if (kind == TSP_RFC3161)
		tsa_token("tsa", c.signature, c.signature_len, &value);
	else
		tsa_countersignature(c.signature, c.signature_len, &value, certs);
	if (!cms_set_timestamp(
		cms->p, cms->len, kind, value.p, value.len, certs, ret, &e))
		fail_msg("%s", e.msg);
	same_signature(cms, ret);
	sets_are_sorted(ret);
}

/* What osslsigncode says of so many timestamps, with that root of theirs; its exit status
 * does not tell. */
static bool
osslsigncode_says(const char *path, const char *tsa_root, const char *verdict, int times)
{
	return demo_run("test $(osslsigncode verify -CAfile %s -TSA-CAfile %s -in %s | "
			"grep -c 'Timestamp Server Signature verification: %s') = %d",
		   DEMO("root.pem"), TSA(tsa_root), path, verdict, times) == 0;
}

static void
judge(const struct buf *cms, int stamps)
{
	char path[512];

	if (!demo_have("osslsigncode")) {
		print_message("# not judged: osslsigncode is absent\n");
		return;
	}
	embed(cms, path);
	assert_int_equal(demo_run("osslsigncode verify -CAfile %s -TSA-CAfile %s -in %s",
			     DEMO("root.pem"), TSA("root.pem"), path),
	    0);
	assert_true(osslsigncode_says(path, "root.pem", "ok", stamps));
	assert_true(osslsigncode_says(path, "otherroot.pem", "failed", stamps));
}

static void
timestamps_of_either_kind_are_put_in_and_replaced(void **state)
{
	static const enum tsp_kind kinds[] = {
	    TSP_RFC3161, TSP_LEGACY, TSP_LEGACY, TSP_RFC3161};
	AUTO(buf_clear) struct buf cms = {0};
	(void)state;

	sign(&rsa, &cms);
	for (size_t i = 0; i < KD_ARRAY_LEN(kinds); i++) {
		AUTO(buf_clear) struct buf next = {0};
		AUTO(cms_clear) struct cms c = {0};
		AUTO(tsp_stamp_clear) struct tsp_stamp s = {0};
		struct kd_err e = {0};

		stamp(&cms, kinds[i], &next);
		parse(&next, &c);
		assert_true(c.timestamped);
		assert_int_equal(c.token != NULL, kinds[i] == TSP_RFC3161);
		assert_int_equal(c.countersignature != NULL, kinds[i] == TSP_LEGACY);
		/* rsa2048, inter, cross; then the authority and its CA, once */
		assert_int_equal(certs_n(c.certs), i == 0 ? 3 : 5);
		if (!(c.token != NULL
			    ? tsp_read_token(c.token, c.token_len, &s, &e)
			    : tsp_read_countersignature(c.countersignature,
				  c.countersignature_len, c.certs, &s, &e)) ||
		    !tsp_check(&s, c.signature, c.signature_len, &e))
			fail_msg("%s", e.msg);
		judge(&next, 1);
		buf_reset(&cms);
		buf_add(&cms, next.p, next.len);
	}
}

static size_t
nested_index(const struct buf *cms, const struct buf *nested)
{
	AUTO(cms_clear) struct cms c = {0};
	struct rd r;
	struct kd_err e = {0};

	parse(cms, &c);
	r = c.nested;
	for (size_t i = 0; i < c.nested_n; i++) {
		const uint8_t *p;
		size_t len;

		assert_true(cms_next_nested(&r, &p, &len, &e));
		if (len == nested->len && memcmp(p, nested->p, len) == 0)
			return i;
	}
	return SIZE_MAX;
}

/* Three nested signatures beside a timestamp; the second gets its own. */
static void
nested_signatures_are_added_and_replaced(void **state)
{
	AUTO(buf_clear) struct buf primary = {0};
	AUTO(buf_clear) struct buf all = {0};
	AUTO(buf_clear) struct buf stamped = {0};
	AUTO(buf_clear) struct buf replaced = {0};
	AUTO(cms_clear) struct cms c = {0};
	struct buf nested[3] = {{0}};
	struct kd_err e = {0};
	(void)state;

	sign(&rsa, &primary);
	stamp(&primary, TSP_LEGACY, &all);
	for (size_t i = 0; i < 3; i++) {
		AUTO(buf_clear) struct buf next = {0};

		sign(&second, &nested[i]); /* ECDSA: another one each time */
		buf_zero(&nested[i], 5);   /* padding, as in a file */
		assert_true(cms_add_nested(
		    all.p, all.len, nested[i].p, nested[i].len, &next, &e));
		nested[i].len -= 5;
		buf_reset(&all);
		buf_add(&all, next.p, next.len);
		assert_int_not_equal(nested_index(&all, &nested[i]), SIZE_MAX);
	}
	sets_are_sorted(&all);
	same_signature(&primary, &all);
	parse(&all, &c);
	assert_int_equal(c.nested_n, 3);
	assert_non_null(c.countersignature);
	judge(&all, 1);
	stamp(&nested[1], TSP_RFC3161, &stamped);
	assert_true(cms_replace_nested(all.p, all.len, nested_index(&all, &nested[1]),
	    stamped.p, stamped.len, &replaced, &e));
	sets_are_sorted(&replaced);
	same_signature(&primary, &replaced);
	assert_int_not_equal(nested_index(&replaced, &nested[0]), SIZE_MAX);
	assert_int_equal(nested_index(&replaced, &nested[1]), SIZE_MAX);
	assert_int_not_equal(nested_index(&replaced, &stamped), SIZE_MAX);
	judge(&replaced, 2);
	for (size_t i = 0; i < 3; i++)
		buf_clear(&nested[i]);
}

static void
removal_gives_the_first_bytes_again(void **state)
{
	AUTO(buf_clear) struct buf primary = {0};
	AUTO(buf_clear) struct buf stamped = {0};
	AUTO(buf_clear) struct buf more = {0};
	AUTO(buf_clear) struct buf bald = {0};
	struct kd_err e = {0};
	(void)state;

	sign(&rsa, &primary);
	stamp(&primary, TSP_RFC3161, &stamped);
	assert_true(cms_add_nested(
	    stamped.p, stamped.len, primary.p, primary.len, &more, &e));
	assert_true(cms_remove_unsigned(more.p, more.len, &bald, &e));
	assert_int_equal(bald.len, primary.len);
	assert_memory_equal(bald.p, primary.p, primary.len);
}

static void
what_does_not_fit_is_refused_and_nothing_written(void **state)
{
	AUTO(buf_clear) struct buf primary = {0};
	AUTO(buf_clear) struct buf ret = {0};
	static const uint8_t seq[] = {0x30, 0, 0};
	struct kd_err e[7] = {{0}};
	(void)state;

	sign(&rsa, &primary);
	assert_false(cms_set_timestamp(primary.p, primary.len, TSP_RFC3161,
	    (const uint8_t *)"\4\0", 2, NULL, &ret, &e[0]));
	assert_string_equal(
	    e[0].msg, "timestamp at offset 0: tag 0x04, expected 0x30");
	assert_false(cms_set_timestamp(
	    primary.p, primary.len, TSP_LEGACY, seq, 3, NULL, &ret, &e[1]));
	assert_string_equal(
	    e[1].msg, "timestamp has 1 unexpected bytes at offset 0x2");
	assert_false(cms_replace_nested(
	    primary.p, primary.len, 0, primary.p, primary.len, &ret, &e[2]));
	assert_string_equal(e[2].msg, "nested signature 0 of 0 is asked for");
	assert_false(
	    cms_add_nested(primary.p, primary.len, seq, 2, &ret, &e[3]));
	assert_true(strncmp(e[3].msg, "nested signature: ContentInfo contentType", 41) ==
		    0);
	assert_false(cms_remove_unsigned(seq, 2, &ret, &e[4]));
	assert_int_equal(ret.len, 0);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(e[i].code, KD_E_FORMAT);
}

static void
more_nested_signatures_than_the_limit_are_refused(void **state)
{
	AUTO(buf_clear) struct buf all = {0};
	AUTO(buf_clear) struct buf ret = {0};
	struct kd_err e = {0};
	(void)state;

	sign(&rsa, &all);
	for (size_t i = 0; i <= CMS_NESTED_MAX; i++) {
		AUTO(buf_clear) struct buf nested = {0};
		AUTO(buf_clear) struct buf next = {0};

		sign(&second, &nested);
		if (i == CMS_NESTED_MAX) {
			assert_false(cms_add_nested(
			    all.p, all.len, nested.p, nested.len, &ret, &e));
			break;
		}
		assert_true(cms_add_nested(
		    all.p, all.len, nested.p, nested.len, &next, &e));
		buf_reset(&all);
		buf_add(&all, next.p, next.len);
	}
	assert_int_equal(e.code, KD_E_LIMIT);
	assert_string_equal(e.msg, "more than 64 nested signatures");
	assert_int_equal(ret.len, 0);
}

static void
truncated_at_any_place_is_refused(void **state)
{
	AUTO(buf_clear) struct buf primary = {0};
	AUTO(buf_clear) struct buf all = {0};
	(void)state;

	sign(&rsa, &primary);
	stamp(&primary, TSP_RFC3161, &all);
	for (size_t n = 0; n < all.len; n++) {
		AUTO(free) uint8_t *exact = malloc(n + 1);
		AUTO(buf_clear) struct buf ret = {0};
		struct kd_err e = {0};

		assert_non_null(exact);
		memcpy(exact, all.p, n);
		assert_false(cms_remove_unsigned(exact, n, &ret, &e));
		assert_int_equal(e.code, KD_E_FORMAT);
		assert_true(e.msg[0] != '\0');
		assert_int_equal(ret.len, 0);
	}
}

static void
editing_without_memory_is_an_ordinary_error(void **state)
{
	AUTO(buf_clear) struct buf primary = {0};
	AUTO(buf_clear) struct buf value = {0};
	AUTO(certs_free) struct certs *certs = tsa_certs("tsa.pem");
	bool done = false;
	(void)state;

	sign(&rsa, &primary);
	der_put(&value, DER_SEQUENCE, "", 0);
	for (long nth = 0; !done; nth++) {
		AUTO(buf_clear) struct buf stamped = {0};
		AUTO(buf_clear) struct buf more = {0};
		AUTO(buf_clear) struct buf bald = {0};
		struct kd_err e = {0};

		kd_alloc_fail_at(nth);
		done = cms_set_timestamp(primary.p, primary.len, TSP_LEGACY, value.p,
			   value.len, certs, &stamped, &e) &&
		       cms_add_nested(stamped.p, stamped.len, primary.p, primary.len,
			   &more, &e) &&
		       cms_remove_unsigned(more.p, more.len, &bald, &e);
		kd_alloc_fail_at(-1);
		if (!done)
			assert_int_equal(e.code, KD_E_NOMEM);
		assert_true(nth < 200);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(timestamps_of_either_kind_are_put_in_and_replaced),
	    cmocka_unit_test(nested_signatures_are_added_and_replaced),
	    cmocka_unit_test(removal_gives_the_first_bytes_again),
	    cmocka_unit_test(what_does_not_fit_is_refused_and_nothing_written),
	    cmocka_unit_test(more_nested_signatures_than_the_limit_are_refused),
	    cmocka_unit_test(truncated_at_any_place_is_refused),
	    cmocka_unit_test(editing_without_memory_is_an_ordinary_error),
	};

	return cmocka_run_group_tests_name("cms_edit", tests, NULL, NULL);
}
