/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/attr.h - search for objects and read their attributes. */
#ifndef KD_PKCS11_ATTR_H
#define KD_PKCS11_ATTR_H
#include "base/builder.h"
#include "base/error.h"
#include "pkcs11/token.h"

#define ATTR_BOOLS_MAX 16
#define ATTR_VALUE_MAX 8192 /* bytes; a certificate of ours is below 4 KiB */

/* Objects that match tmpl, at most max of them; *ret_n may be larger than max to say
 * "more". Errors: KD_E_TOKEN. */
bool attr_find(const struct token *t, CK_ATTRIBUTE *tmpl, size_t tmpl_n,
    CK_OBJECT_HANDLE *ret, size_t max, size_t *ret_n, struct kd_err *e) KD_MUST;
/* Objects of a class that a key's URI names, by its object and id; as attr_find. */
bool attr_find_uri(const struct token *t, CK_OBJECT_CLASS class, const struct uri *u,
    CK_OBJECT_HANDLE *ret, size_t max, size_t *ret_n, struct kd_err *e) KD_MUST;
/*
 * attr_fault - has reading failed since the last call for a reason that is not the
 * object's, so that what the functions below said of it may be wrong?
 *
 * e  overwritten when true: KD_E_TOKEN with the call and its CK_RV
 * The thread that looks for keys only.
 */
bool attr_fault(struct kd_err *e) KD_MUST;
/* The value's bytes; false when the object has none, it is empty, too long or unreadable.
 * Emptied first. */
bool attr_bytes(
    const struct token *t, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type, struct buf *ret);
/* n of them in one call; false: ask for each, some have no answer. */
bool attr_bools(const struct token *t, CK_OBJECT_HANDLE o, const CK_ATTRIBUTE_TYPE *types,
    CK_BBOOL *ret, size_t n);
bool attr_ulong(
    const struct token *t, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type, CK_ULONG *ret);
/* What is absent counts as dflt. */
bool attr_bool(
    const struct token *t, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type, bool dflt);
#endif
