/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/verify.h - are a file's signatures right, and what makes us say so. */
#ifndef KD_VERIFY_H
#define KD_VERIFY_H
#include <stddef.h>
#include <stdint.h>

#include "authenticode/cat.h"
#include "authenticode/cert.h"
#include "authenticode/cms.h"
#include "authenticode/efi_check.h"
#include "authenticode/format.h"
#include "authenticode/pe.h"
#include "authenticode/pe_embed.h"
#include "authenticode/spc.h"
#include "authenticode/tsp.h"

#define VERIFY_STEPS_MAX 20
#define VERIFY_CHAIN_MAX 10
/*
 * Of one file. The most signatures seen in a real one are 2, with a dozen certificates. A
 * signature takes 25 KiB; a certificate up to twenty times its bytes, and a millisecond
 * to decode; checking one's signature, at worst another.
 */
#define VERIFY_SIGNATURES_MAX 16
#define VERIFY_CERTS_MAX 512
#define VERIFY_CERTS_LEN_MAX ((size_t)768 << 10)
#define VERIFY_CHECKS_MAX 512

/* SKIPPED: there, and not judged. WARNING: worth reading, but no reason to refuse. */
enum verify_result { VERIFY_OK, VERIFY_FAILED, VERIFY_SKIPPED, VERIFY_WARNING };

struct verify_step { /* one line of the tree */
	const char *name;
	enum verify_result result;
	char detail[320]; /* values seen and expected, or why skipped */
};

struct verify_stamp {
	enum tsp_kind kind; /* TSP_NONE: there is none, and the rest is zero */
	bool ok;            /* readable, over this signature, its own signature is right */
	bool trusted;       /* ok, and its chain leads to a timestamp root */
	int64_t time;       /* as it says, Unix seconds */
	enum md md;         /* of its signature */
	char detail[320];   /* the "timestamp" step's */
	struct cert_info chain[VERIFY_CHAIN_MAX]; /* as found: the authority's first */
	size_t chain_n;
};

struct verify_signature {
	size_t index;    /* signtool's: 0 the primary one, then the nested ones */
	bool nested;     /* in the unsigned attributes of the last one that is not */
	size_t position; /* nested: in the order they are stored */
	size_t entry;    /* PE: number of the certificate table's entry, from 0 */
	struct cms cms;  /* all-zero when the first step, "format", failed */
	struct spc spc;  /* PE, and formats that have one; md MD_NONE: there is none */
	struct verify_step steps[VERIFY_STEPS_MAX];
	size_t steps_n;
	struct verify_stamp stamp;
	int64_t at; /* what the chain was judged at: the stamp's time, or the one asked */
	struct cert_info chain[VERIFY_CHAIN_MAX]; /* as found: leaf first, anchor last */
	size_t chain_n;
	bool chain_complete; /* ends at one of the roots given */
	bool intact;         /* no step before "timestamp" FAILED: what was signed is here */
	bool ok;             /* no step FAILED, and the run did not break off */
};

enum verify_subject {
	VERIFY_PE,
	VERIFY_CATALOG,
	VERIFY_FORMAT, /* format.h: cabinet, script, ... */
	VERIFY_MEMBER /* any file, by a catalog: its signatures are in the catalog's report */
};

/* A file looked up in a catalog: how its members name it. */
#define VERIFY_BY_SHA256 1u
#define VERIFY_BY_SHA1 2u
#define VERIFY_BY_SHA1_TEXT 4u /* version 1's way of it */
#define VERIFY_BY_TAG 8u       /* by a name; the digest beside it is this file's */
struct verify_member {
	unsigned by; /* each way that is there; 0: not listed */
	enum cat_subject subject; /* how it was hashed */
	uint64_t size;
	uint8_t sha1[20], sha256[32];
	const struct cat_member *member; /* the first of these; NULL: not listed */
	struct verify_step steps[VERIFY_STEPS_MAX];
	size_t steps_n;
	bool ok; /* listed, and nothing that the catalog says of it is otherwise */
	bool changed; /* not listed: another content is, under this name */
};

struct verify_report { /* all-zero before; cleared by the caller, also after a failure */
	enum verify_subject subject;
	struct pe pe;            /* PE only, down to table */
	struct efi_report efi;   /* PE and asked for only; n 0 else */
	uint32_t checksum_right; /* what CheckSum should be */
	uint64_t trailing;       /* hashed bytes after the table */
	struct pe_certs table;   /* owned: what the cms fields below borrow from */
	struct format_file file; /* VERIFY_FORMAT only; owned */
	struct buf catalog;      /* owned: the same for a catalog, and for cat; a format's */
	struct cat cat;
	struct verify_member member;   /* VERIFY_MEMBER only */
	struct verify_signature *sigs; /* owned: each certificate table entry's or the
	                                * catalog's, each followed by what is nested in it */
	size_t sigs_n;
	/* The first signature is, and so is the member; as EFI binary: any that is not
	 * nested, and the image */
	bool ok;
};
void verify_report_clear(struct verify_report *r);
AUTO_DEFINE_CLEAR(struct verify_report, verify_report_clear);

/*
 * The steps' names, in their order; those after a failed "format" are missing:
 *
 *	format             PKCS#7 SignedData of SpcIndirectData of a PE image or such a
 *	                   format, of a CTL, or of nothing (kernel module)
 *	digest algorithms  DigestInfo, SignerInfo and digestAlgorithms name the same one
 *	image digest       of the file, against DigestInfo (PE only)
 *	file digest        the same of another format; of a module the signature says it
 *	cabinet length     of the header, against its hash, where there is one
 *	layout             only where a section maps the certificate table (PE only)
 *	message digest     of the content, against the signed attribute (not of a module)
 *	signature          over the signed attributes, with the signer's key; of a module,
 *	                   over its digest
 *	(of the format)    what else it must not contradict
 *	page hashes        each page's, against the table, where there is one (PE only)
 *	timestamp          where there is one: over this signature, its own signature and
 *	                   chain; WARNING when nothing but its trust is missing
 *	second timestamp   SKIPPED, only where there is one of either kind
 *	chain, validity, extended key usage, key usage
 *	                   chain.h, at the timestamp's time where that is trusted; these not
 *	                   by verify_inspect
 *	nested signatures  of the one around them: all intact; SKIPPED, where a nested one
 *	                   has some of its own
 *	EV certificate     of a cabinet's signer: WARNING when it is none
 *	secure boot        asked for only: what firmware makes of the kind of signature
 *	padding            WARNING, only where it is not zero
 *	trailing data, checksum
 *	                   WARNING, only where so, with the first signature
 *
 * A member's: listed, indirect data, page hashes.
 */

struct verify_options {
	const struct certs *roots;     /* none: the chain step says to give --root */
	const struct certs *tsa_roots; /* none: no timestamp is trusted */
	int64_t at; /* Unix seconds: when certificates must be valid where no timestamp
	             * says otherwise; one from after that time counts for nothing */
	const char *name; /* the file's: scripts are told by it (format.h); NULL: unknown */
	const struct format *const *formats; /* beside those that need nothing else */
	size_t formats_n;
	bool efi; /* PE: as UEFI firmware and shim judge it, not Windows */
	/* Whom a signature without certificates may be by, beside roots; NULL: nobody */
	const struct certs *signers;
};

/*
 * verify_file - check every signature of a PE file, a catalog or a file of another
 * format, told apart by content or name.
 *
 * Image digest, messageDigest, signature, page hashes, timestamp, chain to roots (through
 * an embedded cross-certificate too), EKU codeSigning, key usage digitalSignature,
 * validity. Every signature is judged, nested ones too; the first one decides, and with
 * it all that is nested in it must be intact, trusted or not.
 *
 * Validity is judged at the timestamp's time when the timestamp verifies, its chain leads
 * to one of tsa_roots, and the signer's certificate is not for lifetime signing.
 *
 * fd   read by pread(2) alone
 * ret  filled also when something does not verify: then false, with the first
 *      signature's first finding
 * Errors: KD_E_NOT_VERIFIED, KD_E_UNSIGNED, KD_E_FORMAT and KD_E_LIMIT (of the file or
 *         the first signature), KD_E_FILE, KD_E_NOMEM, KD_E_CRYPTO.
 * Spec:   Windows Authenticode PE Signature Format 1.0; authenticode-pe facts 2, 4, 5, 9
 *         to 12; catalog facts 1.
 */
bool verify_file(int fd, const struct verify_options *o, struct verify_report *ret,
    struct kd_err *e) KD_MUST;
/* What the file and its signatures contain, without any verdict on trust; true also when
 * a signature does not verify. o  name and formats; NULL: neither */
bool verify_inspect(int fd, const struct verify_options *o, struct verify_report *ret,
    struct kd_err *e) KD_MUST;
/*
 * verify_by_catalog - is any file listed in a catalog, and the catalog's signature right?
 *
 * catalog  as verify_file left it, also where it failed; its list must have been read
 *          (cat.ctl). ret borrows from it
 * why      the error that verify_file gave with it
 * name     of the file, without folder: only to find out that the catalog lists another
 *          content under this name. NULL: unknown
 * ret      subject and member, on failure too
 * Errors:  KD_E_NOT_VERIFIED when it does not list the file as it is; why, when nothing
 *          but that is wrong; KD_E_FILE, KD_E_NOMEM, KD_E_CRYPTO.
 * Spec:    catalog facts 3, 8. Safe from several threads over one catalog.
 */
bool verify_by_catalog(int fd, const struct verify_report *catalog,
    const struct kd_err *why, const char *name, struct verify_report *ret,
    struct kd_err *e) KD_MUST;
/* The first half of it: whoever signed the list, or nobody. */
bool verify_member(int fd, const struct cat *cat, const char *name,
    struct verify_member *ret, struct kd_err *e) KD_MUST;
#endif
