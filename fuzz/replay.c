/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz/replay.c - one fuzz target over stored inputs, as TAP; no fuzzing engine needed.
 *
 * replay_NAME [FILE...]; without files all of $srcdir/fuzz/corpus/NAME, which must not be
 * empty.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"

#define INPUT_MAX ((size_t)16 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static int count, failed;

/* The bytes go into memory of exactly their size, so that a sanitizer sees one byte too
 * far. */
static void
replay(const char *path)
{
	AUTO(buf_clear) struct buf b = {0};
	AUTO(free) uint8_t *exact = NULL;
	struct kd_err e = {0};

	count++;
	if (file_read_all(path, INPUT_MAX, &b, &e)) {
		exact = malloc(b.len == 0 ? 1 : b.len);
		if (exact == NULL)
			abort();
		if (b.len > 0)
			memcpy(exact, b.p, b.len);
		(void)LLVMFuzzerTestOneInput(exact, b.len);
		printf("ok %d - %s\n", count, path);
	} else {
		failed = 1;
		printf("not ok %d - %s\n# %s\n", count, path, e.msg);
	}
	(void)fflush(stdout); /* names the last good input when the next one aborts */
}

static int
not_hidden(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

static void
replay_folder(const char *dir)
{
	AUTO(buf_clear) struct buf path = {0};
	struct dirent **names = NULL;
	int n = scandir(dir, &names, not_hidden, alphasort);

	for (int i = 0; i < n; i++) {
		buf_reset(&path);
		buf_printf(&path, "%s/%s", dir, names[i]->d_name);
		replay(buf_cstr(&path));
		free(names[i]);
	}
	free(names);
	if (n <= 0) {
		failed = 1;
		printf("not ok %d - no inputs in %s\n", ++count, dir);
	}
}

int
main(int argc, char **argv)
{
	AUTO(buf_clear) struct buf dir = {0};
	const char *srcdir = getenv("srcdir"), *name = strstr(argv[0], "replay_");

	if (argc < 2 && name == NULL)
		return 2;
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	if (argc < 2) {
		buf_printf(&dir, "%s/fuzz/corpus/%s", srcdir != NULL ? srcdir : ".",
		    name + strlen("replay_"));
		replay_folder(buf_cstr(&dir));
	}
	printf("1..%d\n", count);
	return failed;
}
