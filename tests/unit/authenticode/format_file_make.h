/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/format_file_make.h - files of one format (format.h) in memory, for
 * the tests of each. */
#ifndef KD_TEST_FORMAT_FILE_MAKE_H
#define KD_TEST_FORMAT_FILE_MAKE_H
#include "authenticode/format.h"

/* All of these fail the running test when they cannot do their work. */

/* An open file of these bytes, in memory. */
int format_make_fd(const void *p, size_t n);
/* The whole file. */
void format_make_slurp(int fd, struct buf *ret);
/* Opens fd as format, which must know it. */
void format_make_open(
    const struct format *format, int fd, const char *name, struct format_file *ret);
/* The file with cms put in (NULL: with its signature taken out), in a new descriptor. */
int format_make_embed(const struct format *format, int fd, const char *name,
    const uint8_t *cms, size_t len);
/* Is fd's content byte by byte this? */
void format_make_check(int fd, const void *p, size_t n);
#endif
