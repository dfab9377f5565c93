/* SPDX-License-Identifier: Apache-2.0 */
/* client/package_cab.h - the cabinet of a submission, from packages just signed. */
#ifndef CLIENT_PACKAGE_CAB_H
#define CLIENT_PACKAGE_CAB_H
#include "client/package.h"

/*
 * package_cab_check - would Hardware Dev Center take these packages in one cabinet? Before
 * anything is signed.
 *
 * v       those with errors of their own are passed over
 * output  the cabinet; for findings, and can one be written there?
 * Errors: those of cab_plan_add, cab_plan_check and cab_plan_probe; what is wrong is found.
 */
bool package_cab_check(const struct package *v, size_t n, const char *output,
    bool if_needed, struct inf_findings *found, struct kd_err *e) KD_MUST;

struct package_cab { /* what was written */
	uint64_t size;
	size_t packages, files;
	bool left; /* if_needed, and the cabinet holds just these files, signed or not */
};
/*
 * package_cab_write - all of v, which must be without errors, into the cabinet.
 *
 * Errors: those of cab_plan_write; nothing is written then.
 */
bool package_cab_write(const struct package *v, size_t n, const char *output,
    bool if_needed, struct package_cab *ret, struct kd_err *e) KD_MUST;
#endif
