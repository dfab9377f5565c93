/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/attr.c - search for objects and read their attributes. */
#include "pkcs11/attr.h"

#include <string.h>

#include "pkcs11/rv.h"

static CK_RV fault; /* CKR_OK: none */

bool
attr_fault(struct kd_err *e)
{
	CK_RV rv = fault;

	fault = CKR_OK;
	if (rv == CKR_OK)
		return false;
	*e = (struct kd_err){0};
	(void)rv_fail(e, rv, "C_GetAttributeValue");
	return true;
}

/* What an object does not have or does not tell is an answer; all else is a fault. */
static bool
get(const struct token *t, CK_OBJECT_HANDLE o, CK_ATTRIBUTE *a)
{
	CK_RV rv = token_fns(t)->C_GetAttributeValue(token_session(t), o, a, 1);

	if (rv != CKR_OK && rv != CKR_ATTRIBUTE_TYPE_INVALID &&
	    rv != CKR_ATTRIBUTE_SENSITIVE && rv != CKR_BUFFER_TOO_SMALL)
		fault = rv;
	return rv == CKR_OK;
}

bool
attr_find(const struct token *t, CK_ATTRIBUTE *tmpl, size_t tmpl_n, CK_OBJECT_HANDLE *ret,
    size_t max, size_t *ret_n, struct kd_err *e)
{
	CK_FUNCTION_LIST *f = token_fns(t);
	CK_SESSION_HANDLE s = token_session(t);
	CK_OBJECT_HANDLE o;
	CK_ULONG got = 1;
	size_t n = 0;
	CK_RV rv = f->C_FindObjectsInit(s, tmpl, tmpl_n);

	if (rv != CKR_OK)
		return rv_fail(e, rv, "C_FindObjectsInit");
	/* One at a time: some modules answer a larger wish with what they like. */
	while (rv == CKR_OK && got > 0 && n <= max) {
		rv = f->C_FindObjects(s, &o, 1, &got);
		if (rv != CKR_OK || got == 0)
			continue;
		if (n < max)
			ret[n] = o;
		n++;
	}
	(void)f->C_FindObjectsFinal(s);
	if (rv != CKR_OK)
		return rv_fail(e, rv, "C_FindObjects");
	*ret_n = n;
	return true;
}

bool
attr_find_uri(const struct token *t, CK_OBJECT_CLASS class, const struct uri *u,
    CK_OBJECT_HANDLE *ret, size_t max, size_t *ret_n, struct kd_err *e)
{
	CK_ATTRIBUTE tmpl[3] = {{CKA_CLASS, &class, sizeof(class)}};
	struct uri copy = *u; /* CK_ATTRIBUTE lacks a const */
	size_t n = 1;

	if (copy.object[0] != '\0')
		tmpl[n++] = (CK_ATTRIBUTE){CKA_LABEL, copy.object, strlen(copy.object)};
	if (copy.has_id)
		tmpl[n++] = (CK_ATTRIBUTE){CKA_ID, copy.id, copy.id_len};
	return attr_find(t, tmpl, n, ret, max, ret_n, e);
}

bool
attr_bytes(
    const struct token *t, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type, struct buf *ret)
{
	CK_ATTRIBUTE a = {.type = type};

	buf_reset(ret);
	if (!get(t, o, &a) || a.ulValueLen == CK_UNAVAILABLE_INFORMATION || a.ulValueLen == 0 ||
	    a.ulValueLen > ATTR_VALUE_MAX)
		return false;
	a.pValue = buf_reserve(ret, a.ulValueLen);
	if (a.pValue == NULL)
		fault = CKR_HOST_MEMORY; /* ours: not that the object has none */
	if (a.pValue == NULL || !get(t, o, &a) || a.ulValueLen > ret->len) {
		buf_reset(ret);
		return false;
	}
	ret->len = a.ulValueLen; /* the second answer may be shorter */
	return true;
}

bool
attr_bools(const struct token *t, CK_OBJECT_HANDLE o, const CK_ATTRIBUTE_TYPE *types,
    CK_BBOOL *ret, size_t n)
{
	CK_ATTRIBUTE a[ATTR_BOOLS_MAX];

	if (n > ATTR_BOOLS_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		a[i] = (CK_ATTRIBUTE){
		    .type = types[i], .pValue = &ret[i], .ulValueLen = sizeof(ret[i])};
	if (token_fns(t)->C_GetAttributeValue(token_session(t), o, a, n) != CKR_OK)
		return false; /* no fault yet: each is asked for again */
	for (size_t i = 0; i < n; i++)
		if (a[i].ulValueLen != sizeof(ret[i]))
			return false;
	return true;
}

bool
attr_ulong(
    const struct token *t, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type, CK_ULONG *ret)
{
	CK_ULONG v = 0;
	CK_ATTRIBUTE a = {.type = type, .pValue = &v, .ulValueLen = sizeof(v)};

	if (!get(t, o, &a) || a.ulValueLen != sizeof(v))
		return false;
	*ret = v;
	return true;
}

bool
attr_bool(const struct token *t, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type, bool dflt)
{
	CK_BBOOL v = CK_FALSE;
	CK_ATTRIBUTE a = {.type = type, .pValue = &v, .ulValueLen = sizeof(v)};

	if (!get(t, o, &a) || a.ulValueLen != sizeof(v))
		return dflt;
	return v != CK_FALSE;
}
