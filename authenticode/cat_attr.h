/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/cat_attr.h - one attribute of a catalog or its member, as DER. For
 * cat_*.c. */
#ifndef KD_CAT_ATTR_H
#define KD_CAT_ATTR_H
#include "authenticode/cat.h"

/* A member's: SEQUENCE { OID, SET { value } }. */
void cat_attr_put(struct buf *b, const struct cat_attr *a);
bool cat_attr_get(struct rd *r, struct cat_attr *ret, struct kd_err *e) KD_MUST;
/* The catalog's: SEQUENCE { OID, OCTET STRING { value } }, like an X.509 extension. */
void cat_header_put(struct buf *b, const struct cat_attr *a);
bool cat_header_get(struct rd *r, struct cat_attr *ret, struct kd_err *e) KD_MUST;
#endif
