/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/cat_spc.h - SpcIndirectDataContent as it stands in catalogs: the type and
 * the digest of one listed file. */
#ifndef KD_CAT_SPC_H
#define KD_CAT_SPC_H
#include <stddef.h>
#include <stdint.h>

#include "authenticode/der.h"
#include "base/md.h"

/* How a file's digest is computed, which Windows decides by its content. */
enum cat_subject { CAT_FLAT, CAT_PE, CAT_CAB, CAT_OTHER };

enum cat_link {                /* where the file's name would stand */
	CAT_LINK_EMPTY,        /* what MakeCat writes today */
	CAT_LINK_OBSOLETE,     /* "<<<Obsolete>>>", until about 2010 */
	CAT_LINK_PAGES_SHA1,   /* PE: table of page hashes */
	CAT_LINK_PAGES_SHA256, /* the same */
	CAT_LINK_CAB           /* CAB: digest of its length field */
};

struct cat_indirect { /* borrowed */
	enum cat_subject subject;
	enum cat_link link;
	const uint8_t
	    *flags; /* PE: content of the BIT STRING; NULL: what MakeCat writes */
	size_t flags_len;
	const uint8_t *table; /* for the links that hold bytes */
	size_t table_len;
	enum md md;
	const uint8_t *digest; /* md_len(md) bytes */
	/* CAT_OTHER: the element `data` as it stands, in place of the fields before md */
	const uint8_t *data;
	size_t data_len;
};

/* Appends the DER of SpcIndirectDataContent. */
void cat_indirect_put(struct buf *b, const struct cat_indirect *i);

/*
 * cat_indirect_get - the next element of r, which must be SpcIndirectDataContent.
 *
 * A type that is not known, or written in another way than cat_indirect_put would, comes
 * out as CAT_OTHER: putting what was got gives the same bytes.
 * Errors: KD_E_FORMAT, KD_E_NOMEM.
 * Spec:   Windows Authenticode PE Signature Format 1.0, "SpcIndirectDataContent"; catalog
 *         facts 3.
 */
bool cat_indirect_get(struct rd *r, struct cat_indirect *ret, struct kd_err *e) KD_MUST;
#endif
