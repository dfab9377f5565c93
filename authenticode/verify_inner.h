/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/verify_inner.h - what the parts of the verifier ask of each other. */
#ifndef KD_VERIFY_INNER_H
#define KD_VERIFY_INNER_H
#include "authenticode/verify.h"

/* What one run of the verifier knows besides the report. */
struct verify_run {
	const struct verify_options *o;
	bool trust;          /* judge chains, too */
	/* Who will look at the signature besides Windows, and knows no extended key usage
	 * and no time at which a certificate ends: "kernel" (of a module), "firmware"; NULL:
	 * nobody. */
	const char *reader;
	size_t certs_n, certs_len; /* of all signatures and timestamps so far */
	unsigned checks;           /* of certificates' signatures so far */
	struct kd_err first; /* of the first signature's format: what the run fails with */
};

/* One line more. */
void verify_step(struct verify_signature *s, const char *name, enum verify_result result,
    const char *fmt, ...) KD_PRINTF(4, 5);
void verify_member_step(struct verify_member *m, const char *name,
    enum verify_result result, const char *fmt, ...) KD_PRINTF(4, 5);
/* Adds certificates to what the run has decoded: the memory and time of many sets must
 * not add up. KD_E_LIMIT. */
bool verify_count_certs(
    struct verify_run *run, const struct certs *c, struct kd_err *e) KD_MUST;
/* KD_E_NOT_VERIFIED with the first step that FAILED. Always false. */
bool verify_fail_step(const struct verify_step *steps, size_t n, struct kd_err *e);
/* A check that reports through kd_err, as one step. Other findings than "does not verify"
 * end the run. */
bool verify_step_err(struct verify_signature *s, const char *name, bool ok,
    const struct kd_err *why, const char *detail, struct kd_err *e) KD_MUST;

/*
 * verify_open_signature - append one signature and what is nested in it, with their
 * "format" steps.
 *
 * read  of the one type of file: the CMS's content; on its failure the step says why
 */
typedef bool verify_read_fn(
    const struct verify_report *r, struct verify_signature *s, struct kd_err *e);
bool verify_open_signature(struct verify_run *run, struct verify_report *r,
    const uint8_t *p, size_t len, size_t entry, verify_read_fn *read,
    struct kd_err *e) KD_MUST;
/* Its content is SpcIndirectData, into s->spc. Errors: KD_E_FORMAT. */
bool verify_read_spc(struct verify_signature *s, struct kd_err *e) KD_MUST;

/* By the type of file: open all signatures, and check what the run's own part of each is
 * about. */
bool verify_pe_run(
    int fd, struct verify_run *run, struct verify_report *r, struct kd_err *e) KD_MUST;
bool verify_cat_run(
    int fd, struct verify_run *run, struct verify_report *r, struct kd_err *e) KD_MUST;
/* Is it of a format? r->file.format NULL when not. What is wrong with one that is, is an
 * error. */
bool verify_format_open(int fd, const struct verify_options *o, struct verify_report *r,
    struct kd_err *e) KD_MUST;
bool verify_format_run(
    int fd, struct verify_run *run, struct verify_report *r, struct kd_err *e) KD_MUST;

/* From "timestamp" to "key usage". */
bool verify_trust(
    struct verify_run *run, struct verify_signature *s, struct kd_err *e) KD_MUST;
/* "nested signatures": after all steps of those nested in sigs[i]. */
void verify_nested(struct verify_report *r, size_t i);

/* Names what differs between two tables of page hashes. */
struct verify_pages {
	enum md md;
	const uint8_t *said, *right;
	size_t said_len, right_len;
};
bool verify_pages_equal(const struct verify_pages *p, char detail[320]);
#endif
