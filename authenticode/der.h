/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/der.h - DER, written and read; nothing of BER. */
#ifndef KD_DER_H
#define KD_DER_H
#include <stddef.h>
#include <stdint.h>

#include "base/builder.h"
#include "base/reader.h"

enum der_tag {
	DER_BOOLEAN = 0x01,
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_OCTET_STRING = 0x04,
	DER_NULL = 0x05,
	DER_OID = 0x06,
	DER_UTF8_STRING = 0x0c,
	DER_UTC_TIME = 0x17,
	DER_GENERALIZED_TIME = 0x18,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
	DER_P0 = 0x80, /* [0] IMPLICIT, primitive */
	DER_P1 = 0x81,
	DER_C0 = 0xa0, /* [0] EXPLICIT, or IMPLICIT of something constructed */
	DER_C1 = 0xa1,
	DER_C2 = 0xa2
};

/*
 * Writing. An element whose content is written between der_begin and der_end gets its
 * length patched in by der_end. A failure sticks in the buf: a run of calls needs one
 * buf_ok().
 *
 *	m = der_begin(b, DER_SEQUENCE);
 *	der_put(b, DER_INTEGER, "\x01", 1);
 *	der_end(b, m);
 */
size_t der_begin(struct buf *b, uint8_t tag);
void der_end(struct buf *b, size_t mark);
void der_put(struct buf *b, uint8_t tag, const void *p, size_t n);
/* Tag and length alone; the caller appends exactly n bytes of content. */
void der_put_head(struct buf *b, uint8_t tag, size_t n);

struct der_item { /* one encoded element; borrowed */
	const uint8_t *p;
	size_t len;
};
/* The items, sorted as DER wants it of a SET OF (X.690 11.6), equal ones once, as the content
 * of one element. v is left in that order. */
void der_put_set(struct buf *b, uint8_t tag, struct der_item *v, size_t n);

/* Reading. */
struct tlv {
	uint8_t tag;
	const uint8_t *p; /* the whole element, borrowed */
	size_t len;
	struct rd body; /* its content octets */
};
#define DER_LEN_MAX ((size_t)64 << 20)

/*
 * der_next - the next element of r, whatever its tag.
 *
 * what  for messages: "SignerInfo version"
 * Errors: KD_E_FORMAT "<what> at offset 0x1f: ..." for a truncated element, an indefinite
 *         or non-minimal length, one over DER_LEN_MAX, a tag number over 30. r is then of
 *         no further use.
 * Spec:   X.690 8.1, 10.1. No real signature among our test files needs BER.
 */
bool der_next(struct rd *r, const char *what, struct tlv *ret, struct kd_err *e) KD_MUST;
/* The same, and its tag must be tag. */
bool der_want(struct rd *r, uint8_t tag, const char *what, struct tlv *ret,
    struct kd_err *e) KD_MUST;
/* Is the next element there, and of that tag? */
bool der_is(const struct rd *r, uint8_t tag);
/* Takes the next element when it is of that tag, else makes ret all-zero (p NULL). */
bool der_opt(struct rd *r, uint8_t tag, const char *what, struct tlv *ret,
    struct kd_err *e) KD_MUST;
/* Refuses bytes left over in r: "<what> has 3 unexpected bytes at offset 0x20". */
bool der_done(const struct rd *r, const char *what, struct kd_err *e) KD_MUST;
/* The content octets are these. */
bool der_body_is(const struct tlv *t, const void *p, size_t n);
#endif
