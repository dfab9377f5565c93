/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/client/msi_tool.c - the MSI format by hand, for tests/e2e/msi.t. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "authenticode/cfb_alloc.h"
#include "authenticode/cms.h"
#include "authenticode/spc.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "client/msi.h"
#include "client/msi_read.h"

static int
fail(const struct kd_err *e)
{
	fprintf(stderr, "%s\n", e->msg);
	if (e->hint[0] != '\0')
		fprintf(stderr, "hint: %s\n", e->hint);
	return 1;
}

static bool
is_of_signature(const struct cfb *c, uint32_t id)
{
	const uint8_t *p = cfb_raw(c, id);
	size_t n = c->v[id].name_len;

	return c->v[id].parent == 0 &&
	    ((n == sizeof(msi_signature_name) && memcmp(p, msi_signature_name, n) == 0) ||
		(n == sizeof(msi_signature_ex_name) &&
		    memcmp(p, msi_signature_ex_name, n) == 0));
}

/* Everything there is about each entry but the two streams of the signature, and where it
 * stands; streams with a digest of their bytes. */
static bool
facts(int fd, const struct cfb *c, struct kd_err *e)
{
	AUTO(msi_read_free) struct msi_read *r = NULL;
	AUTO(buf_clear) struct buf line = {0};

	if (!msi_read_open(fd, c, &r, e))
		return false;
	for (uint32_t id = 0; id < c->n; id++) {
		const uint8_t *p = cfb_raw(c, id);
		AUTO(buf_clear) struct buf b = {0};
		char name[CFB_NAME_MAX] = "";

		if (!c->v[id].in_tree || is_of_signature(c, id))
			continue;
		if (id != 0)
			(void)cfb_name(c, id, name);
		if (c->v[id].type == CFB_STREAM &&
		    !msi_read_stream(r, id, (size_t)256 << 20, &b, e))
			return false;
		buf_reset(&line);
		buf_printf(&line, "%d %d %s ", (int)id, (int)c->v[id].parent, name);
		text_hex(&line, &p[CFB_AT_CLSID], 16 + 4 + 16);
		for (size_t i = 0, sum = 5381; i <= b.len; i++) {
			if (i == b.len)
				buf_printf(&line, " %zu %zx", b.len, sum);
			else
				sum = sum * 33 + b.p[i];
		}
		puts(buf_cstr(&line));
	}
	return true;
}

/* Where a stream's byte stands in the file. */
static uint64_t
byte_at(const struct cfb *c, uint32_t id, uint64_t k)
{
	bool mini = c->v[id].size < CFB_MINI_BELOW;
	uint64_t unit = mini ? CFB_MINI_LEN : c->sector_len;
	uint32_t s = c->v[id].start;

	for (uint64_t n = k / unit; n > 0; n--)
		s = mini ? c->mini.next[s] : c->fat.next[s];
	return (mini ? cfb_mini_off(c, s) : cfb_sector_off(c, s)) + k % unit;
}

/* Bytes that a signature covers, as "CLASS OFFSET". */
static void
places(const struct cfb *c)
{
	for (uint32_t id = 0; id < c->n; id++) {
		uint64_t entry = (uint64_t)id * CFB_ENTRY_LEN;
		const struct cfb_entry *v = &c->v[id];
		bool stream = v->type == CFB_STREAM;

		if (!v->in_tree || is_of_signature(c, id))
			continue;
		entry = cfb_sector_off(c, c->dir_at.v[entry / c->sector_len]) +
		    entry % c->sector_len;
		for (uint64_t i = 0; id != 0 && i < v->name_len; i += 2)
			printf("name %ju\n", (uintmax_t)(entry + i));
		for (uint64_t i = 0; !stream && i < 16; i += 5)
			printf("class-id %ju\n", (uintmax_t)(entry + CFB_AT_CLSID + i));
		for (uint64_t i = 0; i < 4; i++)
			printf("state %ju\n", (uintmax_t)(entry + CFB_AT_STATE + i));
		for (uint64_t i = 0; id != 0 && i < 16; i += 3)
			printf("time %ju\n", (uintmax_t)(entry + CFB_AT_TIMES + i));
		if (stream)
			printf("size %ju\n", (uintmax_t)(entry + CFB_AT_SIZE));
		for (uint64_t i = 0; stream && i < v->size; i += v->size / 3 + 1)
			printf("stream %ju\n", (uintmax_t)byte_at(c, id, i));
	}
}

static void
places_of_ex(const struct cfb *c)
{
	uint32_t id = cfb_find(c, 0, msi_signature_ex_name, sizeof(msi_signature_ex_name));

	for (uint64_t i = 0; id != CFB_NONE && i < c->v[id].size; i += 5)
		printf("ex %ju\n", (uintmax_t)byte_at(c, id, i));
}

static bool
check(int fd, const struct format_file *f, struct kd_err *e)
{
	AUTO(buf_clear) struct buf b = {0};
	AUTO(cms_clear) struct cms c = {0};
	struct spc spc;
	uint8_t d[MD_LEN_MAX];

	if (!format_msi.signature(fd, f, &b, e) || !cms_parse(b.p, b.len, &c, e) ||
	    !spc_parse(c.content, c.content_len, &spc, e) ||
	    !format_msi.digest(fd, f, spc.md, d, e) || !format_msi.extra(fd, f, spc.md, e))
		return false;
	if (spc.type != SPC_TYPE_MSI || memcmp(d, spc.digest, md_len(spc.md)) != 0)
		return kd_fail(e, KD_E_NOT_VERIFIED, "digest differs");
	return true;
}

static bool
run(char **argv, int fd, const struct format_file *f, struct kd_err *e)
{
	AUTO(buf_clear) struct buf cms = {0};
	AUTO(close) int out = -1;
	uint8_t d[MD_LEN_MAX];
	char hex[2 * MD_LEN_MAX + 1];

	if (strcmp(argv[1], "facts") == 0) {
		AUTO(cfb_clear) struct cfb c = {0};

		return cfb_open(fd, f->size, &c, e) && facts(fd, &c, e);
	}
	if (strcmp(argv[1], "places") == 0) {
		AUTO(cfb_clear) struct cfb c = {0};

		if (!cfb_open(fd, f->size, &c, e))
			return false;
		places(&c);
		places_of_ex(&c);
		return true;
	}
	if (strcmp(argv[1], "check") == 0)
		return check(fd, f, e);
	if (strcmp(argv[1], "digest") == 0) {
		enum md md = md_by_name(argv[3]);

		if (!format_msi.digest(fd, f, md, d, e))
			return false;
		text_hex_to(hex, d, md_len(md));
		puts(hex);
		return true;
	}
	out = open(argv[3], O_RDWR | O_CREAT | O_TRUNC, 0666);
	if (out < 0)
		return kd_fail(e, KD_E_USAGE, "%s: cannot be written", argv[3]);
	if (strcmp(argv[1], "signature") == 0)
		return format_msi.signature(fd, f, &cms, e) &&
		    file_write_full(out, cms.p, cms.len, e);
	if (strcmp(argv[1], "remove") == 0)
		return format_msi.embed(fd, f, NULL, 0, out, e);
	return file_read_all(argv[4], (size_t)16 << 20, &cms, e) &&
	    format_msi.embed(fd, f, cms.p, cms.len, out, e);
}

/* ---- a crowd: as many entries as are accepted, linked so that readers have the most to do ---- */

#define CROWD_STORAGES 4
#define CROWD_STREAMS 4090 /* of 64 bytes, in each */
#define CROWD_MINIS (CROWD_STORAGES * CROWD_STREAMS)
#define CROWD_DIR (CFB_ENTRIES_MAX / 4) /* sectors, all tables' */
#define CROWD_MINI_STREAM ((CROWD_MINIS + 7) / 8)
#define CROWD_MINI_FAT ((CROWD_MINIS + 127) / 128)
#define CROWD_BEFORE_FAT (CROWD_DIR + CROWD_MINI_STREAM + CROWD_MINI_FAT)
#define CROWD_FAT ((CROWD_BEFORE_FAT + 126) / 127)

static void
crowd_entry(uint8_t *p, const char *name, enum cfb_type type)
{
	size_t n = strlen(name);

	cfb_blank_entry(p);
	for (size_t i = 0; i < n; i++)
		p[2 * i] = (uint8_t)name[i];
	p[CFB_AT_NAME_LEN] = (uint8_t)(2 * n + 2);
	p[CFB_AT_TYPE] = (uint8_t)type;
	p[CFB_AT_COLOR] = 1;
	cfb_put_u32(&p[CFB_AT_START], CFB_END);
}

/* A storage after the other, and in each a stream after the other: no tree but lists. */
static void
crowd_dir(uint8_t *dir)
{
	static const uint8_t msi[16] = {
	    0x84, 0x10, 0x0c, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46};
	uint32_t id = 1, mini = 0, last_storage = 0;

	for (size_t i = 0; i < CFB_ENTRIES_MAX; i++)
		cfb_blank_entry(&dir[i * CFB_ENTRY_LEN]);
	crowd_entry(dir, "Root Entry", CFB_ROOT);
	memcpy(&dir[CFB_AT_CLSID], msi, sizeof(msi));
	cfb_put_u32(&dir[CFB_AT_START], CROWD_DIR);
	cfb_put_u32(&dir[CFB_AT_SIZE], CROWD_MINIS * CFB_MINI_LEN);
	for (unsigned s = 0; s < CROWD_STORAGES; s++) {
		uint32_t last = id;
		char name[16];

		(void)snprintf(name, sizeof(name), "S%u", s);
		crowd_entry(&dir[(size_t)id * CFB_ENTRY_LEN], name, CFB_STORAGE);
		cfb_put_u32(&dir[(size_t)last_storage * CFB_ENTRY_LEN +
				(s == 0 ? CFB_AT_CHILD : CFB_AT_RIGHT)],
		    id);
		last_storage = id++;
		for (unsigned k = 0; k < CROWD_STREAMS; k++, mini++) {
			uint8_t *p = &dir[(size_t)id * CFB_ENTRY_LEN];

			(void)snprintf(name, sizeof(name), "n%05u", k);
			crowd_entry(p, name, CFB_STREAM);
			cfb_put_u32(&p[CFB_AT_START], mini);
			cfb_put_u32(&p[CFB_AT_SIZE], CFB_MINI_LEN);
			cfb_put_u32(&dir[(size_t)last * CFB_ENTRY_LEN +
					(k == 0 ? CFB_AT_CHILD : CFB_AT_RIGHT)],
			    id);
			last = id++;
		}
	}
}

static void
crowd_chain(uint8_t *fat, size_t from, size_t n)
{
	for (size_t i = from; i < from + n; i++)
		cfb_put_u32(
		    &fat[4 * i], i + 1 < from + n ? (uint32_t)(i + 1) : CFB_END);
}

static bool
crowd(const char *path, struct kd_err *e)
{
	size_t len = (size_t)512 * (1 + CROWD_BEFORE_FAT + CROWD_FAT);
	AUTO(free) uint8_t *p = kd_alloc(len);
	AUTO(close) int out = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
	uint8_t *mini = &p[512 * (size_t)(1 + CROWD_DIR + CROWD_MINI_STREAM)];
	uint8_t *fat = &p[512 * (size_t)(1 + CROWD_BEFORE_FAT)];

	if (p == NULL || out < 0)
		return kd_fail(e, KD_E_USAGE, "%s: cannot be written", path);
	memcpy(p, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8);
	memcpy(&p[24], "\x3e\0\x03\0\xfe\xff\x09\0\x06", 9);
	cfb_put_u32(&p[CFB_HEAD_FAT_N], CROWD_FAT);
	cfb_put_u32(&p[CFB_HEAD_CUTOFF], CFB_MINI_BELOW);
	cfb_put_u32(&p[CFB_HEAD_MINI], CROWD_DIR + CROWD_MINI_STREAM);
	cfb_put_u32(&p[CFB_HEAD_MINI_N], CROWD_MINI_FAT);
	cfb_put_u32(&p[CFB_HEAD_DIFAT], CFB_END);
	for (uint32_t i = 0; i < CFB_DIFAT_HEADER; i++)
		cfb_put_u32(&p[CFB_HEAD_FAT_AT + 4 * i],
		    i < CROWD_FAT ? CROWD_BEFORE_FAT + i : CFB_FREE);
	crowd_dir(&p[512]);
	memset(mini, 0xff, (size_t)512 * CROWD_MINI_FAT);
	for (size_t i = 0; i < CROWD_MINIS; i++)
		cfb_put_u32(&mini[4 * i], CFB_END);
	memset(fat, 0xff, (size_t)512 * CROWD_FAT);
	crowd_chain(fat, 0, CROWD_DIR);
	crowd_chain(fat, CROWD_DIR, CROWD_MINI_STREAM);
	crowd_chain(fat, CROWD_DIR + CROWD_MINI_STREAM, CROWD_MINI_FAT);
	for (size_t i = CROWD_BEFORE_FAT; i < CROWD_BEFORE_FAT + CROWD_FAT; i++)
		cfb_put_u32(&fat[4 * i], CFB_FATSECT);
	return file_write_full(out, p, len, e);
}

int
main(int argc, char **argv)
{
	static const struct format *const formats[] = {&format_msi};
	AUTO(format_file_clear) struct format_file f = {0};
	AUTO(close) int fd = -1;
	struct kd_err e = {0};

	if (argc < 3)
		return 2;
	if (strcmp(argv[1], "crowd") == 0)
		return crowd(argv[2], &e) ? 0 : fail(&e);
	if (!file_open_read(argv[2], &fd, NULL, &e) ||
	    !format_open(fd, NULL, formats, 1, &f, &e))
		return fail(&e);
	if (f.format == NULL)
		return kd_fail(&e, KD_E_FORMAT, "no compound file") ? 0 : fail(&e);
	return run(argv, fd, &f, &e) ? 0 : fail(&e);
}
