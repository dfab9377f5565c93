/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/pe_tool.c - the PE functions on the command line, for
 * pe_judges.t and for measuring. */
#include "authenticode/pe_embed.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/own.h"
#include "base/text.h"

/* A file, open, with what pe_open and pe_digest say of it. */
struct image {
	int fd;
	struct pe pe;
	struct pe_digest d;
};

static bool
image_open(const char *path, enum md md, struct image *ret, struct kd_err *e)
{
	ret->d.md[0] = md;
	return file_open_read(path, &ret->fd, NULL, e) && pe_open(ret->fd, &ret->pe, e) &&
	       pe_digest(ret->fd, &ret->pe, &ret->d, e);
}

static bool
create(const char *path, int *ret, struct kd_err *e)
{
	*ret = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	return *ret >= 0 || kd_fail(e, KD_E_IO, "'%s': cannot be created", path);
}

static bool
run_digest(char **arg, struct kd_err *e)
{
	struct image in = {.fd = -1};
	char hex[2 * MD_LEN_MAX + 1];
	enum md md = md_by_name(arg[0]);

	if (!image_open(arg[1], md, &in, e))
		return false;
	text_hex_to(hex, in.d.digest[0], md_len(md));
	printf("%s\n", hex);
	return true;
}

static bool
run_checksum(char **arg, struct kd_err *e)
{
	struct image in = {.fd = -1};

	if (!image_open(arg[0], MD_NONE, &in, e))
		return false;
	printf("%08x %08x\n", in.pe.checksum, in.d.checksum);
	return true;
}

static bool
run_embed(char **arg, struct kd_err *e)
{
	struct image in = {.fd = -1};
	AUTO(buf_clear) struct buf cms = {0};
	int out;

	return image_open(arg[0], MD_NONE, &in, e) &&
	       file_read_all(arg[1], 1 << 20, &cms, e) && create(arg[2], &out, e) &&
	       pe_embed(in.fd, &in.pe, &in.d, cms.p, cms.len, out, e);
}

static bool
run_strip(char **arg, struct kd_err *e)
{
	struct image in = {.fd = -1};
	int out;

	return image_open(arg[0], MD_NONE, &in, e) && create(arg[1], &out, e) &&
	       pe_strip(in.fd, &in.pe, &in.d, out, e);
}

static bool
run_extract(char **arg, struct kd_err *e)
{
	struct image in = {.fd = -1};
	AUTO(pe_certs_clear) struct pe_certs c = {0};
	int out;

	return image_open(arg[0], MD_NONE, &in, e) &&
	       pe_certs_read(in.fd, &in.pe, &c, e) && create(arg[1], &out, e) &&
	       file_write_full(out, c.v[0].p, c.v[0].len, e);
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int n;
		bool (*run)(char **arg, struct kd_err *e);
	} commands[] = {
	    {"digest", 2, run_digest},
	    {"checksum", 1, run_checksum},
	    {"embed", 3, run_embed},
	    {"strip", 2, run_strip},
	    {"extract", 2, run_extract},
	};
	struct kd_err e = {0};

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (argc < 2 || strcmp(argv[1], commands[i].name) != 0 ||
		    argc != commands[i].n + 2)
			continue;
		if (commands[i].run(&argv[2], &e))
			return 0;
		fprintf(stderr, "pe_tool: %s\n", e.msg);
		return 1;
	}
	fprintf(stderr, "pe_tool: digest MD FILE | checksum FILE | embed FILE CMS OUT | "
			"strip FILE OUT | "
			"extract FILE OUT\n");
	return 2;
}
