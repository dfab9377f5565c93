/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/cert_cache.c - certificates decoded lately, for the next file that embeds
 * them. */
#include "authenticode/cert_cache.h"

#include <pthread.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/mem.h"

/* Each place holds the last certificate whose bytes led to it. Real ones have 1 to 2 KiB;
 * a hostile one takes twenty times its bytes, so this never keeps more than 10 MiB. */
#define PLACES 128
#define LEN_MAX 4096

struct place { /* lock: mu */
	uint8_t *der; /* owned */
	size_t len;
	X509 *x; /* a reference is owned */
};

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static struct place places[PLACES];

/* FNV-1a: whoever makes two certificates meet in a place wins that they are decoded. */
static struct place *
find_place(const uint8_t *der, size_t len)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < len; i++)
		h = (h ^ der[i]) * UINT64_C(0x100000001b3);
	return &places[(h ^ h >> 32) % PLACES];
}

static X509 *
take(const struct place *p, const uint8_t *der, size_t len)
{
	X509 *x = NULL;

	(void)pthread_mutex_lock(&mu);
	if (p->x != NULL && p->len == len && memcmp(p->der, der, len) == 0 &&
	    X509_up_ref(p->x) == 1)
		x = p->x;
	(void)pthread_mutex_unlock(&mu);
	return x;
}

/* Without memory for it, it is not kept: no error. */
static void
keep(struct place *p, const uint8_t *der, size_t len, X509 *x)
{
	uint8_t *copy = kd_memdup(der, len), *old_der;
	X509 *old;

	if (copy == NULL || X509_up_ref(x) != 1) {
		free(copy);
		return;
	}
	(void)pthread_mutex_lock(&mu);
	old = p->x;
	old_der = p->der;
	*p = (struct place){copy, len, x};
	(void)pthread_mutex_unlock(&mu);
	X509_free(old);
	free(old_der);
}

X509 *
cert_cache_decode(const uint8_t *der, size_t len)
{
	struct place *p = len <= LEN_MAX ? find_place(der, len) : NULL;
	X509 *x = p != NULL ? take(p, der, len) : NULL;
	const unsigned char *at = der;

	if (x != NULL)
		return x;
	x = d2i_X509(NULL, &at, (long)len);
	if (x == NULL)
		return NULL;
	/* Makes it look at the extensions now, while no other thread has it. What is
	 * wrong with them is for the chain's checks to find. */
	(void)X509_check_purpose(x, -1, 0);
	ERR_clear_error();
	if (p != NULL)
		keep(p, der, len, x);
	return x;
}
