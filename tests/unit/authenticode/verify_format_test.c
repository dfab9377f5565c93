/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/verify_format_test.c - cabinets and kernel modules through the
 * verifier: the steps, and what fails them. */
#include "authenticode/verify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/own.h"
#include "tests/unit/authenticode/cab_make.h"
#include "tests/unit/authenticode/demo_pki.h"
#include "tests/unit/authenticode/format_file_make.h"

#define ELF "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\1\0\x3e\0" /* all of a module that is read */
#define ELF_LEN 20
#define LATER ((int64_t)4000000000) /* 2096: every certificate has expired */

static const struct demo_signature rsa = {"rsa2048", "rsa2048.chain", MD_SHA256, NULL, NULL};

/* A cabinet's content, when it is not spc_build's own: for the digest that is in it. */
typedef void content_fn(enum md md, const uint8_t *digest, struct buf *ret);

static void
own_content(enum md md, const uint8_t *digest, struct buf *ret)
{
	struct kd_err e = {0};

	assert_true(spc_build(SPC_TYPE_CABINET, md, digest, ret, &e));
}

static int
plain_cabinet(void)
{
	AUTO(buf_clear) struct buf b = {0};

	cab_make(&(struct cab_make){0}, &b);
	return cab_make_fd(&b);
}

/* A signed one; what is signed is the digest xor spoil. */
static int
make_cabinet(const struct demo_signature *how, uint8_t spoil, content_fn *content)
{
	AUTO(close) int in = plain_cabinet();
	AUTO(format_file_clear) struct format_file f = {0};
	AUTO(buf_clear) struct buf spc = {0};
	AUTO(buf_clear) struct buf cms = {0};
	struct cms_signed what = {.type = CMS_SPC};
	uint8_t digest[MD_LEN_MAX];
	struct kd_err e = {0};

	format_make_open(&format_cabinet, in, NULL, &f);
	assert_true(f.format->digest(in, &f, how->md, digest, &e));
	digest[0] ^= spoil;
	content(how->md, digest, &spc);
	what.content = spc.p;
	what.content_len = spc.len;
	demo_cms_over(how, &what, &cms);
	return format_make_embed(&format_cabinet, in, NULL, cms.p, cms.len);
}

static int
make_module(const struct demo_signature *how, uint8_t spoil)
{
	static const struct cms_signed what = {.type = CMS_DETACHED};
	AUTO(certs_free) struct certs *certs = demo_certs(how->certs);
	AUTO(close) int in = format_make_fd(ELF, ELF_LEN);
	AUTO(buf_clear) struct buf cms = {0};
	uint8_t digest[MD_LEN_MAX], sig[1024];
	struct kd_err e = {0};
	size_t sig_len;

	assert_true(md_digest(how->md, ELF, ELF_LEN, digest, &e));
	digest[0] ^= spoil;
	demo_sign(how->key, how->md, digest, sig, &sig_len);
	assert_true(cms_assemble(how->md, &what, certs, NULL, 0, sig, sig_len, &cms, &e));
	return format_make_embed(&format_module, in, NULL, cms.p, cms.len);
}

/* The steps as "ok format, FAILED chain, ...". */
static const char *
steps(const struct verify_signature *s, char dst[512])
{
	static const char *const results[] = {"ok", "FAILED", "skipped", "warning"};
	size_t len = 0;

	dst[0] = '\0';
	for (size_t i = 0; i < s->steps_n && len < 512; i++) {
		assert_true(s->steps[i].detail[0] != '\0');
		len += (size_t)snprintf(&dst[len], 512 - len, "%s%s %s",
		    i == 0 ? "" : ", ", results[s->steps[i].result], s->steps[i].name);
	}
	return dst;
}
#define STEPS(r) steps(&(r)->sigs[0], (char[512]){0})
#define BODY                                                                             \
	"ok format, ok digest algorithms, ok file digest, ok message digest, ok "        \
	"signature"
#define TRUST ", ok chain, ok validity, ok extended key usage, ok key usage"

struct trusted { /* blank-separated names of certificates; NULL: none */
	const char *roots, *signers;
	int64_t at; /* 0: now */
};

static bool
verify(int fd, const struct trusted *t, struct verify_report *r, struct kd_err *e)
{
	AUTO(certs_free) struct certs *roots = demo_certs(t->roots);
	AUTO(certs_free) struct certs *signers =
	    t->signers != NULL ? demo_certs(t->signers) : NULL;
	const struct verify_options o = {.roots = roots,
	    .tsa_roots = roots,
	    .signers = signers,
	    .at = t->at != 0 ? t->at : (int64_t)time(NULL)};

	return verify_file(fd, &o, r, e);
}

static void
a_cabinet_has_the_steps_of_a_pe_image(void **state)
{
	static const struct trusted root = {.roots = "root.pem"};
	static const enum md mds[] = {MD_SHA1, MD_SHA256, MD_SHA384, MD_SHA512};

	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(mds); i++) {
		AUTO(verify_report_clear) struct verify_report r = {0};
		struct demo_signature how = rsa;
		struct kd_err e = {0};
		int fd;

		how.md = mds[i];
		fd = make_cabinet(&how, 0, own_content);
		if (!verify(fd, &root, &r, &e))
			fail_msg("%s", e.msg);
		assert_int_equal(r.subject, VERIFY_FORMAT);
		assert_ptr_equal(r.file.format, &format_cabinet);
		assert_string_equal(STEPS(&r), BODY TRUST ", warning EV certificate");
		close(fd);
	}
}

static void
an_unsigned_one_says_so(void **state)
{
	static const struct trusted root = {.roots = "root.pem"};
	AUTO(verify_report_clear) struct verify_report r = {0};
	AUTO(close) int fd = plain_cabinet();
	struct kd_err e = {0};

	(void)state;
	assert_false(verify(fd, &root, &r, &e));
	assert_int_equal(e.code, KD_E_UNSIGNED);
	assert_int_equal(r.subject, VERIFY_FORMAT);
}

static void
another_digest_is_refused(void **state)
{
	static const struct trusted root = {.roots = "root.pem"};
	AUTO(verify_report_clear) struct verify_report r = {0};
	AUTO(close) int fd = make_cabinet(&rsa, 1, own_content);
	struct kd_err e = {0};

	(void)state;
	assert_false(verify(fd, &root, &r, &e));
	assert_int_equal(e.code, KD_E_NOT_VERIFIED);
	assert_non_null(strstr(e.msg, "file digest: signature says sha256 "));
	assert_false(r.sigs[0].intact);
	assert_string_equal(STEPS(&r),
	    "ok format, ok digest algorithms, FAILED file digest, ok message digest, ok "
	    "signature" TRUST ", warning EV certificate");
}

static void
script_content(enum md md, const uint8_t *digest, struct buf *ret)
{
	struct kd_err e = {0};

	assert_true(spc_build(SPC_TYPE_SCRIPT, md, digest, ret, &e));
}

static void
pe_content(enum md md, const uint8_t *digest, struct buf *ret)
{
	struct kd_err e = {0};

	assert_true(spc_build_pe(md, digest, NULL, 0, ret, &e));
}

static void
a_signature_of_another_type_is_refused(void **state)
{
	static const struct trusted root = {.roots = "root.pem"};
	static const struct {
		content_fn *content;
		const char *oid;
	} cases[] = {
	    {script_content, "1.3.6.1.4.1.311.2.1.30"}, {pe_content, "1.3.6.1.4.1.311.2.1.15"}};

	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(verify_report_clear) struct verify_report r = {0};
		AUTO(close) int fd = make_cabinet(&rsa, 0, cases[i].content);
		struct kd_err e = {0};
		char want[160];

		assert_false(verify(fd, &root, &r, &e));
		assert_int_equal(e.code, KD_E_FORMAT);
		(void)snprintf(want, sizeof(want),
		    "signature is of data type %s, not that of a file of format cabinet",
		    cases[i].oid);
		assert_string_equal(e.msg, want);
	}
}

/* As signtool writes it: a hash of the length that stands in the header. */
static void
put_length_link(bool right, enum md md, const uint8_t *digest, struct buf *ret)
{
	static const uint8_t head[] = {0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37,
	    0x02, 0x01, 0x1c};
	static const uint8_t moniker_class[] = {0xa6, 0xb5, 0x86, 0xd5, 0xb4, 0xa1, 0x24,
	    0x66, 0xae, 0x05, 0xa2, 0x17, 0xda, 0x8e, 0x60, 0xd6};
	static const uint8_t type[] = {0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37,
	    0x02, 0x05, 0x01};
	uint32_t len = CAB_MAKE_LEN + 24 + !right;
	uint8_t hash[MD_LEN_MAX], said[4] = {(uint8_t)len, (uint8_t)(len >> 8)};
	AUTO(buf_clear) struct buf own = {0};
	size_t all, data, link, octets, set, pair, values;
	struct rd r, body;
	struct tlv content, link_data, info;
	struct kd_err e = {0};

	own_content(md, digest, &own);
	r = rd_init(own.p, own.len);
	assert_true(der_want(&r, DER_SEQUENCE, "content", &content, &e));
	body = content.body;
	assert_true(der_want(&body, DER_SEQUENCE, "data", &link_data, &e));
	assert_true(der_want(&body, DER_SEQUENCE, "DigestInfo", &info, &e));
	assert_true(md_digest(MD_SHA1, said, sizeof(said), hash, &e));
	all = der_begin(ret, DER_SEQUENCE);
	data = der_begin(ret, DER_SEQUENCE);
	buf_add(ret, head, sizeof(head));
	link = der_begin(ret, DER_C1);
	der_put(ret, DER_OCTET_STRING, moniker_class, sizeof(moniker_class));
	octets = der_begin(ret, DER_OCTET_STRING);
	set = der_begin(ret, DER_SET);
	pair = der_begin(ret, DER_SEQUENCE);
	buf_add(ret, type, sizeof(type));
	values = der_begin(ret, DER_SET);
	der_put(ret, DER_OCTET_STRING, hash, 20);
	der_end(ret, values);
	der_end(ret, pair);
	der_end(ret, set);
	der_end(ret, octets);
	der_end(ret, link);
	der_end(ret, data);
	buf_add(ret, info.p, info.len);
	der_end(ret, all);
}

static void
right_length(enum md md, const uint8_t *digest, struct buf *ret)
{
	put_length_link(true, md, digest, ret);
}

static void
wrong_length(enum md md, const uint8_t *digest, struct buf *ret)
{
	put_length_link(false, md, digest, ret);
}

static void
signtools_length_hash_is_held_against_the_header(void **state)
{
	static const struct trusted root = {.roots = "root.pem"};
	AUTO(verify_report_clear) struct verify_report r = {0}, wrong = {0};
	AUTO(close) int fd = make_cabinet(&rsa, 0, right_length);
	AUTO(close) int bad = make_cabinet(&rsa, 0, wrong_length);
	struct kd_err e = {0};

	(void)state;
	if (!verify(fd, &root, &r, &e))
		fail_msg("%s", e.msg);
	assert_non_null(strstr(STEPS(&r), "ok file digest, ok cabinet length, "));
	assert_false(verify(bad, &root, &wrong, &e));
	assert_string_equal(e.msg,
	    "cabinet length: signature has a hash of another length than the header's");
}

static void
an_ev_certificate_is_noticed(void **state)
{
	static const struct demo_signature how = {"p256", "ev.pem inter.pem cross.pem",
	    MD_SHA256, NULL, NULL};
	static const struct trusted root = {.roots = "root.pem"};
	AUTO(verify_report_clear) struct verify_report r = {0};
	AUTO(close) int fd = make_cabinet(&how, 0, own_content);
	const struct verify_step *last;
	struct kd_err e = {0};

	(void)state;
	if (!verify(fd, &root, &r, &e))
		fail_msg("%s", e.msg);
	last = &r.sigs[0].steps[r.sigs[0].steps_n - 1];
	assert_string_equal(last->name, "EV certificate");
	assert_int_equal(last->result, VERIFY_OK);
	assert_string_equal(last->detail, "policy 2.23.140.1.3 (EV code signing)");
}

static void
a_modules_signature_is_over_its_digest(void **state)
{
	static const struct {
		struct trusted t;
		uint8_t spoil;
		const char *steps, *msg; /* msg NULL: verified */
	} cases[] = {
	    {{.roots = "root.pem", .signers = "rsa2048.chain"}, 0,
		"ok format, ok digest algorithms, ok signature" TRUST, NULL},
	    {{.roots = "rsa2048.pem"}, 0,
		"ok format, ok digest algorithms, ok signature" TRUST, NULL},
	    {{.roots = "rsa2048.pem", .at = LATER}, 0,
		"ok format, ok digest algorithms, ok signature, ok chain, warning validity, "
		"ok extended key usage, ok key usage",
		NULL},
	    {{.roots = "rsa2048.pem"}, 1,
		"ok format, ok digest algorithms, FAILED signature" TRUST, "signature: "},
	    {{.roots = "other.pem", .signers = "rsa2048.chain"}, 0,
		"ok format, ok digest algorithms, ok signature, FAILED chain, ok validity, ok "
		"extended key usage, ok key usage",
		"chain: "},
	    {{.roots = "root.pem"}, 0,
		"ok format, ok digest algorithms, FAILED signature, FAILED chain",
		"signature: the signer's certificate, serial "},
	};

	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(verify_report_clear) struct verify_report r = {0};
		AUTO(close) int fd = make_module(&rsa, cases[i].spoil);
		struct kd_err e = {0};

		if (verify(fd, &cases[i].t, &r, &e) != (cases[i].msg == NULL))
			fail_msg("case %zu: %s", i, e.msg);
		assert_string_equal(STEPS(&r), cases[i].steps);
		if (cases[i].msg != NULL)
			assert_memory_equal(e.msg, cases[i].msg, strlen(cases[i].msg));
	}
}

/* A certificate that is embedded is not added again from the list that names it. */
static void
an_embedded_certificate_does_not_shift_the_signer(void **state)
{
	static const struct trusted t = {
	    .roots = "root.pem", .signers = "inter.pem rsa2048.pem cross.pem"};
	AUTO(verify_report_clear) struct verify_report r = {0};
	AUTO(certs_free) struct certs *inter = demo_certs("inter.pem");
	AUTO(format_file_clear) struct format_file f = {0};
	AUTO(close) int in = format_make_fd(ELF, ELF_LEN);
	AUTO(close) int without = make_module(&rsa, 0);
	AUTO(close) int fd = -1;
	AUTO(buf_clear) struct buf bare = {0};
	AUTO(buf_clear) struct buf cms = {0};
	struct kd_err e = {0};

	(void)state;
	format_make_open(&format_module, without, NULL, &f);
	assert_true(f.format->signature(without, &f, &bare, &e));
	assert_true(cms_add_certs(bare.p, bare.len, inter, &cms, &e));
	fd = format_make_embed(&format_module, in, NULL, cms.p, cms.len);
	if (!verify(fd, &t, &r, &e))
		fail_msg("%s", e.msg);
	assert_string_equal(
	    STEPS(&r), "ok format, ok digest algorithms, ok signature" TRUST);
}

/* What the kernel's own recipe for certificates makes, and one for something else. */
static void
the_kernel_wants_no_extended_key_usage(void **state)
{
	static const struct {
		struct demo_signature how;
		struct trusted t;
		const char *eku;
	} cases[] = {
	    {{"p256", "no-eku.pem", MD_SHA512, NULL, NULL}, {.roots = "no-eku.pem"},
		"ok extended key usage"},
	    {{"p256", "tls.pem", MD_SHA512, NULL, NULL}, {.roots = "tls.pem"},
		"FAILED extended key usage"},
	};

	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(verify_report_clear) struct verify_report r = {0};
		AUTO(close) int fd = make_module(&cases[i].how, 0);
		struct kd_err e = {0};

		assert_int_equal(verify(fd, &cases[i].t, &r, &e), i == 0);
		assert_non_null(strstr(STEPS(&r), cases[i].eku));
	}
}

/* Signed attributes would be something else that the signature is over. */
static void
a_module_with_a_cabinets_signature_is_refused(void **state)
{
	static const struct trusted root = {.roots = "root.pem"};
	AUTO(verify_report_clear) struct verify_report r = {0};
	AUTO(close) int in = format_make_fd(ELF, ELF_LEN);
	AUTO(buf_clear) struct buf cms = {0};
	uint8_t digest[MD_LEN_MAX] = {0};
	struct kd_err e = {0};
	int fd;

	(void)state;
	demo_cms(&rsa, digest, &cms, NULL);
	fd = format_make_embed(&format_module, in, NULL, cms.p, cms.len);
	assert_false(verify(fd, &root, &r, &e));
	assert_int_equal(e.code, KD_E_FORMAT);
	assert_string_equal(e.msg,
	    "content type is 1.3.6.1.4.1.311.2.1.4, there, with signed attributes; "
	    "1.2.840.113549.1.7.1 without content and signed attributes expected");
	close(fd);
}

static void
inspect_has_no_opinion_on_trust(void **state)
{
	AUTO(verify_report_clear) struct verify_report r = {0};
	AUTO(close) int fd = make_module(&rsa, 0);
	struct kd_err e = {0};

	(void)state;
	assert_true(verify_inspect(fd, NULL, &r, &e));
	assert_int_equal(r.sigs_n, 1);
	assert_int_equal(r.sigs[0].chain_n, 0);
}

static void
without_memory_it_says_so(void **state)
{
	AUTO(certs_free) struct certs *roots = demo_certs("root.pem rsa2048.pem");
	AUTO(close) int cab = make_cabinet(&rsa, 0, own_content);
	AUTO(close) int module = make_module(&rsa, 0);
	const struct verify_options o = {
	    .roots = roots, .tsa_roots = roots, .at = (int64_t)time(NULL)};
	bool done = false;

	(void)state;
	for (long nth = 0; !done; nth++) {
		AUTO(verify_report_clear) struct verify_report one = {0}, two = {0};
		struct kd_err e = {0};

		kd_alloc_fail_at(nth);
		done = verify_file(cab, &o, &one, &e) && verify_file(module, &o, &two, &e);
		kd_alloc_fail_at(-1);
		if (!done)
			assert_int_equal(e.code, KD_E_NOMEM);
		assert_true(nth < 2000);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_cabinet_has_the_steps_of_a_pe_image),
	    cmocka_unit_test(an_unsigned_one_says_so),
	    cmocka_unit_test(another_digest_is_refused),
	    cmocka_unit_test(a_signature_of_another_type_is_refused),
	    cmocka_unit_test(signtools_length_hash_is_held_against_the_header),
	    cmocka_unit_test(an_ev_certificate_is_noticed),
	    cmocka_unit_test(a_modules_signature_is_over_its_digest),
	    cmocka_unit_test(an_embedded_certificate_does_not_shift_the_signer),
	    cmocka_unit_test(the_kernel_wants_no_extended_key_usage),
	    cmocka_unit_test(a_module_with_a_cabinets_signature_is_refused),
	    cmocka_unit_test(inspect_has_no_opinion_on_trust),
	    cmocka_unit_test(without_memory_it_says_so),
	};

	return cmocka_run_group_tests_name("verify_format", tests, NULL, NULL);
}
