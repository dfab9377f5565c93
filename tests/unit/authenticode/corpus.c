/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/corpus.c - real files that are not among the sources. */
#include "tests/unit/authenticode/corpus.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"

char corpus[512];
struct buf corpus_manifest;

bool
corpus_open(void)
{
	const char *named = getenv("KDSIGN_CORPUS"), *srcdir = getenv("srcdir");
	struct kd_err e = {0};
	char path[600];

	if (named != NULL)
		(void)snprintf(corpus, sizeof(corpus), "%s", named);
	else
		(void)snprintf(corpus, sizeof(corpus), "%s/../shared/corpus",
		    srcdir == NULL ? "." : srcdir);
	(void)snprintf(path, sizeof(path), "%s/MANIFEST.tsv", corpus);
	if (file_read_all(path, (size_t)16 << 20, &corpus_manifest, &e))
		return true;
	printf("1..0 # SKIP no corpus at '%s': set KDSIGN_CORPUS\n", corpus);
	return false;
}

void
corpus_close(void)
{
	buf_clear(&corpus_manifest);
}
