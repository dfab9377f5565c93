/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/cat.h - security catalogs: the CTL that lists files by their hashes, taken
 * apart and put together. */
#ifndef KD_CAT_H
#define KD_CAT_H
#include <stddef.h>
#include <stdint.h>

#include "authenticode/cat_spc.h"
#include "authenticode/der.h"
#include "base/own.h"

/*
 * A page hash table takes 36 bytes for every 4096 of a driver, a member without one some
 * 300: this holds the table of a 1 GB driver, or 50,000 files.
 */
#define CAT_LEN_MAX ((size_t)16 << 20)
/* Version 2 lists each file twice. An array of that many takes 6 MiB. */
#define CAT_MEMBERS_MAX ((size_t)100000)
#define CAT_IDENTIFIER_LEN 16

enum cat_version { CAT_V1 = 1, CAT_V2 = 2 };

/* Bits of a name-value attribute. */
#define CAT_NAME_TEXT 0x00000001u
#define CAT_NAME_OID 0x00000002u
#define CAT_VALUE_TEXT 0x00010000u
#define CAT_VALUE_BASE64 0x00020000u
/* Not beside the SHA-1 of a version 2 catalog. MakeCat takes the bit away; so do we. */
#define CAT_NOT_IN_COMPAT 0x01000000u
#define CAT_AUTHENTICATED 0x10000000u
#define CAT_UNAUTHENTICATED 0x20000000u

struct cat_name_value {      /* CAT_NAMEVALUE; borrowed */
	const uint8_t *name; /* UTF-16BE, no NUL */
	size_t name_len;
	uint32_t flags;
	const uint8_t *value; /* CAT_VALUE_TEXT: UTF-16LE with NUL; else any bytes */
	size_t value_len;
};

enum cat_attr_kind {
	CAT_ATTR_OTHER,        /* der, as it stands */
	CAT_ATTR_NAME_VALUE,   /* name_value */
	CAT_ATTR_MEMBER_INFO,  /* subject: what version 1 says of a file's type */
	CAT_ATTR_MEMBER_INFO2, /* subject: the same in version 2 */
	CAT_ATTR_INDIRECT      /* indirect: SpcIndirectDataContent */
};

struct cat_attr { /* of a member or of the whole catalog; borrowed */
	enum cat_attr_kind kind;
	const uint8_t *der; /* whole, as encoded; read by the builder for OTHER only */
	size_t der_len;
	struct cat_name_value name_value;
	enum cat_subject subject;
	struct cat_indirect indirect;
};

struct cat_member { /* borrowed */
	const uint8_t *id;
	size_t id_len;
	const uint8_t *attrs; /* the SET's content */
	size_t attrs_len;
	uint64_t attrs_off; /* for messages */
};

struct cat { /* all pointers but members borrow from the bytes parsed */
	enum cat_version version;
	const uint8_t *ctl; /* the whole SEQUENCE: what is signed is its content */
	size_t ctl_len;
	const uint8_t *identifier; /* a GUID's bytes in all we know */
	size_t identifier_len;
	int64_t time;               /* Unix seconds */
	struct cat_member *members; /* ascending by identifier, none twice; owned */
	size_t members_n;
	struct rd header; /* for cat_next_header */
};
void cat_clear(struct cat *c);
AUTO_DEFINE_CLEAR(struct cat, cat_clear);

/*
 * cat_parse - a whole .cat file, signed or not: a ContentInfo whose content is a CTL.
 *
 * The signature is not looked at: cms.h does that. Flat: every loop is over bytes that
 * are there, nothing recurses, every attribute has been decoded once when this is true.
 *
 * p    borrowed by ret
 * ret  written on success only; cat_clear
 * Errors: KD_E_FORMAT names element and offset, also for members out of order or listed
 *         twice; KD_E_LIMIT (CAT_LEN_MAX, CAT_MEMBERS_MAX), KD_E_NOMEM.
 * Spec:   [MS-CAESO] "CTL Fields"; catalog facts 1 to 4.
 */
bool cat_parse(const uint8_t *p, size_t len, struct cat *ret, struct kd_err *e) KD_MUST;
/* The same for the CTL alone, which must be all of the len bytes. */
bool cat_parse_ctl(
    const uint8_t *p, size_t len, struct cat *ret, struct kd_err *e) KD_MUST;

/* A member's attributes, for cat_next_attr until nothing is left. */
struct rd cat_attrs(const struct cat_member *m);
bool cat_next_attr(struct rd *attrs, struct cat_attr *ret, struct kd_err *e) KD_MUST;
/* Of the whole catalog, in the order they are stored. */
bool cat_next_header(struct rd *header, struct cat_attr *ret, struct kd_err *e) KD_MUST;
/*
 * What an identifier is: a hash as it stands (20 bytes: SHA-1, 32: SHA-256), version 1's
 * hexadecimal text of a SHA-1, or a name: UTF-16LE and a NUL. Only its bytes tell: the
 * name "hello.sys" has 20, too.
 */
enum cat_id_kind { CAT_ID_SHA1, CAT_ID_SHA256, CAT_ID_SHA1_TEXT, CAT_ID_NAME };
enum cat_id_kind cat_id_kind(const struct cat_member *m);
/* NULL when no member has this identifier. */
const struct cat_member *cat_find(const struct cat *c, const uint8_t *id, size_t len);

/*
 * cat_builder - a CTL put together as MakeCat does: members sorted by identifier, their
 * attributes in DER's order, the header's attributes last one first.
 *
 * A member whose identifier is there already is left out: the first one counts. What is
 * added is encoded at once; nothing is borrowed after a call.
 */
struct cat_builder;
bool cat_builder_new(
    enum cat_version version, struct cat_builder **ret, struct kd_err *e) KD_MUST;
void cat_builder_free(struct cat_builder *b);
AUTO_DEFINE(struct cat_builder, cat_builder_free);
/* CAT_ATTR_NAME_VALUE or CAT_ATTR_OTHER. */
bool cat_builder_header(
    struct cat_builder *b, const struct cat_attr *attr, struct kd_err *e) KD_MUST;
bool cat_builder_member(struct cat_builder *b, const uint8_t *id, size_t id_len,
    const struct cat_attr *attrs, size_t n, struct kd_err *e) KD_MUST;
/*
 * Appends the CTL to ret; b is then of no further use but to be freed.
 *
 * identifier  new random bytes for each catalog; CAT_IDENTIFIER_LEN of them
 * time        1950 to 2049, which is what UTCTime can say
 * Errors: KD_E_LIMIT (CAT_MEMBERS_MAX, CAT_LEN_MAX, time), KD_E_NOMEM.
 */
bool cat_builder_finish(struct cat_builder *b, const uint8_t *identifier,
    size_t identifier_len, int64_t time, struct buf *ret, struct kd_err *e) KD_MUST;
/* The ContentInfo around a CTL that nobody has signed yet, appended to ret. */
bool cat_wrap(const uint8_t *ctl, size_t len, struct buf *ret, struct kd_err *e) KD_MUST;
#endif
