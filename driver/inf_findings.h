/* SPDX-License-Identifier: Apache-2.0 */
/* driver/inf_findings.h - what is wrong with a driver package, in Inf2Cat's words. */
#ifndef KD_INF_FINDINGS_H
#define KD_INF_FINDINGS_H
#include "driver/inf.h"

#define INF_FINDINGS_MAX ((size_t)1000) /* more are counted only */

enum inf_severity { INF_ERROR, INF_WARNING };

struct inf_finding {
	enum inf_severity severity;
	const char *number; /* "22.9.6" of Inf2Cat, "1001" of InfVerif, "": ours; constant */
	char *path;         /* of the INF; owned */
	unsigned line;      /* 0: of the whole file */
	char *text;         /* without place and number; owned */
	const char *hint;   /* NULL: none; constant */
};

struct inf_findings {
	struct inf_finding *v; /* owned */
	size_t n, room;
	size_t errors, warnings; /* all of them, also those not kept */
};
void inf_findings_clear(struct inf_findings *f);
AUTO_DEFINE_CLEAR(struct inf_findings, inf_findings_clear);

/* One more. number and hint are constants. KD_E_NOMEM. */
bool inf_find(struct inf_findings *to, enum inf_severity severity, const char *number,
    const struct inf *inf, unsigned line, const char *hint, struct kd_err *e,
    const char *fmt, ...) KD_MUST KD_PRINTF(8, 9);
/* All of from, too; also in the counts. KD_E_NOMEM. */
bool inf_findings_add(struct inf_findings *to, const struct inf_findings *from,
    struct kd_err *e) KD_MUST;
/* The last part of a path. */
const char *inf_base_name(const char *path);
#endif
