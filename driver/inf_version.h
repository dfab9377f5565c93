/* SPDX-License-Identifier: Apache-2.0 */
/* driver/inf_version.h - an INF's [Version]: its catalogs and the driver's date. */
#ifndef KD_INF_VERSION_H
#define KD_INF_VERSION_H
#include "driver/inf_findings.h"
#include "driver/oslist.h"

struct inf_date {
	unsigned year, month, day;
	bool local; /* by the machine's zone, not UTC; for messages */
};
/* Today, by the machine's zone or in UTC, as Inf2Cat does unless told otherwise. */
struct inf_date inf_date_today(bool local);

/*
 * inf_catalog_name - the catalog that lists the package for an architecture: CatalogFile
 * with .ntamd64, else with .nt, else alone, the strings in it replaced.
 *
 * ret       replaced; empty when there is none
 * ret_line  of the entry
 * Spec: INF facts 3.
 */
bool inf_catalog_name(const struct inf *f, enum inf_arch arch, struct buf *ret,
    unsigned *ret_line, struct kd_err *e) KD_MUST;

/* Is it one of the INF's own catalogs, for whatever architecture? In any case. */
bool inf_is_catalog(
    const struct inf *f, const char *name, bool *ret, struct kd_err *e) KD_MUST;

/*
 * inf_version_check - [Version] as Inf2Cat tests it, and DriverVer wherever it stands.
 *
 * os     NULL: for no version of Windows in particular
 * today  what no DriverVer may be later than
 * Spec:  INF facts 3 "DriverVer rules", 7; Microsoft "INF DriverVer Directive".
 */
bool inf_version_check(const struct inf *f, const struct oslist *os,
    const struct inf_date *today, struct inf_findings *found, struct kd_err *e) KD_MUST;
#endif
