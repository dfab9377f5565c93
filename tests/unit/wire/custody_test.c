/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/wire/custody_test.c - each flaw and warning of a key, alone and relaxed. */
#include "wire/custody.h"

#include "tests/unit/wire/check.h"

#define GOOD                                                                             \
	(KEY_ATTR_SENSITIVE | KEY_ATTR_ALWAYS_SENSITIVE | KEY_ATTR_NEVER_EXTRACTABLE |   \
	    KEY_ATTR_LOCAL)

static struct signer_key
key_of(enum sign_mechanism m, uint16_t bits, uint32_t attrs)
{
	return (struct signer_key){
	    .name = "k", .ready = true, .mechanism = m, .bits = bits, .attrs = attrs};
}

static void
a_key_born_on_the_token_passes(void **state)
{
	struct signer_key rsa = key_of(SIGN_RSA_PKCS1, 3072, GOOD);
	struct signer_key ec = key_of(SIGN_ECDSA, 256, GOOD);
	struct kd_err e = {0};

	check_done(custody_check(&rsa, &e), &e);
	check_done(custody_check(&ec, &e), &e);
	assert_int_equal(custody_flaws(&rsa) | custody_warnings(&ec), 0);
}

static const struct {
	struct signer_key key;
	const char *word;
} cases[] = {
    {{.mechanism = SIGN_ECDSA, .bits = 256, .attrs = GOOD | KEY_ATTR_EXTRACTABLE},
	"extractable"},
    {{.mechanism = SIGN_ECDSA, .bits = 256, .attrs = GOOD & ~KEY_ATTR_SENSITIVE},
	"not-sensitive"},
    {{.mechanism = SIGN_ECDSA, .bits = 256, .attrs = GOOD & ~KEY_ATTR_ALWAYS_SENSITIVE},
	"not-always-sensitive"},
    {{.mechanism = SIGN_ECDSA, .bits = 256, .attrs = GOOD & ~KEY_ATTR_NEVER_EXTRACTABLE},
	"not-never-extractable"},
    {{.mechanism = SIGN_ECDSA, .bits = 256, .attrs = GOOD & ~KEY_ATTR_LOCAL}, "not-local"},
    {{.mechanism = SIGN_RSA_PKCS1, .bits = 3064, .attrs = GOOD}, "rsa-2048"},
};

static void
each_flaw_is_refused_by_name_and_passes_by_name(void **state)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct signer_key k = cases[i].key;
		struct kd_err e = {0}, none = {0};
		char want[128], words[CUSTODY_WORDS_MAX];

		(void)snprintf(want, sizeof(want),
		    "refused for how the token keeps it: %s", cases[i].word);
		check_refusal(custody_check(&k, &e), &e, KD_E_KEY, want);
		assert_int_equal(custody_flaws(&k), custody_flaw_by_name(cases[i].word));
		custody_flaw_words(words, custody_flaws(&k));
		assert_string_equal(words, cases[i].word);
		k.relaxed = custody_flaws(&k);
		check_done(custody_check(&k, &none), &none);
		k.relaxed = CUSTODY_FLAW_ALL & ~custody_flaws(&k);
		assert_false(custody_check(&k, &none)); /* another's word is no excuse */
	}
}

static void
all_words_fit(void **state)
{
	struct signer_key worst = key_of(SIGN_RSA_PKCS1, 2048,
	    KEY_ATTR_EXTRACTABLE | KEY_ATTR_DECRYPT | KEY_ATTR_UNWRAP | KEY_ATTR_DERIVE |
		KEY_ATTR_MODIFIABLE);
	char words[CUSTODY_WORDS_MAX];
	struct kd_err e = {0};

	assert_int_equal(custody_flaws(&worst), CUSTODY_FLAW_ALL);
	check_refusal(custody_check(&worst, &e), &e, KD_E_KEY,
	    "refused for how the token keeps it: extractable not-sensitive "
	    "not-always-sensitive not-never-extractable not-local rsa-2048");
	assert_true(strlen(e.msg) <= SIGNER_DETAIL_MAX);
	custody_warning_words(words, custody_warnings(&worst));
	assert_string_equal(words, "decrypt unwrap derive modifiable");
	custody_flaw_words(words, 0);
	assert_string_equal(words, "");
}

static void
only_whole_words_are_known(void **state)
{
	static const char *const unknown[] = {"", "local", "extractable ", "RSA-2048", "all"};

	for (size_t i = 0; i < KD_ARRAY_LEN(unknown); i++)
		assert_int_equal(custody_flaw_by_name(unknown[i]), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_key_born_on_the_token_passes),
	    cmocka_unit_test(each_flaw_is_refused_by_name_and_passes_by_name),
	    cmocka_unit_test(all_words_fit),
	    cmocka_unit_test(only_whole_words_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
