/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/fuzz_script.c - a script of any bytes; the first chooses the kind. */
#include "fuzz/fuzz_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	if (n > 0)
		fuzz_format(&format_script, p[0] == 'x' ? "fuzz.ps1xml" : "fuzz.ps1",
		    p + 1, n - 1);
	return 0;
}
