/* SPDX-License-Identifier: Apache-2.0 */
/* wire/api_schema.c - the tables that the decoders and docs/openapi.yaml share. */
#include "wire/api_schema.h"

#include "wire/api.h"

#define API_CODE_MAX 31 /* bytes: sizeof(api_ready_key.code) - 1 */

/* Base64 (RFC 4648 section 4) of n bytes. */
#define BASE64_LEN(n) (((n) + 2) / 3 * 4)

#define STRING(name, min, max)                                                           \
	{                                                                                \
		name, API_STRING, false, min, max, NULL, NULL                            \
	}
#define STRING_OPT(name, min, max)                                                       \
	{                                                                                \
		name, API_STRING, true, min, max, NULL, NULL                             \
	}
#define CODE(name)                                                                       \
	{                                                                                \
		name, API_CODE, false, 1, API_CODE_MAX, NULL, NULL                       \
	}
#define CODE_OPT(name)                                                                   \
	{                                                                                \
		name, API_CODE, true, 1, API_CODE_MAX, NULL, NULL                        \
	}
#define WORD(name, max, words)                                                           \
	{                                                                                \
		name, API_STRING, false, 1, max, NULL, words                             \
	}
#define WORD_OPT(name, max, words)                                                       \
	{                                                                                \
		name, API_STRING, true, 1, max, NULL, words                              \
	}
#define INTEGER(name, min, max)                                                          \
	{                                                                                \
		name, API_INTEGER, false, min, max, NULL, NULL                           \
	}
#define INTEGER_OPT(name, min, max)                                                      \
	{                                                                                \
		name, API_INTEGER, true, min, max, NULL, NULL                            \
	}
#define BOOLEAN(name)                                                                    \
	{                                                                                \
		name, API_BOOLEAN, false, 0, 0, NULL, NULL                               \
	}
#define OBJECT(name, of)                                                                 \
	{                                                                                \
		name, API_OBJECT, false, 0, 0, of, NULL                                  \
	}
#define OBJECT_OPT(name, of)                                                             \
	{                                                                                \
		name, API_OBJECT, true, 0, 0, of, NULL                                   \
	}
#define BOOLEAN_OPT(name)                                                                \
	{                                                                                \
		name, API_BOOLEAN, true, 0, 0, NULL, NULL                                \
	}
#define ARRAY_OPT(name, max, of)                                                         \
	{                                                                                \
		name, API_ARRAY, true, 0, max, of, NULL                                  \
	}
#define WORDS_OPT(name, max, words)                                                      \
	{                                                                                \
		name, API_ARRAY, true, 0, max, NULL, words                               \
	}
#define ARRAY(name, min, max, of)                                                        \
	{                                                                                \
		name, API_ARRAY, false, min, max, of, NULL                               \
	}
#define WORDS(name, max, words)                                                          \
	{                                                                                \
		name, API_ARRAY, false, 0, max, NULL, words                              \
	}
#define END                                                                              \
	{                                                                                \
		NULL, API_STRING, false, 0, 0, NULL, NULL                                \
	}

static const char *const kinds[] = {
    "pe", "catalog", "cabinet", "script", "msi", "module", NULL};
static const char *const digest_algorithms[] = {
    "sha1", "sha256", "sha384", "sha512", NULL};
static const char *const stamp_kinds[] = {"rfc3161", "legacy", NULL};
static const char *const statuses[] = {"signed", "refused", "failed", "pending", NULL};
static const char *const flaws[] = {"extractable", "not-sensitive",
    "not-always-sensitive", "not-never-extractable", "not-local", "rsa-2048", NULL};
static const char *const uses[] = {"decrypt", "unwrap", "derive", "modifiable", NULL};
static const char *const key_algorithms[] = {"rsa", "ecdsa", NULL};

static const struct api_member item[] = {
    WORD("kind", 16, kinds),
    STRING("name", 1, API_NAME_MAX),
    INTEGER("size", 1, API_PE_SIZE_MAX),
    WORD("digest_algorithm", 16, digest_algorithms),
    STRING("digest", 1, 2 * MD_LEN_MAX), /* and exactly as long as the algorithm's */
    STRING_OPT("description", 1, API_DESCRIPTION_MAX), /* these three: not kind module */
    STRING_OPT("url", 1, API_URL_MAX),
    INTEGER_OPT("sequence", 1, API_SEQUENCE_MAX),
    STRING_OPT("page_hashes", 4, BASE64_LEN(API_BLOB_MAX)), /* kind pe */
    STRING_OPT("ctl", 4, BASE64_LEN(API_BLOB_MAX)), /* kind catalog: not optional */
    END,
};
const struct api_object api_item_schema = {"Item", item};

static const struct api_member sign_request[] = {
    STRING("id", API_ID_MIN, API_ID_MAX),
    STRING_OPT("retry_of", API_ID_MIN, API_ID_MAX),
    STRING_OPT("key", 1, API_KEY_NAME_MAX),
    ARRAY("items", 1, API_ITEMS_MAX, &api_item_schema),
    END,
};
const struct api_object api_sign_request_schema = {"SignRequest", sign_request};

static const struct api_member item_error[] = {
    CODE("code"),
    STRING("detail", 0, API_DETAIL_MAX),
    END,
};
const struct api_object api_item_error_schema = {"ItemError", item_error};

static const struct api_member item_answer[] = {
    WORD("status", 16, statuses),
    STRING_OPT("cms", 4, BASE64_LEN(API_CMS_MAX)),
    OBJECT_OPT("error", &api_item_error_schema),
    END,
};
const struct api_object api_item_answer_schema = {"ItemAnswer", item_answer};

static const struct api_member sign_answer[] = {
    STRING("id", API_ID_MIN, API_ID_MAX),
    STRING("key", 1, API_KEY_NAME_MAX),
    ARRAY("items", 1, API_ITEMS_MAX, &api_item_answer_schema),
    END,
};
const struct api_object api_sign_answer_schema = {"SignAnswer", sign_answer};

static const struct api_member custody[] = {
    BOOLEAN("sensitive"),
    BOOLEAN("extractable"),
    BOOLEAN("always_sensitive"),
    BOOLEAN("never_extractable"),
    BOOLEAN("local"),
    BOOLEAN_OPT("known"),
    WORDS_OPT("relaxed", 8, flaws),
    WORDS_OPT("also", 8, uses),
    END,
};
const struct api_object api_custody_schema = {"Custody", custody};

static const struct api_member key[] = {
    STRING("name", 1, API_KEY_NAME_MAX),
    WORD("algorithm", sizeof(((struct api_key *)0)->algorithm) - 1, key_algorithms),
    INTEGER("bits", 0, 16384),
    STRING("subject", 0, sizeof(((struct api_key *)0)->subject) - 1),
    STRING("not_before", 1, sizeof(((struct api_key *)0)->not_before) - 1),
    STRING("not_after", 1, sizeof(((struct api_key *)0)->not_after) - 1),
    STRING("thumbprint_sha1", 40, 40),
    STRING("thumbprint_sha256", 64, 64),
    BOOLEAN("ready"),
    STRING_OPT("detail", 1, sizeof(((struct api_key *)0)->detail) - 1),
    OBJECT("custody", &api_custody_schema),
    WORDS("kinds", 16, kinds),
    WORDS("digest_algorithms", 16, digest_algorithms),
    ARRAY_OPT("tokens", API_TEXTS_MAX, NULL),
    ARRAY_OPT("warnings", API_TEXTS_MAX, NULL),
    ARRAY("certificates", 1, API_CERTIFICATES_MAX, NULL),
    END,
};
const struct api_object api_key_schema = {"Key", key};

static const struct api_member keys[] = {
    ARRAY("keys", 0, API_KEYS_MAX, &api_key_schema),
    END,
};
const struct api_object api_keys_schema = {"Keys", keys};

static const struct api_member ready_key[] = {
    STRING("name", 1, API_KEY_NAME_MAX),
    BOOLEAN("ready"),
    CODE_OPT("code"),
    STRING_OPT("detail", 1, sizeof(((struct api_ready_key *)0)->detail) - 1),
    STRING("token", 0, sizeof(((struct api_ready_key *)0)->token) - 1),
    ARRAY_OPT("warnings", API_TEXTS_MAX, NULL),
    END,
};
const struct api_object api_ready_key_schema = {"ReadyKey", ready_key};

static const struct api_member ready_token[] = {
    STRING("signer", 1, API_KEY_NAME_MAX),
    STRING("label", 0, sizeof(((struct api_ready_token *)0)->label) - 1),
    STRING("serial", 0, sizeof(((struct api_ready_token *)0)->serial) - 1),
    STRING("state", 1, sizeof(((struct api_ready_token *)0)->state) - 1),
    STRING_OPT("detail", 1, sizeof(((struct api_ready_token *)0)->detail) - 1),
    INTEGER("sessions", 0, 65535),
    INTEGER("sessions_in_use", 0, 65535),
    INTEGER("restarts", 0, UINT32_MAX),
    STRING_OPT("breaker", 1, sizeof(((struct api_ready_token *)0)->breaker) - 1),
    END,
};
const struct api_object api_ready_token_schema = {"ReadyToken", ready_token};

static const struct api_member ready[] = {
    BOOLEAN("ready"),
    STRING("version", 1, sizeof(((struct api_ready *)0)->version) - 1),
    STRING("separation", 0, sizeof(((struct api_ready *)0)->separation) - 1),
    STRING("record", 1, sizeof(((struct api_ready *)0)->record) - 1),
    STRING_OPT("relay", 1, sizeof(((struct api_ready *)0)->relay) - 1),
    ARRAY("keys", 0, API_KEYS_MAX, &api_ready_key_schema),
    ARRAY_OPT("tokens", API_KEYS_MAX, &api_ready_token_schema),
    END,
};
const struct api_object api_ready_schema = {"Ready", ready};

static const struct api_member problem[] = {
    STRING("type", 1, 64),
    STRING("title", 1, 128),
    INTEGER("status", 400, 599),
    STRING("detail", 0, API_DETAIL_MAX),
    CODE("code"),
    STRING_OPT("request_id", 1, 64),
    STRING_OPT("hint", 1, API_DETAIL_MAX),
    END,
};
const struct api_object api_problem_schema = {"Problem", problem};

static const struct api_member stamp_request[] = {
    WORD("kind", 16, stamp_kinds),
    /* these two with rfc3161 ... */
    WORD_OPT("digest_algorithm", 16, digest_algorithms),
    STRING_OPT("digest", 1, 2 * MD_LEN_MAX),
    STRING_OPT("signature", 4, BASE64_LEN(API_SIGNATURE_MAX)), /* ... this with legacy */
    END,
};
const struct api_object api_stamp_request_schema = {"StampRequest", stamp_request};

static const struct api_member stamp_answer[] = {
    STRING_OPT("token", 4, BASE64_LEN(API_STAMP_MAX)),
    STRING_OPT("countersignature", 4, BASE64_LEN(API_STAMP_MAX)),
    END,
};
const struct api_object api_stamp_answer_schema = {"StampAnswer", stamp_answer};

const struct api_object *const api_objects[] = {
    &api_sign_request_schema,
    &api_item_schema,
    &api_sign_answer_schema,
    &api_item_answer_schema,
    &api_item_error_schema,
    &api_keys_schema,
    &api_key_schema,
    &api_custody_schema,
    &api_ready_schema,
    &api_ready_key_schema,
    &api_ready_token_schema,
    &api_problem_schema,
    &api_stamp_request_schema,
    &api_stamp_answer_schema,
    NULL,
};

const struct api_route api_routes[] = {
    {"GET", "/v1/keys", NULL, &api_keys_schema, {200}},
    {"GET", "/v1/keys/{name}", NULL, &api_key_schema, {200}},
    {"POST", "/v1/signatures", &api_sign_request_schema, &api_sign_answer_schema,
	{200, 202, 500, 503, 504}},
    {"GET", "/v1/signatures/{id}", NULL, &api_sign_answer_schema, {200, 202}},
    {"POST", "/v1/timestamps", &api_stamp_request_schema, &api_stamp_answer_schema,
	{200}},
    {"GET", "/healthz", NULL, NULL, {200}},
    {"GET", "/readyz", NULL, &api_ready_schema, {200, 503}},
    {NULL, NULL, NULL, NULL, {0}},
};

const enum kd_code api_codes[] = {
    KD_E_REQUEST,
    KD_E_TOO_LARGE,
    KD_E_METHOD,
    KD_E_NOT_FOUND,
    KD_E_CONFLICT,
    KD_E_AUTH,
    KD_E_DENIED,
    KD_E_KEY_UNKNOWN,
    KD_E_KEY_AMBIGUOUS,
    KD_E_CERT_INVALID,
    KD_E_KEY_RETIRED,
    KD_E_TOKEN,
    KD_E_TOKEN_TIMEOUT,
    KD_E_PIN,
    KD_E_KEY,
    KD_E_BAD_SIGNATURE,
    KD_E_UNKNOWN_OUTCOME,
    KD_E_TIMESTAMP,
    KD_E_BUSY,
    KD_E_STORE,
    KD_E_INCONSISTENT,
    KD_E_UNREACHABLE,
    KD_E_PROTOCOL,
    KD_E_CRYPTO,
    KD_E_IO,
    KD_E_NOMEM,
    KD_E_BUG,
    KD_OK,
};
