/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/corpus.h - real files that are not among the sources:
 * KDSIGN_CORPUS names the folder that has them. */
#ifndef KD_TEST_CORPUS_H
#define KD_TEST_CORPUS_H
#include "base/builder.h"

extern char corpus[512];           /* the folder */
extern struct buf corpus_manifest; /* path, SHA-256, source, kind, facts by tab */

/* Finds both; else prints a plan that skips everything, and why. */
bool corpus_open(void);
void corpus_close(void);
#endif
