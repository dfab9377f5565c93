/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/cat_file.h - what a catalog lists of one file, as MakeCat would. */
#ifndef KD_CAT_FILE_H
#define KD_CAT_FILE_H
#include "authenticode/cat.h"

struct cat_hash_options {
	enum cat_version version;
	bool page_hashes; /* of PE images */
	bool as_is;       /* `subject` is asked for; else the content decides */
	enum cat_subject subject;
};

struct cat_hash { /* of one file; cat_hash_clear */
	enum cat_subject subject;
	uint64_t size;
	uint8_t sha1[20], sha256[32]; /* of a version 1 catalog only sha1 */
	uint8_t cab_header[32];       /* CAB: digest of its length field */
	struct buf pages;             /* PE: table, when asked for */
	char doubt[200]; /* why what begins like a PE image is listed flat, or "" */
};
void cat_hash_clear(struct cat_hash *h);
AUTO_DEFINE_CLEAR(struct cat_hash, cat_hash_clear);

/*
 * cat_hash - read an open file once (page hashes: twice) and compute what its members
 * need.
 *
 * What has the headers of a PE image is hashed as one: its digest stays the same when it
 * is signed. What begins like one but is damaged is listed flat, as MakeCat does, with
 * the reason in ret->doubt. A cabinet that has room reserved for a signature, or has one,
 * is refused.
 *
 * ret  written on success only
 * Errors: KD_E_FORMAT, KD_E_LIMIT, KD_E_FILE, KD_E_CRYPTO, KD_E_NOMEM; the caller adds
 *         the path.
 * Spec:   catalog facts 3; [MS-CAB] 2.1 "CFHEADER".
 */
bool cat_hash(int fd, const struct cat_hash_options *o, struct cat_hash *ret,
    struct kd_err *e) KD_MUST;

struct cat_value {         /* an attribute as a CDF says it; UTF-8 */
	const char *name;  /* printed as it is */
	uint32_t flags;    /* CAT_NOT_IN_COMPAT is for the builder, and not written */
	const char *value; /* CAT_VALUE_BASE64: decoded first */
};
/* The attribute of the whole catalog. KD_E_FORMAT (base64, UTF-8), KD_E_NOMEM. */
bool cat_add_header(
    struct cat_builder *b, const struct cat_value *v, struct kd_err *e) KD_MUST;

struct cat_file {
	const char *tag; /* NULL: found by its hash; else by this text */
	const struct cat_hash *hash;
	const struct cat_value *values;
	size_t values_n;
};
/*
 * cat_add_file - the member or members that list one file.
 *
 * Version 1: its SHA-1 as hexadecimal text. Version 2: its SHA-256, and its SHA-1 once
 * more for systems that look for that. With a tag: one member of that name.
 */
bool cat_add_file(struct cat_builder *b, enum cat_version version,
    const struct cat_file *f, struct kd_err *e) KD_MUST;
/* The identifier of the (main) member that cat_add_file makes. */
bool cat_file_id(enum cat_version version, const struct cat_file *f, struct buf *ret,
    struct kd_err *e) KD_MUST;
#endif
