/* SPDX-License-Identifier: Apache-2.0 */
/* wire/custody.c - what is wrong with how a token keeps a key, a word for each. */
#include "wire/custody.h"

#include <stdio.h>
#include <string.h>

#include "base/num.h"

static const struct flaw {
	const char *word;
	uint32_t attr;  /* the attribute that decides; 0: the key's size does */
	bool attr_good; /* what it has to be */
} flaws[] = {
    /* The place is the bit. */
    {"extractable", KEY_ATTR_EXTRACTABLE, false},
    {"not-sensitive", KEY_ATTR_SENSITIVE, true},
    {"not-always-sensitive", KEY_ATTR_ALWAYS_SENSITIVE, true},
    {"not-never-extractable", KEY_ATTR_NEVER_EXTRACTABLE, true},
    {"not-local", KEY_ATTR_LOCAL, true},
    {"rsa-2048", 0, false},
};

static const struct warning {
	const char *word;
	uint32_t attr;
} warnings[] = {
    {"decrypt", KEY_ATTR_DECRYPT},
    {"unwrap", KEY_ATTR_UNWRAP},
    {"derive", KEY_ATTR_DERIVE},
    {"modifiable", KEY_ATTR_MODIFIABLE},
};

_Static_assert(CUSTODY_FLAW_ALL == (1 << KD_ARRAY_LEN(flaws)) - 1, "one bit, one row");

static bool
has(const struct signer_key *k, const struct flaw *f)
{
	if (f->attr == 0)
		return k->mechanism == SIGN_RSA_PKCS1 && k->bits < CUSTODY_RSA_BITS_MIN;
	return ((k->attrs & f->attr) != 0) != f->attr_good;
}

uint32_t
custody_flaws(const struct signer_key *k)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < KD_ARRAY_LEN(flaws); i++)
		if (has(k, &flaws[i]))
			bits |= UINT32_C(1) << i;
	return bits;
}

uint32_t
custody_warnings(const struct signer_key *k)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < KD_ARRAY_LEN(warnings); i++)
		if ((k->attrs & warnings[i].attr) != 0)
			bits |= UINT32_C(1) << i;
	return bits;
}

static void
add_word(char dst[CUSTODY_WORDS_MAX], const char *word)
{
	size_t n = strlen(dst);

	(void)snprintf(dst + n, CUSTODY_WORDS_MAX - n, "%s%s", n > 0 ? " " : "", word);
}

void
custody_flaw_words(char dst[CUSTODY_WORDS_MAX], uint32_t bits)
{
	dst[0] = '\0';
	for (size_t i = 0; i < KD_ARRAY_LEN(flaws); i++)
		if ((bits & UINT32_C(1) << i) != 0)
			add_word(dst, flaws[i].word);
}

void
custody_warning_words(char dst[CUSTODY_WORDS_MAX], uint32_t bits)
{
	dst[0] = '\0';
	for (size_t i = 0; i < KD_ARRAY_LEN(warnings); i++)
		if ((bits & UINT32_C(1) << i) != 0)
			add_word(dst, warnings[i].word);
}

uint32_t
custody_flaw_by_name(const char *word)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(flaws); i++)
		if (strcmp(flaws[i].word, word) == 0)
			return UINT32_C(1) << i;
	return 0;
}

bool
custody_check(const struct signer_key *k, struct kd_err *e)
{
	char words[CUSTODY_WORDS_MAX];

	custody_flaw_words(words, custody_flaws(k) & ~k->relaxed);
	if (words[0] == '\0')
		return true;
	return kd_fail(e, KD_E_KEY, "refused for how the token keeps it: %s", words);
}
