/* SPDX-License-Identifier: Apache-2.0 */
/* client/cab_make.h - driver packages into the cabinet of a submission. */
#ifndef CLIENT_CAB_MAKE_H
#define CLIENT_CAB_MAKE_H
#include "client/inf_run.h"
#include "driver/cab_pack.h"

struct cab_plan { /* what goes in; all-zero is empty */
	struct cab_item *v; /* owned, with both strings */
	size_t n, room;
	char **folders; /* of the packages, in the cabinet; owned */
	size_t packages;
	size_t left_out; /* files in the packages' folders that no INF names */
};
void cab_plan_clear(struct cab_plan *p);
AUTO_DEFINE_CLEAR(struct cab_plan, cab_plan_clear);

/*
 * cab_plan_add - one driver package that inf_run_test found no errors in: its INFs, what
 * they copy, their catalogs and the symbols (.pdb) of its images where these are there.
 * Other files in its folder stay out: build folders hold keys and objects, too.
 *
 * r      borrowed
 * found  the layout's rules are tested here: of the folder's name
 * Errors: KD_E_FILE (the folder's name), KD_E_LIMIT, KD_E_NOMEM.
 */
bool cab_plan_add(struct cab_plan *p, const struct inf_run *r, struct inf_findings *found,
    struct kd_err *e) KD_MUST;

/*
 * cab_plan_check - the rules that all packages together have to keep: folders that differ,
 * names, symbols. output: for the findings.
 */
bool cab_plan_check(const struct cab_plan *p, const char *output,
    struct inf_findings *found, struct kd_err *e) KD_MUST;

/* Could it be written there? Nothing is left of the attempt. KD_E_FILE, as
 * cab_plan_write. */
bool cab_plan_probe(
    const struct cab_plan *p, const char *output, struct kd_err *e) KD_MUST;
/*
 * cab_plan_write - the cabinet, in the place of the file at output, which stays as it was
 * when that fails.
 *
 * Errors: KD_E_FILE (also when output is one of those that go in), KD_E_IO, those of
 * cab_pack.
 */
bool cab_plan_write(const struct cab_plan *p, const char *output, uint64_t *ret_size,
    struct kd_err *e) KD_MUST;
#endif
