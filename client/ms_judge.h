/* SPDX-License-Identifier: Apache-2.0 */
/* client/ms_judge.h - signtool verify's verdict on one signature, in its words. */
#ifndef CLIENT_MS_JUDGE_H
#define CLIENT_MS_JUDGE_H
#include "client/verdict.h"
#include "client/verify_run.h"

enum ms_policy {
	MS_POLICY_DRIVER, /* none said: signed by Microsoft */
	MS_POLICY_USER,   /* /pa: any root that the machine trusts */
	MS_POLICY_KERNEL  /* /kp: up to a root of the kernel's */
};

struct ms_judge { /* borrowed: what is asked of every signature */
	enum ms_policy policy;
	const struct certs *kernel_roots; /* more of them */
	int64_t now;
	const char *root;  /* part of the root's name; NULL: any, as the next two */
	const char *usage; /* OID */
	const uint8_t *sha1;
	bool sha256_only; /* /hash SHA256: the catalog must list that digest */
	unsigned versions; /* /o: bits of installer_version, all of which the catalog must
	                      be for; 0: not asked */
};

/* The report whose signatures speak for the file: its own, or the catalog's. */
const struct verify_report *ms_judge_report(const struct verified *v);

/*
 * ms_judge_signature - signature i of ms_judge_report(v).
 *
 * ret_text  NULL when it is right; else signtool's words, without "SignTool Error: "
 * ret_why   our own finding, with a hint perhaps; code KD_OK when there is none
 * Errors: KD_E_NOMEM, KD_E_CRYPTO, KD_E_FORMAT.
 */
bool ms_judge_signature(const struct ms_judge *j, const struct verified *v, size_t i,
    const char **ret_text, struct kd_err *ret_why, struct kd_err *e) KD_MUST;
/* Of a file that has no signature to judge, or could not be read: v->e in these words. */
const char *ms_judge_error(const struct kd_err *e);
/* Was it looked at? Otherwise (memory, a disk that fails) a report says nothing. */
bool ms_judge_is_verdict(const struct kd_err *e);
#endif
