/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/demo_pki.h - what demo_pki.sh made, a software signer, and
 * judges that are not ours. */
#ifndef KD_TEST_DEMO_PKI_H
#define KD_TEST_DEMO_PKI_H
#include <stddef.h>
#include <stdint.h>

#include "authenticode/cms.h"

/* All of these fail the running test when they cannot do their work. */

/* "root.pem" → its path, in a buffer of the call's own site. */
#define DEMO(name) demo_path((char[512]){0}, (name))
const char *demo_path(char dst[512], const char *name);
/* Blank-separated file names → one list, in that order; owned by the caller. */
struct certs *demo_certs(const char *names);
/* PKCS#1 v1.5 or ECDSA (DER) with NAME.key, in software. */
void demo_sign(const char *name, enum md md, const uint8_t *digest, uint8_t sig[1024],
    size_t *ret_len);

/*
 * A complete ContentInfo for a PE image of that digest, signed with key NAME; certs as
 * for cms_assemble. ret_content may be NULL.
 */
struct demo_signature {
	const char *key, *certs; /* "rsa2048", "rsa2048.chain" */
	enum md md;
	const char *description, *url;
};
void demo_cms(const struct demo_signature *how, const uint8_t *image_digest,
    struct buf *ret, struct buf *ret_content);
/* The same over any content; of how only key, certs and md are read. */
void demo_cms_over(const struct demo_signature *how, const struct cms_signed *what,
    struct buf *ret);

/* Runs a shell command, its output dropped; its exit status. */
int demo_run(const char *fmt, ...) KD_PRINTF(1, 2);
bool demo_have(const char *program);
/* A new file in the test's own temporary folder, which is removed at exit. */
const char *demo_write(const char *name, const void *p, size_t n, char dst[512]);
#endif
