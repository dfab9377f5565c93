/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/client/msi_test.c - MSI as a format: what is signed of it, what is put in and what
 * is refused. tests/e2e/msi.t has the judges that are not ours. */
#include "client/msi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "authenticode/cfb.h"
#include "authenticode/cms_edit.h"
#include "authenticode/msi_digest.h"
#include "base/file.h"
#include "base/num.h"
#include "tests/unit/authenticode/demo_pki.h"
#include "tests/unit/authenticode/format_file_make.h"

/* Two storages, one in the other, and streams of all kinds, made by libgsf's writer. */
static int
nested(void)
{
	AUTO(buf_clear) struct buf path = {0}, b = {0};
	const char *srcdir = getenv("srcdir");
	struct kd_err e = {0};

	buf_printf(&path, "%s/fuzz/corpus/cfb/nested", srcdir != NULL ? srcdir : ".");
	assert_true(file_read_all(buf_cstr(&path), (size_t)1 << 20, &b, &e));
	return format_make_fd(b.p, b.len);
}

static void
digest_of(int fd, enum md md, uint8_t ret[MD_LEN_MAX])
{
	AUTO(format_file_clear) struct format_file f = {0};
	struct kd_err e = {0};

	format_make_open(&format_msi, fd, NULL, &f);
	assert_true(format_msi.digest(fd, &f, md, ret, &e));
}

static void
make_cms(int fd, enum md md, unsigned sequence, struct buf *ret)
{
	const struct demo_signature how = {.key = "p256", .certs = "p256.chain", .md = md};
	AUTO(buf_clear) struct buf content = {0};
	struct cms_signed what = {.type = CMS_SPC, .sequence = sequence};
	uint8_t digest[MD_LEN_MAX];
	struct kd_err e = {0};

	digest_of(fd, md, digest);
	assert_true(spc_build(SPC_TYPE_MSI, md, digest, &content, &e));
	what.content = content.p;
	what.content_len = content.len;
	demo_cms_over(&how, &what, ret);
}

static int
signed_by(int fd, enum md md)
{
	AUTO(buf_clear) struct buf cms = {0};

	make_cms(fd, md, 0, &cms);
	return format_make_embed(&format_msi, fd, NULL, cms.p, cms.len);
}

/* Where the entry of a stream or storage with an ASCII name stands in a file of 512-byte
 * sectors. */
static size_t
entry_at(const struct buf *b, const char *name)
{
	uint8_t want[64] = {0};
	const uint8_t *p;

	for (size_t i = 0; name[i] != '\0'; i++)
		want[2 * i] = (uint8_t)name[i];
	for (size_t at = 0; at < b->len; at += CFB_ENTRY_LEN) {
		p = &b->p[at];
		if (memcmp(p, want, 2 * strlen(name) + 2) == 0)
			return at;
	}
	fail_msg("no entry %s", name);
	return 0;
}

static void
signature_and_facts_are_put_in_and_taken_out(void **state)
{
	static const enum md mds[] = {MD_SHA1, MD_SHA256, MD_SHA384, MD_SHA512};

	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(mds); i++) {
		AUTO(close) int fd = nested(), with = signed_by(fd, mds[i]), again = -1,
				bare = -1;
		AUTO(format_file_clear) struct format_file f = {0};
		AUTO(buf_clear) struct buf cms = {0};
		uint8_t before[MD_LEN_MAX], now[MD_LEN_MAX];
		struct kd_err e = {0};

		digest_of(fd, mds[i], before);
		format_make_open(&format_msi, with, NULL, &f);
		assert_true(f.is_signed);
		assert_null(f.lacks);
		assert_true(format_msi.digest(with, &f, mds[i], now, &e));
		assert_memory_equal(before, now, md_len(mds[i]));
		assert_true(format_msi.extra(with, &f, mds[i], &e));
		assert_true(format_msi.signature(with, &f, &cms, &e));
		again = format_make_embed(&format_msi, with, NULL, cms.p, cms.len);
		digest_of(again, mds[i], now);
		assert_memory_equal(before, now, md_len(mds[i]));
		bare = format_make_embed(&format_msi, again, NULL, NULL, 0);
		digest_of(bare, mds[i], now);
		assert_memory_equal(before, now, md_len(mds[i]));
	}
}

static void
unsigned_file_has_nothing_to_take_out(void **state)
{
	AUTO(close) int fd = nested(), out = format_make_fd("", 0);
	AUTO(format_file_clear) struct format_file f = {0};
	AUTO(buf_clear) struct buf b = {0};
	struct kd_err e = {0}, remove_err = {0};

	(void)state;
	format_make_open(&format_msi, fd, NULL, &f);
	assert_false(f.is_signed);
	assert_false(format_msi.signature(fd, &f, &b, &e));
	assert_int_equal(e.code, KD_E_UNSIGNED);
	assert_string_equal(e.msg, "has no signature: there is no stream DigitalSignature");
	assert_int_equal(b.len, 0);
	assert_false(format_msi.embed(fd, &f, NULL, 0, out, &remove_err));
	assert_int_equal(remove_err.code, KD_E_UNSIGNED);
}

/* Signed, then one byte of an entry changed: what extra says, and whether the digest differs. */
struct change {
	const char *entry;
	size_t at;
	uint8_t v;
};

static void
what_only_the_facts_cover_is_found_by_them(void **state)
{
	static const struct change changes[] = {{"abc", 4, 'd'}, /* still in the same place */
	    {"aSub", CFB_AT_TIMES, 1}, {"x", CFB_AT_TIMES + 8, 1}, {"ab", CFB_AT_STATE, 1}};

	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(changes); i++) {
		AUTO(close) int bare = nested(), fd = signed_by(bare, MD_SHA256), twin = -1;
		AUTO(format_file_clear) struct format_file f = {0};
		AUTO(buf_clear) struct buf b = {0};
		struct kd_err e = {0};

		format_make_slurp(fd, &b);
		b.p[entry_at(&b, changes[i].entry) + changes[i].at] = changes[i].v;
		twin = format_make_fd(b.p, b.len);
		format_make_open(&format_msi, twin, NULL, &f);
		assert_false(format_msi.extra(twin, &f, MD_SHA256, &e));
		assert_int_equal(e.code, KD_E_NOT_VERIFIED);
		assert_string_equal(e.msg,
		    "names, lengths, times or class ids are not what the stream "
		    "MsiDigitalSignatureEx says: changed since the file was signed");
	}
}

static void
facts_by_another_algorithm_are_no_facts(void **state)
{
	AUTO(close) int bare = nested(), fd = signed_by(bare, MD_SHA1);
	AUTO(format_file_clear) struct format_file f = {0};
	struct kd_err e = {0};

	(void)state;
	format_make_open(&format_msi, fd, NULL, &f);
	assert_false(format_msi.extra(fd, &f, MD_SHA256, &e));
	assert_string_equal(e.msg,
	    "stream MsiDigitalSignatureEx has 20 bytes, expected the 32 of a sha256 digest");
}

static void
nested_signature_by_another_algorithm_is_refused(void **state)
{
	AUTO(close) int bare = nested(), fd = signed_by(bare, MD_SHA256),
			out = format_make_fd("", 0);
	AUTO(format_file_clear) struct format_file f = {0};
	AUTO(buf_clear) struct buf first = {0}, second = {0}, both = {0};
	struct kd_err e = {0};

	(void)state;
	make_cms(fd, MD_SHA256, 0, &first);
	make_cms(fd, MD_SHA1, 1, &second);
	assert_true(cms_add_nested(first.p, first.len, second.p, second.len, &both, &e));
	format_make_open(&format_msi, fd, NULL, &f);
	assert_false(format_msi.embed(fd, &f, both.p, both.len, out, &e));
	assert_int_equal(e.code, KD_E_USAGE);
	assert_string_equal(e.msg,
	    "a sha1 signature beside a sha256 one: MsiDigitalSignatureEx holds one digest only");
	assert_string_equal(e.hint, "sign with --digest sha256, or without --append");
}

static void
other_compound_files_are_told_from_packages(void **state)
{
	AUTO(close) int fd = nested(), doc = -1, text = format_make_fd("MZ", 2);
	AUTO(format_file_clear) struct format_file f = {0};
	AUTO(buf_clear) struct buf b = {0};
	struct kd_err e = {0};

	(void)state;
	assert_false(format_msi.recognise(text, "a.msi"));
	format_make_slurp(fd, &b);
	b.p[entry_at(&b, "Root Entry") + CFB_AT_CLSID] = 0x85;
	doc = format_make_fd(b.p, b.len);
	assert_true(format_msi.recognise(doc, NULL));
	assert_false(format_msi.open(doc, NULL, &f, &e));
	assert_int_equal(e.code, KD_E_FORMAT);
	assert_string_equal(e.msg,
	    "is a compound file with class id {000c1085-...}, expected {000c1084-...}, "
	    "{000c1082-...} or {000c1086-...}: a package, transform or patch of Windows "
	    "Installer");
	assert_string_equal(
	    e.hint, "documents of other programs cannot be signed in this way");
}

static void
storage_in_the_signatures_place_is_refused(void **state)
{
	AUTO(close) int fd = nested(), twin = -1;
	AUTO(format_file_clear) struct format_file f = {0};
	AUTO(buf_clear) struct buf b = {0};
	struct kd_err e = {0};
	size_t at;

	(void)state;
	format_make_slurp(fd, &b);
	at = entry_at(&b, "aSub");
	memcpy(&b.p[at], msi_signature_name, sizeof(msi_signature_name));
	b.p[at + CFB_AT_NAME_LEN] = sizeof(msi_signature_name) + 2;
	twin = format_make_fd(b.p, b.len);
	assert_false(format_msi.open(twin, NULL, &f, &e));
	assert_string_equal(e.msg, "'\\x05DigitalSignature' is a storage, expected a stream");
}

int
main(void)
{
	const struct CMUnitTest t[] = {
	    cmocka_unit_test(signature_and_facts_are_put_in_and_taken_out),
	    cmocka_unit_test(unsigned_file_has_nothing_to_take_out),
	    cmocka_unit_test(what_only_the_facts_cover_is_found_by_them),
	    cmocka_unit_test(facts_by_another_algorithm_are_no_facts),
	    cmocka_unit_test(nested_signature_by_another_algorithm_is_refused),
	    cmocka_unit_test(other_compound_files_are_told_from_packages),
	    cmocka_unit_test(storage_in_the_signatures_place_is_refused),
	};
	return cmocka_run_group_tests_name("msi", t, NULL, NULL);
}
