/* SPDX-License-Identifier: Apache-2.0 */
/* client/ms_judge.c - signtool verify's verdict on one signature, in its words. */
#include "client/ms_judge.h"

#include <string.h>

#include "authenticode/kernel_facts.h"
#include "base/num.h"
#include "client/ms_key.h"

#define NO_SIGNATURE "No signature found."
#define NOT_RECOGNIZED                                                                   \
	"This file format cannot be verified because it is not recognized."
#define BAD_DIGEST                                                                       \
	"WinVerifyTrust returned error: 0x80096010\n"                                    \
	"\tThe digital signature of the object did not verify."
#define NOT_LISTED                                                                       \
	"WinVerifyTrust returned error: 0x800B0100\n"                                    \
	"\tNo signature was present in the subject."
#define UNTRUSTED                                                                        \
	"A certificate chain processed, but terminated in a root\n"                      \
	"\tcertificate which is not trusted by the trust provider."
#define BAD_CHAIN                                                                        \
	"WinVerifyTrust returned error: 0x800B010A\n"                                    \
	"\tA certificate chain could not be built to a trusted root authority."
#define EXPIRED                                                                          \
	"WinVerifyTrust returned error: 0x800B0101\n"                                    \
	"\tA required certificate is not within its validity period when verifying\n"    \
	"\tagainst the current system clock or the timestamp in the signed file."
#define WRONG_USAGE                                                                      \
	"WinVerifyTrust returned error: 0x800B0110\n"                                    \
	"\tThe certificate is not valid for the requested usage."
#define BAD_STAMP                                                                        \
	"WinVerifyTrust returned error: 0x80096005\n"                                    \
	"\tThe timestamp signature and/or certificate could not be verified or is\n"     \
	"\tmalformed."
#define NOT_MICROSOFT "Signing Cert does not chain to a Microsoft Root Cert."
#define NO_USAGE "The signer does not possess the specified EKUs."
#define OTHER_ROOT                                                                       \
	"The signing certificate chain does not end at the specified root."
#define OTHER_CERT "The signer's certificate does not have the specified SHA1 hash."
#define OTHER_VERSION                                                                    \
	"The file is not valid for the specified operating system version."

const struct verify_report *
ms_judge_report(const struct verified *v)
{
	return v->catalog != NULL ? &v->catalog->report : &v->report;
}

const char *
ms_judge_error(const struct kd_err *e)
{
	switch (e->code) {
	case KD_E_UNSIGNED:
		return NO_SIGNATURE;
	case KD_E_FORMAT:
		return NOT_RECOGNIZED;
	default:
		return "An error occurred while attempting to verify the file.";
	}
}

bool
ms_judge_is_verdict(const struct kd_err *e)
{
	return e->code == KD_OK || e->code == KD_E_NOT_VERIFIED ||
	       e->code == KD_E_UNSIGNED || e->code == KD_E_FORMAT ||
	       e->code == KD_E_LIMIT;
}

static const char *
text_of(const char *step, bool chain_complete)
{
	static const struct {
		const char *step, *text;
	} texts[] = {
	    {"chain", UNTRUSTED},
	    {"validity", EXPIRED},
	    {"extended key usage", WRONG_USAGE},
	    {"key usage", WRONG_USAGE},
	    {"timestamp", BAD_STAMP},
	    {"listed", NOT_LISTED},
	};

	if (chain_complete && strcmp(step, "chain") == 0)
		return BAD_CHAIN; /* it gets there, and something on the way is wrong */
	for (size_t i = 0; i < KD_ARRAY_LEN(texts); i++)
		if (strcmp(step, texts[i].step) == 0)
			return texts[i].text;
	return BAD_DIGEST;
}

/* About the trust in whoever signed, which the kernel has its own rules for. */
static bool
is_of_trust(const char *step)
{
	static const char *const of_trust[] = {
	    "chain", "validity", "extended key usage", "key usage", "timestamp"};

	for (size_t i = 0; i < KD_ARRAY_LEN(of_trust); i++)
		if (strcmp(step, of_trust[i]) == 0)
			return true;
	return false;
}

static const char *
failed(const struct verify_step *step, bool chain_complete, struct kd_err *why)
{
	(void)kd_fail(why, KD_E_NOT_VERIFIED, "%s: %s", step->name, step->detail);
	return text_of(step->name, chain_complete);
}

/* The first step that failed; NULL: none did. */
static const char *
judge_steps(const struct verify_signature *sig, bool trust, struct kd_err *why)
{
	for (size_t i = 0; i < sig->steps_n; i++)
		if (sig->steps[i].result == VERIFY_FAILED &&
		    (trust || !is_of_trust(sig->steps[i].name)))
			return failed(&sig->steps[i], sig->chain_complete, why);
	return NULL;
}

static const char *
judge_member(const struct ms_judge *j, const struct verified *v, struct kd_err *why)
{
	const struct verify_member *m = &v->report.member;

	if (v->catalog == NULL)
		return NULL;
	for (size_t i = 0; i < m->steps_n; i++)
		if (m->steps[i].result == VERIFY_FAILED)
			return failed(&m->steps[i], false, why);
	if (!m->ok) { /* never looked up: it could not be read */
		*why = v->e;
		return ms_judge_error(&v->e);
	}
	if (!j->sha256_only || (m->by & VERIFY_BY_SHA256) != 0)
		return NULL;
	(void)kd_fail(why, KD_E_NOT_VERIFIED, "the catalog lists the file's SHA-1 only");
	return NOT_LISTED;
}

/* The one signature's facts, as the loader would have them. */
static bool
kernel_signature(const struct ms_judge *j, const struct verified *v, size_t i,
    struct kernel_facts *ret, struct kd_err *e)
{
	const struct verify_member *m = v->catalog != NULL ? &v->report.member : NULL;
	struct verify_report one = *ms_judge_report(v); /* borrows all */

	one.sigs = &one.sigs[i];
	one.sigs_n = 1;
	ret->now = j->now;
	return kernel_facts_add(&one, m, j->kernel_roots, ret, e);
}

static const char *
kernel_text(const struct kernel_signature *s, const struct verify_signature *sig)
{
	if (s->fault[0] != '\0')
		return sig->intact ? BAD_CHAIN : BAD_DIGEST;
	if (s->root == KERNEL_ROOT_NONE)
		return sig->chain_complete ? NOT_MICROSOFT : UNTRUSTED;
	if (!s->code_signing && !s->whql)
		return WRONG_USAGE;
	return EXPIRED;
}

static bool
judge_kernel(const struct ms_judge *j, const struct verified *v, size_t i,
    const char **ret_text, struct kd_err *why, struct kd_err *e)
{
	const struct verify_signature *sig = &ms_judge_report(v)->sigs[i];
	struct kernel_facts facts = {0};
	struct kernel_report report;

	*ret_text = judge_steps(sig, false, why);
	if (*ret_text == NULL && !sig->intact)
		*ret_text = BAD_DIGEST;
	if (*ret_text != NULL)
		return true;
	if (!kernel_signature(j, v, i, &facts, e))
		return false;
	kernel_judge(&facts, &report);
	if (report.policy.loads)
		return true;
	(void)kd_fail(why, KD_E_NOT_VERIFIED, "%s", report.policy.why);
	*ret_text = kernel_text(&facts.sigs[0], sig);
	return true;
}

/* /r, /u, /sha1 */
static const char *
judge_wishes(const struct ms_judge *j, const struct verify_signature *sig)
{
	const struct cert_info *root =
	    sig->chain_n > 0 ? &sig->chain[sig->chain_n - 1] : NULL;

	if (j->root != NULL && (root == NULL || !ms_has_part(root->subject, j->root)))
		return OTHER_ROOT;
	if (j->usage != NULL &&
	    (sig->cms.signer == SIZE_MAX ||
		!cert_has_eku(sig->cms.certs, sig->cms.signer, j->usage)))
		return NO_USAGE;
	if (j->sha1 != NULL && (sig->chain_n == 0 ||
				   memcmp(sig->chain[0].sha1, j->sha1, 20) != 0))
		return OTHER_CERT;
	return NULL;
}

/* /o: what the catalog says it is for. */
static bool
judge_version(const struct ms_judge *j, const struct verified *v, const char **ret_text,
    struct kd_err *e)
{
	const struct installer_question q = {.file = v->file,
	    .catalog = ms_judge_report(v),
	    .member = &v->report.member,
	    .now = j->now};
	struct installer_facts facts;

	if (j->versions == 0 || v->catalog == NULL)
		return true;
	if (!installer_facts_make(&q, &facts, e))
		return false;
	if (facts.has_versions && (facts.versions & j->versions) != j->versions)
		*ret_text = OTHER_VERSION;
	return true;
}

bool
ms_judge_signature(const struct ms_judge *j, const struct verified *v, size_t i,
    const char **ret_text, struct kd_err *ret_why, struct kd_err *e)
{
	const struct verify_signature *sig = &ms_judge_report(v)->sigs[i];
	const char *text = judge_member(j, v, ret_why);

	if (text == NULL && j->policy == MS_POLICY_KERNEL) {
		if (!judge_kernel(j, v, i, &text, ret_why, e))
			return false;
	} else if (text == NULL) {
		text = judge_steps(sig, true, ret_why);
		if (text == NULL && !sig->ok)
			text = BAD_DIGEST;
	}
	if (text == NULL)
		text = judge_wishes(j, sig);
	if (text == NULL && !judge_version(j, v, &text, e))
		return false;
	*ret_text = text;
	return true;
}
