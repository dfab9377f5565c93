/* SPDX-License-Identifier: Apache-2.0 */
/* driver/cdf_files.h - a CDF's [CatalogFiles]: members and their attributes. For cdf.c.
 */
#ifndef KD_CDF_FILES_H
#define KD_CDF_FILES_H
#include "driver/cdf.h"
#include "driver/cdf_lines.h"

/* ret->members from the lines of that section; there must be one at least. */
bool cdf_files_read(
    const struct cdf_lines *lines, struct cdf *ret, struct kd_err *e) KD_MUST;
/* '\' becomes '/', in place. */
void cdf_slashes(char *path);
#endif
