/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/fuzz_cms.c - a ContentInfo of any bytes: parsed, checked, merged, edited, and its
 * chain sought. */
#include <stdint.h>
#include <stdlib.h>

#include "authenticode/chain.h"
#include "authenticode/cms.h"
#include "authenticode/cms_edit.h"
#include "authenticode/spc.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* Every refusal must say why. */
static bool
told(bool ok, const struct kd_err *e)
{
	if (!ok && (e->code == KD_OK || e->msg[0] == '\0'))
		abort();
	return ok;
}

/* What was merged parses again and holds the same signature. */
static void
merge(const uint8_t *p, size_t n, const struct cms *c)
{
	AUTO(buf_clear) struct buf merged = {0};
	AUTO(cms_clear) struct cms again = {0};
	struct kd_err e = {0};

	if (!told(cms_add_certs(p, n, c->certs, &merged, &e), &e))
		return;
	if (!told(cms_parse(merged.p, merged.len, &again, &e), &e) ||
	    again.signature_len != c->signature_len || again.attrs_len != c->attrs_len)
		abort();
}

/* What one edit gave parses again and holds the same signature. */
static void
same(bool done, const struct buf *edited, const struct cms *c, size_t nested_n,
    struct kd_err *e)
{
	AUTO(cms_clear) struct cms again = {0};

	if (!told(done, e))
		return;
	if (!told(cms_parse(edited->p, edited->len, &again, e), e) ||
	    again.signature_len != c->signature_len || again.attrs_len != c->attrs_len ||
	    again.nested_n > nested_n)
		abort();
}

static void
edit(const uint8_t *p, size_t n, const struct cms *c)
{
	static const uint8_t stamp[] = {0x30, 0};
	AUTO(buf_clear) struct buf bald = {0};
	AUTO(buf_clear) struct buf stamped = {0};
	AUTO(buf_clear) struct buf added = {0};
	AUTO(buf_clear) struct buf replaced = {0};
	struct kd_err e[4] = {{0}};

	same(cms_remove_unsigned(p, n, &bald, &e[0]), &bald, c, 0, &e[0]);
	same(cms_set_timestamp(p, n, TSP_LEGACY, stamp, sizeof(stamp), c->certs, &stamped,
		 &e[1]),
	    &stamped, c, c->nested_n, &e[1]);
	same(cms_add_nested(p, n, p, n, &added, &e[2]), &added, c, c->nested_n + 1,
	    &e[2]);
	same(cms_replace_nested(p, n, 0, p, n, &replaced, &e[3]), &replaced, c,
	    c->nested_n, &e[3]);
}

static void
chain(const struct cms *c)
{
	AUTO(chain_clear) struct chain found = {0};
	struct kd_err e = {0};

	if (c->signer != SIZE_MAX)
		(void)told(
		    chain_find(c->certs, c->signer, c->certs, 1700000000, &found, &e),
		    &e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO(cms_clear) struct cms c = {0};
	struct kd_err parse = {0}, md = {0}, signature = {0}, content = {0}, info = {0};
	const uint8_t digest[MD_LEN_MAX] = {0};
	struct kd_err over = {0};
	struct cert_info shown;
	struct spc spc;

	if (!told(cms_parse(p, n, &c, &parse), &parse))
		return 0;
	(void)told(cms_check_message_digest(&c, &md), &md);
	(void)told(cms_check_signature(&c, &signature), &signature);
	(void)told(cms_check_signature_digest(&c, digest, c.certs, &over), &over);
	(void)told(spc_parse(c.content, c.content_len, &spc, &content), &content);
	for (size_t i = 0; i < certs_n(c.certs); i++)
		(void)told(cert_info(c.certs, i, &shown, &info), &info);
	merge(p, n, &c);
	edit(p, n, &c);
	chain(&c);
	return 0;
}
