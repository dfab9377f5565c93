/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/pe_corpus_test.c - real files: right digests, clear refusals,
 * no crash, little memory. */
#include "config.h"

#include "authenticode/pe_embed.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "authenticode/verify.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/own.h"

/* Files that are not among the sources: KDSIGN_CORPUS names the folder that has
 * pe-signed/ and so on. */
static char corpus[4096];

typedef void file_fn(const char *name, int fd);

/* Calls fn for every file of a folder; skips the test, with a reason, where there is
 * none. */
static void
each_file(const char *folder, file_fn *fn)
{
	char path[sizeof(corpus) + 300];
	struct dirent *d;
	DIR *dir;
	size_t n = 0;

	(void)snprintf(path, sizeof(path), "%s/%s", corpus, folder);
	dir = opendir(path);
	assert_non_null(dir);
	while ((d = readdir(dir)) != NULL) {
		struct kd_err e = {0};
		int fd = -1;

		if (d->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s/%s", corpus, folder, d->d_name);
		if (!file_open_read(path, &fd, NULL, &e))
			fail_msg("%s", e.msg);
		fn(d->d_name, fd);
		close(fd);
		n++;
	}
	closedir(dir);
	assert_true(n > 0);
}

/* The DigestInfo in a signature, found by its fixed bytes behind SPC_PE_IMAGE_DATA: no
 * parser of ours. */
static enum md
signed_digest(const struct pe_cert *c, uint8_t ret[MD_LEN_MAX])
{
	static const uint8_t pe_oid[] = {6, 10, 0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 1, 15};
	static const uint8_t sha1[] = {
	    0x30, 0x21, 0x30, 9, 6, 5, 0x2b, 14, 3, 2, 26, 5, 0, 4, 20};
	static const uint8_t sha256[] = {0x30, 0x31, 0x30, 13, 6, 9, 0x60, 0x86, 0x48, 1,
	    0x65, 3, 4, 2, 1, 5, 0, 4, 32};
	const uint8_t *spc = memmem(c->p, c->len, pe_oid, sizeof(pe_oid)), *at1, *at256;
	size_t left;

	assert_non_null(spc);
	left = c->len - (size_t)(spc - c->p);
	at1 = memmem(spc, left, sha1, sizeof(sha1));
	at256 = memmem(spc, left, sha256, sizeof(sha256));
	if (at256 != NULL && (at1 == NULL || at256 < at1)) {
		memcpy(ret, &at256[sizeof(sha256)], 32);
		return MD_SHA256;
	}
	assert_non_null(at1);
	memcpy(ret, &at1[sizeof(sha1)], 20);
	return MD_SHA1;
}

/* Signatures in the file whose digest is that of the file, and all. */
static void
count_right(const char *name, int fd, size_t *ret_right, size_t *ret_all)
{
	struct pe pe;
	struct pe_digest d = {.md = {MD_SHA1, MD_SHA256}};
	AUTO(pe_certs_clear) struct pe_certs c = {0};
	struct kd_err e = {0};

	if (!pe_open(fd, &pe, &e) || !pe_digest(fd, &pe, &d, &e) ||
	    !pe_certs_read(fd, &pe, &c, &e))
		fail_msg("%s: %s", name, e.msg);
	*ret_all = c.n;
	*ret_right = 0;
	for (size_t i = 0; i < c.n; i++) {
		uint8_t want[MD_LEN_MAX];
		enum md md = signed_digest(&c.v[i], want);

		if (memcmp(d.digest[md == MD_SHA1 ? 0 : 1], want, md_len(md)) == 0)
			++*ret_right;
	}
}

static void
check_signed(const char *name, int fd)
{
	size_t right, all;

	count_right(name, fd, &right, &all);
	if (right != all)
		fail_msg("%s: %zu of %zu digests are right", name, right, all);
}

static void
every_signed_file_has_the_digest_that_was_signed(void **state)
{
	(void)state;
	each_file("pe-signed", check_signed);
}

static void
check_checksum(const char *name, int fd)
{
	struct pe pe;
	struct kd_err e = {0};
	uint32_t sum = 0;

	if (!pe_open(fd, &pe, &e) || !pe_checksum(fd, &pe, &sum, &e))
		fail_msg("%s: %s", name, e.msg);
	if (pe.checksum != sum)
		fail_msg("%s: CheckSum is %#x, computed %#x", name, pe.checksum, sum);
}

static void
checksum_of_every_signed_file_is_the_one_it_carries(void **state)
{
	(void)state;
	each_file("pe-signed", check_checksum);
}

static void
check_unsigned(const char *name, int fd)
{
	struct pe pe;
	struct pe_digest d = {.md = {MD_SHA1, MD_SHA256}};
	struct pe_certs c = {0};
	struct kd_err e = {0};

	if (!pe_open(fd, &pe, &e) || !pe_digest(fd, &pe, &d, &e))
		fail_msg("%s: %s", name, e.msg);
	assert_false(pe_certs_read(fd, &pe, &c, &e));
	assert_int_equal(e.code, KD_E_UNSIGNED);
	if (strcmp(name, "osslsigncode--unsigned.exe") ==
	    0) { /* facts 2, "Test vectors" */
		static const uint8_t sha1[] = {0x80, 0x2f, 0xc5, 0xba, 0x67, 0xa9, 0xb0,
		    0x6d, 0xec, 0x18, 0xa0, 0xd5, 0xa3, 0x80, 0xa8, 0xa5, 0x95, 0x4b,
		    0x5e, 0xf0};
		static const uint8_t sha256[] = {0x2d, 0x2c, 0x7b, 0x38, 0x2c, 0x81, 0x63,
		    0xa4, 0x19, 0xb9, 0xff, 0x21, 0x4a, 0x7b, 0x65, 0x1c, 0x33, 0xf9,
		    0xea, 0x43, 0x33, 0x59, 0x07, 0xf1, 0x13, 0x77, 0x29, 0x0c, 0x51,
		    0x58, 0xa7, 0xa4};

		assert_memory_equal(d.digest[0], sha1, sizeof(sha1));
		assert_memory_equal(d.digest[1], sha256, sizeof(sha256));
	}
}

static void
every_unsigned_file_is_read_and_the_known_one_has_its_known_digest(void **state)
{
	(void)state;
	each_file("pe-unsigned", check_unsigned);
}

/* What each hostile file must get: a refusal with these words, or so many right digests
 * of so many. */
static const struct hostile {
	const char *name;
	const char *msg; /* NULL: is read */
	size_t right, all;
} hostile[] = {
    /* not to be trusted for other reasons than the digest */
    {"uthenticode--YourPhone.exe", NULL, 1, 1},
    {"uthenticode--x86--pegoat-authenticode_duplicated.exe", NULL, 2, 2},
    {"uthenticode--A_SSLippery_Slope.exe", NULL, 1, 1},
    {"rockchip--storahci.sys", NULL, 1, 1},
    {"rockchip--stornvme.sys", NULL, 1, 1},
    {"rockchip--usbehci_nointerlocked.sys", NULL, 1, 1},
    /* changed after signing */
    {"penet--firefox_invalid_x86.exe", NULL, 0, 1},
    /* cut off by an editor of resources */
    {"penet--pidgin_manipulated_Icons.exe",
	"certificate table at offset 0xd2f0 with 6176 bytes ends at 0xeb10; the file "
	"ends at 0xd400",
	0, 0},
    {"penet--pidgin_manipulated_GroupIconDirectory.exe",
	"certificate table at offset 0xd2f0 with 6176 bytes ends at 0xeb10; the file "
	"ends at 0xc600",
	0, 0},
    {"penet--pidgin_manipulated_GroupIconDirectory_withNullIcon.exe",
	"certificate table at offset 0xd2f0 with 6176 bytes ends at 0xeb10; the file "
	"ends at 0xda00",
	0, 0},
    {"penet--pidgin_two_icons_with_same_id.exe",
	"certificate table at offset 0xd2f0 with 6176 bytes ends at 0xeb10; the file "
	"ends at 0xd800",
	0, 0},
    {"penet--pidgin_with_additional_firefox_version_entry.exe",
	"certificate table at offset 0xd2f0 with 6176 bytes ends at 0xeb10; the file "
	"ends at 0xc800",
	0, 0},
    {"penet--pidgin_with_double_iconGroupEntries.exe",
	"certificate table at offset 0xd2f0 with 6176 bytes ends at 0xeb10; the file "
	"ends at 0xc400",
	0, 0},
    {"penet--pidgin_with_iconGroupEntry_without_icon.exe",
	"certificate table at offset 0xd2f0 with 6176 bytes ends at 0xeb10; the file "
	"ends at 0x9e00",
	0, 0},
    {"penet--pidgin_with_one_icon_without_IconGroupDirectoryEntry.exe",
	"certificate table at offset 0xd2f0 with 6176 bytes ends at 0xeb10; the file "
	"ends at 0xd800",
	0, 0},
    {"penet--pidgin_without_groupIconDirectory.exe",
	"certificate table at offset 0xd2f0 with 6176 bytes ends at 0xeb10; the file "
	"ends at 0xc200",
	0, 0},
    /* no images: a DOS program, what fuzzers found */
    {"jsign--MORE.EXE", "e_lfanew at offset 0x3c is 0x126c802e; the file ends at 0x1b1e",
	0, 0},
    {"jsign--clusterfuzz-testcase-AuthenticodeExeSignerFuzzer-5196751134392320.bin",
	"optional header's Magic at offset 0xf8 is 0x0, expected 0x10b (PE32) or 0x20b "
	"(PE32+)",
	0, 0},
    {"jsign--clusterfuzz-testcase-AuthenticodeExeSignerFuzzer-5235978144448512.bin",
	"is empty: there is no byte in it", 0, 0},
};

static void
check_hostile(const char *name, int fd)
{
	const struct hostile *h = NULL;
	struct pe pe;
	struct pe_digest d = {.md = {MD_SHA1, MD_SHA256}};
	AUTO(pe_certs_clear) struct pe_certs c = {0};
	struct kd_err e = {0};
	size_t right, all;

	for (size_t i = 0; i < KD_ARRAY_LEN(hostile); i++)
		if (strcmp(hostile[i].name, name) == 0)
			h = &hostile[i];
	if (h == NULL)
		fail_msg("%s: the test does not say what it must get", name);
	if (pe_open(fd, &pe, &e) && pe_digest(fd, &pe, &d, &e) &&
	    pe_certs_read(fd, &pe, &c, &e)) {
		assert_null(h->msg);
		count_right(name, fd, &right, &all);
		assert_int_equal(right, h->right);
		assert_int_equal(all, h->all);
	} else {
		assert_string_equal(e.msg, h->msg == NULL ? "" : h->msg);
		assert_int_equal(e.code, KD_E_FORMAT);
	}
}

static void
every_hostile_file_gets_its_sentence_or_verdict(void **state)
{
	(void)state;
	each_file("pe-hostile", check_hostile);
}

/* Its digest is right, and yet a loader would map bytes that nobody signed. */
static void
section_over_the_certificate_table_does_not_verify(void **state)
{
	char path[sizeof(corpus) + 64];
	AUTO(verify_report_clear) struct verify_report r = {0};
	struct kd_err e = {0};
	const struct verify_step *found = NULL;
	int opened = -1;

	(void)state;
	(void)snprintf(
	    path, sizeof(path), "%s/pe-hostile/uthenticode--YourPhone.exe", corpus);
	assert_true(file_open_read(path, &opened, NULL, &e));
	AUTO(close) int fd = opened;
	assert_true(verify_inspect(fd, NULL, &r, &e));
	assert_false(r.ok);
	for (size_t i = 0; i < r.sigs[0].steps_n; i++)
		if (strcmp(r.sigs[0].steps[i].name, "layout") == 0)
			found = &r.sigs[0].steps[i];
	assert_non_null(found);
	assert_int_equal(found->result, VERIFY_FAILED);
	assert_string_equal(found->detail,
	    "section 3's data overlaps the certificate table, which no digest covers");
}

/* All that is ever done with a file; whatever is refused is refused with words and a code
 * of its kind. */
static void
exercise(int fd, int out_fd)
{
	static const uint8_t der[] = {0x30, 0};
	struct pe pe;
	struct pe_digest d = {.md = {MD_SHA256}};
	AUTO(pe_certs_clear) struct pe_certs c = {0};
	struct kd_err open_err = {0}, certs_err = {0}, embed_err = {0};

	if (!pe_open(fd, &pe, &open_err)) {
		assert_true(open_err.code == KD_E_FORMAT || open_err.code == KD_E_LIMIT);
		assert_true(strlen(open_err.msg) > 20);
		return;
	}
	assert_true((uint64_t)pe.secdir_off + 8 <= pe.headers_end &&
		    pe.headers_end <= pe.image_end);
	assert_true(pe.image_end + pe.cert_len + pe.trailing == pe.size);
	assert_true(pe_digest(fd, &pe, &d, &open_err));
	if (!pe_certs_read(fd, &pe, &c, &certs_err))
		assert_true(certs_err.code == KD_E_UNSIGNED ||
			    certs_err.code == KD_E_FORMAT ||
			    certs_err.code == KD_E_LIMIT);
	assert_int_equal(ftruncate(out_fd, 0), 0);
	if (!pe_embed(fd, &pe, &d, der, sizeof(der), out_fd, &embed_err))
		assert_int_equal(embed_err.code, KD_E_FORMAT);
}

static int
memory_copy(int fd, off_t *ret_size)
{
	struct stat st;
	int copy = memfd_create("copy", MFD_CLOEXEC);

	assert_true(copy >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	AUTO(free) uint8_t *b = kd_alloc((size_t)st.st_size);
	assert_non_null(b);
	assert_int_equal(pread(fd, b, (size_t)st.st_size, 0), st.st_size);
	assert_int_equal(pwrite(copy, b, (size_t)st.st_size, 0), st.st_size);
	*ret_size = st.st_size;
	return copy;
}

static void
truncate_at_200_places(const char *name, int fd)
{
	off_t size;
	AUTO(close)
	int copy = memory_copy(fd, &size), out = memfd_create("out", MFD_CLOEXEC);

	(void)name;
	assert_true(out >= 0);
	for (off_t i = 199; i >= 0;
	     i--) { /* half of them in the first KiB, where the headers are */
		off_t cut = i < 100 ? (size < 1024 ? size : 1024) * i / 100
				    : size * (i - 100) / 100;

		if (cut > size)
			continue;
		assert_int_equal(ftruncate(copy, cut), 0);
		exercise(copy, out);
	}
}

static void
file_cut_at_200_places_never_crashes(void **state)
{
	(void)state;
	each_file("pe-signed", truncate_at_200_places);
	each_file("pe-unsigned", truncate_at_200_places);
	each_file("pe-hostile", truncate_at_200_places);
}

/* Each flip hashes the file: those of more bytes get one of each header byte only. */
#define FLIP_ALL_MAX 16384
#define HEADERS_MAX 1280 /* the longest of the corpus end at 1112 */

static void
flip_each_header_byte(const char *name, int fd)
{
	static const uint8_t flips[] = {0xff, 0x80, 0x01};
	off_t size;
	AUTO(close)
	int copy = memory_copy(fd, &size), out = memfd_create("out", MFD_CLOEXEC);

	(void)name;
	assert_true(out >= 0);
	for (off_t at = 0; at < size && at < HEADERS_MAX; at++)
		for (size_t i = 0; i < (size <= FLIP_ALL_MAX ? sizeof(flips) : 1); i++) {
			uint8_t was, now;

			assert_int_equal(pread(copy, &was, 1, at), 1);
			now = was ^ flips[i];
			assert_int_equal(pwrite(copy, &now, 1, at), 1);
			exercise(copy, out);
			assert_int_equal(pwrite(copy, &was, 1, at), 1);
		}
}

static void
file_with_any_header_byte_flipped_never_crashes(void **state)
{
	(void)state;
	each_file("pe-signed", flip_each_header_byte);
	each_file("pe-unsigned", flip_each_header_byte);
}

#ifndef KD_SANITIZE /* whose own memory would count */
/* Last, so that it counts all of the above. */
static void
all_of_it_took_less_than_64_mib(void **state)
{
	struct rusage u;

	(void)state;
	assert_int_equal(getrusage(RUSAGE_SELF, &u), 0);
	assert_true(u.ru_maxrss < 64 * 1024);
}
#endif

int
main(void)
{
	const struct CMUnitTest t[] = {
	    cmocka_unit_test(every_signed_file_has_the_digest_that_was_signed),
	    cmocka_unit_test(checksum_of_every_signed_file_is_the_one_it_carries),
	    cmocka_unit_test(
		every_unsigned_file_is_read_and_the_known_one_has_its_known_digest),
	    cmocka_unit_test(every_hostile_file_gets_its_sentence_or_verdict),
	    cmocka_unit_test(section_over_the_certificate_table_does_not_verify),
	    cmocka_unit_test(file_cut_at_200_places_never_crashes),
	    cmocka_unit_test(file_with_any_header_byte_flipped_never_crashes),
#ifndef KD_SANITIZE
	    cmocka_unit_test(all_of_it_took_less_than_64_mib),
#endif
	};
	const char *named = getenv("KDSIGN_CORPUS"), *srcdir = getenv("srcdir");

	if (named != NULL)
		(void)snprintf(corpus, sizeof(corpus), "%s", named);
	else
		(void)snprintf(corpus, sizeof(corpus), "%s/../shared/corpus",
		    srcdir == NULL ? "." : srcdir);
	/* cmocka's own skip() counts as failed in TAP */
	if (access(corpus, F_OK) != 0) {
		printf("1..0 # SKIP no corpus at '%s': set KDSIGN_CORPUS\n", corpus);
		return 0;
	}
	return cmocka_run_group_tests_name("pe_corpus", t, NULL, NULL);
}
