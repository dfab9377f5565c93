/* SPDX-License-Identifier: Apache-2.0 */
/* client/msi_read.c - the only file that knows libgsf, and GLib with it. */
#include "client/msi_read.h"

#include <inttypes.h>
#include <pthread.h>
#include <string.h>

#include <gsf/gsf-infile-msole.h>
#include <gsf/gsf-infile.h>
#include <gsf/gsf-input-impl.h>
#include <gsf/gsf-input.h>
#include <gsf/gsf-utils.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

#define CHUNK ((size_t)64 << 10)

/* ---- a descriptor as libgsf's input, by pread: whose offset it is nobody asks ---- */

struct fd_input {
	GsfInput base;
	int fd;
	uint64_t at; /* of the cache's first byte */
	size_t len;
	uint8_t cache[4096]; /* mini sectors of 64 bytes are read one by one */
};

static GType fd_input_type;

static GsfInput *
fd_input_new(int fd, uint64_t size)
{
	struct fd_input *in = g_object_new(fd_input_type, NULL);

	in->fd = fd;
	(void)gsf_input_set_size(&in->base, (gsf_off_t)size);
	return &in->base;
}

static GsfInput *
fd_input_dup(GsfInput *of, GError **error)
{
	return fd_input_new(((struct fd_input *)(void *)of)->fd, (uint64_t)of->size);
}

static const guint8 *
fd_input_read(GsfInput *from, size_t n, guint8 *dst)
{
	struct fd_input *in = (struct fd_input *)(void *)from;
	uint64_t off = (uint64_t)from->cur_offset, left = (uint64_t)from->size - off;
	struct kd_err ignored = {0};

	if (n > sizeof(in->cache))
		return dst != NULL && file_pread_full(in->fd, dst, n, off, &ignored) ? dst
										     : NULL;
	if (off < in->at || off + n > in->at + in->len) {
		in->len = 0;
		in->at = off;
		if (!file_pread_full(in->fd, in->cache,
			left < sizeof(in->cache) ? (size_t)left : sizeof(in->cache), off,
			&ignored))
			return NULL;
		in->len = left < sizeof(in->cache) ? (size_t)left : sizeof(in->cache);
	}
	if (dst == NULL)
		return &in->cache[off - in->at];
	memcpy(dst, &in->cache[off - in->at], n);
	return dst;
}

static gboolean
fd_input_seek(GsfInput *in, gsf_off_t off, GSeekType whence)
{
	return FALSE; /* no failure: the base class keeps the offset */
}

static void
fd_input_class_init(gpointer class, gpointer data)
{
	GsfInputClass *c = class;

	c->Dup = fd_input_dup;
	c->Read = fd_input_read;
	c->Seek = fd_input_seek;
}

/* What libgsf complained of in this thread since no_complaint() was last asked. */
static _Thread_local char complaint[200];

static void
on_complaint(const gchar *domain, GLogLevelFlags level, const gchar *message, gpointer data)
{
	if (complaint[0] == '\0')
		(void)text_show_str(complaint, sizeof(complaint), message);
}

/* libgsf warns of a doubtful file and goes on; we do not. */
static bool
no_complaint(struct kd_err *e)
{
	bool none = complaint[0] == '\0';

	if (!none)
		(void)kd_fail(e, KD_E_FORMAT, "libgsf: %s", complaint);
	complaint[0] = '\0';
	return none;
}

static void
init_once(void)
{
	static const GTypeInfo info = {.class_size = sizeof(GsfInputClass),
	    .class_init = fd_input_class_init,
	    .instance_size = sizeof(struct fd_input)};

	gsf_init();
	fd_input_type = g_type_register_static(
	    gsf_input_get_type(), "KdsignFdInput", &info, (GTypeFlags)0);
	(void)g_log_set_handler("libgsf:msole",
	    G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING, on_complaint, NULL);
}

/* ---- the tree as libgsf sees it ---- */

struct msi_read {
	const struct cfb *tree;
	/* The storages from the root to the one read last; libgsf's objects. */
	GsfInfile *open[CFB_DEPTH_MAX + 2];
	uint32_t storage[CFB_DEPTH_MAX + 2];
	unsigned open_n;
	int32_t *at; /* of each entry: its number among the children, as libgsf counts; -1 */
	uint8_t *chunk;
};

static void
close_to(struct msi_read *r, unsigned n)
{
	while (r->open_n > n)
		g_object_unref(r->open[--r->open_n]);
}

void
msi_read_free(struct msi_read *r)
{
	if (r == NULL)
		return;
	close_to(r, 0);
	free(r->at);
	free(r->chunk);
	free(r);
}

static bool
differ(const struct msi_read *r, uint32_t storage, struct kd_err *e)
{
	char name[CFB_NAME_MAX] = "the root";

	if (storage != 0)
		(void)cfb_name(r->tree, storage, name);
	return kd_fail(e, KD_E_FORMAT,
	    "libgsf sees other children in %s than the directory has: two readers would not "
	    "agree on what is signed",
	    name);
}

/* Which entry of the storage has this name? */
static uint32_t
find(const struct msi_read *r, uint32_t storage, const char *utf8)
{
	uint8_t le[64];
	glong n = 0;
	gunichar2 *name = utf8 == NULL ? NULL : g_utf8_to_utf16(utf8, -1, NULL, &n, NULL);
	uint32_t id = CFB_NONE;

	if (name != NULL && n > 0 && n <= (glong)sizeof(le) / 2) {
		for (glong i = 0; i < n; i++) {
			le[2 * i] = (uint8_t)(name[i] & 0xff);
			le[2 * i + 1] = (uint8_t)(name[i] >> 8);
		}
		id = cfb_find(r->tree, storage, le, 2 * (size_t)n);
	}
	g_free(name);
	return id;
}

/* Once for each storage. */
static bool
number_children(struct msi_read *r, GsfInfile *infile, uint32_t storage, struct kd_err *e)
{
	const struct cfb_entry *s = &r->tree->v[storage];

	if (s->kids_n > 0 && r->at[r->tree->kids[s->kids]] >= 0)
		return true;
	if (gsf_infile_num_children(infile) != (int)s->kids_n)
		return differ(r, storage, e);
	for (uint32_t i = 0; i < s->kids_n; i++) {
		uint32_t id = find(r, storage, gsf_infile_name_by_index(infile, (int)i));

		if (id == CFB_NONE || r->at[id] >= 0)
			return differ(r, storage, e);
		r->at[id] = (int32_t)i;
	}
	return true;
}

static bool
open_storage(struct msi_read *r, GsfInput *of, uint32_t storage, struct kd_err *e)
{
	if (of == NULL || !GSF_IS_INFILE(of)) {
		if (of != NULL)
			g_object_unref(of);
		return differ(r, storage, e);
	}
	r->open[r->open_n] = (GsfInfile *)(void *)of;
	r->storage[r->open_n++] = storage;
	return number_children(r, (GsfInfile *)(void *)of, storage, e);
}

/* The storage and all above it are open, and nothing else. */
static bool
go_to(struct msi_read *r, uint32_t storage, struct kd_err *e)
{
	unsigned depth = r->tree->v[storage].depth, same = 0;
	uint32_t path[CFB_DEPTH_MAX + 2] = {0};

	for (unsigned d = depth; d > 0; d--, storage = r->tree->v[storage].parent)
		path[d] = storage;
	while (same <= depth && same < r->open_n && r->storage[same] == path[same])
		same++;
	close_to(r, same);
	for (; same <= depth; same++)
		if (!open_storage(r,
			gsf_infile_child_by_index(r->open[same - 1], r->at[path[same]]),
			path[same], e))
			return false;
	return true;
}

bool
msi_read_open(int fd, const struct cfb *tree, struct msi_read **ret, struct kd_err *e)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	AUTO(msi_read_free) struct msi_read *r = kd_alloc(sizeof(*r));
	GError *error = NULL;
	GsfInput *in;
	GsfInfile *root;

	if (r == NULL)
		return kd_fail_nomem(e, "MSI");
	r->tree = tree;
	r->chunk = kd_alloc(CHUNK);
	r->at = kd_alloc_array(tree->n, sizeof(*r->at));
	if (r->chunk == NULL || r->at == NULL)
		return kd_fail_nomem(e, "MSI");
	memset(r->at, 0xff, tree->n * sizeof(*r->at));
	(void)pthread_once(&once, init_once);
	in = fd_input_new(fd, tree->size);
	root = gsf_infile_msole_new(in, &error);
	g_object_unref(in);
	if (!no_complaint(e) || root == NULL) {
		(void)kd_fail(e, KD_E_FORMAT, "libgsf does not read it: %s",
		    error != NULL ? error->message : "no reason given");
		g_clear_error(&error);
		if (root != NULL)
			g_object_unref(root);
		return false;
	}
	if (!open_storage(r, (GsfInput *)(void *)root, 0, e))
		return false;
	*ret = STEAL(r);
	return true;
}

/* ---- streams ---- */

struct sink {
	struct format_hash *hash; /* or */
	struct buf *buf;
};

static bool
pour(struct msi_read *r, GsfInput *from, uint64_t size, const struct sink *to, struct kd_err *e)
{
	for (uint64_t done = 0; done < size;) {
		size_t n = size - done < CHUNK ? (size_t)(size - done) : CHUNK;

		if (gsf_input_read(from, n, r->chunk) == NULL)
			return kd_fail(e, KD_E_FORMAT,
			    "libgsf does not read %zu bytes at offset 0x%" PRIx64, n, done);
		if (to->buf != NULL)
			buf_add(to->buf, r->chunk, n);
		else if (!format_hash_add(to->hash, r->chunk, n, e))
			return false;
		done += n;
	}
	return to->buf == NULL || buf_ok(to->buf, "stream", e);
}

static bool
read_stream(struct msi_read *r, uint32_t id, const struct sink *to, struct kd_err *e)
{
	const struct cfb_entry *v = &r->tree->v[id];
	char name[CFB_NAME_MAX];
	GsfInput *in;
	bool done;

	if (!go_to(r, v->parent, e))
		return false;
	in = gsf_infile_child_by_index(r->open[r->open_n - 1], r->at[id]);
	if (in == NULL || gsf_input_size(in) != (gsf_off_t)v->size)
		done = kd_fail(e, KD_E_FORMAT,
		    "libgsf sees another length than the directory's %" PRIu64 " bytes", v->size);
	else
		done = pour(r, in, v->size, to, e) && no_complaint(e);
	complaint[0] = '\0'; /* where it failed, that is told */
	if (in != NULL)
		g_object_unref(in);
	return done || kd_in(e, "stream '%s'", cfb_name(r->tree, id, name));
}

bool
msi_read_hash(void *self, uint32_t id, struct format_hash *into, struct kd_err *e)
{
	return read_stream(self, id, &(struct sink){.hash = into}, e);
}

bool
msi_read_stream(
    struct msi_read *r, uint32_t id, size_t max, struct buf *ret, struct kd_err *e)
{
	uint64_t size = r->tree->v[id].size;
	char name[CFB_NAME_MAX];

	if (size > max)
		return kd_fail(e, KD_E_LIMIT,
		    "stream '%s' has %" PRIu64 " bytes, at most %zu are accepted",
		    cfb_name(r->tree, id, name), size, max);
	return size == 0 || read_stream(r, id, &(struct sink){.buf = ret}, e);
}
