/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/verify_pe.c - a PE image's signatures against the image. */
#include <openssl/crypto.h>

#include "authenticode/pe_digest.h"
#include "authenticode/pe_pages.h"
#include "authenticode/verify_inner.h"
#include "base/text.h"

#define WIN_CERT_REVISION_2 0x0200
#define WIN_CERT_TYPE_PKCS7 2

/* What is computed of the image once, for all signatures. */
struct image {
	int fd;
	struct pe_digest digest;
	struct buf pages[2]; /* of MD_SHA1, MD_SHA256; empty until a signature has some */
	struct kd_err pages_why[2]; /* why they cannot be computed */
};

static void
image_clear(struct image *i)
{
	buf_clear(&i->pages[0]);
	buf_clear(&i->pages[1]);
}
AUTO_DEFINE_CLEAR(struct image, image_clear);

static bool
read_spc(const struct verify_report *r, struct verify_signature *s, struct kd_err *e)
{
	const struct pe_cert *entry = &r->table.v[s->entry];

	if (!s->nested && entry->type != WIN_CERT_TYPE_PKCS7)
		return kd_fail(e, KD_E_FORMAT,
		    "certificate table entry has type 0x%04x, 0x%04x (PKCS#7) expected",
		    entry->type, WIN_CERT_TYPE_PKCS7);
	if (!s->nested && entry->revision != WIN_CERT_REVISION_2)
		return kd_fail(e, KD_E_FORMAT,
		    "certificate table entry has revision 0x%04x, 0x%04x expected",
		    entry->revision, WIN_CERT_REVISION_2);
	if (!verify_read_spc(s, e))
		return false;
	if (s->spc.type != SPC_TYPE_PE)
		return kd_fail(e, KD_E_FORMAT,
		    "signature is of data type %s, not of a PE image", s->spc.type_oid);
	return true;
}

static void
check_algorithms(struct verify_signature *s)
{
	const struct cms *c = &s->cms;

	if (s->spc.md == c->md && c->md == c->outer_md)
		verify_step(s, "digest algorithms", VERIFY_OK, "%s throughout",
		    md_name(c->md));
	else
		verify_step(s, "digest algorithms", VERIFY_FAILED,
		    "DigestInfo says %s, SignerInfo %s, digestAlgorithms %s; one "
		    "expected",
		    md_name(s->spc.md), md_name(c->md), md_name(c->outer_md));
}

static void
check_image_digest(const struct image *image, struct verify_signature *s)
{
	char seen[2 * MD_LEN_MAX + 1], right[2 * MD_LEN_MAX + 1];
	size_t i = 0, n = md_len(s->spc.md);

	while (image->digest.md[i] != s->spc.md)
		i++; /* plan_digests asked for each signature's */
	text_hex_to(right, image->digest.digest[i], n);
	if (CRYPTO_memcmp(image->digest.digest[i], s->spc.digest, n) == 0) {
		verify_step(
		    s, "image digest", VERIFY_OK, "%s %s", md_name(s->spc.md), right);
		return;
	}
	text_hex_to(seen, s->spc.digest, n);
	verify_step(s, "image digest", VERIFY_FAILED,
	    "signature says %s %s, the file has %s", md_name(s->spc.md), seen, right);
}

/* Bytes that a section maps from the certificate table are covered by no digest. */
static void
check_layout(const struct verify_report *r, struct verify_signature *s)
{
	if (r->pe.mapped_table != 0)
		verify_step(s, "layout", VERIFY_FAILED,
		    "section %u's data overlaps the certificate table, which no digest "
		    "covers",
		    r->pe.mapped_table);
}

/* The image's own table, made once for each algorithm. What a table may not be made of
 * stays in pages_why; false only when the run cannot go on. */
static bool
make_pages(
    struct image *image, const struct pe *pe, enum md md, size_t *ret_i, struct kd_err *e)
{
	size_t i = *ret_i = md == MD_SHA1 ? 0 : 1;
	struct kd_err *why = &image->pages_why[i];

	if (image->pages[i].len != 0 || why->code != KD_OK)
		return true;
	image->pages[i].max = PE_CERT_TABLE_MAX; /* no table said can be longer */
	if (pe_pages(image->fd, pe, md, &image->pages[i], why) ||
	    why->code == KD_E_FORMAT || why->code == KD_E_LIMIT ||
	    why->code == KD_E_TOO_LARGE)
		return true;
	*e = *why;
	return false;
}

static bool
check_pages(struct image *image, const struct verify_report *r,
    struct verify_signature *s, struct kd_err *e)
{
	struct verify_pages p = {
	    .md = s->spc.pages_md, .said = s->spc.pages, .said_len = s->spc.pages_len};
	char detail[320];
	bool equal;
	size_t i;

	if (!s->spc.page_hashes)
		return true;
	if (!make_pages(image, &r->pe, p.md, &i, e))
		return kd_in(e, "page hashes");
	if (image->pages_why[i].code == KD_E_LIMIT) {
		verify_step(s, "page hashes", VERIFY_SKIPPED,
		    "%.200s; the image digest covers the same bytes",
		    image->pages_why[i].msg);
		return true;
	}
	if (image->pages_why[i].code != KD_OK) {
		verify_step(s, "page hashes", VERIFY_FAILED, "cannot be computed: %.200s",
		    image->pages_why[i].msg);
		return true;
	}
	p.right = image->pages[i].p;
	p.right_len = image->pages[i].len;
	equal = verify_pages_equal(&p, detail);
	verify_step(
	    s, "page hashes", equal ? VERIFY_OK : VERIFY_FAILED, "%s", detail);
	return true;
}

/* What no signature covers, and Windows or a reader may stumble over. */
static void
mention_rest(const struct verify_report *r, struct verify_signature *s)
{
	if (!s->nested && r->table.v[s->entry].hidden > 0)
		verify_step(s, "padding", VERIFY_WARNING,
		    "%zu bytes behind the signature are not zero, and no digest covers "
		    "them (MS13-098)",
		    r->table.v[s->entry].hidden);
	if (s->index != 0)
		return;
	if (r->trailing > 0)
		verify_step(s, "trailing data", VERIFY_WARNING,
		    "%llu bytes after the certificate table; Windows may refuse them "
		    "(MS12-024)",
		    (unsigned long long)r->trailing);
	if (r->pe.checksum != r->checksum_right)
		verify_step(s, "checksum", VERIFY_WARNING,
		    "CheckSum is 0x%08x, 0x%08x expected; boot drivers need it right",
		    r->pe.checksum, r->checksum_right);
}

/* UEFI 2.10, 32.5.3.3: any entry of the table will do, by SHA-256; what is nested is not
 * looked for. */
static void
check_secure_boot(struct verify_signature *s)
{
	if (s->nested)
		verify_step(s, "secure boot", VERIFY_SKIPPED,
		    "firmware does not look for nested signatures");
	else if (s->spc.md != MD_SHA256)
		verify_step(s, "secure boot", VERIFY_FAILED,
		    "image digest is %s; firmware compares sha256", md_name(s->spc.md));
	else if (s->spc.page_hashes)
		verify_step(s, "secure boot", VERIFY_WARNING,
		    "page hashes, which are for Windows: some firmware reads no content "
		    "of that length");
	else
		verify_step(s, "secure boot", VERIFY_OK, "sha256, without page hashes");
}

static bool
check_signature(struct verify_run *run, struct image *image,
    const struct verify_report *r, struct verify_signature *s, struct kd_err *e)
{
	struct kd_err md = {0}, sig = {0};
	bool md_ok = cms_check_message_digest(&s->cms, &md);
	bool sig_ok = cms_check_signature(&s->cms, &sig);

	check_algorithms(s);
	check_image_digest(image, s);
	check_layout(r, s);
	if (run->o->efi)
		check_secure_boot(s);
	return verify_step_err(
		   s, "message digest", md_ok, &md, "attribute covers the content", e) &&
	       verify_step_err(
		   s, "signature", sig_ok, &sig, "verifies with the signer's key", e) &&
	       check_pages(image, r, s, e) && verify_trust(run, s, e);
}

/* Every algorithm that some signature uses, each once: one pass over the file answers
 * all. */
static void
plan_digests(const struct verify_report *r, struct pe_digest *d)
{
	size_t n = 0;

	for (size_t i = 0; i < r->sigs_n; i++) {
		enum md md = r->sigs[i].spc.md;
		size_t k = 0;

		while (k < n && d->md[k] != md)
			k++;
		if (k == n && md != MD_NONE && n < PE_DIGESTS_MAX)
			d->md[n++] = md;
	}
}

/* After pe_certs_read() failed: a file without a signature has a CheckSum all the same. */
static bool
finish_unsigned(int fd, struct verify_report *r, struct kd_err *e)
{
	struct kd_err unread = {0};

	if (e->code == KD_E_UNSIGNED && !pe_checksum(fd, &r->pe, &r->checksum_right, &unread))
		*e = unread;
	return false;
}

bool
verify_pe_run(int fd, struct verify_run *run, struct verify_report *r, struct kd_err *e)
{
	AUTO(image_clear) struct image image = {.fd = fd};

	r->subject = VERIFY_PE;
	run->reader = run->o->efi ? "firmware" : NULL;
	if (!pe_open(fd, &r->pe, e) ||
	    (run->o->efi && !efi_check(fd, &r->pe, &r->efi, e)))
		return false;
	if (!pe_certs_read(fd, &r->pe, &r->table, e))
		return finish_unsigned(fd, r, e);
	for (size_t i = 0; i < r->table.n; i++)
		if (!verify_open_signature(
			run, r, r->table.v[i].p, r->table.v[i].len, i, read_spc, e))
			return false;
	plan_digests(r, &image.digest);
	if (!pe_digest(fd, &r->pe, &image.digest, e))
		return false;
	r->checksum_right = image.digest.checksum;
	r->trailing = image.digest.trailing;
	for (size_t i = 0; i < r->sigs_n; i++)
		if (r->sigs[i].ok && !check_signature(run, &image, r, &r->sigs[i], e))
			return kd_in(e, "signature %zu", i + 1);
	for (size_t i = 0; i < r->sigs_n; i++) {
		if (!r->sigs[i].nested)
			verify_nested(r, i);
		if (r->sigs[i].cms.certs != NULL)
			mention_rest(r, &r->sigs[i]);
	}
	return true;
}
