/* SPDX-License-Identifier: Apache-2.0 */
/* driver/inf_place.c - [SourceDisksFiles] and [SourceDisksNames]: where a file lies. */
#include "driver/inf_place.h"

#include <stdio.h>
#include <string.h>

#define SECTION_LEN 32
/* Fields: file = disk, folder; disk = description, tag, unused, folder. */
#define FILE_DISK 0
#define FILE_FOLDER 1
#define DISK_FOLDER 3

void
inf_disks_init(const struct inf *f, struct inf_disks *ret)
{
	char name[SECTION_LEN];

	ret->files[INF_ARCHS] = inf_section(f, "SourceDisksFiles");
	ret->names[INF_ARCHS] = inf_section(f, "SourceDisksNames");
	for (int a = 0; a < INF_ARCHS; a++) {
		const char *arch = inf_arch_name((enum inf_arch)a);

		(void)snprintf(name, sizeof(name), "SourceDisksFiles.%s", arch);
		ret->files[a] = inf_section(f, name);
		(void)snprintf(name, sizeof(name), "SourceDisksNames.%s", arch);
		ret->names[a] = inf_section(f, name);
	}
}

/* In the section of the architecture, else in that for all. */
static const struct inf_line *
line_for(const struct inf *f, const struct inf_section *const sections[],
    enum inf_arch arch, const char *key)
{
	const struct inf_line *line = inf_line_of(f, sections[arch], key);

	return line != NULL ? line : inf_line_of(f, sections[INF_ARCHS], key);
}

/* The parts of path, "\" or "/" between them, behind ret. false: one of them is "..". */
static bool
add_parts(struct buf *ret, const char *path)
{
	while (*path != '\0') {
		size_t n = strcspn(path, "\\/");

		if (n == 2 && strncmp(path, "..", 2) == 0)
			return false;
		if (n > 0 && !(n == 1 && path[0] == '.')) {
			if (ret->len > 0)
				buf_u8(ret, '/');
			buf_add(ret, path, n);
		}
		path += n;
		path += *path != '\0';
	}
	return true;
}

bool
inf_place_of(const struct inf *f, const struct inf_disks *d, enum inf_arch arch,
    const char *source, enum inf_place *ret_place, struct buf *ret, struct kd_err *e)
{
	const struct inf_line *file = line_for(f, d->files, arch, source), *disk;
	AUTO(buf_clear) struct buf b = {0};
	bool inside;

	*ret_place = INF_PLACE_NONE;
	buf_reset(ret);
	if (file == NULL)
		return true;
	*ret_place = INF_PLACE_NO_DISK;
	if (!inf_value(f, file, FILE_DISK, &b, e))
		return false;
	disk = line_for(f, d->names, arch, buf_cstr(&b));
	if (disk == NULL)
		return true;
	if (!inf_value(f, disk, DISK_FOLDER, &b, e))
		return false;
	inside = add_parts(ret, buf_cstr(&b));
	if (!inf_value(f, file, FILE_FOLDER, &b, e))
		return false;
	inside = add_parts(ret, buf_cstr(&b)) && inside;
	inside = add_parts(ret, source) && inside;
	*ret_place = inside && ret->len > 0 ? INF_PLACE_FOUND : INF_PLACE_OUTSIDE;
	return buf_cstr(ret) != NULL || buf_ok(ret, "path", e);
}
