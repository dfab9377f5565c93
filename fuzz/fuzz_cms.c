/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/fuzz_cms.c - a ContentInfo of any bytes: parsed, checked, merged, and its chain
 * sought. */
#include <stdint.h>
#include <stdlib.h>

#include "authenticode/chain.h"
#include "authenticode/cms.h"
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
	struct cert_info shown;
	struct spc spc;

	if (!told(cms_parse(p, n, &c, &parse), &parse))
		return 0;
	(void)told(cms_check_message_digest(&c, &md), &md);
	(void)told(cms_check_signature(&c, &signature), &signature);
	(void)told(spc_parse(c.content, c.content_len, &spc, &content), &content);
	for (size_t i = 0; i < certs_n(c.certs); i++)
		(void)told(cert_info(c.certs, i, &shown, &info), &info);
	merge(p, n, &c);
	chain(&c);
	return 0;
}
