/* SPDX-License-Identifier: Apache-2.0 */
/* twins FILE FOLDER - copies of a file with one byte changed each: a line "NAME OFFSET
 * MASK" on standard input makes FOLDER/NAME, whose byte at OFFSET is XORed with MASK. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/num.h"
#include "base/text.h"

#define FILE_MAX ((size_t)64 << 20)
#define EXIT_USAGE 64

static bool
write_twin(const char *folder, const char *name, const struct buf *whole, uint64_t at,
    uint64_t mask, struct kd_err *e)
{
	AUTO(file_replace_clear) struct file_replace out = {.fd = -1};
	AUTO(buf_clear) struct buf path = {0};

	buf_printf(&path, "%s/%s", folder, name);
	if (!buf_ok(&path, "path", e) ||
	    !file_replace_begin(buf_cstr(&path), NULL, &out, e))
		return false;
	whole->p[at] = (uint8_t)(whole->p[at] ^ mask);
	if (!file_write_full(out.fd, whole->p, whole->len, e))
		return kd_in(e, "'%s'", SHOW(name));
	whole->p[at] = (uint8_t)(whole->p[at] ^ mask);
	return file_replace_commit(&out, false, e);
}

static bool
take_line(char *line, const char *folder, const struct buf *whole, struct kd_err *e)
{
	char *at = strchr(line, ' '), *mask = at == NULL ? NULL : strchr(at + 1, ' ');
	uint64_t offset, bits;

	line[strcspn(line, "\n")] = '\0';
	if (mask == NULL)
		return kd_fail(e, KD_E_USAGE, "'%s': not NAME OFFSET MASK", SHOW(line));
	*at = *mask = '\0';
	if (!kd_parse_u64(at + 1, 0, whole->len - 1, &offset, e) ||
	    !kd_parse_u64(mask + 1, 1, 0xff, &bits, e))
		return kd_in(e, "'%s'", SHOW(line));
	return write_twin(folder, line, whole, offset, bits, e);
}

int
main(int argc, char **argv)
{
	AUTO(buf_clear) struct buf whole = {0};
	struct kd_err e = {0};
	char line[512];

	log_init("twins", LOG_L_INFO);
	if (argc != 3)
		return EXIT_USAGE;
	if (file_read_all(argv[1], FILE_MAX, &whole, &e) && whole.len > 0)
		while (fgets(line, sizeof(line), stdin) != NULL)
			if (!take_line(line, argv[2], &whole, &e))
				break;
	if (e.code != KD_OK)
		log_err(LOG_L_ERROR, &e);
	return e.code == KD_OK ? 0 : 1;
}
