/* SPDX-License-Identifier: Apache-2.0 */
/* client/show_words.h - the words that tree and JSON share. */
#ifndef CLIENT_SHOW_WORDS_H
#define CLIENT_SHOW_WORDS_H
#include "authenticode/verify.h"

const char *show_result(enum verify_result r);      /* "ok", "failed", ... */
enum verify_result show_efi_result(enum efi_result r);
const char *show_subject(enum cat_subject s);       /* "pe", "cab", "flat" */
const char *show_algorithm(const char *oid);        /* its name, else the OID itself */
/* Text of UTF-16, safe to show; "" when it is none. */
void show_utf16(char *dst, size_t dst_len, const uint8_t *p, size_t n, bool big_endian);
#endif
