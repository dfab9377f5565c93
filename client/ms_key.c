/* SPDX-License-Identifier: Apache-2.0 */
/* client/ms_key.c - signtool's choice of a certificate, made among the service's keys. */
#include "client/ms_key.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "client/key_pick.h"
#include "client/ms_cert.h"

void
ms_keys_clear(struct ms_keys *k)
{
	free(k->v);
	buf_clear(&k->debug);
	*k = (struct ms_keys){0};
}

const char *
ms_usage_oid(const char *word)
{
	static const struct {
		const char *name, *oid;
	} names[] = {
	    {"codeSigning", MS_EKU_CODE_SIGNING},
	    {"Code Signing", MS_EKU_CODE_SIGNING},
	    {"Windows System Component Verification", MS_EKU_SYSTEM_COMPONENT},
	    {"Windows Hardware Driver Verification", "1.3.6.1.4.1.311.10.3.5"},
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(names); i++)
		if (text_eq_nocase(word, names[i].name))
			return names[i].oid;
	return word[0] != '\0' && word[strspn(word, "0123456789.")] == '\0' ? word : NULL;
}

bool
ms_has_part(const char *text, const char *part)
{
	size_t n = strlen(part);

	for (; strlen(text) >= n; text++)
		if (strncasecmp(text, part, n) == 0)
			return true;
	return false;
}

struct choice { /* what the filters look at */
	const struct ms_criteria *c;
	uint8_t sha1[20];
	int64_t at;
};

/* The key's certificates, the signer's first. */
static bool
load(const struct api_key *k, struct certs **ret, struct kd_err *e)
{
	AUTO(certs_free) struct certs *list = NULL;

	if (!certs_new(&list, e))
		return false;
	for (size_t i = 0; i < k->certificates_n; i++)
		if (!certs_add_der(
			list, k->certificates[i].der, k->certificates[i].len, e))
			return e->code == KD_E_NOMEM ? false
						     : kd_in(e, "key '%s'", k->name);
	if (certs_n(list) == 0)
		return kd_fail(e, KD_E_PROTOCOL, "key '%s': the service named no "
						 "certificate", k->name);
	*ret = STEAL(list);
	return true;
}

/* Who issued the last certificate of the chain is its root, there or not. */
static bool
root_has(const struct certs *list, const char *part, bool *ret, struct kd_err *e)
{
	struct cert_info root, next;
	bool more = true;

	if (!cert_info(list, 0, &root, e))
		return false;
	for (size_t steps = 0; more && steps < certs_n(list); steps++) {
		more = false;
		for (size_t i = 1; !more && i < certs_n(list); i++) {
			if (!cert_info(list, i, &next, e))
				return false;
			more = !root.self_signed &&
			       strcmp(next.subject, root.issuer) == 0;
		}
		if (more)
			root = next;
	}
	*ret = ms_has_part(root.issuer, part);
	return true;
}

enum filter { BY_EKU, BY_EXPIRY, BY_ISSUER, BY_SUBJECT, BY_ROOT, BY_HASH, BY_KEY };

static bool
passes(const struct choice *o, enum filter f, const struct ms_key *k, bool *ret,
    struct kd_err *e)
{
	const struct ms_criteria *c = o->c;
	AUTO(certs_free) struct certs *list = NULL;

	*ret = true;
	switch (f) {
	case BY_EKU:
		if (!load(k->key, &list, e))
			return false;
		*ret = cert_has_eku(
		    list, 0, c->usage != NULL ? c->usage : MS_EKU_CODE_SIGNING);
		break;
	case BY_EXPIRY:
		*ret = k->cert.not_before <= o->at && o->at <= k->cert.not_after;
		break;
	case BY_ISSUER:
		*ret = ms_has_part(k->cert.issuer, c->issuer);
		break;
	case BY_SUBJECT:
		*ret = ms_has_part(k->cert.subject, c->subject);
		break;
	case BY_ROOT:
		return load(k->key, &list, e) && root_has(list, c->root, ret, e);
	case BY_HASH:
		*ret = memcmp(k->cert.sha1, o->sha1, sizeof(o->sha1)) == 0;
		break;
	case BY_KEY: /* the service has it */
		break;
	}
	return true;
}

static bool
filter(const struct choice *o, enum filter f, const char *name, struct ms_keys *keys,
    struct kd_err *e)
{
	size_t n = 0;

	for (size_t i = 0; i < keys->n; i++) {
		bool pass;

		if (!passes(o, f, &keys->v[i], &pass, e))
			return false;
		if (pass)
			keys->v[n++] = keys->v[i];
	}
	keys->n = n;
	buf_printf(&keys->debug, "After %s filter, %zu certs were left.\n", name, n);
	return true;
}

static bool
filter_all(const struct choice *o, struct ms_keys *keys, struct kd_err *e)
{
	const struct ms_criteria *c = o->c;
	const struct {
		enum filter filter;
		const char *name;
		bool wanted;
	} filters[] = {
	    {BY_EKU, "EKU", true},
	    {BY_EXPIRY, "expiry", true},
	    {BY_ISSUER, "Issuer Name", c->issuer != NULL},
	    {BY_SUBJECT, "Subject Name", c->subject != NULL},
	    {BY_ROOT, "Root Name", c->root != NULL},
	    {BY_HASH, "Hash", c->sha1 != NULL},
	    {BY_KEY, "Private Key", true},
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(filters); i++)
		if (filters[i].wanted &&
		    !filter(o, filters[i].filter, filters[i].name, keys, e))
			return false;
	return true;
}

static bool
consider(const struct api_keys *keys, struct ms_keys *ret, struct kd_err *e)
{
	ret->v = kd_alloc_array(keys->n, sizeof(*ret->v));
	if (ret->v == NULL)
		return kd_fail_nomem(e, "list of keys");
	buf_str(&ret->debug, "\nThe following certificates were considered:\n");
	for (size_t i = 0; i < keys->n; i++) {
		struct ms_key *k = &ret->v[ret->n++];
		AUTO(certs_free) struct certs *list = NULL;

		k->key = &keys->v[i];
		if (!load(k->key, &list, e) || !cert_info(list, 0, &k->cert, e))
			return false;
		ms_put_cert(&ret->debug, &k->cert, 0);
	}
	return true;
}

static size_t
longest(const struct ms_keys *keys)
{
	size_t best = 0;

	for (size_t i = 1; i < keys->n; i++)
		if (keys->v[i].cert.not_after > keys->v[best].cert.not_after)
			best = i;
	return best;
}

bool
ms_keys_choose(const struct api_keys *keys, const struct ms_criteria *c, int64_t at,
    struct ms_keys *ret, struct kd_err *e)
{
	struct choice o = {.c = c, .at = at};

	if (c->sha1 != NULL && !key_thumbprint(c->sha1, o.sha1, e))
		return false;
	if (!consider(keys, ret, e) || !filter_all(&o, ret, e) ||
	    !buf_ok(&ret->debug, "list of keys", e))
		return false;
	if (ret->n == 0)
		return kd_fail(e, KD_E_KEY_UNKNOWN,
		    "No certificates were found that met all the given criteria.");
	if (ret->n > 1 && !c->best)
		return kd_fail(e, KD_E_KEY_AMBIGUOUS,
		    "Multiple certificates were found that meet all the given\n"
		    "\tcriteria. Use the /a option to allow SignTool to choose the best\n"
		    "\tcertificate automatically or use the /sha1 option with the hash "
		    "of the\n\tdesired certificate.");
	ret->picked = longest(ret);
	return true;
}

enum md
ms_key_md(const struct api_key *key)
{
	static const enum md habit[] = {MD_SHA256, MD_SHA384, MD_SHA512};

	for (size_t i = 0; i < KD_ARRAY_LEN(habit); i++)
		if (strstr(key->digests, md_name(habit[i])) != NULL)
			return habit[i];
	return MD_NONE;
}

enum md
ms_cert_md(const struct cert_info *c)
{
	static const enum md all[] = {MD_SHA256, MD_SHA384, MD_SHA512, MD_SHA1};

	for (size_t i = 0; i < KD_ARRAY_LEN(all); i++)
		if (ms_has_part(c->signature_algorithm, md_name(all[i])))
			return all[i];
	return MD_NONE;
}
