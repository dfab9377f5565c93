/* SPDX-License-Identifier: Apache-2.0 */
/* client/ms_verify_args.c - the options of signtool verify, and what they mean here. */
#include <string.h>

#include "authenticode/installer.h"
#include "authenticode/kernel_roots.h"
#include "base/clock.h"
#include "base/text.h"
#include "client/key_pick.h"
#include "client/ms_cert.h"
#include "client/ms_key.h"
#include "client/ms_verify.h"
#include "client/trust.h"

#define AT(field) offsetof(struct ms_verify_args, field)
#define NO_DATABASE                                                                      \
	"There is no catalog database on this system; /c names a catalog."

const struct ms_row ms_verify_rows[] = {
    MS_COMMON_ROWS(struct ms_verify_args, common),
    {"pa", MS_FLAG, AT(pa), NULL, "policy: any root that this machine trusts"},
    {"kp", MS_FLAG, AT(kp), NULL, "policy: kernel-mode drivers"},
    {"pg", MS_TEXT, AT(guid), "GUID", "policy by its GUID: that of /pa, or none's"},
    {"c", MS_TEXT, AT(catalog), "FILE", "by the signature of this catalog"},
    {"a", MS_FLAG, AT(any), NULL, "any way; there being no database: embedded"},
    {"hash", MS_TEXT, AT(hash), "ALG", "SHA1 or SHA256: how the catalog must list it"},
    {"all", MS_FLAG, AT(all), NULL, "every signature of the file"},
    {"ds", MS_UINT, AT(index), "INDEX", "the signature of this index, from 0"},
    {"ms", MS_FLAG, AT(multiple), NULL, "any signature that is right will do"},
    {"r", MS_TEXT, AT(root), "NAME", "the root's name must have this part"},
    {"u", MS_TEXT, AT(usage), "USAGE", "the signer must have this extended key usage"},
    {"uw", MS_FLAG, AT(system_usage), NULL, "that of Windows system components"},
    {"sha1", MS_TEXT, AT(sha1), "HASH", "the signer's certificate has this thumbprint"},
    {"o", MS_TEXT, AT(version), "VERSION", "the catalog must be for it: 2:10.0"},
    {"tw", MS_FLAG, AT(warn_unstamped), NULL, "warn when there is no timestamp"},
    {"d", MS_FLAG, AT(describe), NULL, "print description and URL"},
    {"ph", MS_FLAG, AT(pages), NULL, "print page hashes"},
    {"ad", MS_REFUSED, 0, NULL, NO_DATABASE},
    {"as", MS_REFUSED, 0, NULL, NO_DATABASE},
    {"ag", MS_REFUSED, 0, "GUID", NO_DATABASE},
    {"p7", MS_REFUSED, 0, NULL, "Use openssl cms -verify for files of that kind."},
    {"bp", MS_REFUSED, 0, NULL, "Biometric mode has another policy."},
    {"enclave", MS_REFUSED, 0, NULL, "Enclaves have another policy."},
    {"sl", MS_REFUSED, 0, NULL, "Sealing signatures are not known here."},
    {0},
};

static bool
read_policy(const struct ms_verify_args *a, struct ms_judge *ret, struct kd_err *e)
{
	static const char generic[] = "{00AAC56B-CD44-11D0-8CC2-00C04FC295EE}";
	static const char driver[] = "{F750E6C3-38EE-11D1-85E5-00C04FC295EE}";

	ret->policy = a->kp   ? MS_POLICY_KERNEL
		      : a->pa ? MS_POLICY_USER
			      : MS_POLICY_DRIVER;
	if (a->guid == NULL || text_eq_nocase(a->guid, driver))
		return true;
	if (!text_eq_nocase(a->guid, generic))
		return kd_fail(e, KD_E_USAGE,
		    "The policy %s is not known here; /pa and /kp are.", SHOW(a->guid));
	ret->policy = MS_POLICY_USER;
	return true;
}

/* "2:6.1.7601", also without the platform: what the catalog's OSAttr must include. */
static bool
read_version(const char *word, unsigned *ret, struct kd_err *e)
{
	AUTO(buf_clear) struct buf b = {0};

	if (word == NULL)
		return true;
	buf_printf(&b, "%s%s", strchr(word, ':') == NULL ? "2:" : "", word);
	if (!buf_ok(&b, "version", e))
		return false;
	return (installer_versions((const char *)b.p, b.len, ret) && *ret != 0) ||
	       kd_fail(e, KD_E_USAGE,
		   "Invalid operating system version: %s, expected such as 2:10.0",
		   SHOW(word));
}

static bool
read_wishes(struct ms_verifying *v, struct kd_err *e)
{
	const struct ms_verify_args *a = v->a;

	v->judge.root = a->root;
	if (a->system_usage)
		v->judge.usage = MS_EKU_SYSTEM_COMPONENT;
	if (a->usage != NULL) {
		v->judge.usage = ms_usage_oid(a->usage);
		if (v->judge.usage == NULL)
			return kd_fail(e, KD_E_USAGE, "Invalid enhanced key usage: %s",
			    SHOW(a->usage));
	}
	if (a->sha1 != NULL) {
		if (!key_thumbprint(a->sha1, v->sha1, e))
			return false;
		v->judge.sha1 = v->sha1;
	}
	if (a->hash != NULL && md_by_name(a->hash) != MD_SHA1 &&
	    md_by_name(a->hash) != MD_SHA256)
		return kd_fail(e, KD_E_USAGE,
		    "Invalid hash algorithm: %s, expected SHA1 or SHA256", SHOW(a->hash));
	v->judge.sha256_only = a->hash != NULL && md_by_name(a->hash) == MD_SHA256;
	return read_version(a->version, &v->judge.versions, e);
}

static bool
load_trust(struct ms_verifying *v, struct kd_err *e)
{
	const struct settings *s = &v->m->c->settings;
	const struct option_list none = {0};
	struct option_list kernel = {(const char **)s->kernel_roots.v, s->kernel_roots.n};
	AUTO(trust_clear) struct trust trust = {0};

	if (!trust_load(s, &none, &none, &trust, e) ||
	    !verdict_trust_load(&trust, &kernel, &none, false, &v->trust, e) ||
	    !ms_made_roots(&v->made, e) || !certs_new(&v->kernel, e) ||
	    !kernel_roots_add(v->kernel, e) ||
	    !certs_add_all(v->kernel, v->trust.kernel, e))
		return false;
	v->judge.kernel_roots = v->trust.kernel;
	if (v->judge.policy != MS_POLICY_DRIVER)
		return true;
	certs_free(v->trust.chain);
	v->trust.chain = NULL;
	return certs_new(&v->trust.chain, e) &&
	       kernel_roots_add_microsoft(v->trust.chain, e);
}

bool
ms_verify_read(struct ms_verifying *v, struct kd_err *e)
{
	v->judge.now = clock_unix_ms() / 1000;
	return read_policy(v->a, &v->judge, e) && read_wishes(v, e) &&
	       (v->a->catalog == NULL ||
		   ms_file_path(v->a->catalog, &v->catalog, e)) &&
	       load_trust(v, e);
}
