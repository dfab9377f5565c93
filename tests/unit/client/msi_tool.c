/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/client/msi_tool.c - the MSI format by hand, for tests/unit/client/msi_judges.t. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "authenticode/cms.h"
#include "authenticode/spc.h"
#include "base/file.h"
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

		if (!c->v[id].in_tree ||
		    (c->v[id].name_len == sizeof(msi_signature_name) &&
			memcmp(p, msi_signature_name, sizeof(msi_signature_name)) == 0) ||
		    (c->v[id].name_len == sizeof(msi_signature_ex_name) &&
			memcmp(p, msi_signature_ex_name, sizeof(msi_signature_ex_name)) == 0))
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

int
main(int argc, char **argv)
{
	static const struct format *const formats[] = {&format_msi};
	AUTO(format_file_clear) struct format_file f = {0};
	AUTO(close) int fd = -1;
	struct kd_err e = {0};

	if (argc < 3)
		return 2;
	if (!file_open_read(argv[2], &fd, NULL, &e) ||
	    !format_open(fd, NULL, formats, 1, &f, &e))
		return fail(&e);
	if (f.format == NULL)
		return kd_fail(&e, KD_E_FORMAT, "no compound file") ? 0 : fail(&e);
	return run(argv, fd, &f, &e) ? 0 : fail(&e);
}
