/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/fuzz_transcript.c - the ceremony's transcript, which anybody may have edited. */
#include <stdint.h>
#include <stdlib.h>

#include "pkcs11/transcript.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO(buf_clear) struct buf page = {0};
	struct transcript_sum sum;
	struct kd_err e = {0}, why = {0};
	bool whole = transcript_check((const char *)p, n, NULL, &sum, &e);

	if (!whole && (e.code == KD_OK || e.msg[0] == '\0'))
		abort();
	if (transcript_page((const char *)p, n, &page, &why) != whole)
		abort();
	for (size_t i = 0; i < page.len; i++)
		if (page.p[i] < 0x20 && page.p[i] != '\n')
			abort(); /* a control character would reach a terminal */
	return 0;
}
