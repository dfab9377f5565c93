/* SPDX-License-Identifier: Apache-2.0 */
/* driver/cab_pack.c - files into a cabinet, and out of one, by libgcab. */
#include "driver/cab_pack.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include <libgcab.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/own.h"
#include "base/text.h"
#include "driver/cab_data.h"

/* What a DOS date can say. */
#define DOS_TIME_MIN INT64_C(315532800)  /* 1980-01-01 */
#define DOS_TIME_MAX INT64_C(4354819198) /* 2107-12-31 23:59:58 */

/* What libgcab or GLib says, in our words as far as they are told apart. */
static bool
glib_failed(const GError *err, enum kd_code c, const char *what, struct kd_err *e)
{
	if (g_error_matches(err, G_IO_ERROR, G_IO_ERROR_NO_SPACE))
		c = KD_E_IO;
	return kd_fail(e, c, "%s: %s", what, err == NULL ? "failed" : SHOW(err->message));
}

/* ---- names ---- */

/* Names of devices, with whatever suffix: Windows opens the device. */
static bool
is_device(const char *p, size_t n)
{
	static const char *const names[] = {"con", "prn", "aux", "nul", "com", "lpt"};
	const char *dot = memchr(p, '.', n);
	size_t len = dot != NULL ? (size_t)(dot - p) : n;

	if (len == 4 && p[3] >= '1' && p[3] <= '9')
		return strncasecmp(p, names[4], 3) == 0 ||
		       strncasecmp(p, names[5], 3) == 0;
	for (size_t i = 0; len == 3 && i < 4; i++)
		if (strncasecmp(p, names[i], 3) == 0)
			return true;
	return false;
}

/* One part of a name, between backslashes. Of dots and blanks at its end Windows makes
 * nothing, and so another name; ".." is among these. */
static bool
part_ok(const char *p, size_t n)
{
	if (n == 0 || p[n - 1] == '.' || p[n - 1] == ' ' || is_device(p, n))
		return false;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] < 0x20 || p[i] == 0x7f ||
		    memchr("/:*?\"<>|", p[i], 8) != NULL)
			return false;
	return true;
}

bool
cab_name_check(const char *name, struct kd_err *e)
{
	const char *p = name, *slash;

	if (strlen(name) > CAB_PACK_NAME_MAX)
		return kd_fail(e, KD_E_LIMIT,
		    "'%s': name has %zu bytes, at most %zu fit into a cabinet",
		    SHOW(name), strlen(name), CAB_PACK_NAME_MAX);
	if (!text_is_utf8(name, strlen(name)))
		return kd_fail(e, KD_E_FORMAT, "'%s': name is not UTF-8", SHOW(name));
	for (; (slash = strchr(p, '\\')) != NULL; p = slash + 1)
		if (!part_ok(p, (size_t)(slash - p)))
			break;
	if (slash != NULL || !part_ok(p, strlen(p)))
		return kd_fail(e, KD_E_FORMAT,
		    "'%s': not a name that Windows takes for a file below a folder",
		    SHOW(name));
	return true;
}

static int
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : (unsigned char)c;
}

int
cab_name_compare(const char *a, const char *b)
{
	while (*a != '\0' && lower(*a) == lower(*b)) {
		a++;
		b++;
	}
	return lower(*a) - lower(*b);
}

static int
by_name(const void *a, const void *b)
{
	return cab_name_compare(
	    ((const struct cab_item *)a)->name, ((const struct cab_item *)b)->name);
}

/* A copy in the cabinet's order, each name fit and once. */
static struct cab_item *
sorted(const struct cab_item *items, size_t n, struct kd_err *e)
{
	AUTO(free) struct cab_item *v = NULL;

	if (n == 0 || n > CAB_PACK_FILES_MAX) {
		(void)kd_fail(e, KD_E_LIMIT, "%zu files, a cabinet has 1 to %zu", n,
		    CAB_PACK_FILES_MAX);
		return NULL;
	}
	v = kd_memdup(items, n * sizeof(*items));
	if (v == NULL) {
		(void)kd_fail_nomem(e, "cabinet's files");
		return NULL;
	}
	qsort(v, n, sizeof(*v), by_name);
	for (size_t i = 0; i < n; i++) {
		if (!cab_name_check(v[i].name, e))
			return NULL;
		if (i > 0 && by_name(&v[i - 1], &v[i]) == 0) {
			(void)kd_fail(e, KD_E_FORMAT,
			    "'%s' and '%s' would have one name in the cabinet: '%s'",
			    SHOW(v[i - 1].path), SHOW(v[i].path), SHOW(v[i].name));
			return NULL;
		}
	}
	return STEAL(v);
}

/* ---- times ---- */

/* SOURCE_DATE_EPOCH; -1: each file's own time. */
static bool
fixed_time(int64_t *ret, struct kd_err *e)
{
	const char *text = getenv("SOURCE_DATE_EPOCH");
	uint64_t v = 0;

	*ret = -1;
	if (text == NULL || text[0] == '\0')
		return true;
	if (!kd_parse_u64(text, 0, INT64_MAX, &v, e))
		return kd_in(e, "SOURCE_DATE_EPOCH");
	*ret = (int64_t)v;
	return true;
}

static bool
set_time(GCabFile *file, int64_t when, struct kd_err *e)
{
	g_autoptr(GDateTime) t = NULL;

	when = when < DOS_TIME_MIN ? DOS_TIME_MIN : when;
	when = when > DOS_TIME_MAX ? DOS_TIME_MAX : when;
	t = g_date_time_new_from_unix_utc(when);
	if (t == NULL)
		return kd_fail(e, KD_E_BUG, "no date for %" PRId64, when);
	gcab_file_set_date_time(file, t);
	return true;
}

/* ---- writing ---- */

struct packing {
	GCabFolder *folder; /* borrowed */
	int64_t fixed;      /* time of all; -1: each its own */
	uint64_t len;       /* of those so far */
};

static bool
add_item(
    struct packing *p, const struct cab_item *item, struct stat *st, struct kd_err *e)
{
	AUTO(close) int fd = -1;
	g_autoptr(GFile) on_disk = NULL;
	g_autoptr(GCabFile) file = NULL;
	g_autoptr(GError) err = NULL;

	if (!file_open_read(item->path, &fd, st, e))
		return false;
	if ((uint64_t)st->st_size > CAB_PACK_LEN_MAX - p->len)
		return kd_fail(e, KD_E_LIMIT,
		    "'%s': the cabinet would have more than %" PRIu64
		    " bytes in it, the most that it can have",
		    SHOW(item->path), CAB_PACK_LEN_MAX);
	p->len += (uint64_t)st->st_size;
	on_disk = g_file_new_for_path(item->path);
	file = gcab_file_new_with_file(item->name, on_disk);
	if (!gcab_folder_add_file(p->folder, file, FALSE, NULL, &err)) {
		(void)glib_failed(err, KD_E_FILE, "cannot be packed", e);
		return kd_in(e, "'%s'", SHOW(item->path));
	}
	return set_time(file, p->fixed >= 0 ? p->fixed : (int64_t)st->st_mtime, e);
}

/*
 * libgcab wants a stream that seeks; GLib's own over a descriptor does not. None that
 * collects what it is given: libgcab closes it without a look at what that says.
 */
static bool
write_cabinet(GCabCabinet *cabinet, int out_fd, struct kd_err *e)
{
	char path[32];
	g_autoptr(GFile) file = NULL;
	g_autoptr(GFileIOStream) io = NULL;
	g_autoptr(GError) err = NULL;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", out_fd);
	file = g_file_new_for_path(path);
	io = g_file_open_readwrite(file, NULL, &err);
	if (io == NULL)
		return glib_failed(err, KD_E_IO, "cabinet cannot be opened", e);
	if (!gcab_cabinet_write_simple(cabinet,
		g_io_stream_get_output_stream(G_IO_STREAM(io)), NULL, NULL, NULL, &err))
		return glib_failed(err, KD_E_FILE, "cabinet cannot be written", e);
	return true;
}

/* A file that was written to meanwhile would be in the cabinet as it never was. */
static bool
check_unchanged(
    const struct cab_item *item, const struct stat *before, struct kd_err *e)
{
	struct stat now;

	if (stat(item->path, &now) == 0 && now.st_ino == before->st_ino &&
	    now.st_dev == before->st_dev && now.st_size == before->st_size &&
	    now.st_mtim.tv_sec == before->st_mtim.tv_sec &&
	    now.st_mtim.tv_nsec == before->st_mtim.tv_nsec)
		return true;
	(void)kd_fail(e, KD_E_FILE, "'%s' changed while it was packed", SHOW(item->path));
	return kd_hint(e, "wait until the build is done, then again");
}

/* What was written, by our own reader. */
static bool
check_written(int fd, const struct cab_item *v, size_t n, const struct stat *stats,
    struct kd_err *e)
{
	AUTO(cab_clear) struct cab c = {0};
	AUTO(cab_dir_clear) struct cab_dir d = {0};
	bool sums;

	if (!cab_open(fd, &c, e) || !cab_dir_read(fd, &c, &d, e) ||
	    !cab_data_check(fd, &c, &d, &sums, e))
		return kd_in(e, "the new cabinet");
	for (size_t i = 0; i < n; i++)
		if (i >= d.files_n || strcmp(d.files[i].name, v[i].name) != 0 ||
		    d.files[i].size != (uint64_t)stats[i].st_size)
			return kd_fail(e, KD_E_BUG,
			    "the new cabinet has not '%s' in it as it should",
			    SHOW(v[i].name));
	return true;
}

bool
cab_pack(const struct cab_item *items, size_t n, int out_fd, struct kd_err *e)
{
	AUTO(free) struct cab_item *v = sorted(items, n, e);
	AUTO(free) struct stat *stats = kd_alloc_array(n, sizeof(*stats));
	g_autoptr(GCabCabinet) cabinet = gcab_cabinet_new();
	g_autoptr(GCabFolder) folder = gcab_folder_new(GCAB_COMPRESSION_MSZIP);
	g_autoptr(GError) err = NULL;
	struct packing p = {.folder = folder};

	if (v == NULL || !fixed_time(&p.fixed, e))
		return false;
	if (stats == NULL)
		return kd_fail_nomem(e, "cabinet's files");
	for (size_t i = 0; i < n; i++)
		if (!add_item(&p, &v[i], &stats[i], e))
			return false;
	if (!gcab_cabinet_add_folder(cabinet, folder, &err))
		return glib_failed(err, KD_E_BUG, "cabinet's data folder", e);
	if (!write_cabinet(cabinet, out_fd, e))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!check_unchanged(&v[i], &stats[i], e))
			return false;
	return check_written(out_fd, v, n, stats, e);
}

/* ---- reading ---- */

struct unpacking {
	GCancellable *cancel; /* borrowed */
	bool (*stop)(void);
};

static gboolean
on_file(GCabFile *file, gpointer self)
{
	const struct unpacking *u = self;

	(void)file;
	if (u->stop != NULL && u->stop())
		g_cancellable_cancel(u->cancel);
	return TRUE;
}

/* Of a block that unpacks to less than it says libgcab only warns, and goes on with what
 * was there before. */
static void
on_warning(const gchar *domain, GLogLevelFlags level, const gchar *text, gpointer self)
{
	bool *warned = self;

	(void)domain;
	(void)level;
	(void)text;
	*warned = true;
}

bool
cab_unpack(int fd, const struct cab_dir *d, const char *dir, bool (*stop)(void),
    struct kd_err *e)
{
	char path[32];
	g_autoptr(GFile) from = NULL;
	g_autoptr(GFile) to = g_file_new_for_path(dir);
	g_autoptr(GFileInputStream) in = NULL;
	g_autoptr(GCabCabinet) cabinet = gcab_cabinet_new();
	g_autoptr(GCancellable) cancel = g_cancellable_new();
	g_autoptr(GError) err = NULL;
	struct unpacking u = {cancel, stop};
	bool warned = false, ok;
	guint handler;

	for (size_t i = 0; i < d->files_n; i++)
		if (!cab_name_check(d->files[i].name, e))
			return false;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	from = g_file_new_for_path(path);
	in = g_file_read(from, NULL, &err);
	if (in == NULL)
		return glib_failed(err, KD_E_FILE, "cannot be opened", e);
	handler = g_log_set_handler("gcab",
	    G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING | G_LOG_LEVEL_MESSAGE, on_warning,
	    &warned);
	ok = gcab_cabinet_load(cabinet, G_INPUT_STREAM(in), NULL, &err) &&
	     gcab_cabinet_extract_simple(cabinet, to, on_file, &u, cancel, &err);
	g_log_remove_handler("gcab", handler);
	if (ok && warned)
		return kd_fail(e, KD_E_FORMAT,
		    "cannot be unpacked: a block has not the bytes that its header says");
	return ok || glib_failed(err,
			 g_cancellable_is_cancelled(cancel) ? KD_E_IO : KD_E_FORMAT,
			 "cannot be unpacked", e);
}
