/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/fuzz_spc.c - spc_parse over any bytes: refuses with a sentence, or gives a whole
 * result. */
#include <stdint.h>
#include <stdlib.h>

#include "authenticode/spc.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct kd_err e = {0};
	struct spc s = {0};

	if (!spc_parse(p, n, &s, &e)) {
		if (e.code == KD_OK || e.msg[0] == '\0')
			abort();
		return 0;
	}
	if (md_len(s.md) == 0 || s.type_oid[0] == '\0' ||
	    (s.page_hashes && s.type != SPC_TYPE_PE) ||
	    (s.length_hash != NULL && s.type != SPC_TYPE_CABINET) ||
	    s.type == SPC_TYPE_NONE)
		abort();
	return 0;
}
