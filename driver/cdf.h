/* SPDX-License-Identifier: Apache-2.0 */
/* driver/cdf.h - a catalog definition file (.cdf): what a catalog is to list. */
#ifndef KD_CDF_H
#define KD_CDF_H
#include <stddef.h>

#include "authenticode/cat_file.h"
#include "base/builder.h"

/*
 * The file, as MakeCat reads it:
 *
 *	[CatalogHeader]
 *	Name=hello.cat                          the catalog; required
 *	ResultDir=out                           folder to write it to; made when missing
 *	PublicVersion=1                         not used by anything
 *	CatalogVersion=2                        1 (default) or 2
 *	HashAlgorithms=SHA256                   SHA1 (default) of version 1, SHA256 of 2
 *	PageHashes=true                         page hashes of PE members; false (default)
 *	EncodingType=0x00010001                 the only one there is
 *	CATATTR1=0x10010001:OSAttr:2:10.0       TYPE:NAME:VALUE, from 1 without a gap
 *	[CatalogFiles]
 *	<HASH>label=x64\hello.sys               a file, found by its hash
 *	<HASH>labelATTR1=0x10010001:File:hello.sys
 *	<HASH>labelALTSIPID={guid}              its type, whatever its content
 *	name=hello.inf                          a file, found by this name
 *
 * Lines end with LF or CRLF, the last one also without; a line that begins with '#' or
 * ';' is a comment; blanks around key and value are dropped; there is no quoting. Names
 *of sections and keys are told apart without regard to case. UTF-8, of which ASCII is a
 * part. MakeCat passes over what it does not know; here a key that is unknown, repeated
 *or numbered with a gap is an error, since it was meant to do something.
 */
#define CDF_LEN_MAX ((size_t)8 << 20)
#define CDF_LINE_MAX 4096
#define CDF_LINES_MAX ((size_t)200000)  /* file and three attributes, 50,000 times */
#define CDF_MEMBERS_MAX ((size_t)50000) /* CAT_MEMBERS_MAX for two members a file */
#define CDF_VALUES_MAX ((size_t)1000)   /* of one file; real ones have half a dozen */
#define CDF_TAG_MAX 64 /* characters of a name that is an identifier: MAX_MEMBERTAG */

/* MakeCat's numbers for what is wrong: a code, and in the upper half where (0 for the
 * header, 1 for a member, 2 for an attribute). */
#define CDF_FAULT_UNSUPPORTED 0x00000001u /* and all that has no number of its own */
#define CDF_FAULT_DUPLICATE 0x00000002u
#define CDF_FAULT_NO_TAG 0x00000004u
#define CDF_FAULT_MEMBER_PATH 0x00010001u
#define CDF_FAULT_MEMBER_HASH 0x00010002u
#define CDF_FAULT_MEMBER_FILE 0x00010004u
#define CDF_FAULT_ATTR_GUID 0x00020001u
#define CDF_FAULT_ATTR_FEW 0x00020002u
#define CDF_FAULT_ATTR_TYPE 0x00020004u

struct cdf_member {
	const char *tag;  /* the whole key, "<HASH>" included */
	const char *path; /* with '/' for '\' */
	bool by_hash;     /* tag begins with <HASH> */
	bool as_is;       /* ALTSIPID says the type */
	enum cat_subject subject;
	unsigned line;
	struct cat_value *values; /* owned; what each points to is the cdf's */
	size_t values_n;
};

struct cdf {
	char *text; /* owned: every string below lies in it */
	uint32_t fault; /* written on failure, and then the only member that is */
	const char *name;
	const char *result_dir; /* "" when not said; '/' for '\' */
	enum cat_version version;
	bool page_hashes;
	struct cat_value *values; /* of the whole catalog, by number; owned */
	size_t values_n;
	struct cdf_member *members; /* in the file's order; owned */
	size_t members_n;
};
void cdf_clear(struct cdf *c);
AUTO_DEFINE_CLEAR(struct cdf, cdf_clear);

/*
 * cdf_load - read and check the file at path. No listed file is looked at.
 *
 * ret  written on success; on failure ret->fault alone
 * Errors: KD_E_FORMAT "'hello.cdf' line 7: unknown key 'Nmae'", with the nearest known
 *         one as hint; KD_E_LIMIT, KD_E_FILE, KD_E_NOMEM.
 * Spec:   Microsoft "MakeCat", "Using MakeCat to Create a Catalog File"; cdf facts 1
 * to 3, 5.
 */
bool cdf_load(const char *path, struct cdf *ret, struct kd_err *e) KD_MUST;
/* The same over bytes already read; path is for messages. */
bool cdf_parse(const char *path, const char *text, size_t n, struct cdf *ret,
    struct kd_err *e) KD_MUST;
#endif
