/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/fuzz_module.c - a kernel module of any bytes. */
#include "fuzz/fuzz_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	fuzz_format(&format_module, "fuzz.ko.xz", p, n);
	return 0;
}
