/* SPDX-License-Identifier: Apache-2.0 */
/* client/ms_catdb.c - signtool catdb: there is no catalog database but on Windows. */
#include "client/ms.h"

struct catdb_args {
	struct ms_common common;
};

static const struct ms_row catdb_rows[] = {
    MS_COMMON_ROWS(struct catdb_args, common),
    {"d", MS_IGNORED, 0, NULL, "default catalog database"},
    {"g", MS_IGNORED, 0, "GUID", "catalog database of that name"},
    {"r", MS_IGNORED, 0, NULL, "remove the catalogs"},
    {"u", MS_IGNORED, 0, NULL, "make their names unique"},
    {0},
};

static void
run(struct ms *m, const void *options, const struct ms_files *files)
{
	struct kd_err why = {0};

	(void)options, (void)files;
	(void)kd_hint(&why, "Install the catalog with its driver package on Windows; "
			    "here, verify /c names a catalog.");
	ms_fail(m, "There is no catalog database on this system.", NULL, &why);
}

const struct ms_command ms_catdb = {
    .name = "catdb",
    .args = "[options] <catalog>...",
    .summary = "Add a catalog to a catalog database of Windows: not here.",
    .rows = catdb_rows,
    .options_size = sizeof(struct catdb_args),
    .common = offsetof(struct catdb_args, common),
    .run = run,
};
