/* SPDX-License-Identifier: Apache-2.0 */
/* client/sign_file.h - one file on its way: digest taken, signature checked, file
 * replaced. */
#ifndef CLIENT_SIGN_FILE_H
#define CLIENT_SIGN_FILE_H
#include <sys/stat.h>

#include "base/file.h"
#include "client/sign_efi.h"
#include "client/sign_kind.h"
#include "client/sign_plan.h"
#include "client/stamper.h"

struct sign_options { /* the same for all files; borrowed, read-only while signing */
	enum md md;
	const char *description, *url; /* NULL: none */
	const struct certs *more;      /* --ac; may be empty */
	const struct certs *signers;   /* sign_subject.signers */
	const uint8_t
	    *sha1; /* thumbprint that the signer's certificate must have; NULL: any */
	bool page_hashes;
	struct stamper *stamper; /* NULL: no timestamps */
	bool stamp_optional;
	bool append; /* beside a signature that is there, as a nested one */
	bool efi;    /* only what firmware would load */
	bool stage;  /* the new file waits in sign_file.staged for its commit */
};

enum sign_state { SIGN_WAITS, SIGN_HASHED, SIGN_SENT, SIGN_DONE, SIGN_FAILED };

struct sign_file { /* touched by one thread at a time: sign_pool.c hands it on */
	struct plan_file *plan; /* borrowed */
	/* An unsigned catalog that is in no file yet; borrowed. NULL: plan->path is read. */
	const struct buf *catalog;
	enum sign_state state;
	bool again;     /* failed together with others, for one reason said once */
	struct stat st; /* as it was when hashed */
	struct sign_subject subject;
	unsigned sequence; /* of the nested signature it gets; 0: the primary one */
	size_t weight;     /* bytes that travel beside the digest */
	uint8_t *cms; /* owned; the signature as it came */
	size_t cms_len;
	char key[API_KEY_NAME_MAX + 1]; /* that signed it */
	struct sign_efi_notes efi_notes;
	struct stamp_made stamp;
	struct kd_err err; /* why it failed; SIGN_DONE: why it has no timestamp, or KD_OK */
	/* sign_options.stage and SIGN_DONE: complete, synced; the caller's to commit, and to
	 * clear in any case. */
	struct file_replace staged;
};
/* All but what is told of a finished file (digest, size, key, timestamp, err), and
 * staged. */
void sign_file_clear(struct sign_file *f);

/* Reads the file: headers and digest. KD_E_FILE, KD_E_FORMAT, KD_E_LIMIT; with the file's
 * name. */
bool sign_file_hash(
    struct sign_file *f, const struct sign_options *o, struct kd_err *e) KD_MUST;
/* The item of the request; strings are copied, the subject's payload moves into it. */
bool sign_file_item(struct sign_file *f, const struct sign_options *o,
    struct api_item *ret, struct kd_err *e) KD_MUST;
/*
 * sign_file_finish - f->cms is checked against our own digest, its chain completed,
 * timestamped, put into a new file beside the target, that file read back and checked,
 * and renamed over the target, unless it is only staged.
 *
 * link  this thread's, for stamper_stamp
 * On failure the target is what it was and no temporary file is left.
 * Errors: KD_E_PROTOCOL, KD_E_BAD_SIGNATURE (what came is not what was asked for),
 * KD_E_FILE (file changed meanwhile, cannot be replaced), KD_E_IO (disk full),
 * KD_E_TIMESTAMP, KD_E_DENIED (of timestamps).
 */
bool sign_file_finish(struct sign_file *f, const struct sign_options *o,
    struct stamp_link **link, struct kd_err *e) KD_MUST;

/*
 * sign_file_replace - plan's file with cms as its signature, written beside the target,
 * checked and renamed over it. cms NULL: without any.
 *
 * st  the file's, from when s was opened: one that has changed since is refused
 * Errors: KD_E_FILE, KD_E_IO, KD_E_FORMAT, KD_E_UNSIGNED; with the file's name.
 */
bool sign_file_replace(const struct plan_file *plan, const struct stat *st,
    const struct sign_subject *s, const uint8_t *cms, size_t len,
    struct kd_err *e) KD_MUST;
#endif
