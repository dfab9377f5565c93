/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/verify_cat_test.c - catalogs made to measure: their signatures,
 * nested ones too, and what they list. */
#include "authenticode/verify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "authenticode/cat_file.h"
#include "authenticode/cms_edit.h"
#include "base/mem.h"
#include "base/num.h"
#include "tests/unit/authenticode/demo_pki.h"
#include "tests/unit/authenticode/pe_make.h"

static const struct demo_signature rsa = {"rsa2048", "rsa2048.chain", MD_SHA256};
static const struct demo_signature ec = {"p256", "p256.chain", MD_SHA1};
static const uint8_t identifier[CAT_IDENTIFIER_LEN] = {7};

/* A file of each kind that a catalog can list. */
static uint8_t image[PE_MAKE_CAP];
static size_t image_len;
static const char text[] = "[Version]\r\n";

static int
image_fd(void)
{
	return pe_make_fd(image, image_len);
}

static int
text_fd(void)
{
	return pe_make_fd(text, sizeof(text) - 1);
}

static int
make_image(void **state)
{
	(void)state;
	image_len = pe_make(&(struct pe_make){.plus = true}, image);
	pe_make_put(image, MAKE_OPT + 60, 0x200, 4); /* SizeOfHeaders */
	return 0;
}

static struct cat_builder *
new_builder(enum cat_version version)
{
	struct cat_builder *b;
	struct kd_err e = {0};

	assert_true(cat_builder_new(version, &b, &e));
	return b;
}

/* As MakeCat lists it, with its name where inf2cat puts that. */
static void
add_file(struct cat_builder *b, enum cat_version version, int fd, const char *name,
    const char *tag)
{
	AUTO(cat_hash_clear) struct cat_hash h = {0};
	struct cat_hash_options o = {.version = version, .page_hashes = tag == NULL};
	struct cat_value file = {"File", 0x10010001, name};
	struct cat_file f = {.tag = tag, .hash = &h, .values = &file, .values_n = 1};
	struct kd_err e = {0};

	assert_true(cat_hash(fd, &o, &h, &e));
	assert_true(cat_add_file(b, version, &f, &e));
	close(fd);
}

static void
finish(struct cat_builder *b, struct buf *ret)
{
	struct kd_err e = {0};

	assert_true(cat_builder_finish(
	    b, identifier, sizeof(identifier), 1700000000, ret, &e));
	cat_builder_free(b);
}

static void
make_ctl(enum cat_version version, struct buf *ret)
{
	struct cat_builder *b = new_builder(version);

	add_file(b, version, image_fd(), "hello.sys", NULL);
	add_file(b, version, text_fd(), "hello.inf", NULL);
	finish(b, ret);
}

static void
sign(const struct buf *ctl, const struct demo_signature *how, enum cms_content_type type,
    unsigned sequence, struct buf *ret)
{
	struct cms_signed what = {.type = type,
	    .content = ctl->p,
	    .content_len = ctl->len,
	    .sequence = sequence};

	demo_cms_over(how, &what, ret);
}

static void
nest(struct buf *cat, const struct buf *nested)
{
	AUTO(buf_clear) struct buf out = {0};
	struct kd_err e = {0};

	assert_true(cms_add_nested(cat->p, cat->len, nested->p, nested->len, &out, &e));
	buf_reset(cat);
	buf_add(cat, out.p, out.len);
}

static bool
verify_bytes(const struct buf *cat, struct verify_report *r, struct kd_err *e)
{
	AUTO(certs_free) struct certs *roots = demo_certs("root.pem");
	struct verify_options o = {.roots = roots, .at = (int64_t)time(NULL)};
	AUTO(close) int fd = pe_make_fd(cat->p, cat->len);

	return verify_file(fd, &o, r, e);
}

static const char *
steps(const struct verify_step *s, size_t n, char dst[512])
{
	static const char *const results[] = {"ok", "FAILED", "skipped", "warning"};
	size_t len = 0;

	dst[0] = '\0';
	for (size_t i = 0; i < n && len < 512; i++) {
		assert_true(s[i].detail[0] != '\0');
		len += (size_t)snprintf(&dst[len], 512 - len, "%s%s %s",
		    i == 0 ? "" : ", ", results[s[i].result], s[i].name);
	}
	return dst;
}
#define STEPS(s) steps((s)->steps, (s)->steps_n, (char[512]){0})
#define BODY "ok format, ok digest algorithms, ok message digest, ok signature"
#define TRUST ", ok chain, ok validity, ok extended key usage, ok key usage"

static void
signed_catalogs_of_both_versions_verify(void **state)
{
	(void)state;
	for (enum cat_version v = CAT_V1; v <= CAT_V2; v++) {
		AUTO(verify_report_clear) struct verify_report r = {0};
		AUTO(buf_clear) struct buf ctl = {0};
		AUTO(buf_clear) struct buf cat = {0};
		struct kd_err e = {0};

		make_ctl(v, &ctl);
		sign(&ctl, &rsa, CMS_CTL, 0, &cat);
		if (!verify_bytes(&cat, &r, &e))
			fail_msg("%s", e.msg);
		assert_int_equal(r.subject, VERIFY_CATALOG);
		assert_int_equal(r.sigs_n, 1);
		assert_string_equal(STEPS(&r.sigs[0]), BODY TRUST);
		assert_int_equal(r.cat.version, v);
		assert_int_equal(r.cat.members_n, v == CAT_V1 ? 2 : 4);
	}
}

/* SHA-1 inside, in the two ways that there are: the list left out, or repeated. */
static void
nested_signatures_of_both_forms_are_judged(void **state)
{
	AUTO(verify_report_clear) struct verify_report r = {0};
	AUTO(buf_clear) struct buf ctl = {0};
	AUTO(buf_clear) struct buf cat = {0};
	AUTO(buf_clear) struct buf away = {0};
	AUTO(buf_clear) struct buf again = {0};
	struct kd_err e = {0};
	(void)state;

	make_ctl(CAT_V2, &ctl);
	sign(&ctl, &rsa, CMS_CTL, 0, &cat);
	sign(&ctl, &ec, CMS_CTL_AWAY, 2, &away);
	sign(&ctl, &rsa, CMS_CTL, 1, &again);
	nest(&cat, &away);
	nest(&cat, &again);
	if (!verify_bytes(&cat, &r, &e))
		fail_msg("%s", e.msg);
	assert_int_equal(r.sigs_n, 3);
	assert_string_equal(STEPS(&r.sigs[0]), BODY TRUST ", ok nested signatures");
	for (size_t i = 1; i < 3; i++) {
		assert_true(r.sigs[i].nested && r.sigs[i].ok);
		assert_int_equal(r.sigs[i].index, i);
		assert_int_equal(r.sigs[i].cms.sequence, i);
		assert_string_equal(STEPS(&r.sigs[i]), BODY TRUST);
	}
	assert_null(r.sigs[2].cms.content);
	assert_int_not_equal(r.sigs[1].position, r.sigs[2].position);
}

/* What is nested may be of somebody unknown, but not of something else. */
static void
nested_signature_of_another_list_is_refused(void **state)
{
	static const struct {
		enum cms_content_type type;
		const char *msg;
	} cases[] = {
	    {CMS_CTL_AWAY,
		"nested signatures: signature 1: message digest: attribute says "},
	    {CMS_CTL, "nested signatures: signature 1: format: signs another list than "
		      "the catalog's"},
	};
	AUTO(buf_clear) struct buf ctl = {0};
	AUTO(buf_clear) struct buf other = {0};
	(void)state;

	make_ctl(CAT_V1, &other);
	make_ctl(CAT_V2, &ctl);
	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(verify_report_clear) struct verify_report r = {0};
		AUTO(buf_clear) struct buf cat = {0};
		AUTO(buf_clear) struct buf nested = {0};
		struct kd_err e = {0};

		sign(&ctl, &rsa, CMS_CTL, 0, &cat);
		sign(&other, &rsa, cases[i].type, 1, &nested);
		nest(&cat, &nested);
		assert_false(verify_bytes(&cat, &r, &e));
		assert_int_equal(e.code, KD_E_NOT_VERIFIED);
		assert_true(strncmp(e.msg, cases[i].msg, strlen(cases[i].msg)) == 0);
		assert_false(r.sigs[1].intact);
	}
}

static void
signature_of_something_else_is_no_catalog(void **state)
{
	AUTO(verify_report_clear) struct verify_report r = {0};
	AUTO(verify_report_clear) struct verify_report bare = {0};
	AUTO(buf_clear) struct buf ctl = {0};
	AUTO(buf_clear) struct buf wrapped = {0};
	AUTO(buf_clear) struct buf cms = {0};
	struct kd_err e = {0}, u = {0};
	uint8_t digest[MD_LEN_MAX] = {0};
	(void)state;

	demo_cms(&rsa, digest, &cms, NULL);
	assert_false(verify_bytes(&cms, &r, &e));
	assert_int_equal(e.code, KD_E_FORMAT);
	assert_string_equal(
	    e.msg, "not a catalog: the content is of type 1.3.6.1.4.1.311.2.1.4, "
		   "expected 1.3.6.1.4.1.311.10.1 (CTL)");
	make_ctl(CAT_V2, &ctl);
	assert_true(cat_wrap(ctl.p, ctl.len, &wrapped, &u));
	assert_false(verify_bytes(&wrapped, &bare, &u));
	assert_int_equal(u.code, KD_E_UNSIGNED);
	assert_int_equal(bare.cat.members_n, 4); /* there to look at all the same */
}

static bool
look_up(const struct buf *ctl, int fd, const char *name, struct verify_member *ret,
    struct kd_err *e)
{
	AUTO(cat_clear) struct cat cat = {0};
	struct kd_err parse = {0};
	bool done;

	if (!cat_parse_ctl(ctl->p, ctl->len, &cat, &parse))
		fail_msg("%s", parse.msg);
	done = verify_member(fd, &cat, name, ret, e);
	ret->member = NULL; /* borrowed from cat */
	close(fd);
	return done;
}

static void
files_are_listed_by_every_hash_there_is(void **state)
{
	static const unsigned by[] = {
	    0, VERIFY_BY_SHA1_TEXT, VERIFY_BY_SHA256 | VERIFY_BY_SHA1};
	(void)state;

	for (enum cat_version v = CAT_V1; v <= CAT_V2; v++) {
		AUTO(buf_clear) struct buf ctl = {0};
		struct verify_member pe, flat;
		struct kd_err e = {0};

		make_ctl(v, &ctl);
		assert_true(look_up(&ctl, image_fd(), NULL, &pe, &e));
		assert_int_equal(pe.by, by[v]);
		assert_int_equal(pe.subject, CAT_PE);
		assert_string_equal(
		    STEPS(&pe), "ok listed, ok indirect data, ok page hashes");
		assert_true(look_up(&ctl, text_fd(), NULL, &flat, &e));
		assert_int_equal(flat.by, by[v]);
		assert_int_equal(flat.subject, CAT_FLAT);
		assert_string_equal(STEPS(&flat), "ok listed, ok indirect data");
	}
}

/* In UTF-16 with its NUL, one of the names is as long as a SHA-1, another as a SHA-256,
 * another as version 1's text of a SHA-1. */
static void
file_under_a_name_is_found_by_its_digest(void **state)
{
	static const char *const names[] = {"hashme", "hello.sys", "hello-world.inf",
	    "012345678901234567890123456789012345.sys"};
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(names); i++) {
		struct cat_builder *b = new_builder(CAT_V1);
		AUTO(buf_clear) struct buf ctl = {0};
		struct verify_member m;
		struct kd_err e = {0};

		add_file(b, CAT_V1, text_fd(), "hello.inf", names[i]);
		finish(b, &ctl);
		assert_true(look_up(&ctl, text_fd(), NULL, &m, &e));
		assert_int_equal(m.by, VERIFY_BY_TAG);
		assert_false(look_up(&ctl, image_fd(), names[i], &m, &e));
		assert_non_null(strstr(e.msg, "listed: the catalog lists '"));
		assert_non_null(strstr(e.msg, names[i]));
	}
}

/* The sentences name both digests, and what has happened where a name tells. */
static void
other_content_is_not_listed(void **state)
{
	AUTO(buf_clear) struct buf ctl = {0};
	struct kd_err known = {0}, unknown = {0};
	struct verify_member m;
	(void)state;

	make_ctl(CAT_V2, &ctl);
	assert_false(
	    look_up(&ctl, pe_make_fd("abc", 3), "HELLO.inf", &m, &known));
	assert_int_equal(known.code, KD_E_NOT_VERIFIED);
	assert_non_null(strstr(known.msg,
	    "the file has ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	    ": it has changed since the catalog was made"));
	assert_false(look_up(&ctl, pe_make_fd("abc", 3), "abc.inf", &m, &unknown));
	assert_string_equal(unknown.msg,
	    "listed: none of the catalog's 4 members has the file's sha256 "
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad (of the "
	    "whole file)");
	assert_int_equal(m.by, 0);
	assert_false(m.ok);
}

/* A list that MakeCat never made: the identifier says one thing, what is beside it
 * another. */
static void
make_contradiction(const struct cat_indirect *said, struct buf *ret)
{
	struct cat_builder *b = new_builder(CAT_V2);
	AUTO(cat_hash_clear) struct cat_hash h = {0};
	AUTO(close) int fd = text_fd();
	struct cat_hash_options o = {.version = CAT_V2};
	struct cat_attr attrs[] = {
	    {.kind = CAT_ATTR_MEMBER_INFO2, .subject = said->subject},
	    {.kind = CAT_ATTR_INDIRECT, .indirect = *said},
	};
	struct kd_err e = {0};

	assert_true(cat_hash(fd, &o, &h, &e));
	if (attrs[1].indirect.digest == NULL)
		attrs[1].indirect.digest = h.sha256;
	assert_true(
	    cat_builder_member(b, h.sha256, sizeof(h.sha256), attrs, 2, &e));
	finish(b, ret);
}

static void
members_that_contradict_themselves_are_refused(void **state)
{
	static const uint8_t other[MD_LEN_MAX] = {1};
	static const struct {
		struct cat_indirect said;
		const char *msg;
	} cases[] = {
	    {{.subject = CAT_FLAT, .md = MD_SHA256, .digest = other},
		"indirect data: the member says sha256 0100000000000000"},
	    {{.subject = CAT_FLAT, .md = MD_SHA512, .digest = other},
		"indirect data: its digest is sha512, sha1 or sha256 expected"},
	    {{.subject = CAT_PE, .md = MD_SHA256},
		"indirect data: the catalog says it is a PE image, it is a whole file"},
	};
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(buf_clear) struct buf ctl = {0};
		struct verify_member m;
		struct kd_err e = {0};

		make_contradiction(&cases[i].said, &ctl);
		assert_false(look_up(&ctl, text_fd(), NULL, &m, &e));
		assert_int_equal(e.code, KD_E_NOT_VERIFIED);
		if (strncmp(e.msg, cases[i].msg, strlen(cases[i].msg)) != 0)
			fail_msg("%s", e.msg);
		assert_int_equal(m.by, VERIFY_BY_SHA256);
	}
}

/* The image is as listed, its table of pages is not. */
static void
page_hashes_of_a_member_are_compared(void **state)
{
	AUTO(cat_hash_clear) struct cat_hash h = {0};
	struct cat_hash_options o = {.version = CAT_V2, .page_hashes = true};
	struct cat_builder *b = new_builder(CAT_V2);
	struct cat_file f = {.hash = &h};
	AUTO(buf_clear) struct buf ctl = {0};
	AUTO(close) int fd = image_fd();
	struct verify_member m;
	struct kd_err e = {0};
	(void)state;

	assert_true(cat_hash(fd, &o, &h, &e));
	h.pages.p[36 + 4] ^= 1; /* the second page's hash */
	assert_true(cat_add_file(b, CAT_V2, &f, &e));
	finish(b, &ctl);
	assert_false(look_up(&ctl, image_fd(), NULL, &m, &e));
	assert_true(strncmp(e.msg,
			"page hashes: page at offset 0x200: the table says sha256 ",
			57) == 0);
	assert_string_equal(
	    STEPS(&m), "ok listed, ok indirect data, FAILED page hashes");
}

struct looked_up {
	struct verify_report catalog, file;
};

static void
looked_up_clear(struct looked_up *l)
{
	verify_report_clear(&l->catalog);
	verify_report_clear(&l->file);
}
AUTO_DEFINE_CLEAR(struct looked_up, looked_up_clear);

/* e: of the file, or why the catalog has no list. */
static bool
by_catalog(const struct buf *cat, int fd, const char *root, struct looked_up *l,
    struct kd_err *e)
{
	AUTO(certs_free) struct certs *roots = demo_certs(root);
	struct verify_options o = {.roots = roots, .at = (int64_t)time(NULL)};
	AUTO(close) int cat_fd = pe_make_fd(cat->p, cat->len);
	struct kd_err why = {0};
	bool done = verify_file(cat_fd, &o, &l->catalog, &why);

	assert_int_equal(done, why.code == KD_OK);
	done = l->catalog.cat.ctl != NULL &&
	       verify_by_catalog(fd, &l->catalog, &why, NULL, &l->file, e);
	if (l->catalog.cat.ctl == NULL)
		*e = why;
	close(fd);
	return done;
}

static void
both_the_member_and_the_signature_must_be_right(void **state)
{
	AUTO(looked_up_clear) struct looked_up good = {0};
	AUTO(looked_up_clear) struct looked_up stranger = {0};
	AUTO(looked_up_clear) struct looked_up bare = {0};
	AUTO(looked_up_clear) struct looked_up absent = {0};
	AUTO(looked_up_clear) struct looked_up none = {0};
	AUTO(buf_clear) struct buf ctl = {0};
	AUTO(buf_clear) struct buf cat = {0};
	AUTO(buf_clear) struct buf wrapped = {0};
	AUTO(buf_clear) struct buf garbage = {0};
	struct kd_err e = {0}, s = {0}, u = {0}, a = {0}, g = {0};
	(void)state;

	make_ctl(CAT_V2, &ctl);
	sign(&ctl, &rsa, CMS_CTL, 0, &cat);
	assert_true(by_catalog(&cat, image_fd(), "root.pem", &good, &e));
	assert_true(good.file.ok && good.file.member.ok);
	assert_int_equal(good.file.subject, VERIFY_MEMBER);
	assert_false(by_catalog(&cat, image_fd(), "other.pem", &stranger, &s));
	assert_true(stranger.file.member.ok && !stranger.file.ok);
	assert_true(strncmp(s.msg, "chain: ", 7) == 0);
	assert_true(cat_wrap(ctl.p, ctl.len, &wrapped, &u));
	assert_false(by_catalog(&wrapped, image_fd(), "root.pem", &bare, &u));
	assert_int_equal(u.code, KD_E_UNSIGNED);
	assert_true(bare.file.member.ok && !bare.file.ok);
	assert_false(by_catalog(&cat, pe_make_fd("abc", 3), "root.pem", &absent, &a));
	assert_true(!absent.file.member.ok && !absent.file.ok && absent.catalog.ok);
	buf_str(&garbage, "no catalog");
	assert_false(by_catalog(&garbage, image_fd(), "root.pem", &none, &g));
	assert_int_equal(g.code, KD_E_FORMAT);
}

/* Each byte of the file but the nested signature's trust is covered by something. */
static void
every_flipped_byte_is_refused(void **state)
{
	AUTO(buf_clear) struct buf ctl = {0};
	AUTO(buf_clear) struct buf cat = {0};
	AUTO(buf_clear) struct buf nested = {0};
	(void)state;

	make_ctl(CAT_V2, &ctl);
	sign(&ctl, &rsa, CMS_CTL, 0, &cat);
	sign(&ctl, &ec, CMS_CTL_AWAY, 1, &nested);
	nest(&cat, &nested);
	for (size_t i = 0; i < cat.len; i++) {
		AUTO(verify_report_clear) struct verify_report r = {0};
		struct kd_err e = {0};

		cat.p[i] ^= 1;
		if (verify_bytes(&cat, &r, &e)) {
			/* a certificate of the nested one's chain, whom nobody asks */
			assert_false(r.sigs_n == 2 && r.sigs[1].ok);
		} else {
			assert_true(e.msg[0] != '\0');
			assert_true(e.code == KD_E_NOT_VERIFIED ||
				    e.code == KD_E_FORMAT || e.code == KD_E_LIMIT ||
				    e.code == KD_E_UNSIGNED);
		}
		cat.p[i] ^= 1;
	}
}

static void
verifying_without_memory_is_an_ordinary_error(void **state)
{
	AUTO(certs_free) struct certs *roots = demo_certs("root.pem");
	struct verify_options o = {.roots = roots, .at = (int64_t)time(NULL)};
	AUTO(buf_clear) struct buf ctl = {0};
	AUTO(buf_clear) struct buf cat = {0};
	AUTO(buf_clear) struct buf nested = {0};
	AUTO(close) int fd = image_fd();
	bool done = false;
	(void)state;

	make_ctl(CAT_V2, &ctl);
	sign(&ctl, &rsa, CMS_CTL, 0, &cat);
	sign(&ctl, &ec, CMS_CTL_AWAY, 1, &nested);
	nest(&cat, &nested);
	for (long nth = 0; !done; nth++) {
		AUTO(verify_report_clear) struct verify_report catalog = {0};
		AUTO(verify_report_clear) struct verify_report r = {0};
		AUTO(close) int cat_fd = pe_make_fd(cat.p, cat.len);
		struct kd_err e = {0};

		kd_alloc_fail_at(nth);
		done = verify_file(cat_fd, &o, &catalog, &e) &&
		       verify_by_catalog(fd, &catalog, &e, NULL, &r, &e);
		kd_alloc_fail_at(-1);
		if (!done)
			assert_int_equal(e.code, KD_E_NOMEM);
		assert_int_equal(r.ok, done);
		assert_true(nth < 500);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(signed_catalogs_of_both_versions_verify),
	    cmocka_unit_test(nested_signatures_of_both_forms_are_judged),
	    cmocka_unit_test(nested_signature_of_another_list_is_refused),
	    cmocka_unit_test(signature_of_something_else_is_no_catalog),
	    cmocka_unit_test(files_are_listed_by_every_hash_there_is),
	    cmocka_unit_test(file_under_a_name_is_found_by_its_digest),
	    cmocka_unit_test(other_content_is_not_listed),
	    cmocka_unit_test(members_that_contradict_themselves_are_refused),
	    cmocka_unit_test(page_hashes_of_a_member_are_compared),
	    cmocka_unit_test(both_the_member_and_the_signature_must_be_right),
	    cmocka_unit_test(every_flipped_byte_is_refused),
	    cmocka_unit_test(verifying_without_memory_is_an_ordinary_error),
	};

	return cmocka_run_group_tests_name("verify_cat", tests, make_image, NULL);
}
