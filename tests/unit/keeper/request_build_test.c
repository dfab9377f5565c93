/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/keeper/request_build_test.c - what is asked becomes what is signed; what
 * identifies it; what is refused. */
#include "daemon/keeper/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "authenticode/spc.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "tests/unit/keeper/make_ctl.h"

static struct key key = {.name = "driver"};
static const struct identity who;
static const struct ask ask;

/* The members that every item has. */
static struct api_item
plain_item(enum api_kind kind)
{
	struct api_item it = {.kind = kind, .size = 0x1234, .md = MD_SHA256};

	it.name = kd_strdup("a.sys");
	memset(it.digest, 0xab, 32);
	return it;
}

/* Takes the item over. */
static struct request *
request_of(struct api_item take_item)
{
	struct api_sign_request asked = {.id = "request-00000001", .items_n = 1};
	struct request *r = NULL;
	struct kd_err e = {0};

	asked.items = kd_alloc_array(1, sizeof(*asked.items));
	assert_non_null(asked.items);
	asked.items[0] = take_item;
	assert_true(request_new(&asked, &who, &ask, &key, &r, &e));
	assert_int_equal(asked.items_n, 0);
	return r;
}

static void
copy_to(uint8_t **ret, size_t *ret_len, const void *p, size_t n)
{
	*ret = kd_alloc(n);
	assert_non_null(*ret);
	memcpy(*ret, p, n);
	*ret_len = n;
}

/* A CTL of one member, and its digest; with other bytes another one. */
static struct api_item
catalog_item(uint8_t byte)
{
	uint8_t hash[32];
	struct ctl_member member = {
	    .id = hash, .id_len = 32, .md = MD_SHA256, .digest = hash};
	AUTO(buf_clear) struct buf ctl = {0};
	struct api_item it = plain_item(API_KIND_CATALOG);
	struct rd r;
	struct tlv seq;
	struct kd_err e = {0};

	memset(hash, byte, sizeof(hash));
	make_ctl(CAT_V2, &member, 1, &ctl);
	r = rd_init(ctl.p, ctl.len);
	assert_true(der_want(&r, DER_SEQUENCE, "CTL", &seq, &e));
	assert_true(md_digest(MD_SHA256, seq.body.p, seq.body.len, it.digest, &e));
	copy_to(&it.ctl, &it.ctl_len, ctl.p, ctl.len);
	return it;
}

static struct api_item
paged_item(uint8_t byte)
{
	uint8_t table[72] = {[4] = byte, [36] = 0, [37] = 0x10};
	struct api_item it = plain_item(API_KIND_PE);

	copy_to(&it.page_hashes, &it.page_hashes_len, table, sizeof(table));
	return it;
}

/* Ids are on record from before items had more members: their content must stay what it
 * was, byte for byte. */
static void
content_of_a_plain_item_is_what_it_always_was(void **state)
{
	AUTO(request_free) struct request *r = request_of(plain_item(API_KIND_PE));
	AUTO(buf_clear) struct buf b = {0};
	uint8_t want[MD_LEN_MAX], ab[32];
	struct kd_err e = {0};

	(void)state;
	memset(ab, 0xab, sizeof(ab));
	buf_u32le(&b, 0); /* no key named */
	buf_u32le(&b, 0); /* no retry_of */
	buf_add(&b, "\x01\x02\x34\x12\0\0\0\0\0\0", 10); /* pe, sha256, size */
	buf_add(&b, ab, 32);
	buf_u32le(&b, 5);
	buf_str(&b, "a.sys");
	buf_u32le(&b, UINT32_MAX);
	buf_u32le(&b, UINT32_MAX);
	assert_true(md_digest(MD_SHA256, b.p, b.len, want, &e));
	assert_memory_equal(r->content, want, 32);
}

static void
everything_that_is_asked_makes_other_content(void **state)
{
	struct api_item items[7] = {plain_item(API_KIND_PE), plain_item(API_KIND_PE),
	    plain_item(API_KIND_PE), paged_item(1), paged_item(2), catalog_item(1),
	    catalog_item(2)};
	uint8_t content[7][32];

	(void)state;
	items[1].sequence = 1;
	items[2].sequence = 2;
	/* of these two only the CTL differs */
	memcpy(items[6].digest, items[5].digest, 32);
	for (size_t i = 0; i < 7; i++) {
		AUTO(request_free) struct request *r = request_of(items[i]);

		memcpy(content[i], r->content, 32);
		for (size_t k = 0; k < i; k++)
			assert_memory_not_equal(content[i], content[k], 32);
	}
}

/* The attributes are of this type, over this content, and their digest is what the token
 * gets. */
static void
check_built(const struct request *r, enum cms_content_type type)
{
	const struct item *it = &r->items[0];
	uint8_t tbs[MD_LEN_MAX];
	enum cms_content_type is;
	struct kd_err e = {0};

	assert_int_equal(request_said(it).type, type);
	assert_true(cms_signed_type(r->der.p + it->attrs_at, it->attrs_len, &is, &e));
	assert_int_equal(is, type);
	assert_true(
	    md_digest(MD_SHA256, r->der.p + it->attrs_at, it->attrs_len, tbs, &e));
	assert_memory_equal(it->tbs, tbs, 32);
}

static void
page_hashes_are_built_into_the_content(void **state)
{
	AUTO(request_free) struct request *r = request_of(paged_item(1));
	struct cms_signed said;
	struct kd_err e = {0};
	struct spc spc;

	(void)state;
	assert_true(request_build(r, &e));
	check_built(r, CMS_SPC);
	said = request_said(&r->items[0]);
	assert_true(spc_parse(said.content, said.content_len, &spc, &e));
	assert_true(spc.page_hashes);
	assert_memory_equal(spc.digest, r->ask.items[0].digest, 32);
}

static void
a_catalogs_ctl_is_the_content_itself(void **state)
{
	(void)state;
	for (unsigned sequence = 0; sequence < 2; sequence++) {
		struct api_item asked = catalog_item(0x11);
		AUTO(request_free) struct request *r = NULL;
		struct kd_err e = {0};

		asked.sequence = sequence;
		r = request_of(asked);
		assert_true(request_build(r, &e));
		check_built(r, sequence == 0 ? CMS_CTL : CMS_CTL_AWAY);
		assert_ptr_equal(
		    request_said(&r->items[0]).content, r->ask.items[0].ctl);
		assert_int_equal(r->items[0].content_len, r->ask.items[0].ctl_len);
		assert_int_equal(r->items[0].members_n, 1);
		assert_string_equal(buf_cstr(&r->items[0].members),
		    "[\"1111111111111111111111111111111111111111111111111111111111111111"
		    "\"]");
	}
}

static void
what_cannot_be_signed_is_refused_by_its_member(void **state)
{
	struct api_item cut = paged_item(1), no_ctl = catalog_item(1),
			other = catalog_item(1);
	const struct {
		struct api_item item;
		const char *msg;
	} cases[] = {
	    {cut, "items[0].page_hashes: 71 bytes are no table of page hashes: needs at "
		  "least 2 entries of 36 bytes for sha256"},
	    {no_ctl, "items[0].ctl: CTL at offset 0: tag 0x31, expected 0x30"},
	    {other, "items[0].digest: is not that of the CTL sent, whose content has "
		    "sha256 "},
	};

	(void)state;
	no_ctl.ctl[0] = 0x31;
	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct api_item asked = cases[i].item;
		AUTO(request_free) struct request *r = NULL;
		struct kd_err e = {0};

		if (i == 0)
			asked.page_hashes_len--;
		if (i == 2)
			asked.digest[0] ^= 1;
		r = request_of(asked);
		assert_false(request_build(r, &e));
		assert_int_equal(e.code, KD_E_REQUEST);
		if (strncmp(e.msg, cases[i].msg, strlen(cases[i].msg)) != 0)
			fail_msg("%s", e.msg);
	}
}

/* The chain is in each signature, and each signature in the one answer. */
static void
an_answer_that_would_be_too_large_is_refused(void **state)
{
	AUTO(request_free) struct request *r = request_of(plain_item(API_KIND_PE));
	struct kd_err e = {0};

	(void)state;
	assert_true(request_check_size(r, &e));
	assert_in_range(r->expected, 2048, 4096);
	key.chain_der.len = API_ANSWER_MAX / 4 * 3;
	assert_false(request_check_size(r, &e));
	key.chain_der.len = 0;
	assert_int_equal(e.code, KD_E_TOO_LARGE);
	assert_string_equal(e.msg,
	    "items: 1 signatures by key 'driver' make an answer of some 67111656 bytes, "
	    "at most 67108864 allowed");
}

static void
a_format_is_named_in_the_content(void **state)
{
	static const struct {
		enum api_kind kind;
		enum spc_type type;
	} cases[] = {{API_KIND_CABINET, SPC_TYPE_CABINET},
	    {API_KIND_SCRIPT, SPC_TYPE_SCRIPT},
	    {API_KIND_MSI, SPC_TYPE_MSI}};

	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(request_free) struct request *r =
		    request_of(plain_item(cases[i].kind));
		const struct item *it = &r->items[0];
		struct kd_err e = {0};
		struct spc spc;

		assert_true(request_build(r, &e));
		assert_int_equal(it->type, CMS_SPC);
		assert_true(spc_parse(
		    r->der.p + it->content_at, it->content_len, &spc, &e));
		assert_int_equal(spc.type, cases[i].type);
		assert_memory_equal(spc.digest, r->ask.items[0].digest, 32);
		assert_true(it->attrs_len > 0);
	}
}

/* The digest that came is what the token signs: why such a key may do nothing else. */
static void
a_modules_digest_is_signed_as_it_came(void **state)
{
	AUTO(request_free) struct request *r = request_of(plain_item(API_KIND_MODULE));
	const struct item *it = &r->items[0];
	struct kd_err e = {0};

	(void)state;
	assert_true(request_build(r, &e));
	assert_int_equal(it->type, CMS_DETACHED);
	assert_memory_equal(it->tbs, r->ask.items[0].digest, 32);
	assert_int_equal(it->content_len, 0);
	assert_int_equal(it->attrs_len, 0);
	assert_int_equal(r->der.len, 0);
}

static void
without_memory_it_says_so(void **state)
{
	bool done = false;

	(void)state;
	for (long nth = 0; !done; nth++) {
		AUTO(request_free) struct request *paged = request_of(paged_item(1));
		AUTO(request_free) struct request *catalog = request_of(catalog_item(1));
		struct kd_err e = {0};

		kd_alloc_fail_at(nth);
		done = request_build(paged, &e) && request_build(catalog, &e);
		kd_alloc_fail_at(-1);
		if (!done)
			assert_int_equal(e.code, KD_E_NOMEM);
		assert_true(nth < 200);
	}
}

int
main(void)
{
	const struct CMUnitTest t[] = {
	    cmocka_unit_test(content_of_a_plain_item_is_what_it_always_was),
	    cmocka_unit_test(everything_that_is_asked_makes_other_content),
	    cmocka_unit_test(page_hashes_are_built_into_the_content),
	    cmocka_unit_test(a_catalogs_ctl_is_the_content_itself),
	    cmocka_unit_test(what_cannot_be_signed_is_refused_by_its_member),
	    cmocka_unit_test(a_format_is_named_in_the_content),
	    cmocka_unit_test(a_modules_digest_is_signed_as_it_came),
	    cmocka_unit_test(without_memory_it_says_so),
	    cmocka_unit_test(an_answer_that_would_be_too_large_is_refused),
	};

	return cmocka_run_group_tests_name("request_build", t, NULL, NULL);
}
