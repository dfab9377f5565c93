/* SPDX-License-Identifier: Apache-2.0 */
/* client/catalog_write.h - where the catalog of a CDF goes. */
#ifndef CLIENT_CATALOG_WRITE_H
#define CLIENT_CATALOG_WRITE_H
#include "base/builder.h"
#include "client/catalog_make.h"

/* How many threads hash a CDF's files: one a processor. */
size_t catalog_jobs(void);

/*
 * catalog_output - the path to write to, appended to ret: output, or else ResultDir/Name
 * from the current folder, as MakeCat does.
 *
 * Errors: KD_E_FORMAT (a drive of Windows), KD_E_NOMEM.
 */
bool catalog_output(const struct cdf *cdf, const char *output, struct buf *ret,
    struct kd_err *e) KD_MUST;

/* A slip in Name or --output must not cost the driver that was to be listed: KD_E_FILE
 * when output is the CDF, or a file that the catalog lists. */
bool catalog_check_output(
    const struct catalog *c, const char *output, struct kd_err *e) KD_MUST;

/* Puts made in the place of the file at output, which stays as it was when that fails.
 * folders: those that are missing are made first. KD_E_FILE, KD_E_IO, KD_E_NOMEM. */
bool catalog_write(const char *output, bool folders, const struct buf *made,
    struct kd_err *e) KD_MUST;
#endif
