/* SPDX-License-Identifier: Apache-2.0 */
/* client/show_words.c - the words that tree and JSON share. */
#include "client/show_words.h"

#include <string.h>

#include "base/num.h"
#include "base/text.h"

/* No default in these: the compiler says when one is added. */
const char *
show_result(enum verify_result r)
{
	switch (r) {
	case VERIFY_OK:
		return "ok";
	case VERIFY_FAILED:
		return "failed";
	case VERIFY_SKIPPED:
		return "skipped";
	case VERIFY_WARNING:
		return "warning";
	}
	return "?";
}

enum verify_result
show_efi_result(enum efi_result r)
{
	switch (r) {
	case EFI_FINE:
		return VERIFY_OK;
	case EFI_WARNED:
		return VERIFY_WARNING;
	case EFI_REFUSED:
		break;
	}
	return VERIFY_FAILED;
}

const char *
show_subject(enum cat_subject s)
{
	switch (s) {
	case CAT_PE:
		return "pe";
	case CAT_CAB:
		return "cab";
	case CAT_FLAT:
		return "flat";
	case CAT_OTHER:
		return "other";
	}
	return "?";
}

/* What SignerInfo's digestEncryptionAlgorithm says in real signatures; others stay as
 * numbers. */
static const struct {
	const char *oid, *name;
} algorithms[] = {
    {"1.2.840.113549.1.1.1", "rsaEncryption"},
    {"1.2.840.113549.1.1.5", "sha1WithRSAEncryption"},
    {"1.2.840.113549.1.1.11", "sha256WithRSAEncryption"},
    {"1.2.840.113549.1.1.12", "sha384WithRSAEncryption"},
    {"1.2.840.113549.1.1.13", "sha512WithRSAEncryption"},
    {"1.2.840.10045.2.1", "id-ecPublicKey"},
    {"1.2.840.10045.4.3.2", "ecdsa-with-SHA256"},
    {"1.2.840.10045.4.3.3", "ecdsa-with-SHA384"},
};

const char *
show_algorithm(const char *oid)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(algorithms); i++) {
		if (strcmp(algorithms[i].oid, oid) == 0)
			return algorithms[i].name;
	}
	return oid;
}

void
show_utf16(char *dst, size_t dst_len, const uint8_t *p, size_t n, bool big_endian)
{
	AUTO(buf_clear) struct buf big = {0};
	AUTO(buf_clear) struct buf utf8 = {0};
	struct kd_err no_text = {0};

	dst[0] = '\0';
	while (n >= 2 && p[n - 1] == 0 && p[n - 2] == 0)
		n -= 2; /* a NUL is no part of it */
	for (size_t i = 0; i + 1 < n; i += 2) {
		buf_u8(&big, p[i + !big_endian]);
		buf_u8(&big, p[i + big_endian]);
	}
	if (text_from_utf16be(big.p, big.len, &utf8, &no_text))
		(void)text_show(dst, dst_len, (const char *)utf8.p, utf8.len);
}
