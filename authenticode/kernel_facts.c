/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/kernel_facts.c - from parsed signatures to what kernel_policy.h and
 * installer.h judge. */
#include "authenticode/kernel_facts.h"

#include <stdio.h>
#include <string.h>

#include <openssl/x509v3.h>

#include "authenticode/cert_x509.h"
#include "authenticode/chain.h"
#include "authenticode/oid.h"
#include "base/num.h"

AUTO_DEFINE(EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free);

#define MICROSOFT "\x2b\x06\x01\x04\x01\x82\x37" /* 1.3.6.1.4.1.311 */

/* Kernel policy facts 3 "Certificates and EKUs". */
static const struct {
	struct oid oid;
	size_t field; /* a bool of struct kernel_signature */
} usages[] = {
    {{8, "\x2b\x06\x01\x05\x05\x07\x03\x03"},
	offsetof(struct kernel_signature, code_signing)},
    /* 10.3.5: WHQL */
    {{10, MICROSOFT "\x0a\x03\x05"}, offsetof(struct kernel_signature, whql)},
    /* 10.3.5.1: attested */
    {{11, MICROSOFT "\x0a\x03\x05\x01"}, offsetof(struct kernel_signature, attested)},
    /* 10.3.39: tested with the Hardware Lab Kit */
    {{10, MICROSOFT "\x0a\x03\x27"}, offsetof(struct kernel_signature, extended)},
    /* 10.3.13: lifetime signing */
    {{10, MICROSOFT "\x0a\x03\x0d"}, offsetof(struct kernel_signature, lifetime)},
};

static void
read_usages(const struct cert *leaf, struct kernel_signature *ret)
{
	AUTO(EXTENDED_KEY_USAGE_free)
	EXTENDED_KEY_USAGE *list = X509_get_ext_d2i(leaf->x, NID_ext_key_usage, NULL, NULL);

	for (int i = 0; i < sk_ASN1_OBJECT_num(list); i++) {
		const ASN1_OBJECT *o = sk_ASN1_OBJECT_value(list, i);

		for (size_t k = 0; k < KD_ARRAY_LEN(usages); k++)
			if (OBJ_length(o) == usages[k].oid.len &&
			    memcmp(OBJ_get0_data(o), usages[k].oid.der,
				usages[k].oid.len) == 0)
				*(bool *)((char *)ret + usages[k].field) = true;
	}
}

static bool
read_certificate(const struct cert *c, struct kernel_cert *ret, struct kd_err *e)
{
	int md = NID_undef;

	(void)X509_get_signature_info(c->x, &md, NULL, NULL, NULL);
	ret->sha2 = md == NID_sha256 || md == NID_sha384 || md == NID_sha512;
	cert_name(c, ret->name);
	return cert_time(X509_get0_notBefore(c->x), &ret->from, e) &&
	       cert_time(X509_get0_notAfter(c->x), &ret->to, e);
}

static bool
read_path(const struct chain *chain, struct kernel_signature *ret, struct kd_err *e)
{
	size_t n = certs_n(chain->path), below = n - (chain->complete && n > 1);
	const struct cert *top = certs_at(chain->path, n - 1);
	struct kernel_root_info root = {0};

	for (; ret->certs_n < below && ret->certs_n < KERNEL_CERTS_MAX; ret->certs_n++)
		if (!read_certificate(certs_at(chain->path, ret->certs_n),
			&ret->certs[ret->certs_n], e))
			return false;
	cert_issuer_name(top, ret->top);
	if (!chain->complete)
		return true;
	if (!kernel_root_find(chain->path, n - 1, &root, e))
		return false;
	ret->root = root.kind == KERNEL_ROOT_NONE ? KERNEL_ROOT_EXTRA : root.kind;
	if (!chain->trust.ok && ret->fault[0] == '\0')
		(void)snprintf(
		    ret->fault, sizeof(ret->fault), "%s", chain->trust.detail);
	return true;
}

bool
kernel_facts_chain(const struct cms *c, const struct certs *extra, int64_t at,
    struct kernel_signature *ret, struct kd_err *e)
{
	AUTO(certs_free) struct certs *roots = NULL;
	AUTO(chain_clear) struct chain chain = {0};

	if (c->signer == SIZE_MAX)
		return true;
	if (!certs_new(&roots, e) || !kernel_roots_add(roots, e) ||
	    (extra != NULL && !certs_add_all(roots, extra, e)) ||
	    !chain_find(c->certs, c->signer, roots, at, &chain, e) ||
	    !read_path(&chain, ret, e))
		return false;
	read_usages(certs_at(c->certs, c->signer), ret);
	return true;
}

enum kernel_machine
kernel_facts_machine(unsigned pe_machine)
{
	switch (pe_machine) {
	case 0x014c:
		return KERNEL_X86;
	case 0x8664:
		return KERNEL_X64;
	case 0xaa64:
		return KERNEL_ARM64;
	case 0x0200:
		return KERNEL_IA64;
	case 0x01c0: /* ARM, Thumb, Thumb-2: one architecture */
	case 0x01c2:
	case 0x01c4:
		return KERNEL_ARM;
	default:
		return 0;
	}
}
