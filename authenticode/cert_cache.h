/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/cert_cache.h - certificates decoded lately, for the next file that embeds
 * them. */
#ifndef KD_CERT_CACHE_H
#define KD_CERT_CACHE_H
#include <stddef.h>
#include <stdint.h>

#include <openssl/x509.h>

/*
 * cert_cache_decode - the certificate of exactly these bytes; a reference of the
 * caller's, whom X509_free is left to.
 *
 * One that came lately is the same object again: files come in crowds that one key has
 * signed, and decoding takes most of the time that verifying one takes. NULL when
 * OpenSSL cannot decode it; its error queue says why. Safe from several threads.
 */
X509 *cert_cache_decode(const uint8_t *der, size_t len);
#endif
