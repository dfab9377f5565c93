/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/script_make.h - scripts in every encoding, signed with demo keys. */
#ifndef KD_TEST_SCRIPT_MAKE_H
#define KD_TEST_SCRIPT_MAKE_H
#include "tests/unit/authenticode/format_file_make.h"

#define BYTES(s) (s), sizeof(s) - 1

/* Whole scripts that may be signed. */
extern const struct script_text {
	const char *name, *bytes;
	size_t len;
	const char *iconv; /* what its text is in */
	bool judged;       /* osslsigncode can read it */
} scripts[];
extern const size_t scripts_n;

/* These fail the running test when they cannot do their work. */
void script_digest(int fd, const char *name, uint8_t ret[MD_LEN_MAX]);
/* A ContentInfo over that digest. */
void script_sign_digest(const uint8_t *digest, struct buf *ret);
/* The script with a signature, in a new descriptor. */
int script_signed(const struct script_text *s);

/* Opened, and its signature checked but for whom it is of. */
bool script_holds(int fd, const char *name, struct kd_err *e);
#endif
