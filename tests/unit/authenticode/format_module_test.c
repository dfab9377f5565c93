/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/format_module_test.c - kernel modules: the bytes of sign-file,
 * judges that are not ours, damage, and signatures upon signatures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "authenticode/cms.h"
#include "base/file.h"
#include "base/num.h"
#include "tests/unit/authenticode/demo_pki.h"
#include "tests/unit/authenticode/format_file_make.h"

#define SIGN_FILE "/usr/lib/linux-kbuild-*/scripts/sign-file"
#define NO_SIGN_FILE "# skipped: linux-kbuild-6.1 (sign-file) is not here\n"
#define MAGIC "~Module signature appended~\n"
#define ELF "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\1\0\x3e\0" /* all of a module that is read */
#define ELF_LEN 20

/* A module as gcc makes one: its bytes, and where it lies. */
static void
compile(struct buf *ret, char path[512])
{
	static const char source[] =
	    "#define INFO(n, text) static const char n[] __attribute__((section(\".modinfo\"), "
	    "used, aligned(1))) = text\n"
	    "INFO(license, \"license=GPL\");\n"
	    "INFO(name, \"name=hello\");\n"
	    "int init_module(void) { return 0; }\n";
	struct kd_err e = {0};
	char c[512];

	demo_write("hello.c", source, sizeof(source) - 1, c);
	demo_write("hello.ko", "", 0, path);
	assert_int_equal(demo_run("${CC:-gcc} -c -o %s %s", path, c), 0);
	if (!file_read_all(path, 1 << 20, ret, &e))
		fail_msg("%s", e.msg);
}

/* CMS of a detached signature over the file as it is open. */
static void
sign(int fd, const char *key, enum md md, struct buf *ret)
{
	AUTO(format_file_clear) struct format_file f = {0};
	AUTO(certs_free) struct certs *certs = NULL;
	struct cms_signed what = {.type = CMS_DETACHED};
	uint8_t digest[MD_LEN_MAX], sig[1024];
	struct kd_err e = {0};
	char cert[64];
	size_t len;

	(void)snprintf(cert, sizeof(cert), "%s.pem", key);
	certs = demo_certs(cert);
	format_make_open(&format_module, fd, "hello.ko", &f);
	assert_true(format_module.signable(fd, &f, &e));
	assert_true(format_module.digest(fd, &f, md, digest, &e));
	demo_sign(key, md, digest, sig, &len);
	assert_true(cms_assemble(md, &what, certs, NULL, 0, sig, len, ret, &e));
}

static int
signed_file(const struct buf *module, const char *key, enum md md)
{
	AUTO(close) int fd = format_make_fd(module->p, module->len);
	AUTO(buf_clear) struct buf cms = {0};

	sign(fd, key, md, &cms);
	return format_make_embed(&format_module, fd, "hello.ko", cms.p, cms.len);
}

/* Opened, its signature read and checked with that certificate. */
static bool
holds(int fd, const char *cert, struct kd_err *e)
{
	AUTO(format_file_clear) struct format_file f = {0};
	AUTO(certs_free) struct certs *certs = demo_certs(cert);
	AUTO(buf_clear) struct buf der = {0};
	AUTO(cms_clear) struct cms c = {0};
	const struct format *formats[] = {&format_module};
	uint8_t digest[MD_LEN_MAX];

	if (!format_open(fd, "hello.ko", formats, 1, &f, e))
		return false;
	return f.format != NULL && format_module.signature(fd, &f, &der, e) &&
	       cms_parse(der.p, der.len, &c, e) &&
	       format_module.digest(fd, &f, c.md, digest, e) &&
	       cms_check_signature_digest(&c, digest, certs, e);
}

static void
signed_module_is_what_sign_file_writes(void **state)
{
	static const enum md mds[] = {MD_SHA256, MD_SHA512};
	AUTO(buf_clear) struct buf module = {0};
	char path[512];
	(void)state;

	if (demo_run("ls " SIGN_FILE) != 0) {
		print_message(NO_SIGN_FILE);
		return;
	}
	compile(&module, path);
	for (size_t i = 0; i < KD_ARRAY_LEN(mds); i++) {
		AUTO(close) int ours = signed_file(&module, "rsa2048", mds[i]);
		AUTO(buf_clear) struct buf theirs = {0};
		char signed_path[600];
		struct kd_err e = {0};

		(void)snprintf(signed_path, sizeof(signed_path), "%s.signed", path);
		assert_int_equal(demo_run(SIGN_FILE " %s %s %s %s %s", md_name(mds[i]),
				     DEMO("rsa2048.key"), DEMO("rsa2048.pem"), path,
				     signed_path),
		    0);
		assert_true(file_read_all(signed_path, 1 << 20, &theirs, &e));
		format_make_check(ours, theirs.p, theirs.len);
	}
}

static void
modinfo_and_openssl_accept_it(void **state)
{
	static const char *const keys[] = {"rsa4096", "p256"};
	AUTO(buf_clear) struct buf module = {0};
	char path[512], signed_path[512], cms_path[512], cert[64];
	(void)state;

	compile(&module, path);
	for (size_t i = 0; i < KD_ARRAY_LEN(keys); i++) {
		AUTO(close) int fd = signed_file(&module, keys[i], MD_SHA384);
		AUTO(buf_clear) struct buf whole = {0};

		(void)snprintf(cert, sizeof(cert), "%s.pem", keys[i]);
		format_make_slurp(fd, &whole);
		demo_write("signed.ko", whole.p, whole.len, signed_path);
		demo_write("signed.cms", &whole.p[module.len],
		    whole.len - module.len - 40, cms_path);
		assert_int_equal(
		    demo_run("openssl cms -verify -binary -inform DER -in %s -content %s "
			     "-certfile %s -nointern -noverify",
			cms_path, path, DEMO(cert)),
		    0);
		if (demo_run("modinfo -V") != 0) {
			print_message("# skipped: kmod (modinfo) is not here\n");
			continue;
		}
		assert_int_equal(
		    demo_run("test \"$(modinfo -F sig_id %s)\" = 'PKCS#7' && "
			     "test \"$(modinfo -F sig_hashalgo %s)\" = sha384 && "
			     "test \"$(modinfo -F signer %s)\" = 'Code Signing CA' && "
			     "test \"$(modinfo -F name %s)\" = hello",
			signed_path, signed_path, signed_path, signed_path),
		    0);
	}
}

static void
resigning_replaces_and_removing_restores(void **state)
{
	AUTO(buf_clear) struct buf module = {0};
	AUTO(buf_clear) struct buf cms = {0};
	AUTO(buf_clear) struct buf der = {0};
	AUTO(format_file_clear) struct format_file f = {0};
	AUTO(close) int first = -1, second = -1, bare = -1;
	struct kd_err e = {0};
	char path[512];
	(void)state;

	compile(&module, path);
	first = signed_file(&module, "rsa2048", MD_SHA256);
	assert_true(holds(first, "rsa2048.pem", &e));
	sign(first, "p384", MD_SHA512, &cms);
	second = format_make_embed(&format_module, first, "hello.ko", cms.p, cms.len);
	assert_true(holds(second, "p384.pem", &e));
	assert_false(holds(second, "rsa2048.pem", &e));
	format_make_open(&format_module, second, NULL, &f);
	assert_true(f.is_signed);
	e = (struct kd_err){0};
	assert_true(format_module.signature(second, &f, &der, &e));
	assert_int_equal(der.len, cms.len);
	assert_memory_equal(der.p, cms.p, cms.len);
	bare = format_make_embed(&format_module, second, "hello.ko", NULL, 0);
	format_make_check(bare, module.p, module.len);
}

/* The kernel takes it, and so does verify; but nobody should add to it. */
static void
module_signed_twice_verifies_and_is_not_signed_again(void **state)
{
	AUTO(buf_clear) struct buf module = {0};
	AUTO(format_file_clear) struct format_file f = {0};
	AUTO(close) int fd = -1, bare = -1, out = format_make_fd("", 0);
	AUTO(buf_clear) struct buf twice = {0};
	AUTO(buf_clear) struct buf cms = {0};
	struct kd_err e = {0}, embed = {0};
	char path[512];
	(void)state;

	if (demo_run("ls " SIGN_FILE) != 0) {
		print_message(NO_SIGN_FILE);
		return;
	}
	compile(&module, path);
	for (int i = 0; i < 2; i++)
		assert_int_equal(demo_run(SIGN_FILE " sha256 %s %s %s",
				     DEMO("rsa2048.key"), DEMO("rsa2048.pem"), path),
		    0);
	assert_true(file_read_all(path, 1 << 20, &twice, &e));
	fd = format_make_fd(twice.p, twice.len);
	assert_true(holds(fd, "rsa2048.pem", &e));
	format_make_open(&format_module, fd, path, &f);
	assert_false(format_module.signable(fd, &f, &e));
	assert_int_equal(e.code, KD_E_FORMAT);
	assert_true(strncmp(e.msg, "is signed 2 times over: the signature at offset 0x", 50) ==
		    0);
	assert_string_equal(
	    e.hint, "take all of them off with kdsign-client remove, then sign");
	buf_add(&cms, "\x30\0", 2);
	assert_false(format_module.embed(fd, &f, cms.p, cms.len, out, &embed));
	format_make_check(out, "", 0);
	bare = format_make_embed(&format_module, fd, path, NULL, 0);
	format_make_check(bare, module.p, module.len);
}

static void
compressed_module_is_refused_with_the_remedy(void **state)
{
	static const struct {
		const char *name, *msg, *hint;
		const char *bytes;
		size_t len;
	} cases[] = {
	    {"a.ko.xz", "is a compressed module (.ko.xz), whose signature is inside",
		"unpack it (xz -d FILE.ko.xz), sign what comes out, then pack that again "
		"(xz --check=crc32 FILE.ko)",
		"\xfd"
		"7zXZ\0..",
		8},
	    {"x/A.KO.GZ", "is a compressed module (.ko.gz), whose signature is inside",
		"unpack it (gzip -d FILE.ko.gz), sign what comes out, then pack that again "
		"(gzip FILE.ko)",
		"\x1f\x8b\x08", 3},
	    {"a.ko.zst", "is a compressed module (.ko.zst), whose signature is inside",
		"unpack it (zstd -d --rm FILE.ko.zst), sign what comes out, then pack that "
		"again (zstd --rm FILE.ko)",
		"\x28\xb5\x2f\xfd", 4},
	};
	const struct format *formats[] = {&format_module};
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(close) int fd = format_make_fd(cases[i].bytes, cases[i].len);
		AUTO(format_file_clear) struct format_file f = {0};
		AUTO(format_file_clear) struct format_file g = {0};
		struct kd_err e = {0}, other = {0};

		assert_false(format_open(fd, cases[i].name, formats, 1, &f, &e));
		assert_int_equal(e.code, KD_E_FORMAT);
		assert_string_equal(e.msg, cases[i].msg);
		assert_string_equal(e.hint, cases[i].hint);
		assert_true(format_open(fd, "driver.xz", formats, 1, &g, &other));
		assert_null(g.format);
	}
}

static void
what_is_no_module_is_not_taken_for_one(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} cases[] = {
	    {"", 0},
	    {"#!/bin/sh\n", 10},
	    {"\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\x3e\0", ELF_LEN}, /* a program */
	    {"\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\1", 17},              /* cut off */
	    {"\177ELF\2\2\1\0\0\0\0\0\0\0\0\0\1\0\x3e\0", ELF_LEN}, /* wrong end first */
	    {"MZ", 2},
	    {"~Module signature appended~", 27}, /* without its line end */
	};
	const struct format *formats[] = {&format_module};
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(close) int fd = format_make_fd(cases[i].bytes, cases[i].len);
		AUTO(format_file_clear) struct format_file f = {0};
		struct kd_err e = {0};

		assert_true(format_open(fd, "a.ko", formats, 1, &f, &e));
		assert_null(f.format);
	}
}

static void
wrong_trailer_is_refused_by_its_field(void **state)
{
	static const struct {
		uint8_t info[12];
		const char *msg;
	} cases[] = {
	    {{0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 4},
		"module_signature at offset 0x18: id_type is 1, expected 2 (PKCS #7, the "
		"only one since Linux 4.3)"},
	    {{1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 4},
		"module_signature at offset 0x18: a field beside id_type and sig_len is not "
		"zero"},
	    {{0, 0, 2, 0, 0, 0, 0, 1, 0, 0, 0, 4},
		"module_signature at offset 0x18: a field beside id_type and sig_len is not "
		"zero"},
	    {{0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		"module_signature at offset 0x18: sig_len is 0, expected 1 to 23 (what lies "
		"in front of it)"},
	    {{0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 24},
		"module_signature at offset 0x18: sig_len is 24, expected 1 to 23 (what "
		"lies in front of it)"},
	    {{0, 0, 2, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff},
		"module_signature at offset 0x18: sig_len is 4294967295, expected 1 to 23 "
		"(what lies in front of it)"},
	};
	const struct format *formats[] = {&format_module};
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(format_file_clear) struct format_file f = {0};
		AUTO(buf_clear) struct buf b = {0};
		AUTO(close) int fd = -1;
		struct kd_err e = {0};

		buf_add(&b, ELF, ELF_LEN);
		buf_add(&b, "\x30\x02\x05\0", 4);
		buf_add(&b, cases[i].info, 12);
		buf_str(&b, MAGIC);
		fd = format_make_fd(b.p, b.len);
		assert_false(format_open(fd, "a.ko", formats, 1, &f, &e));
		assert_int_equal(e.code, KD_E_FORMAT);
		assert_string_equal(e.msg, cases[i].msg);
		assert_null(f.state);
	}
}

/* Bytes behind the ContentInfo would be covered by no digest. */
static void
sig_len_holds_one_content_info_and_no_more(void **state)
{
	AUTO(format_file_clear) struct format_file f = {0};
	AUTO(buf_clear) struct buf der = {0};
	AUTO(close) int fd = -1;
	AUTO(buf_clear) struct buf b = {0};
	struct kd_err e = {0};
	(void)state;

	buf_add(&b, ELF, ELF_LEN);
	buf_add(&b, "\x30\x02\x05\0.\0\0\2\0\0\0\0\0\0\0\0\5" MAGIC, 17 + sizeof(MAGIC) - 1);
	fd = format_make_fd(b.p, b.len);
	format_make_open(&format_module, fd, "a.ko", &f);
	assert_false(format_module.signature(fd, &f, &der, &e));
	assert_int_equal(e.code, KD_E_FORMAT);
	assert_string_equal(e.msg, "sig_len has 1 unexpected bytes at offset 0x18");
	assert_int_equal(der.len, 0);
}

static void
unsigned_module_has_nothing_to_give(void **state)
{
	AUTO(close) int fd = format_make_fd(ELF, ELF_LEN), out = format_make_fd("", 0);
	AUTO(format_file_clear) struct format_file f = {0};
	AUTO(buf_clear) struct buf der = {0};
	struct kd_err e[2] = {{0}};
	(void)state;

	format_make_open(&format_module, fd, NULL, &f);
	assert_false(f.is_signed);
	assert_int_equal(f.size, ELF_LEN);
	assert_false(format_module.signature(fd, &f, &der, &e[0]));
	assert_int_equal(e[0].code, KD_E_UNSIGNED);
	assert_false(format_module.embed(fd, &f, NULL, 0, out, &e[1]));
	assert_int_equal(e[1].code, KD_E_UNSIGNED);
	assert_string_equal(e[1].msg, "has no signature appended");
}

static void
any_flipped_bit_is_noticed(void **state)
{
	static const struct buf tiny = {.p = (uint8_t *)ELF, .len = ELF_LEN};
	AUTO(close) int fd = signed_file(&tiny, "p256", MD_SHA256);
	AUTO(buf_clear) struct buf whole = {0};
	struct kd_err good = {0};
	(void)state;

	assert_true(holds(fd, "p256.pem", &good));
	format_make_slurp(fd, &whole);
	for (size_t i = 0; i < whole.len; i++) {
		AUTO(close) int twin = -1;
		struct kd_err e = {0};

		if (i >= ELF_LEN && i < ELF_LEN + 64)
			continue; /* cms_detached_test does the CMS */
		whole.p[i] ^= 0x10;
		twin = format_make_fd(whole.p, whole.len);
		assert_false(holds(twin, "p256.pem", &e));
		whole.p[i] ^= 0x10;
	}
}

static void
signature_over_a_broken_one_is_not_added_to(void **state)
{
	AUTO(format_file_clear) struct format_file f = {0};
	AUTO(close) int fd = -1;
	AUTO(buf_clear) struct buf b = {0};
	struct kd_err e = {0};
	(void)state;

	buf_add(&b, ELF, ELF_LEN);
	buf_add(&b, "\0\0\1\0\0\0\0\0\0\0\0\2" MAGIC, 12 + sizeof(MAGIC) - 1);
	buf_add(&b, "\x30\0\0\0\2\0\0\0\0\0\0\0\0\2" MAGIC, 14 + sizeof(MAGIC) - 1);
	fd = format_make_fd(b.p, b.len);
	format_make_open(&format_module, fd, NULL, &f);
	assert_false(format_module.signable(fd, &f, &e));
	assert_int_equal(e.code, KD_E_FORMAT);
	assert_string_equal(e.msg, "its signature covers what ends like a signed module at "
				   "offset 0x3c, and is none");
}

/* Each forty-odd bytes a signature of its own, to the end of 64 MiB. */
static void
endless_layers_end_at_their_limit(void **state)
{
	const struct format *formats[] = {&format_module};
	AUTO(format_file_clear) struct format_file f = {0};
	AUTO(buf_clear) struct buf b = {0};
	AUTO(close) int fd = -1;
	struct kd_err e = {0};
	(void)state;

	buf_add(&b, ELF, ELF_LEN);
	for (size_t i = 0; i < 100; i++)
		buf_add(&b, "\x30\0\0\0\2\0\0\0\0\0\0\0\0\2" MAGIC, 14 + sizeof(MAGIC) - 1);
	fd = format_make_fd(b.p, b.len);
	assert_false(format_open(fd, NULL, formats, 1, &f, &e));
	assert_int_equal(e.code, KD_E_LIMIT);
	assert_string_equal(e.msg, "is signed more than 16 times over");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(signed_module_is_what_sign_file_writes),
	    cmocka_unit_test(modinfo_and_openssl_accept_it),
	    cmocka_unit_test(resigning_replaces_and_removing_restores),
	    cmocka_unit_test(module_signed_twice_verifies_and_is_not_signed_again),
	    cmocka_unit_test(compressed_module_is_refused_with_the_remedy),
	    cmocka_unit_test(what_is_no_module_is_not_taken_for_one),
	    cmocka_unit_test(wrong_trailer_is_refused_by_its_field),
	    cmocka_unit_test(sig_len_holds_one_content_info_and_no_more),
	    cmocka_unit_test(unsigned_module_has_nothing_to_give),
	    cmocka_unit_test(any_flipped_bit_is_noticed),
	    cmocka_unit_test(signature_over_a_broken_one_is_not_added_to),
	    cmocka_unit_test(endless_layers_end_at_their_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
