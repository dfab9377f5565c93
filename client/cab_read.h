/* SPDX-License-Identifier: Apache-2.0 */
/* client/cab_read.h - cabinets made elsewhere: what is in them, and would Hardware Dev
 * Center take them. */
#ifndef CLIENT_CAB_READ_H
#define CLIENT_CAB_READ_H
#include "authenticode/cab.h"
#include "client/inf_run.h"

struct cab_read { /* one open cabinet; all-zero is none */
	int fd;
	struct cab cab;
	struct cab_dir dir;
};
void cab_read_clear(struct cab_read *r);
AUTO_DEFINE_CLEAR(struct cab_read, cab_read_clear);

/*
 * cab_read_open - header and tables, strictly. Data is not looked at.
 *
 * Errors: those of cab_open and cab_dir_read, with the path.
 */
bool cab_read_open(const char *path, struct cab_read *ret, struct kd_err *e) KD_MUST;

/*
 * cab_read_check - layout, names and compression, and then each package: unpacked into a
 * temporary folder, its INFs tested.
 *
 * found         what is wrong; true however much
 * ret_packages  how many folders were tested; 0 when the layout was wrong already
 * Errors: those of cab_data_check and cab_unpack, of inf_run_test; KD_E_FILE, KD_E_NOMEM.
 */
bool cab_read_check(const struct cab_read *r, const char *path,
    const struct inf_run_options *o, struct inf_findings *found, size_t *ret_packages,
    struct kd_err *e) KD_MUST;
#endif
