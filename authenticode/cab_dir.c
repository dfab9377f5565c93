/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/cab_dir.c - a cabinet's tables of folders and files. */
#include <inttypes.h>

#include "authenticode/cab.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/reader.h"
#include "base/text.h"

#define FILE_LEN 16u /* of an entry, without its name */

void
cab_dir_clear(struct cab_dir *d)
{
	buf_clear(&d->text);
	free(d->folders);
	free(d->files);
	*d = (struct cab_dir){0};
}

static bool
read_folders(const struct cab *c, struct cab_dir *d, struct kd_err *e)
{
	struct rd r = rd_init(c->head.p, c->head.len);

	d->folders = kd_alloc_array(c->folders_n, sizeof(*d->folders));
	if (d->folders == NULL)
		return kd_fail_nomem(e, "table of folders");
	d->folders_n = c->folders_n;
	rd_skip(&r, c->folders_off, "header");
	for (size_t i = 0; i < d->folders_n; i++) {
		struct cab_folder *f = &d->folders[i];

		f->data_off = rd_u32le(&r, "coffCabStart");
		f->blocks = rd_u16le(&r, "cCFData");
		f->compression = rd_u16le(&r, "typeCompress");
		rd_skip(&r, c->folder_reserve, "abReserve");
	}
	return rd_ok(&r, e);
}

/* The table of files, whose length nothing says: as much as there can be of it. */
static bool
read_table(int fd, const struct cab *c, struct cab_dir *d, struct kd_err *e)
{
	uint64_t n = (uint64_t)c->files_n * (FILE_LEN + CAB_NAME_MAX);
	uint8_t *p;

	if (n > c->len - c->files_off)
		n = c->len - c->files_off;
	if (n == 0)
		return true;
	p = buf_reserve(&d->text, (size_t)n);
	return buf_ok(&d->text, "table of files", e) &&
	       file_pread_full(fd, p, (size_t)n, c->files_off, e);
}

/* A name and its NUL, which lies in the table. */
static bool
read_name(struct rd *r, const char **ret, struct kd_err *e)
{
	uint64_t at = r->origin + r->pos;
	struct rd ahead = *r;
	size_t n = 1;

	while (n < CAB_NAME_MAX && rd_u8(&ahead, "szName") != 0)
		n++;
	*ret = (const char *)rd_bytes(r, n, "szName");
	if (!rd_ok(&ahead, e) || !rd_ok(r, e))
		return false;
	if ((*ret)[n - 1] != '\0')
		return kd_fail(e, KD_E_FORMAT,
		    "szName at offset 0x%" PRIx64 " has no end within %u bytes", at,
		    CAB_NAME_MAX);
	if (n == 1)
		return kd_fail(
		    e, KD_E_FORMAT, "szName at offset 0x%" PRIx64 " is empty", at);
	return true;
}

static bool
check_file(const struct cab *c, const struct cab_dir *d, const struct cab_file *f,
    struct kd_err *e)
{
	uint64_t end = (uint64_t)f->off + f->size, room;

	if (f->folder >= CAB_FOLDER_SPANS_FROM) {
		if ((c->flags & (CAB_FLAG_PREV | CAB_FLAG_NEXT)) != 0)
			return true;
		return kd_fail(e, KD_E_FORMAT,
		    "iFolder is 0x%04x (goes on in another cabinet), but the header names "
		    "no other",
		    f->folder);
	}
	if (f->folder >= d->folders_n)
		return kd_fail(e, KD_E_FORMAT,
		    "iFolder is %u, expected less than %zu (cFolders)", f->folder,
		    d->folders_n);
	room = (uint64_t)d->folders[f->folder].blocks * CAB_BLOCK_MAX;
	if (end > room)
		return kd_fail(e, KD_E_FORMAT,
		    "uoffFolderStart and cbFile are %" PRIu32 " and %" PRIu32
		    ", together more than the %" PRIu64
		    " bytes that the blocks of folder %u can have",
		    f->off, f->size, room, f->folder);
	return true;
}

static bool
read_file(struct rd *r, const struct cab *c, const struct cab_dir *d,
    struct cab_file *f, struct kd_err *e)
{
	f->size = rd_u32le(r, "cbFile");
	f->off = rd_u32le(r, "uoffFolderStart");
	f->folder = rd_u16le(r, "iFolder");
	f->date = rd_u16le(r, "date");
	f->time = rd_u16le(r, "time");
	f->attribs = rd_u16le(r, "attribs");
	if (!rd_ok(r, e) || !read_name(r, &f->name, e))
		return false;
	return check_file(c, d, f, e) || kd_in(e, "'%s'", SHOW(f->name));
}

static bool
read_files(const struct cab *c, struct cab_dir *d, struct kd_err *e)
{
	struct rd r = rd_init_at(d->text.p, d->text.len, c->files_off);

	d->files = kd_alloc_array(c->files_n, sizeof(*d->files));
	if (d->files == NULL)
		return kd_fail_nomem(e, "table of files");
	d->files_n = c->files_n;
	for (size_t i = 0; i < d->files_n; i++)
		if (!read_file(&r, c, d, &d->files[i], e))
			return kd_in(e, "file %zu of %zu", i + 1, d->files_n);
	d->end = c->files_off + (uint32_t)r.pos;
	return true;
}

/* Each folder's data behind the tables, and within the cabinet. */
static bool
check_folders(const struct cab *c, const struct cab_dir *d, struct kd_err *e)
{
	for (size_t i = 0; i < d->folders_n; i++) {
		const struct cab_folder *f = &d->folders[i];

		if (f->data_off < d->end || f->data_off > c->len ||
		    (f->data_off == c->len && f->blocks != 0))
			return kd_fail(e, KD_E_FORMAT,
			    "folder %zu of %zu: coffCabStart is %" PRIu32
			    ", expected %" PRIu32 " (the end of the tables) to %" PRIu32
			    " (cbCabinet)",
			    i + 1, d->folders_n, f->data_off, d->end, c->len);
	}
	return true;
}

bool
cab_dir_read(int fd, const struct cab *c, struct cab_dir *ret, struct kd_err *e)
{
	AUTO(cab_dir_clear) struct cab_dir d = {0};

	if (!read_folders(c, &d, e) || !read_table(fd, c, &d, e) ||
	    !read_files(c, &d, e) || !check_folders(c, &d, e))
		return false;
	*ret = d;
	d = (struct cab_dir){0}; /* moved out */
	return true;
}
