/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/verify.c - is this file's signature right, and what makes us say so. */
#include "authenticode/verify.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "authenticode/chain.h"
#include "authenticode/pe_digest.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"

#define WIN_CERT_REVISION_2 0x0200
#define WIN_CERT_TYPE_PKCS7 2
#define SPC_INDIRECT_DATA "1.3.6.1.4.1.311.2.1.4"

/* What one run of the verifier knows besides the report. */
struct run {
	const struct certs *roots; /* NULL for inspect */
	int64_t at;
	bool trust; /* judge chains, too */
	struct pe_digest digest;
	struct kd_err first; /* of the first signature: what verify_pe fails with */
};

static void
signature_clear(struct verify_signature *s)
{
	cms_clear(&s->cms);
}

void
verify_report_clear(struct verify_report *r)
{
	for (size_t i = 0; i < r->sigs_n; i++)
		signature_clear(&r->sigs[i]);
	free(r->sigs);
	pe_certs_clear(&r->table);
	*r = (struct verify_report){0};
}

static void step(struct verify_signature *s, const char *name, enum verify_result result,
    const char *fmt, ...) KD_PRINTF(4, 5);

static void
step(struct verify_signature *s, const char *name, enum verify_result result,
    const char *fmt, ...)
{
	struct verify_step *st;
	va_list ap;

	if (s->steps_n == VERIFY_STEPS_MAX)
		return; /* the list in verify.h is shorter */
	st = &s->steps[s->steps_n++];
	st->name = name;
	st->result = result;
	va_start(ap, fmt);
	(void)vsnprintf(st->detail, sizeof(st->detail), fmt, ap);
	va_end(ap);
	if (result == VERIFY_FAILED)
		s->ok = false;
}

/* A check that reports through kd_err, as one step. Other findings than "does not verify"
 * end the run. */
static bool
step_err(struct verify_signature *s, const char *name, bool ok, const struct kd_err *why,
    const char *detail, struct kd_err *e)
{
	if (!ok && why->code != KD_E_NOT_VERIFIED)
		return kd_fail(e, why->code, "%s: %s", name, why->msg);
	step(s, name, ok ? VERIFY_OK : VERIFY_FAILED, "%s", ok ? detail : why->msg);
	return true;
}

static bool
parse_entry(const struct pe_cert *entry, struct verify_signature *s, struct kd_err *e)
{
	if (entry->type != WIN_CERT_TYPE_PKCS7)
		return kd_fail(e, KD_E_FORMAT,
		    "certificate table entry has type 0x%04x, 0x%04x (PKCS#7) expected",
		    entry->type, WIN_CERT_TYPE_PKCS7);
	if (entry->revision != WIN_CERT_REVISION_2)
		return kd_fail(e, KD_E_FORMAT,
		    "certificate table entry has revision 0x%04x, 0x%04x expected",
		    entry->revision, WIN_CERT_REVISION_2);
	if (!cms_parse(entry->p, entry->len, &s->cms, e))
		return false;
	if (strcmp(s->cms.content_type, SPC_INDIRECT_DATA) != 0)
		return kd_fail(e, KD_E_FORMAT,
		    "content type is %s, %s (SpcIndirectData) expected",
		    s->cms.content_type, SPC_INDIRECT_DATA);
	if (!spc_parse(s->cms.content, s->cms.content_len, &s->spc, e))
		return false;
	if (s->spc.type != SPC_TYPE_PE)
		return kd_fail(e, KD_E_FORMAT,
		    "signature is of data type %s, not of a PE image", s->spc.type_oid);
	return true;
}

/* One entry's "format" step; what failed stays in ret_why. False only when the run cannot
 * go on. */
static bool
open_signature(const struct pe_cert *entry, struct verify_signature *s,
    struct kd_err *ret_why, struct kd_err *e)
{
	s->ok = true;
	if (parse_entry(entry, s, ret_why)) {
		step(s, "format", VERIFY_OK,
		    "PKCS#7 SignedData, %zu bytes, %zu certificates", entry->len,
		    certs_n(s->cms.certs));
		return true;
	}
	if (ret_why->code != KD_E_FORMAT && ret_why->code != KD_E_LIMIT)
		return kd_fail(e, ret_why->code, "%s", ret_why->msg);
	cms_clear(&s->cms);
	step(s, "format", VERIFY_FAILED, "%s", ret_why->msg);
	return true;
}

static void
check_algorithms(struct verify_signature *s)
{
	const struct cms *c = &s->cms;

	if (s->spc.md == c->md && c->md == c->outer_md)
		step(s, "digest algorithms", VERIFY_OK, "%s throughout", md_name(c->md));
	else
		step(s, "digest algorithms", VERIFY_FAILED,
		    "DigestInfo says %s, SignerInfo %s, digestAlgorithms %s; one "
		    "expected",
		    md_name(s->spc.md), md_name(c->md), md_name(c->outer_md));
}

static void
check_image_digest(const struct run *run, struct verify_signature *s)
{
	char seen[2 * MD_LEN_MAX + 1], right[2 * MD_LEN_MAX + 1];
	size_t i = 0, n = md_len(s->spc.md);

	while (run->digest.md[i] != s->spc.md)
		i++; /* plan_digests asked for each signature's */
	text_hex_to(right, run->digest.digest[i], n);
	if (CRYPTO_memcmp(run->digest.digest[i], s->spc.digest, n) == 0) {
		step(s, "image digest", VERIFY_OK, "%s %s", md_name(s->spc.md), right);
		return;
	}
	text_hex_to(seen, s->spc.digest, n);
	step(s, "image digest", VERIFY_FAILED, "signature says %s %s, the file has %s",
	    md_name(s->spc.md), seen, right);
}

/* Bytes that a section maps from the certificate table are covered by no digest. */
static void
check_layout(const struct verify_report *r, struct verify_signature *s)
{
	if (r->pe.mapped_table != 0)
		step(s, "layout", VERIFY_FAILED,
		    "section %u's data overlaps the certificate table, which no digest "
		    "covers",
		    r->pe.mapped_table);
}

static void
step_chain(struct verify_signature *s, const char *name, const struct chain_check *c)
{
	step(s, name, c->ok ? VERIFY_OK : VERIFY_FAILED, "%s", c->detail);
}

static bool
check_chain(const struct run *run, struct verify_signature *s, struct kd_err *e)
{
	AUTO(chain_clear) struct chain chain = {0};

	if (s->cms.signer == SIZE_MAX) {
		step(s, "chain", VERIFY_FAILED,
		    "the signer's certificate is not among the embedded ones");
		return true;
	}
	if (!chain_find(s->cms.certs, s->cms.signer, run->roots, run->at, &chain, e))
		return false;
	for (; s->chain_n < certs_n(chain.path) && s->chain_n < VERIFY_CHAIN_MAX;
	     s->chain_n++)
		if (!cert_info(chain.path, s->chain_n, &s->chain[s->chain_n], e))
			return false;
	s->chain_complete = chain.complete;
	step_chain(s, "chain", &chain.trust);
	step_chain(s, "validity", &chain.validity);
	step_chain(s, "extended key usage", &chain.eku);
	step_chain(s, "key usage", &chain.key_usage);
	return true;
}

/* What is there and not judged, so that nobody takes silence for a verdict. */
static void
mention_rest(const struct verify_report *r, struct verify_signature *s)
{
	if (s->cms.timestamped)
		step(s, "timestamp", VERIFY_SKIPPED,
		    "present, not read; validity is judged at the time asked for");
	if (s->spc.page_hashes)
		step(s, "page hashes", VERIFY_SKIPPED,
		    "present, not compared; the image digest covers the same bytes");
	if (s->cms.nested_n > 0)
		step(s, "nested signatures", VERIFY_SKIPPED, "%zu present, not judged",
		    s->cms.nested_n);
	if (r->table.v[s - r->sigs].hidden > 0)
		step(s, "padding", VERIFY_WARNING,
		    "%zu bytes behind the signature are not zero, and no digest covers "
		    "them (MS13-098)",
		    r->table.v[s - r->sigs].hidden);
	if (s != r->sigs)
		return;
	if (r->trailing > 0)
		step(s, "trailing data", VERIFY_WARNING,
		    "%llu bytes after the certificate table; Windows may refuse them "
		    "(MS12-024)",
		    (unsigned long long)r->trailing);
	if (r->pe.checksum != r->checksum_right)
		step(s, "checksum", VERIFY_WARNING,
		    "CheckSum is 0x%08x, 0x%08x expected; boot drivers need it right",
		    r->pe.checksum, r->checksum_right);
}

static bool
check_signature(const struct verify_report *r, const struct run *run,
    struct verify_signature *s, struct kd_err *e)
{
	struct kd_err md = {0}, sig = {0};
	bool md_ok = cms_check_message_digest(&s->cms, &md);
	bool sig_ok = cms_check_signature(&s->cms, &sig);

	check_algorithms(s);
	check_image_digest(run, s);
	check_layout(r, s);
	if (!step_err(
		s, "message digest", md_ok, &md, "attribute covers the content", e) ||
	    !step_err(
		s, "signature", sig_ok, &sig, "verifies with the signer's key", e) ||
	    (run->trust && !check_chain(run, s, e)))
		return false;
	mention_rest(r, s);
	return true;
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

static bool
open_signatures(int fd, struct run *run, struct verify_report *r, struct kd_err *e)
{
	if (!pe_open(fd, &r->pe, e) || !pe_certs_read(fd, &r->pe, &r->table, e))
		return false;
	r->sigs = kd_alloc_array(r->table.n, sizeof(*r->sigs));
	if (r->sigs == NULL)
		return kd_fail_nomem(e, "signatures");
	for (; r->sigs_n < r->table.n; r->sigs_n++) {
		struct kd_err why = {0};

		if (!open_signature(
			&r->table.v[r->sigs_n], &r->sigs[r->sigs_n], &why, e)) {
			r->sigs_n++; /* for verify_report_clear */
			return false;
		}
		if (r->sigs_n == 0)
			run->first = why;
	}
	return true;
}

static bool
run_checks(int fd, struct run *run, struct verify_report *r, struct kd_err *e)
{
	if (!open_signatures(fd, run, r, e))
		return false;
	plan_digests(r, &run->digest);
	if (!pe_digest(fd, &r->pe, &run->digest, e))
		return false;
	r->checksum_right = run->digest.checksum;
	r->trailing = run->digest.trailing;
	for (size_t i = 0; i < r->sigs_n; i++)
		if (r->sigs[i].ok && !check_signature(r, run, &r->sigs[i], e))
			return kd_in(e, "signature %zu", i + 1);
	r->ok = r->sigs_n > 0 && r->sigs[0].ok;
	return true;
}

bool
verify_pe(int fd, const struct certs *roots, int64_t at, struct verify_report *ret,
    struct kd_err *e)
{
	struct run run = {.roots = roots, .at = at, .trust = true};
	const struct verify_signature *s;

	if (!run_checks(fd, &run, ret, e))
		return false;
	if (ret->ok)
		return true;
	s = &ret->sigs[0];
	if (run.first.code != KD_OK)
		return kd_fail(e, run.first.code, "%s", run.first.msg);
	for (size_t i = 0; i < s->steps_n; i++)
		if (s->steps[i].result == VERIFY_FAILED)
			return kd_fail(e, KD_E_NOT_VERIFIED, "%s: %s", s->steps[i].name,
			    s->steps[i].detail);
	return kd_fail(e, KD_E_BUG, "signature failed without a finding");
}

bool
verify_inspect_pe(int fd, struct verify_report *ret, struct kd_err *e)
{
	struct run run = {.trust = false};

	return run_checks(fd, &run, ret, e);
}
