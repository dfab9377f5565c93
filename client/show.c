/* SPDX-License-Identifier: Apache-2.0 */
/* client/show.c - what a PE file and its signatures say, as a tree for people or as JSON.
 */
#include "client/show.h"

#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/text.h"
#include "wire/json.h"

#define GREEN "\033[32m"
#define RED "\033[31m"
#define YELLOW "\033[33m"
#define DIM "\033[2m"
#define PLAIN "\033[0m"

/* No default: the compiler says when a verdict is added. */
static const char *
result_word(enum verify_result r)
{
	switch (r) {
	case VERIFY_OK:
		return "ok";
	case VERIFY_FAILED:
		return "failed";
	case VERIFY_SKIPPED:
		return "skipped";
	case VERIFY_WARNING:
		return "warning";
	}
	return "?";
}

/* What SignerInfo's digestEncryptionAlgorithm says in real signatures; others stay as
 * numbers. */
static const struct {
	const char *oid, *name;
} algorithms[] = {
    {"1.2.840.113549.1.1.1", "rsaEncryption"},
    {"1.2.840.113549.1.1.5", "sha1WithRSAEncryption"},
    {"1.2.840.113549.1.1.11", "sha256WithRSAEncryption"},
    {"1.2.840.113549.1.1.12", "sha384WithRSAEncryption"},
    {"1.2.840.113549.1.1.13", "sha512WithRSAEncryption"},
    {"1.2.840.10045.2.1", "id-ecPublicKey"},
    {"1.2.840.10045.4.3.2", "ecdsa-with-SHA256"},
    {"1.2.840.10045.4.3.3", "ecdsa-with-SHA384"},
};

static const char *
algorithm_name(const char *oid)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(algorithms); i++) {
		if (strcmp(algorithms[i].oid, oid) == 0)
			return algorithms[i].name;
	}
	return oid;
}

static const char *
colour_of(enum verify_result r)
{
	switch (r) {
	case VERIFY_OK:
		return GREEN;
	case VERIFY_FAILED:
		return RED;
	case VERIFY_WARNING:
		return YELLOW;
	case VERIFY_SKIPPED:
		break;
	}
	return DIM;
}

static void
put_time(struct buf *b, int64_t unix_s)
{
	char when[CLOCK_UTC_LEN];

	clock_utc(when, unix_s * 1000);
	buf_add(b, when, sizeof("2026-11-23T22:24:17") - 1);
	buf_str(b, "Z");
}

static void
tree_certificate(struct buf *b, const struct cert_info *i, size_t depth)
{
	char sha1[41];

	text_hex_to(sha1, i->sha1, sizeof(i->sha1));
	buf_printf(b, "    %*s%s\n", (int)(depth * 2), "", i->subject);
	buf_printf(b, "    %*s  issued by %s\n", (int)(depth * 2), "", i->issuer);
	buf_printf(b, "    %*s  %s-%u, %s, SHA-1 %s\n", (int)(depth * 2), "",
	    i->algorithm, i->bits, i->signature_algorithm, sha1);
	buf_printf(b, "    %*s  valid ", (int)(depth * 2), "");
	put_time(b, i->not_before);
	buf_str(b, " to ");
	put_time(b, i->not_after);
	buf_str(b, "\n");
}

/* inspect: everything that was embedded, in its order there. */
static void
tree_embedded(struct buf *b, const struct cms *c)
{
	struct cert_info info;

	for (size_t i = 0; c->certs != NULL && i < certs_n(c->certs); i++) {
		struct kd_err e = {0};

		if (!cert_info(c->certs, i, &info, &e)) {
			buf_printf(b, "    certificate %zu: %s\n", i, e.msg);
			continue;
		}
		buf_printf(b, "    certificate %zu%s:\n", i,
		    i == c->signer ? ", the signer's" : "");
		tree_certificate(b, &info, 1);
	}
}

static void
tree_steps(struct buf *b, const struct verify_signature *s, bool colour)
{
	for (size_t i = 0; i < s->steps_n; i++) {
		const struct verify_step *t = &s->steps[i];

		buf_printf(b, "    %s%-7s%s %s%s%s\n", colour ? colour_of(t->result) : "",
		    result_word(t->result), colour ? PLAIN : "", t->name,
		    t->detail[0] != '\0' ? ": " : "", t->detail);
	}
}

static void
tree_signature(
    struct buf *b, const struct verify_signature *s, size_t n, bool verdicts, bool colour)
{
	const struct cms *c = &s->cms;

	buf_printf(b, "  signature %zu: %s, %s, %zu certificates%s\n", n, md_name(c->md),
	    algorithm_name(c->signature_algorithm),
	    c->certs != NULL ? certs_n(c->certs) : 0,
	    c->timestamped ? ", timestamped" : ", no timestamp");
	if (s->spc.md != MD_NONE) {
		char hex[2 * MD_LEN_MAX + 1];

		text_hex_to(hex, s->spc.digest, md_len(s->spc.md));
		buf_printf(b, "    image %s %s%s\n", md_name(s->spc.md), hex,
		    s->spc.page_hashes ? ", with page hashes" : "");
	}
	if (c->description != NULL)
		buf_printf(b, "    description: %s\n", c->description);
	if (c->url != NULL)
		buf_printf(b, "    url: %s\n", c->url);
	if (c->signing_time != 0) {
		buf_str(b, "    signing time, as claimed: ");
		put_time(b, c->signing_time);
		buf_str(b, "\n");
	}
	if (c->nested_n != 0)
		buf_printf(b, "    nested signatures: %zu\n", c->nested_n);
	if (verdicts)
		tree_steps(b, s, colour);
	if (verdicts) {
		for (size_t i = 0; i < s->chain_n; i++)
			tree_certificate(b, &s->chain[i], i);
	} else {
		tree_embedded(b, c);
	}
}

void
show_tree(struct buf *b, const char *file, const struct verify_report *r, bool verdicts,
    bool colour)
{
	char machine[20];
	bool ok = r->sigs_n != 0 && r->ok;

	buf_printf(b, "%s", SHOW(file));
	if (verdicts)
		buf_printf(b, ": %s%s%s", colour ? (ok ? GREEN : RED) : "",
		    ok ? "verified" : "not verified", colour ? PLAIN : "");
	buf_printf(b, "\n  %s, %s, %llu bytes, subsystem %u, %u sections\n",
	    r->pe.plus ? "PE32+" : "PE32", pe_machine_name(r->pe.machine, machine),
	    (unsigned long long)r->pe.size, r->pe.subsystem, r->pe.nsections);
	buf_printf(b, "  CheckSum 0x%08x%s\n", r->pe.checksum,
	    r->pe.checksum == r->checksum_right ? "" : " (wrong)");
	if (r->trailing != 0)
		buf_printf(b, "  %llu bytes after the certificate table\n",
		    (unsigned long long)r->trailing);
	if (r->sigs_n == 0)
		buf_str(b, "  no signature\n");
	for (size_t i = 0; i < r->sigs_n; i++)
		tree_signature(b, &r->sigs[i], i, verdicts, colour);
}

static void
json_time(struct buf *b, const char *name, int64_t unix_s)
{
	char when[CLOCK_UTC_LEN];

	clock_utc(when, unix_s * 1000);
	jw_str(b, name, when);
}

static void
json_certificate(struct buf *b, const struct cert_info *i)
{
	jw_open(b);
	jw_str(b, "subject", i->subject);
	jw_str(b, "issuer", i->issuer);
	jw_str(b, "serial", i->serial);
	jw_str(b, "algorithm", i->algorithm);
	jw_uint(b, "bits", i->bits);
	jw_str(b, "signature_algorithm", i->signature_algorithm);
	json_time(b, "not_before", i->not_before);
	json_time(b, "not_after", i->not_after);
	jw_hex(b, "sha1", i->sha1, sizeof(i->sha1));
	jw_hex(b, "sha256", i->sha256, sizeof(i->sha256));
	jw_close(b);
}

static void
json_attributes(struct buf *b, const struct verify_signature *s)
{
	const struct cms *c = &s->cms;

	jw_str(b, "digest_algorithm", md_name(c->md));
	jw_str(b, "signature_algorithm", algorithm_name(c->signature_algorithm));
	jw_str(b, "content_type", c->content_type);
	jw_str(b, "signer_issuer", c->signer_issuer);
	jw_str(b, "signer_serial", c->signer_serial);
	jw_str(b, "image_digest_algorithm", md_name(s->spc.md));
	jw_hex(b, "image_digest", s->spc.digest, md_len(s->spc.md));
	jw_bool(b, "page_hashes", s->spc.page_hashes);
	jw_hex(b, "message_digest", c->message_digest, c->message_digest_len);
	if (c->signer < certs_n(c->certs))
		jw_uint(b, "signer_certificate", c->signer);
	if (c->description != NULL)
		jw_str(b, "description", c->description);
	if (c->url != NULL)
		jw_str(b, "url", c->url);
	if (c->signing_time != 0)
		json_time(b, "signing_time", c->signing_time);
	jw_bool(b, "timestamped", c->timestamped);
	jw_uint(b, "nested", c->nested_n);
}

static void
json_signature(struct buf *b, const struct verify_signature *s, bool verdicts)
{
	jw_open(b);
	if (verdicts)
		jw_bool(b, "ok", s->ok);
	json_attributes(b, s);
	if (verdicts) {
		jw_arr_open(b, "steps");
		for (size_t i = 0; i < s->steps_n; i++) {
			jw_open(b);
			jw_str(b, "name", s->steps[i].name);
			jw_str(b, "result", result_word(s->steps[i].result));
			jw_str(b, "detail", s->steps[i].detail);
			jw_close(b);
		}
		jw_arr_close(b);
		jw_bool(b, "chain_complete", s->chain_complete);
	}
	jw_arr_open(b, verdicts ? "chain" : "certificates");
	for (size_t i = 0; verdicts && i < s->chain_n; i++)
		json_certificate(b, &s->chain[i]);
	for (size_t i = 0; !verdicts && s->cms.certs != NULL && i < certs_n(s->cms.certs);
	     i++) {
		struct cert_info info;
		struct kd_err e = {0};

		if (cert_info(s->cms.certs, i, &info, &e))
			json_certificate(b, &info);
	}
	jw_arr_close(b);
	jw_close(b);
}

void
show_json(struct buf *b, const struct verify_report *r, bool verdicts)
{
	char machine[20];

	jw_open_member(b, "pe");
	jw_str(b, "format", r->pe.plus ? "PE32+" : "PE32");
	jw_str(b, "machine", pe_machine_name(r->pe.machine, machine));
	jw_uint(b, "size", r->pe.size);
	jw_uint(b, "subsystem", r->pe.subsystem);
	jw_uint(b, "sections", r->pe.nsections);
	jw_uint(b, "checksum", r->pe.checksum);
	jw_bool(b, "checksum_right", r->pe.checksum == r->checksum_right);
	jw_uint(b, "certificate_table_offset", r->pe.cert_off);
	jw_uint(b, "certificate_table_size", r->pe.cert_len);
	jw_uint(b, "bytes_after_certificate_table", r->trailing);
	jw_close(b);
	jw_arr_open(b, "signatures");
	for (size_t i = 0; i < r->sigs_n; i++)
		json_signature(b, &r->sigs[i], verdicts);
	jw_arr_close(b);
}
