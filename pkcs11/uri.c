/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/uri.c - RFC 7512 URIs: p11-kit parses, this file decides what is allowed in
 * them. */
#include "pkcs11/uri.h"

#include <string.h>

#include <p11-kit/pkcs11.h>
#include <p11-kit/uri.h>

#include "base/own.h"
#include "base/text.h"

AUTO_DEFINE(P11KitUri, p11_kit_uri_free);

/* A CK_TOKEN_INFO field: padded with blanks, without a NUL; a NUL first means "not
 * given". */
static void
copy_field(char *dst, const unsigned char *src, size_t n)
{
	while (n > 0 && (src[n - 1] == ' ' || src[n - 1] == '\0'))
		n--;
	memcpy(dst, src, n);
	dst[n] = '\0';
}

static bool
any_set(const void *p, size_t n)
{
	const unsigned char *b = p;

	for (size_t i = 0; i < n; i++) {
		if (b[i] != 0 && b[i] != 0xff)
			return true;
	}
	return false;
}

/* What may not stand in a URI of ours, whatever it names. */
static bool
check_foreign(P11KitUri *p, struct kd_err *e)
{
	const CK_INFO *mod = p11_kit_uri_get_module_info(p);
	const CK_SLOT_INFO *slot = p11_kit_uri_get_slot_info(p);

	if (p11_kit_uri_get_pin_value(p) != NULL ||
	    p11_kit_uri_get_pin_source(p) != NULL) {
		(void)kd_fail(
		    e, KD_E_CONFIG, "pin-value and pin-source are not allowed here");
		return kd_hint(
		    e, "give the PIN by pin-file, a systemd credential or --pin-fd");
	}
	if (p11_kit_uri_get_module_path(p) != NULL ||
	    p11_kit_uri_get_module_name(p) != NULL ||
	    any_set(mod->libraryDescription, sizeof(mod->libraryDescription)) ||
	    any_set(mod->manufacturerID, sizeof(mod->manufacturerID)) ||
	    any_set(&mod->libraryVersion, sizeof(mod->libraryVersion)))
		return kd_fail(e, KD_E_CONFIG,
		    "module and library attributes are not allowed here; "
		    "the module is named by 'module'");
	if (p11_kit_uri_get_slot_id(p) != (CK_SLOT_ID)-1 ||
	    any_set(slot->slotDescription, sizeof(slot->slotDescription)) ||
	    any_set(slot->manufacturerID, sizeof(slot->manufacturerID)))
		return kd_fail(e, KD_E_CONFIG,
		    "slot attributes are not allowed here: a slot's number changes; "
		    "name the token by its serial or label");
	if (p11_kit_uri_any_unrecognized(p))
		return kd_fail(e, KD_E_CONFIG,
		    "holds an attribute that is unknown or longer than allowed (RFC 7512 "
		    "2.3)");
	return true;
}

static bool
copy_object(P11KitUri *p, struct uri *u, struct kd_err *e)
{
	const CK_ATTRIBUTE *label = p11_kit_uri_get_attribute(p, CKA_LABEL);
	const CK_ATTRIBUTE *id = p11_kit_uri_get_attribute(p, CKA_ID);

	if (label != NULL) {
		if (label->ulValueLen == 0 || label->ulValueLen > URI_OBJECT_MAX)
			return kd_fail(e, KD_E_CONFIG,
			    "object is %lu bytes, expected 1 to %d", label->ulValueLen,
			    URI_OBJECT_MAX);
		memcpy(u->object, label->pValue, label->ulValueLen);
		if (strlen(u->object) != label->ulValueLen)
			return kd_fail(e, KD_E_CONFIG, "object holds a NUL");
	}
	if (id != NULL) {
		if (id->ulValueLen == 0 || id->ulValueLen > URI_OBJECT_MAX)
			return kd_fail(e, KD_E_CONFIG,
			    "id is %lu bytes, expected 1 to %d", id->ulValueLen,
			    URI_OBJECT_MAX);
		memcpy(u->id, id->pValue, id->ulValueLen);
		u->id_len = id->ulValueLen;
		u->has_id = true;
	}
	return true;
}

static bool
check_kind(P11KitUri *p, enum uri_kind kind, const struct uri *u, struct kd_err *e)
{
	const CK_ATTRIBUTE *type = p11_kit_uri_get_attribute(p, CKA_CLASS);
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	bool names_object = u->object[0] != '\0' || u->has_id;

	if (type != NULL && type->ulValueLen == sizeof(class))
		memcpy(&class, type->pValue, sizeof(class));
	if (kind == URI_TOKEN && (names_object || type != NULL))
		return kd_fail(e, KD_E_CONFIG,
		    "names an object (object, id or type); expected a token only");
	if (kind == URI_KEY && !names_object)
		return kd_fail(
		    e, KD_E_CONFIG, "names no key; expected object=... or id=...");
	if (class != CKO_PRIVATE_KEY)
		return kd_fail(
		    e, KD_E_CONFIG, "type is not private; only private keys can sign");
	return true;
}

bool
uri_parse(const char *s, enum uri_kind kind, struct uri *ret, struct kd_err *e)
{
	AUTO(p11_kit_uri_free) P11KitUri *p = p11_kit_uri_new();
	struct uri u = {0};
	const CK_TOKEN_INFO *t;
	int rc;

	if (p == NULL)
		return kd_fail_nomem(e, "PKCS#11 URI");
	rc = p11_kit_uri_parse(s, P11_KIT_URI_FOR_ANY, p);
	if (rc != P11_KIT_URI_OK)
		return kd_fail(e, KD_E_CONFIG, "not a PKCS#11 URI: %s (RFC 7512)",
		    p11_kit_uri_message(rc));
	if (!check_foreign(p, e))
		return false;
	t = p11_kit_uri_get_token_info(p);
	copy_field(u.label, t->label, sizeof(t->label));
	copy_field(u.manufacturer, t->manufacturerID, sizeof(t->manufacturerID));
	copy_field(u.serial, t->serialNumber, sizeof(t->serialNumber));
	copy_field(u.model, t->model, sizeof(t->model));
	if (!copy_object(p, &u, e) || !check_kind(p, kind, &u, e))
		return false;
	*ret = u;
	return true;
}

static bool
matches(const char *want, const char *have)
{
	return want[0] == '\0' || strcmp(want, have) == 0;
}

bool
uri_matches_token(const struct uri *u, const struct uri_token *t)
{
	return matches(u->label, t->label) && matches(u->manufacturer, t->manufacturer) &&
	       matches(u->serial, t->serial) && matches(u->model, t->model);
}
