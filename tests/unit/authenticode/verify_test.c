/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/verify_test.c - whole files: our verdict, and those of judges
 * that are not ours. */
#include "authenticode/verify.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "authenticode/pe_embed.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "tests/unit/authenticode/demo_pki.h"
#include "tests/unit/authenticode/pe_make.h"

#define SIGNED_CAP 16384

static const struct pe_make shape = {.plus = true};
static const struct demo_signature rsa = {
    "rsa2048", "rsa2048.chain", MD_SHA256, "Häppy driver", "https://example.org/"};

/* in's image with one signature into to; what is signed is the digest xor spoil. */
static void
sign_file(int in, const struct demo_signature *how, uint8_t spoil, int to)
{
	AUTO(buf_clear) struct buf cms = {0};
	struct pe_digest d = {.md = {how->md}};
	struct kd_err e = {0};
	struct pe pe;

	assert_true(pe_open(in, &pe, &e));
	assert_true(pe_digest(in, &pe, &d, &e));
	d.digest[0][0] ^= spoil;
	demo_cms(how, d.digest[0], &cms, NULL);
	assert_true(pe_embed(in, &pe, &d, cms.p, cms.len, to, &e));
}

/* The same of a made image, in memory. Returns the length. */
static size_t
make_signed(const struct pe_make *image, const struct demo_signature *how, uint8_t spoil,
    uint8_t out[SIGNED_CAP])
{
	uint8_t b[PE_MAKE_CAP];
	int in = pe_make_fd(b, pe_make(image, b)), to = pe_make_fd("", 0);
	size_t n;

	sign_file(in, how, spoil, to);
	n = pe_make_slurp(to, out, SIGNED_CAP);
	close(in);
	close(to);
	return n;
}

/* With these roots for signers and timestamps alike. */
static bool
verify_fd(int fd, const struct certs *roots, int64_t at, struct verify_report *r,
    struct kd_err *e)
{
	const struct verify_options o = {.roots = roots, .tsa_roots = roots, .at = at};

	return verify_file(fd, &o, r, e);
}

static bool
verify_bytes(const uint8_t *p, size_t n, const char *root, struct verify_report *r,
    struct kd_err *e)
{
	AUTO(certs_free) struct certs *roots = demo_certs(root);
	int fd = pe_make_fd(p, n);
	bool ok = verify_fd(fd, roots, (int64_t)time(NULL), r, e);

	close(fd);
	return ok;
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
#define STEPS(s) steps((s), (char[512]){0})
#define BODY                                                                             \
	"ok format, ok digest algorithms, ok image digest, ok message digest, ok "       \
	"signature"
#define TRUST ", ok chain, ok validity, ok extended key usage, ok key usage"

static void
judge_with_osslsigncode(const char *path, const char *root, bool good)
{
	if (!demo_have("osslsigncode")) {
		print_message("# not judged: osslsigncode is absent\n");
		return;
	}
	assert_int_equal(
	    demo_run("osslsigncode verify -CAfile %s -in %s", DEMO(root), path) == 0,
	    good);
}

static void
every_key_and_digest_is_accepted_by_all_judges(void **state)
{
	static const char *const keys[] = {
	    "rsa2048", "rsa3072", "rsa4096", "p256", "p384"};
	static const enum md mds[] = {MD_SHA256, MD_SHA1, MD_SHA384, MD_SHA512};
	(void)state;

	for (size_t k = 0; k < KD_ARRAY_LEN(keys); k++) {
		for (size_t m = 0; m < KD_ARRAY_LEN(mds); m++) {
			AUTO(verify_report_clear) struct verify_report r = {0};
			uint8_t file[SIGNED_CAP];
			char chain[32], path[512];
			struct demo_signature how = {keys[k], chain, mds[m],
			    m % 2 == 0 ? "Häppy driver Ω" : NULL,
			    m < 2 ? "https://x.example/" : NULL};
			struct kd_err e = {0};
			size_t n;

			(void)snprintf(chain, sizeof(chain), "%s.chain", keys[k]);
			n = make_signed(&shape, &how, 0, file);
			demo_write("signed.sys", file, n, path);
			if (!verify_bytes(file, n, "root.pem", &r, &e))
				fail_msg("%s", e.msg);
			assert_true(r.ok && r.sigs[0].chain_complete);
			assert_int_equal(r.sigs[0].chain_n, 4);
			assert_string_equal(STEPS(&r.sigs[0]), BODY TRUST);
			judge_with_osslsigncode(path, "root.pem", true);
			judge_with_osslsigncode(path, "other.pem", false);
		}
	}
}

static void
one_flipped_byte_is_refused_by_all_judges(void **state)
{
	AUTO(verify_report_clear) struct verify_report r = {0};
	uint8_t file[SIGNED_CAP];
	size_t n = make_signed(&shape, &rsa, 0, file);
	struct kd_err e = {0};
	char path[512];
	(void)state;

	file[0x300] ^= 1;
	assert_false(verify_bytes(file, n, "root.pem", &r, &e));
	assert_int_equal(e.code, KD_E_NOT_VERIFIED);
	assert_true(strncmp(e.msg, "image digest: signature says sha256 ", 36) == 0);
	assert_string_equal(STEPS(&r.sigs[0]),
	    "ok format, ok digest algorithms, FAILED image digest, ok message digest, ok "
	    "signature" TRUST ", warning checksum");
	demo_write("flipped.sys", file, n, path);
	judge_with_osslsigncode(path, "root.pem", false);
}

/* sbverify judges EFI binaries, not chains (it accepts any --cert), and crashes on an
 * image as bare as the made one. */
static void
sbverify_agrees(void **state)
{
	static const char source[] = "int start(void); int start(void) { return 42; }";
	char c[512], efi[512], done[512];
	uint8_t byte;
	int in, to;
	(void)state;

	if (!demo_have("sbverify") || !demo_have("x86_64-w64-mingw32-gcc")) {
		print_message(
		    "# not judged: sbverify or x86_64-w64-mingw32-gcc is absent\n");
		return; /* cmocka's own skip() counts as failed in TAP */
	}
	demo_write("hello.c", source, sizeof(source) - 1, c);
	demo_write("hello.efi", "", 0, efi);
	demo_write("signed.efi", "", 0, done);
	assert_int_equal(demo_run("x86_64-w64-mingw32-gcc -nostdlib -shared -e start "
				  "-Wl,--subsystem,10 -o %s %s",
			     efi, c),
	    0);
	in = open(efi, O_RDONLY);
	to = open(done, O_RDWR);
	assert_true(in >= 0 && to >= 0);
	sign_file(in, &rsa, 0, to);
	assert_int_equal(demo_run("sbverify --cert %s %s", DEMO("root.pem"), done), 0);
	assert_int_equal(pread(to, &byte, 1, 0x400), 1);
	byte ^= 1;
	assert_int_equal(pwrite(to, &byte, 1, 0x400), 1);
	assert_int_not_equal(
	    demo_run("sbverify --cert %s %s", DEMO("root.pem"), done), 0);
	close(in);
	close(to);
}

static void
odd_images_of_both_widths_verify(void **state)
{
	static const struct pe_make shapes[] = {
	    {.plus = false}, {.plus = true, .overlay = 3}, {.plus = false, .overlay = 8}};
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(shapes); i++) {
		AUTO(verify_report_clear) struct verify_report r = {0};
		uint8_t file[SIGNED_CAP];
		size_t n = make_signed(&shapes[i], &rsa, 0, file);
		struct kd_err e = {0};
		char path[512];

		assert_true(verify_bytes(file, n, "root.pem", &r, &e));
		demo_write("odd.sys", file, n, path);
		judge_with_osslsigncode(path, "root.pem", true);
	}
}

static void
signature_of_another_image_is_refused(void **state)
{
	AUTO(verify_report_clear) struct verify_report r = {0};
	uint8_t file[SIGNED_CAP];
	size_t n = make_signed(&shape, &rsa, 0x80, file);
	struct kd_err e = {0};
	(void)state;

	assert_false(verify_bytes(file, n, "root.pem", &r, &e));
	assert_true(strncmp(e.msg, "image digest: ", 14) == 0);
	assert_false(r.ok);
}

static void
untrusted_root_and_no_root_fail_the_chain_only(void **state)
{
	AUTO(verify_report_clear) struct verify_report r = {0};
	AUTO(verify_report_clear) struct verify_report none = {0};
	uint8_t file[SIGNED_CAP];
	size_t n = make_signed(&shape, &rsa, 0, file);
	struct kd_err e = {0};
	int fd = pe_make_fd(file, n);
	(void)state;

	assert_false(verify_bytes(file, n, "other.pem", &r, &e));
	assert_string_equal(e.msg, "chain: 'CA Root' was issued by 'Verification Root', "
				   "which is neither embedded nor a "
				   "given root");
	assert_false(r.sigs[0].chain_complete);
	assert_int_equal(r.sigs[0].chain_n, 3);
	e = (struct kd_err){0};
	assert_false(verify_fd(fd, NULL, (int64_t)time(NULL), &none, &e));
	assert_string_equal(
	    e.msg, "chain: no trust anchor was given; name one with --root");
	assert_string_equal(STEPS(&none.sigs[0]),
	    BODY ", FAILED chain, ok validity, ok extended key usage, ok key usage");
	close(fd);
}

static void
expired_at_the_time_asked_about(void **state)
{
	AUTO(certs_free) struct certs *roots = demo_certs("root.pem");
	AUTO(verify_report_clear) struct verify_report r = {0};
	uint8_t file[SIGNED_CAP];
	struct kd_err e = {0};
	int fd = pe_make_fd(file, make_signed(&shape, &rsa, 0, file));
	(void)state;

	assert_false(verify_fd(fd, roots, INT64_C(4102444800), &r, &e)); /* 2100-01-01 */
	assert_int_equal(e.code, KD_E_NOT_VERIFIED);
	assert_non_null(strstr(e.msg, "validity: 'Leaf rsa2048' expired at 20"));
	assert_non_null(strstr(e.msg, "; judged at 2100-01-01T00:00:00.000Z"));
	close(fd);
}

static void
inspecting_gives_no_verdict_on_trust(void **state)
{
	AUTO(verify_report_clear) struct verify_report r = {0};
	uint8_t file[SIGNED_CAP];
	struct kd_err e = {0};
	int fd = pe_make_fd(file, make_signed(&shape, &rsa, 0x80, file));
	(void)state;

	assert_true(verify_inspect(fd, NULL, &r, &e));
	assert_string_equal(STEPS(&r.sigs[0]),
	    "ok format, ok digest algorithms, FAILED image digest, ok message digest, ok "
	    "signature");
	assert_string_equal(r.sigs[0].cms.description, "Häppy driver");
	assert_int_equal(r.sigs[0].chain_n, 0);
	assert_int_equal(r.checksum_right, r.pe.checksum);
	close(fd);
}

static void
unsigned_file_is_called_so(void **state)
{
	AUTO(verify_report_clear) struct verify_report r = {0};
	uint8_t b[PE_MAKE_CAP];
	size_t n = pe_make(&shape, b);
	struct kd_err e = {0};
	uint32_t right = 0;
	int fd = pe_make_fd(b, n);
	(void)state;

	assert_false(verify_bytes(b, n, "root.pem", &r, &e));
	assert_int_equal(e.code, KD_E_UNSIGNED);
	assert_true(pe_checksum(fd, &r.pe, &right, &e));
	assert_int_equal(r.checksum_right, right);
	close(fd);
}

static void
other_entry_types_and_garbage_are_a_format_error(void **state)
{
	static const struct {
		size_t off;
		uint8_t value;
		const char *msg;
	} cases[] = {
	    {4, 1, "certificate table entry has revision 0x0201, 0x0200 expected"},
	    {6, 1, "certificate table entry has type 0x0001, 0x0002 (PKCS#7) expected"},
	    {12, 5, "ContentInfo contentType at offset 0x4: tag 0x05, expected 0x06"},
	};
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(verify_report_clear) struct verify_report r = {0};
		uint8_t file[SIGNED_CAP];
		size_t n = make_signed(&shape, &rsa, 0, file);
		struct kd_err e = {0};

		file[MAKE_SIZE + cases[i].off] = cases[i].value;
		assert_false(verify_bytes(file, n, "root.pem", &r, &e));
		assert_int_equal(e.code, KD_E_FORMAT);
		assert_string_equal(e.msg, cases[i].msg);
		assert_int_equal(r.sigs_n, 1);
		assert_string_equal(STEPS(&r.sigs[0]), "FAILED format");
		assert_null(r.sigs[0].cms.certs);
	}
}

/* DigestInfo says SHA-1, the signature around it SHA-256. */
static void
mixed_digest_algorithms_are_refused(void **state)
{
	static const struct demo_signature sha1 = {
	    "rsa2048", "rsa2048.chain", MD_SHA1, NULL, NULL};
	AUTO(verify_report_clear) struct verify_report r = {0};
	AUTO(certs_free) struct certs *certs = demo_certs("rsa2048.chain");
	AUTO(buf_clear) struct buf content = {0};
	AUTO(buf_clear) struct buf attrs = {0};
	AUTO(buf_clear) struct buf cms = {0};
	struct pe_digest d = {.md = {sha1.md}};
	struct cms_signed what;
	uint8_t b[PE_MAKE_CAP], digest[MD_LEN_MAX], sig[1024], file[SIGNED_CAP];
	size_t sig_len, n;
	struct kd_err e = {0};
	struct pe pe;
	int in = pe_make_fd(b, pe_make(&shape, b)), to = pe_make_fd("", 0);
	(void)state;

	assert_true(pe_open(in, &pe, &e) && pe_digest(in, &pe, &d, &e));
	assert_true(spc_build_pe(MD_SHA1, d.digest[0], NULL, 0, &content, &e));
	what = (struct cms_signed){.content = content.p, .content_len = content.len};
	assert_true(cms_build_signed_attrs(MD_SHA256, &what, &attrs, &e));
	assert_true(md_digest(MD_SHA256, attrs.p, attrs.len, digest, &e));
	demo_sign("rsa2048", MD_SHA256, digest, sig, &sig_len);
	assert_true(cms_assemble(
	    MD_SHA256, &what, certs, attrs.p, attrs.len, sig, sig_len, &cms, &e));
	assert_true(pe_embed(in, &pe, &d, cms.p, cms.len, to, &e));
	n = pe_make_slurp(to, file, sizeof(file));
	assert_false(verify_bytes(file, n, "root.pem", &r, &e));
	assert_string_equal(e.msg, "digest algorithms: DigestInfo says sha1, SignerInfo "
				   "sha256, digestAlgorithms sha256; "
				   "one expected");
	close(in);
	close(to);
}

static void
data_after_the_table_and_a_wrong_checksum_are_warnings(void **state)
{
	AUTO(verify_report_clear) struct verify_report r = {0};
	uint8_t file[SIGNED_CAP];
	size_t n = make_signed(&shape, &rsa, 0, file);
	struct kd_err e = {0};
	(void)state;

	file[MAKE_CHECKSUM] ^= 1;
	assert_true(verify_bytes(file, n, "root.pem", &r, &e));
	assert_string_equal(STEPS(&r.sigs[0]), BODY TRUST ", warning checksum");
	verify_report_clear(&r);
	memset(&file[n], 7,
	    16); /* hashed, too: so the digest differs, and the warning says why */
	assert_false(verify_bytes(file, n + 16, "root.pem", &r, &e));
	assert_int_equal(r.trailing, 16);
	assert_string_equal(STEPS(&r.sigs[0]),
	    "ok format, ok digest algorithms, FAILED image digest, ok message digest, ok "
	    "signature" TRUST ", warning trailing data, warning checksum");
}

/*
 * Each byte of a signed file: what we accept although it was changed is what no digest
 * covers.
 */
static void
every_flipped_byte_is_refused_but_the_uncovered(void **state)
{
	AUTO(certs_free) struct certs *roots = demo_certs("root.pem");
	uint8_t file[SIGNED_CAP];
	size_t n = make_signed(&shape, &rsa, 0, file);
	/* behind the table's entry: 30 82 and the ContentInfo's length; then padding */
	size_t at = MAKE_SIZE + 8,
	       end = at + 4 + ((size_t)file[at + 2] << 8 | file[at + 3]);
	(void)state;

	assert_int_equal(file[at + 1], 0x82);
	for (size_t i = 0; i < n; i++) {
		AUTO(verify_report_clear) struct verify_report r = {0};
		struct kd_err e = {0};
		bool checksum = i >= MAKE_CHECKSUM && i < MAKE_CHECKSUM + 4;
		int fd;

		file[i] ^= 1;
		fd = pe_make_fd(file, n);
		if (verify_fd(fd, roots, (int64_t)time(NULL), &r, &e)) {
			if (!checksum && i < end)
				fail_msg("byte %#zx is covered by nothing", i);
			assert_non_null(strstr(STEPS(&r.sigs[0]),
			    checksum ? "warning checksum" : "warning padding"));
		} else {
			assert_false(checksum);
			assert_true(i < end);
			assert_true(e.msg[0] != '\0');
		}
		close(fd);
		file[i] ^= 1;
	}
}

/* The same table twice: both are judged, the first decides. */
static void
second_entry_is_judged_too(void **state)
{
	AUTO(verify_report_clear) struct verify_report r = {0};
	uint8_t file[2 * SIGNED_CAP];
	size_t n = make_signed(&shape, &rsa, 0, file), table = n - MAKE_SIZE;
	struct kd_err e = {0};
	(void)state;

	memcpy(&file[n], &file[MAKE_SIZE], table);
	file[n + table - 16] ^= 1; /* in the second one's signature */
	pe_make_put(file, MAKE_SECDIR_PLUS + 4, 2 * table, 4);
	assert_true(verify_bytes(file, n + table, "root.pem", &r, &e));
	assert_int_equal(r.sigs_n, 2);
	assert_true(r.ok && r.sigs[0].ok);
	assert_false(r.sigs[1].ok);
	assert_string_equal(STEPS(&r.sigs[1]),
	    "ok format, ok digest algorithms, ok image digest, ok message digest, FAILED "
	    "signature" TRUST);
	assert_non_null(strstr(STEPS(&r.sigs[0]), "warning checksum"));
}

static void
damaged_table_is_refused_in_bounded_ways(void **state)
{
	AUTO(certs_free) struct certs *roots = demo_certs("root.pem");
	uint8_t file[SIGNED_CAP];
	size_t n = make_signed(&shape, &rsa, 0, file);
	(void)state;

	for (size_t i = MAKE_SIZE; i < n; i += 3) {
		AUTO(verify_report_clear) struct verify_report r = {0};
		struct kd_err e = {0};
		int fd;

		file[i] ^= (uint8_t)(1 << (i % 8));
		fd = pe_make_fd(file, n);
		if (!verify_fd(fd, roots, (int64_t)time(NULL), &r, &e)) {
			assert_true(e.code == KD_E_FORMAT ||
				    e.code == KD_E_NOT_VERIFIED || e.code == KD_E_LIMIT);
			assert_true(e.msg[0] != '\0');
		}
		file[i] ^= (uint8_t)(1 << (i % 8));
		close(fd);
	}
}

static void
verifying_without_memory_is_an_ordinary_error(void **state)
{
	AUTO(certs_free) struct certs *roots = demo_certs("root.pem");
	uint8_t file[SIGNED_CAP];
	int fd = pe_make_fd(file, make_signed(&shape, &rsa, 0, file));
	bool done = false;
	(void)state;

	for (long nth = 0; !done; nth++) {
		AUTO(verify_report_clear) struct verify_report r = {0};
		struct kd_err e = {0};

		kd_alloc_fail_at(nth);
		done = verify_fd(fd, roots, (int64_t)time(NULL), &r, &e);
		kd_alloc_fail_at(-1);
		if (!done)
			assert_int_equal(e.code, KD_E_NOMEM);
		assert_true(nth < 200);
	}
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_key_and_digest_is_accepted_by_all_judges),
	    cmocka_unit_test(one_flipped_byte_is_refused_by_all_judges),
	    cmocka_unit_test(sbverify_agrees),
	    cmocka_unit_test(odd_images_of_both_widths_verify),
	    cmocka_unit_test(signature_of_another_image_is_refused),
	    cmocka_unit_test(untrusted_root_and_no_root_fail_the_chain_only),
	    cmocka_unit_test(expired_at_the_time_asked_about),
	    cmocka_unit_test(inspecting_gives_no_verdict_on_trust),
	    cmocka_unit_test(unsigned_file_is_called_so),
	    cmocka_unit_test(other_entry_types_and_garbage_are_a_format_error),
	    cmocka_unit_test(mixed_digest_algorithms_are_refused),
	    cmocka_unit_test(data_after_the_table_and_a_wrong_checksum_are_warnings),
	    cmocka_unit_test(every_flipped_byte_is_refused_but_the_uncovered),
	    cmocka_unit_test(second_entry_is_judged_too),
	    cmocka_unit_test(damaged_table_is_refused_in_bounded_ways),
	    cmocka_unit_test(verifying_without_memory_is_an_ordinary_error),
	};

	return cmocka_run_group_tests_name("verify", tests, NULL, NULL);
}
