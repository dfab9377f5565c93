/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/cms_edit.h - unsigned attributes of a signature, changed in a copy. */
#ifndef KD_CMS_EDIT_H
#define KD_CMS_EDIT_H
#include <stddef.h>
#include <stdint.h>

#include "authenticode/cert.h"
#include "authenticode/tsp.h"
#include "base/builder.h"

/*
 * Each appends a changed copy of a ContentInfo to ret, on success only. Content, signed
 * attributes and signature are the same bytes; unsigned attributes, their values and the
 * certificate set come out sorted (X.690 11.6). Bytes after the ContentInfo (padding) are
 * left out.
 *
 * Errors: KD_E_FORMAT (cms or value is not what it should be), KD_E_LIMIT, KD_E_NOMEM.
 * Spec:   facts 9, 10.
 */
#define CMS_UNSIGNED_MAX 64 /* attributes of one signature; real ones have two */

/* The one timestamp, in place of those of either kind. value: token ContentInfo, or
 * countersigner's SignerInfo, whose certs (else NULL) go into the outer set. */
bool cms_set_timestamp(const uint8_t *cms, size_t len, enum tsp_kind kind,
    const uint8_t *value, size_t value_len, const struct certs *certs, struct buf *ret,
    struct kd_err *e) KD_MUST;
/* One more nested signature beside those already there; CMS_NESTED_MAX at most. */
bool cms_add_nested(const uint8_t *cms, size_t len, const uint8_t *nested,
    size_t nested_len, struct buf *ret, struct kd_err *e) KD_MUST;
/* index: in the SET's order, as cms_next_nested gives them; the order may be another one
 * afterwards. */
bool cms_replace_nested(const uint8_t *cms, size_t len, size_t index,
    const uint8_t *nested, size_t nested_len, struct buf *ret, struct kd_err *e) KD_MUST;
/* All unsigned attributes: timestamps, nested signatures and what others put there. */
bool cms_remove_unsigned(
    const uint8_t *cms, size_t len, struct buf *ret, struct kd_err *e) KD_MUST;
#endif
