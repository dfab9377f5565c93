/* SPDX-License-Identifier: Apache-2.0 */
/* client/sign_kind.h - the kinds of files that can be signed, behind one interface. */
#ifndef CLIENT_SIGN_KIND_H
#define CLIENT_SIGN_KIND_H
#include <sys/stat.h>

#include "authenticode/cms.h"
#include "base/builder.h"
#include "wire/api.h"

struct format;

/* What is known of one open file; all-zero is empty. Touched by one thread at a time. */
struct sign_subject {
	const struct sign_kind *kind; /* NULL until sign_subject_open */
	uint64_t size;                /* of the file */
	bool is_signed;
	enum md md;                  /* of the digest below; MD_NONE: not hashed */
	uint8_t digest[MD_LEN_MAX];  /* what a signature of this file must say */
	struct buf payload;          /* what travels beside the digest: page hashes, a CTL */
	void *state;                 /* of the kind; owned */
	/* Where the signer's certificate is sought when a signature does not bring it along,
	 * as a lone one does not; borrowed, set by who knows some; NULL: nowhere. */
	const struct certs *signers;
};
void sign_subject_clear(struct sign_subject *s);
AUTO_DEFINE_CLEAR(struct sign_subject, sign_subject_clear);

/*
 * A kind of file. Functions get a descriptor of the file that the subject was opened from
 * (or of a copy with the same bytes) and say what is wrong without its name, which the
 * caller adds. Another format is a file like sign_pe.c and a row in sign_kind.c.
 */
struct sign_kind {
	const char *name; /* as the API says it */
	/* Its signature has no attributes, signed or unsigned, and covers the digest itself:
	 * no description, no timestamp, nothing nested. */
	bool lone;
	const struct format *format; /* sign_format.h, with the next; else NULL */
	enum api_kind api;
	/* By content, and by name (may be NULL) where that does not tell; never fails: what
	 * cannot be read is no file of this kind. */
	bool (*recognise)(const struct sign_kind *k, int fd, const char *name);
	/* size, is_signed, state; a catalog's payload. */
	bool (*open)(int fd, const char *name, struct sign_subject *s, struct kd_err *e);
	void (*free_state)(void *state);
	/* Can a signature be put into it? Asked before the service is; NULL: into any that
	 * opens. KD_E_FORMAT. */
	bool (*signable)(int fd, const struct sign_subject *s, struct kd_err *e);
	/* May one of md be nested in the signature that is there? NULL: any may. KD_E_USAGE. */
	bool (*nestable)(const struct sign_subject *s, const struct cms *primary, enum md md,
	    struct kd_err *e);
	/* md, digest, payload. pages: page hashes too, where the kind has them. */
	bool (*hash)(int fd, struct sign_subject *s, enum md md, bool pages,
	    struct kd_err *e);
	/* kind, payload (moves out of s) into an item that has size, digest and texts. */
	bool (*item)(struct sign_subject *s, struct api_item *ret, struct kd_err *e);
	/* Appends the ContentInfo that is there. KD_E_UNSIGNED. */
	bool (*signature)(
	    int fd, const struct sign_subject *s, struct buf *ret, struct kd_err *e);
	/* Has that signature page hashes? NULL: none of the kind has. */
	bool (*has_pages)(const struct cms *c);
	/* Is c over this file's digest? nested: as a signature inside another. Content and
	 * messageDigest; the signature itself is the caller's. KD_E_NOT_VERIFIED,
	 * KD_E_FORMAT. */
	bool (*check)(const struct sign_subject *s, const struct cms *c, bool nested,
	    struct kd_err *e);
	/* The file with cms as its signature; cms NULL: without any, KD_E_UNSIGNED when it
	 * had none. out_fd: empty. */
	bool (*embed)(int fd, const struct sign_subject *s, const uint8_t *cms,
	    size_t len, int out_fd, struct kd_err *e);
	/* Reads what embed wrote: same digest, exactly that signature (cms NULL: none). */
	bool (*check_written)(int fd, const struct sign_subject *s, const uint8_t *cms,
	    size_t len, struct kd_err *e);
};

extern const struct sign_kind sign_kind_pe, sign_kind_catalog;
/* Is this of a kind whose signature is a lone one? By its beginning or end only. */
bool sign_kind_is_lone(int fd, const char *name);

/*
 * sign_subject_open - which kind of file is this, and what stands in its headers.
 *
 * name  the file's, with or without folders: some kinds are told by it; NULL: unknown
 * Errors: KD_E_FORMAT (no kind knows it; or what its kind finds wrong), KD_E_LIMIT,
 *         KD_E_FILE, KD_E_NOMEM; without the file's name. ret is cleared by the caller.
 */
bool sign_subject_open(
    int fd, const char *name, struct sign_subject *ret, struct kd_err *e) KD_MUST;
/* Is the signature itself right, by the signer's key? s->kind has checked what it is over.
 * KD_E_NOT_VERIFIED. */
bool sign_subject_check_signature(
    const struct sign_subject *s, const struct cms *c, struct kd_err *e) KD_MUST;
/*
 * sign_subject_check - is this a signature of this file, right in itself: digest, page
 * hashes, messageDigest, and the signature by the certificate inside?
 *
 * s        open; hashed here by the signature's algorithm, so that md and digest are set
 * ret_cms  written on success; borrows from der; cleared by the caller
 * Errors: KD_E_NOT_VERIFIED, KD_E_FORMAT, those of hashing; without the file's name.
 */
bool sign_subject_check(int fd, struct sign_subject *s, const uint8_t *der, size_t len,
    bool nested, struct cms *ret_cms, struct kd_err *e) KD_MUST;
/* Appends the first element of der alone, a ContentInfo: padding behind it stays away.
 * KD_E_FORMAT, KD_E_NOMEM. */
bool sign_der(const uint8_t *der, size_t len, struct buf *ret, struct kd_err *e) KD_MUST;
#endif
