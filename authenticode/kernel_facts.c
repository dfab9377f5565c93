/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/kernel_facts.c - from parsed signatures to what kernel_policy.h and
 * installer.h judge. */
#include "authenticode/kernel_facts.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <openssl/x509v3.h>

#include "authenticode/cert_x509.h"
#include "authenticode/chain.h"

#define MICROSOFT "1.3.6.1.4.1.311."

static_assert(KERNEL_SIGNATURES_MAX == VERIFY_SIGNATURES_MAX + 1, "a catalog's, too");
static_assert(KERNEL_CERTS_MAX >= CHAIN_MAX, "a date that nobody looks at");

/* Kernel policy facts 3 "Certificates and EKUs". */
static void
read_usages(const struct cms *c, struct kernel_signature *ret)
{
	ret->code_signing = cert_has_eku(c->certs, c->signer, "1.3.6.1.5.5.7.3.3");
	ret->whql = cert_has_eku(c->certs, c->signer, MICROSOFT "10.3.5");
	ret->attested = cert_has_eku(c->certs, c->signer, MICROSOFT "10.3.5.1");
	ret->extended = cert_has_eku(c->certs, c->signer, MICROSOFT "10.3.39");
	ret->lifetime = cert_has_eku(c->certs, c->signer, MICROSOFT "10.3.13");
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
	/* One that Windows has for timestamps alone is here because the user gave it. */
	ret->root = root.kind == KERNEL_ROOT_NONE || root.kind == KERNEL_ROOT_TIMESTAMP
			? KERNEL_ROOT_EXTRA
			: root.kind;
	return true;
}

/* What is wrong with a path that leads to a root, dates apart. A leaf for drivers alone
 * needs no codeSigning, which the usages' check asks for. */
static void
judge_path(const struct chain *chain, struct kernel_signature *ret)
{
	const char *why = !chain->trust.ok       ? chain->trust.detail
			  : !chain->key_usage.ok ? chain->key_usage.detail
			  : !chain->eku.ok && ret->code_signing ? chain->eku.detail
								: NULL;

	if (chain->complete && why != NULL && ret->fault[0] == '\0')
		(void)snprintf(ret->fault, sizeof(ret->fault), "%s", why);
}

bool
kernel_facts_chain(const struct cms *c, const struct certs *extra, int64_t at,
    struct kernel_signature *ret, struct kd_err *e)
{
	AUTO(certs_free) struct certs *roots = NULL;
	AUTO(chain_clear) struct chain chain = {0};

	if (c->signer >= certs_n(c->certs))
		return true;
	if (!certs_new(&roots, e) || !kernel_roots_add(roots, e) ||
	    (extra != NULL && !certs_add_all(roots, extra, e)) ||
	    !chain_find(c->certs, c->signer, roots, at, &chain, e) ||
	    !read_path(&chain, ret, e))
		return false;
	ret->checks = chain.checks;
	read_usages(c, ret);
	judge_path(&chain, ret);
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
		return KERNEL_OTHER;
	}
}

/* The first thing that does not hold, as the tree would say it. Without any the verifier
 * gave up before it came to this: never taken for intact. */
static void
first_fault(const struct verify_step *steps, size_t n, char ret[320])
{
	(void)snprintf(ret, 320, "not judged, since the file is faulty before it");
	for (size_t i = 0; i < n; i++) {
		if (steps[i].result != VERIFY_FAILED)
			continue;
		(void)snprintf(ret, 320, "%s: %.*s", steps[i].name, 280, steps[i].detail);
		return;
	}
}

/* One that the verifier trusts and does not go by is of after the time asked for; or of a
 * lifetime signer, which the policy knows itself. */
static void
read_stamp(const struct verify_signature *v, struct kernel_signature *ret)
{
	if (v->stamp.kind == TSP_NONE)
		return;
	ret->stamp_time = v->stamp.time;
	if (v->stamp.trusted && (v->at == v->stamp.time || ret->lifetime)) {
		ret->stamp = KERNEL_STAMP_TRUSTED;
		return;
	}
	ret->stamp = KERNEL_STAMP_UNTRUSTED;
	memcpy(ret->stamp_fault, v->stamp.detail, sizeof(ret->stamp_fault));
}

static bool
read_signature(const struct verify_signature *v, const struct certs *extra,
    struct kernel_facts *f, struct kernel_signature *ret, struct kd_err *e)
{
	ret->nested = v->nested || v->entry > 0;
	ret->md = v->cms.md;
	if (!v->intact)
		first_fault(v->steps, v->steps_n, ret->fault);
	if (f->checks > VERIFY_CHECKS_MAX)
		(void)snprintf(ret->fault, sizeof(ret->fault),
		    "chains before took too many signature checks");
	else if (!kernel_facts_chain(&v->cms, extra, v->at, ret, e))
		return false;
	f->checks += ret->checks;
	read_stamp(v, ret);
	return true;
}

static bool
add_embedded(const struct verify_report *r, const struct certs *extra,
    struct kernel_facts *ret, struct kd_err *e)
{
	ret->machine = kernel_facts_machine(r->pe.machine);
	ret->subsystem = r->pe.subsystem;
	ret->checksum_wrong = r->pe.checksum != r->checksum_right;
	for (size_t i = 0; i < r->sigs_n && ret->sigs_n < KERNEL_SIGNATURES_MAX; i++) {
		struct kernel_signature *s = &ret->sigs[ret->sigs_n++];

		if (r->sigs[i].entry == 0)
			(void)snprintf(s->name, sizeof(s->name), "signature %zu",
			    r->sigs[i].index);
		else
			(void)snprintf(s->name, sizeof(s->name),
			    "signature %zu of entry %zu", r->sigs[i].index,
			    r->sigs[i].entry);
		if (!read_signature(&r->sigs[i], extra, ret, s, e))
			return false;
	}
	return true;
}

static bool
read_catalog(const struct verify_report *r, const struct verify_member *member,
    const struct certs *extra, struct kernel_facts *f, struct kernel_signature *ret,
    struct kd_err *e)
{
	ret->catalog = true;
	(void)snprintf(ret->name, sizeof(ret->name), "the catalog's signature");
	ret->listed_sha1 = member == NULL ||
			   (member->by & (VERIFY_BY_SHA1 | VERIFY_BY_SHA1_TEXT)) != 0;
	if (!read_signature(&r->sigs[0], extra, f, ret, e))
		return false;
	if (member != NULL && !member->ok)
		first_fault(member->steps, member->steps_n, ret->fault);
	return true;
}

bool
kernel_facts_add(const struct verify_report *r, const struct verify_member *member,
    const struct certs *extra, struct kernel_facts *ret, struct kd_err *e)
{
	if (r->subject == VERIFY_PE)
		return add_embedded(r, extra, ret, e);
	if (r->sigs_n == 0 || ret->sigs_n == KERNEL_SIGNATURES_MAX)
		return true;
	return read_catalog(r, member, extra, ret, &ret->sigs[ret->sigs_n++], e);
}
