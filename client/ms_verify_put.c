/* SPDX-License-Identifier: Apache-2.0 */
/* client/ms_verify_put.c - what signtool verify /v says of a signature. */
#include "authenticode/chain.h"
#include "base/reader.h"
#include "client/ms_cert.h"
#include "client/ms_verify.h"

static void
put_hash(struct buf *b, enum md md, const uint8_t *digest)
{
	buf_printf(b, "Hash of file (%s): ", md_name(md));
	for (size_t i = 0; i < md_len(md); i++)
		buf_printf(b, "%02X", digest[i]);
	buf_u8(b, '\n');
}

/* Which signature, and the digest by which the file was found or recognised. */
static void
put_which(const struct ms_verifying *v, const struct verified *file,
    const struct verify_signature *sig, struct buf *b)
{
	const struct verify_member *m = &file->report.member;

	if (file->catalog == NULL) {
		buf_printf(b, "Signature Index: %zu%s\n", sig->index,
		    sig->index == 0 && sig->entry == 0 ? " (Primary Signature)" : "");
		if (sig->spc.md != MD_NONE)
			put_hash(b, sig->spc.md, sig->spc.digest);
		buf_u8(b, '\n');
		return;
	}
	if (m->by != 0) {
		buf_str(b, "File is signed in catalog: ");
		ms_put_text(b, v->a->catalog);
		buf_u8(b, '\n');
	}
	if (v->judge.sha256_only || m->by == VERIFY_BY_SHA256)
		put_hash(b, MD_SHA256, m->sha256);
	else
		put_hash(b, MD_SHA1, m->sha1);
	buf_u8(b, '\n');
}

static void
put_stamp(const struct ms_verifying *v, const struct verify_signature *sig, struct buf *b)
{
	if (sig->stamp.kind == TSP_NONE || !sig->stamp.ok) {
		buf_str(b, "File is not timestamped.\n\n");
		return;
	}
	buf_str(b, "The signature is timestamped: ");
	ms_put_time(b, sig->stamp.time);
	buf_str(b, "\nTimestamp Verified by:\n");
	ms_put_chain(b, sig->stamp.chain, sig->stamp.chain_n, v->made);
}

/* The kernel's own way up, through what is inside the signature. */
static void
put_cross(const struct ms_verifying *v, const struct verify_signature *sig, struct buf *b)
{
	AUTO(chain_clear) struct chain chain = {0};
	struct cert_info info[CHAIN_MAX + 1];
	struct kd_err e = {0}; /* the verdict says what is wrong */
	size_t n = 0;

	if (sig->cms.signer == SIZE_MAX ||
	    !chain_find(
		sig->cms.certs, sig->cms.signer, v->kernel, sig->at, &chain, &e) ||
	    !chain.complete)
		return;
	while (n < certs_n(chain.path) && n < CHAIN_MAX + 1) {
		if (!cert_info(chain.path, n, &info[n], &e))
			return;
		n++;
	}
	buf_str(b, "Cross Certificate Chain:\n");
	ms_put_chain(b, info, n, v->made);
}

static void
put_pages(const struct ms_verifying *v, const struct spc *spc, struct buf *b)
{
	size_t entry = 4 + md_len(spc->pages_md);
	struct rd r = rd_init(spc->pages, spc->pages_len);

	if (!spc->page_hashes)
		return;
	buf_str(b, "File has page hashes\n");
	while (v->a->pages && rd_left(&r) >= entry) {
		buf_printf(b, "    %08X ", rd_u32le(&r, "offset"));
		for (size_t i = 4; i < entry; i++)
			buf_printf(b, "%02X", rd_u8(&r, "hash"));
		buf_u8(b, '\n');
	}
}

static void
put_description(const struct cms *cms, struct buf *b)
{
	if (cms->description != NULL)
		buf_printf(b, "Description: %s\n", cms->description);
	if (cms->url != NULL)
		buf_printf(b, "Description URL: %s\n", cms->url);
}

void
ms_verify_put(const struct ms_verifying *v, const struct verified *file, size_t i,
    struct buf *b)
{
	const struct verify_signature *sig = &ms_judge_report(file)->sigs[i];
	const struct ms_common *say = &v->m->say;

	if (say->verbose) {
		put_which(v, file, sig, b);
		buf_str(b, "Signing Certificate Chain:\n");
		ms_put_chain(b, sig->chain, sig->chain_n, v->made);
		put_stamp(v, sig, b);
		if (v->judge.policy == MS_POLICY_KERNEL)
			put_cross(v, sig, b);
	}
	if (file->catalog == NULL && (say->verbose || v->a->pages))
		put_pages(v, &sig->spc, b);
	if (v->a->describe)
		put_description(&sig->cms, b);
}
