/* SPDX-License-Identifier: Apache-2.0 */
/* base/md.h - the digest algorithms Authenticode knows, by name, length and mechanism. */
#ifndef KD_MD_H
#define KD_MD_H
#include <stdbool.h>
#include <stddef.h>

enum md { MD_NONE, MD_SHA1, MD_SHA256, MD_SHA384, MD_SHA512 };
#define MD_LEN_MAX 64

const char *md_name(enum md md);          /* "sha256"; "none" for MD_NONE */
size_t md_len(enum md md);                /* bytes; 0 for MD_NONE */
enum md md_by_name(const char *name);     /* "sha256", any case; MD_NONE when unknown */
#endif
