/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/client/sign_pool_test.c - many files signed at once, by a service that the
 * test plays. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "authenticode/cat.h"
#include "authenticode/cms.h"
#include "authenticode/spc.h"
#include "client/sign_pool.h"

#define FILES 250

/* What the played service does with a request. */
enum mood { SIGNS, SIGNS_OTHER_DIGEST, LEAVES_PAGES_OUT, NESTS_UNASKED, REFUSES_ALL, REFUSES_LISTS, FAILS_SECOND_ITEM, LEAVES_PENDING };

static struct {
	enum mood mood;
	EVP_PKEY *key;
	struct certs *certs;
	pthread_mutex_t mu;
	size_t requests, items, largest; /* lock: mu */
	size_t heaviest;                 /* lock: mu; bytes beside the digests */
} service = {.mu = PTHREAD_MUTEX_INITIALIZER};

static char dir[32];
static char *paths[FILES];
static bool page_hashes, whole;
static struct stamper *stamper;
static size_t done_n, done_in_order;
static struct sign_file *done_expected;

static void
put_u16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static void
put_u32(uint8_t *p, unsigned v)
{
	put_u16(p, v & 0xffff);
	put_u16(p + 2, v >> 16);
}

/* The least that is a PE32+ image: headers and one section of 512 bytes. */
static void
write_pe(const char *path, uint8_t salt)
{
	uint8_t b[1024] = "MZ";
	uint8_t *nt = b + 64, *opt = nt + 24, *section = opt + 240;
	FILE *f = fopen(path, "wb");

	put_u32(b + 60, 64);
	memcpy(nt, "PE\0", 4);
	put_u16(nt + 4, 0x8664);
	put_u16(nt + 6, 1);
	put_u16(nt + 20, 240);
	put_u16(nt + 22, 0x22);
	put_u16(opt, 0x20b);
	put_u32(opt + 32, 4096);
	put_u32(opt + 36, 512);
	put_u32(opt + 56, 8192);
	put_u32(opt + 60, 512);
	put_u16(opt + 68, 1);
	put_u32(opt + 108, 16);
	memcpy(section, ".text", 5);
	put_u32(section + 8, 512);
	put_u32(section + 12, 4096);
	put_u32(section + 16, 512);
	put_u32(section + 20, 512);
	memset(b + 512, salt, 512);
	assert_non_null(f);
	assert_int_equal(fwrite(b, 1, sizeof(b), f), sizeof(b));
	assert_int_equal(fclose(f), 0);
}

static void
make_signer(void)
{
	struct kd_err e = {0};
	X509 *x = X509_new();
	uint8_t *der = NULL;
	int len;

	service.key = EVP_EC_gen("P-256");
	assert_non_null(service.key);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x), 7), 1);
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x), -3600));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x), 3600));
	assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN",
			     MBSTRING_ASC, (const unsigned char *)"pool test", -1, -1, 0),
	    1);
	assert_int_equal(X509_set_issuer_name(x, X509_get_subject_name(x)), 1);
	assert_int_equal(X509_set_version(x, 2), 1);
	assert_int_equal(X509_set_pubkey(x, service.key), 1);
	assert_true(X509_sign(x, service.key, EVP_sha256()) > 0);
	len = i2d_X509(x, &der);
	assert_true(len > 0);
	assert_true(certs_new(&service.certs, &e));
	assert_true(certs_add_der(service.certs, der, (size_t)len, &e));
	OPENSSL_free(der);
	X509_free(x);
}

/* What keeper and token do together. */
static void
make_cms(const struct api_item *item, struct buf *ret)
{
	AUTO(buf_clear) struct buf content = {0};
	AUTO(buf_clear) struct buf attrs = {0};
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	struct cms_signed what;
	uint8_t digest[MD_LEN_MAX], sig[128];
	size_t sig_len = sizeof(sig);
	struct kd_err e = {0};

	memcpy(digest, item->digest, sizeof(digest));
	if (service.mood == SIGNS_OTHER_DIGEST)
		digest[0] ^= 1;
	if (item->kind == API_KIND_CATALOG)
		buf_add(&content, item->ctl, item->ctl_len);
	else
		assert_true(spc_build_pe(item->md, digest,
		    service.mood == LEAVES_PAGES_OUT ? NULL : item->page_hashes,
		    item->page_hashes_len, &content, &e));
	if (service.mood == SIGNS_OTHER_DIGEST && item->kind == API_KIND_CATALOG)
		content.p[content.len - 1] ^= 1;
	what = (struct cms_signed){
	    .type = item->kind == API_KIND_CATALOG ? CMS_CTL : CMS_SPC,
	    .content = content.p,
	    .content_len = content.len,
	    .sequence = service.mood == NESTS_UNASKED ? 1 : item->sequence,
	    .description = item->description,
	    .url = item->url};
	assert_true(cms_build_signed_attrs(item->md, &what, &attrs, &e));
	assert_int_equal(
	    EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, service.key), 1);
	assert_int_equal(EVP_DigestSign(ctx, sig, &sig_len, attrs.p, attrs.len), 1);
	EVP_MD_CTX_free(ctx);
	assert_true(cms_assemble(item->md, &what, service.certs, attrs.p, attrs.len, sig,
	    sig_len, ret, &e));
}

static void
answer_item(const struct api_item *item, size_t i, struct api_item_answer *ret)
{
	AUTO(buf_clear) struct buf cms = {0};

	if (service.mood == LEAVES_PENDING) {
		ret->status = API_PENDING;
	} else if (service.mood == FAILS_SECOND_ITEM && i == 1) {
		ret->status = API_FAILED;
		ret->code = KD_E_KEY;
		ret->detail = kd_strdup("token says no");
	} else {
		make_cms(item, &cms);
		ret->status = API_SIGNED;
		ret->cms = buf_take(&cms, &ret->cms_len);
	}
}

static bool
play_service(
    void *self, struct api_sign_request *q, struct api_sign_answer *ret, struct kd_err *e)
{
	size_t bytes = 0;

	(void)self;
	for (size_t i = 0; i < q->items_n; i++)
		bytes += q->items[i].ctl_len + q->items[i].page_hashes_len;
	(void)pthread_mutex_lock(&service.mu);
	if (bytes > service.heaviest)
		service.heaviest = bytes;
	service.requests++;
	service.items += q->items_n;
	if (q->items_n > service.largest)
		service.largest = q->items_n;
	(void)pthread_mutex_unlock(&service.mu);
	assert_string_equal(q->key, "driver");
	if (service.mood == REFUSES_ALL)
		return kd_fail(e, KD_E_DENIED, "no grant");
	for (size_t i = 0; service.mood == REFUSES_LISTS && i < q->items_n; i++)
		if (q->items[i].kind == API_KIND_CATALOG)
			return kd_fail(e, KD_E_DENIED, "items[%zu]: no such kind", i);
	(void)snprintf(ret->key, sizeof(ret->key), "%s", q->key);
	ret->items = kd_alloc_array(q->items_n, sizeof(*ret->items));
	assert_non_null(ret->items);
	for (; ret->items_n < q->items_n; ret->items_n++)
		answer_item(
		    &q->items[ret->items_n], ret->items_n, &ret->items[ret->items_n]);
	return true;
}

static void
count_done(void *self, struct sign_file *f, size_t finished_n)
{
	(void)self;
	assert_true(finished_n > done_n);
	done_in_order += f == &done_expected[done_n];
	done_n++;
}

static void
ignore_tick(void *self, size_t finished_n)
{
	(void)self, (void)finished_n;
}

/* A list that nobody has signed yet, of about that many bytes. */
static void
write_catalog(const char *path, size_t size, uint8_t salt)
{
	AUTO(cat_builder_free) struct cat_builder *b = NULL;
	AUTO(buf_clear) struct buf ctl = {0};
	AUTO(buf_clear) struct buf file = {0};
	AUTO(free) uint8_t *value = kd_alloc(size);
	const uint8_t id[CAT_IDENTIFIER_LEN] = {salt};
	const struct cat_attr attr = {.kind = CAT_ATTR_NAME_VALUE,
	    .name_value = {.name = (const uint8_t *)"\0n",
		.name_len = 2,
		.flags = CAT_NAME_TEXT | CAT_VALUE_BASE64 | CAT_AUTHENTICATED,
		.value = value,
		.value_len = size}};
	struct kd_err e = {0};
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_non_null(value);
	assert_true(cat_builder_new(CAT_V2, &b, &e));
	assert_true(cat_builder_header(b, &attr, &e));
	assert_true(cat_builder_finish(b, id, sizeof(id), 1700000000, &ctl, &e));
	assert_true(cat_wrap(ctl.p, ctl.len, &file, &e));
	assert_int_equal(fwrite(file.p, 1, file.len, f), file.len);
	assert_int_equal(fclose(f), 0);
}

struct run {
	struct plan plan;
	struct sign_file files[FILES];
	struct kd_err e;
};

static void
run_pool(struct run *r, size_t n, size_t jobs, enum mood mood)
{
	const struct sign_options sign = {
	    .md = MD_SHA256,
	    .description = "d",
	    .page_hashes = page_hashes,
	    .stage = whole,
	    .stamper = stamper};
	const struct sign_pool_options o = {
	    .sign = &sign,
	    .key = "driver",
	    .jobs = jobs,
	    .whole = whole,
	    .send = play_service,
	    .done = count_done,
	    .tick = ignore_tick,
	};

	memset(r, 0, sizeof(*r));
	service.mood = mood;
	service.requests = service.items = service.largest = service.heaviest = 0;
	done_n = done_in_order = 0;
	done_expected = r->files;
	assert_true(plan_make(paths, n, NULL, &r->plan, &r->e));
	for (size_t i = 0; i < n; i++)
		r->files[i].plan = &r->plan.v[i];
	assert_true(sign_pool_run(r->files, n, &o, &r->e));
	assert_int_equal(done_n, n);
	assert_int_equal(done_in_order, n);
}

static size_t
size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (size_t)st.st_size : 0;
}

static struct run run; /* too large for a stack */

static void
all_files_are_signed_in_batches(void **state)
{
	(void)state;
	run_pool(&run, FILES, 3, SIGNS);
	for (size_t i = 0; i < FILES; i++) {
		assert_int_equal(run.files[i].state, SIGN_DONE);
		assert_string_equal(run.files[i].key, "driver");
		assert_true(size_of(paths[i]) > 1024 + 8);
		assert_int_equal(size_of(paths[i]) % 8, 0);
	}
	assert_int_equal(service.items, FILES);
	assert_true(service.largest <= SIGN_BATCH_MAX);
	assert_true(service.requests <= FILES);
	plan_clear(&run.plan);
}

/* As a driver package wants it. */
static void
all_files_are_staged_by_one_request(void **state)
{
	(void)state;
	whole = true;
	run_pool(&run, FILES, 3, SIGNS);
	whole = false;
	assert_int_equal(service.requests, 1);
	assert_int_equal(service.items, FILES);
	for (size_t i = 0; i < FILES; i++) {
		struct kd_err e = {0};

		assert_int_equal(run.files[i].state, SIGN_DONE);
		assert_int_equal(size_of(paths[i]), 1024);
		assert_true(size_of(run.files[i].staged.tmp_path) > 1024);
		if (i == 0)
			assert_true(file_replace_commit(&run.files[i].staged, false, &e));
		file_replace_clear(&run.files[i].staged);
	}
	assert_true(size_of(paths[0]) > 1024);
	plan_clear(&run.plan);
}

static void
signature_over_another_digest_is_not_embedded(void **state)
{
	(void)state;
	run_pool(&run, 3, 1, SIGNS_OTHER_DIGEST);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(run.files[i].state, SIGN_FAILED);
		assert_int_equal(run.files[i].err.code, KD_E_PROTOCOL);
		assert_non_null(strstr(run.files[i].err.msg,
		    "signature from the server: signature is over another digest"));
		assert_int_equal(size_of(paths[i]), 1024);
	}
	plan_clear(&run.plan);
}

static void
a_refused_request_is_told_once_and_stops_the_rest(void **state)
{
	size_t told = 0;

	(void)state;
	run_pool(&run, FILES, 2, REFUSES_ALL);
	for (size_t i = 0; i < FILES; i++) {
		assert_int_equal(run.files[i].state, SIGN_FAILED);
		assert_int_equal(run.files[i].err.code, KD_E_DENIED);
		assert_int_equal(size_of(paths[i]), 1024);
		told += !run.files[i].again;
	}
	assert_int_equal(told, 1);
	assert_true(service.requests <= SIGN_SENDERS);
	plan_clear(&run.plan);
}

/* Files that the client may have signed must not suffer from one that it may not. */
static void
a_kind_that_is_not_granted_leaves_the_others_signed(void **state)
{
	size_t told = 0;

	(void)state;
	for (size_t i = 3; i < FILES; i += 5)
		write_catalog(paths[i], 100, (uint8_t)i);
	run_pool(&run, FILES, 3, REFUSES_LISTS);
	for (size_t i = 0; i < FILES; i++) {
		const struct sign_file *f = &run.files[i];

		assert_int_equal(f->state, i % 5 == 3 ? SIGN_FAILED : SIGN_DONE);
		if (f->state == SIGN_DONE)
			continue;
		assert_non_null(strstr(f->err.msg, strrchr(paths[i], '/')));
		assert_non_null(strstr(f->err.msg, "': no such kind"));
		told += !f->again;
	}
	assert_int_equal(told, 1);
	plan_clear(&run.plan);
	/* a package is signed as a whole or not at all */
	whole = true;
	run_pool(&run, 20, 3, REFUSES_LISTS);
	whole = false;
	for (size_t i = 0; i < 20; i++)
		assert_non_null(strstr(run.files[i].err.msg, ".sys': no such kind"));
	plan_clear(&run.plan);
}

static void
one_failed_item_leaves_the_others_signed(void **state)
{
	size_t failed = 0;

	(void)state;
	run_pool(&run, 60, 2, FAILS_SECOND_ITEM);
	for (size_t i = 0; i < 60; i++) {
		if (run.files[i].state == SIGN_DONE)
			continue;
		failed++;
		assert_int_equal(run.files[i].err.code, KD_E_KEY);
		assert_non_null(strstr(run.files[i].err.msg, ".sys': token says no"));
		assert_int_equal(size_of(paths[i]), 1024);
	}
	assert_true(failed < 60);
	assert_true(failed <= service.requests);
	plan_clear(&run.plan);
}

static void
pending_and_unreadable_files_say_so(void **state)
{
	(void)state;
	assert_int_equal(truncate(paths[1], 3), 0);
	assert_int_equal(unlink(paths[2]), 0);
	run_pool(&run, 3, 2, LEAVES_PENDING);
	assert_int_equal(run.files[0].err.code, KD_E_PENDING);
	assert_int_equal(run.files[1].err.code, KD_E_FORMAT);
	assert_int_equal(run.files[2].err.code, KD_E_FILE);
	plan_clear(&run.plan);
}

#define CATALOG_LEN ((size_t)2 << 20)

static void
large_lists_travel_in_several_requests(void **state)
{
	(void)state;
	for (size_t i = 0; i < 10; i++)
		write_catalog(paths[i], i == 4 ? 4 * CATALOG_LEN : CATALOG_LEN, (uint8_t)i);
	run_pool(&run, 12, 4, SIGNS);
	for (size_t i = 0; i < 12; i++) {
		assert_int_equal(run.files[i].state, SIGN_DONE);
		assert_string_equal(
		    run.files[i].subject.kind->name, i < 10 ? "catalog" : "pe");
	}
	assert_true(size_of(paths[0]) > CATALOG_LEN + 200);
	/* one alone may have more than a batch */
	assert_in_range(service.heaviest, 4 * CATALOG_LEN, 4 * CATALOG_LEN + 1000);
	assert_true(service.requests >= 5);
	plan_clear(&run.plan);
}

static void
another_list_is_not_taken(void **state)
{
	(void)state;
	write_catalog(paths[0], 100, 1);
	run_pool(&run, 1, 1, SIGNS_OTHER_DIGEST);
	assert_int_equal(run.files[0].err.code, KD_E_PROTOCOL);
	assert_non_null(strstr(run.files[0].err.msg,
	    "signature from the server: signature is over another list than this one"));
	assert_in_range(size_of(paths[0]), 100, 300);
	plan_clear(&run.plan);
}

static void
page_hashes_are_sent_and_asked_for(void **state)
{
	(void)state;
	page_hashes = true;
	run_pool(&run, 2, 1, SIGNS);
	page_hashes = false;
	assert_int_equal(run.files[0].state, SIGN_DONE);
	assert_int_equal(run.files[1].state, SIGN_DONE);
	assert_in_range(service.heaviest, 3 * 36, 2 * 3 * 36); /* headers, a page, the end */
	plan_clear(&run.plan);
}

static void
what_was_not_asked_for_is_not_embedded(void **state)
{
	(void)state;
	page_hashes = true;
	run_pool(&run, 1, 1, LEAVES_PAGES_OUT);
	page_hashes = false;
	assert_int_equal(run.files[0].err.code, KD_E_PROTOCOL);
	assert_non_null(
	    strstr(run.files[0].err.msg, "signature is without page hashes"));
	plan_clear(&run.plan);
	run_pool(&run, 1, 1, NESTS_UNASKED);
	assert_int_equal(run.files[0].err.code, KD_E_PROTOCOL);
	assert_non_null(strstr(
	    run.files[0].err.msg, "it has sequence number 1, expected 0"));
	assert_int_equal(size_of(paths[0]), 1024);
	plan_clear(&run.plan);
}

/* Nobody listens on port 1: the token must not sign all files for nothing. */
static void
without_an_authority_little_is_signed(void **state)
{
	const char *url = "http://127.0.0.1:1/";
	const struct stamp_options o = {
	    .rfc3161 = {.v = &url, .n = 1}, .timeout_ms = 300};
	struct kd_err e = {0};
	size_t told = 0;

	(void)state;
	assert_true(stamper_new(&o, NULL, &stamper, &e));
	run_pool(&run, FILES, 8, SIGNS);
	stamper_free(STEAL(stamper));
	assert_in_range(service.items, 1, 2 * SIGN_UNSTAMPED_MAX);
	for (size_t i = 0; i < FILES; i++) {
		assert_int_equal(run.files[i].state, SIGN_FAILED);
		assert_int_equal(run.files[i].err.code, KD_E_TIMESTAMP);
		assert_int_equal(size_of(paths[i]), 1024);
		told += !run.files[i].again;
	}
	assert_true(told <= service.items + 1);
	plan_clear(&run.plan);
}

static int
set_up(void **state)
{
	char path[64];

	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/kdsign-pool.XXXXXX");
	assert_non_null(mkdtemp(dir));
	for (size_t i = 0; i < FILES; i++) {
		(void)snprintf(path, sizeof(path), "%s/%zu.sys", dir, i);
		paths[i] = strdup(path);
		write_pe(path, (uint8_t)i);
	}
	return 0;
}

/* Also proves that no temporary file was left: rmdir would fail. */
static int
tear_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < FILES; i++) {
		(void)unlink(paths[i]);
		free(paths[i]);
	}
	return rmdir(dir);
}

static int
make_service(void **state)
{
	(void)state;
	make_signer();
	return 0;
}

static int
drop_service(void **state)
{
	(void)state;
	EVP_PKEY_free(service.key);
	certs_free(service.certs);
	return 0;
}

#define POOL_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest t[] = {
	    POOL_TEST(all_files_are_signed_in_batches),
	    POOL_TEST(signature_over_another_digest_is_not_embedded),
	    POOL_TEST(a_refused_request_is_told_once_and_stops_the_rest),
	    POOL_TEST(a_kind_that_is_not_granted_leaves_the_others_signed),
	    POOL_TEST(one_failed_item_leaves_the_others_signed),
	    POOL_TEST(all_files_are_staged_by_one_request),
	    POOL_TEST(large_lists_travel_in_several_requests),
	    POOL_TEST(another_list_is_not_taken),
	    POOL_TEST(page_hashes_are_sent_and_asked_for),
	    POOL_TEST(what_was_not_asked_for_is_not_embedded),
	    POOL_TEST(without_an_authority_little_is_signed),
	    POOL_TEST(pending_and_unreadable_files_say_so),
	};

	return cmocka_run_group_tests_name(
	    "client/sign_pool", t, make_service, drop_service);
}
