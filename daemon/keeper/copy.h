/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/copy.h - text into a field of fixed size. */
#ifndef KD_KEEPER_COPY_H
#define KD_KEEPER_COPY_H
#include <string.h>

/* Always terminated; what does not fit is cut off (all such texts were bounded when they
 * came in). */
static inline void
copy_text(char *dst, size_t room, const char *src)
{
	size_t n = strnlen(src, room - 1);

	memcpy(dst, src, n);
	dst[n] = '\0';
}
#define COPY(dst, src) copy_text((dst), sizeof(dst), (src))
#endif
