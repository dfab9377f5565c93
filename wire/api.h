/* SPDX-License-Identifier: Apache-2.0 */
/* wire/api.h - the API's messages (docs/openapi.yaml): one struct, one encoder, one decoder each. */
#ifndef KD_API_H
#define KD_API_H
#include <stddef.h>
#include <stdint.h>

#include "base/builder.h"
#include "base/error.h"
#include "base/md.h"

#define API_ITEMS_MAX 1000
#define API_ID_MIN 16
#define API_ID_MAX 64 /* [A-Za-z0-9._-] */
#define API_KEY_NAME_MAX 64
#define API_NAME_MAX 255        /* bytes of UTF-8 */
#define API_DESCRIPTION_MAX 256
#define API_URL_MAX 512
#define API_PE_SIZE_MAX 0xffffffffull
#define API_WAIT_MAX_S 60
#define API_DETAIL_MAX 768          /* a kd_err's message, or as long as a server may make it */
/*
 * What is more than a digest: a catalog's CTL, or a table of page hashes. One may have as many
 * bytes as a catalog (authenticode/cat.h): the table of a driver of 1.8 GB, or of 50,000 listed
 * files. All of a request together are bounded so that the request, as base64 and with a
 * thousand items' other members, fits into the front's default body-limit of 32 MiB, and the
 * signatures, which hold them again, into an answer.
 */
#define API_BLOB_MAX ((size_t)16 << 20)
#define API_BLOBS_MAX ((size_t)20 << 20)
/* DER: such a thing signed. A ContentInfo with ten certificates has some 20 KiB beside it. */
#define API_CMS_MAX (API_BLOB_MAX + ((size_t)1 << 20))
#define API_ANSWER_MAX ((size_t)64 << 20) /* one answer's JSON */
/*
 * What a client should keep its requests below: bytes of JSON. An item that alone has more
 * travels alone. Smaller requests are signed sooner, and a repeat costs less.
 */
#define API_BODY_TYPICAL_MAX ((size_t)8 << 20)
#define API_SEQUENCE_MAX 100
#define API_CERTIFICATES_MAX 16
#define API_CERTIFICATE_MAX ((size_t)64 << 10) /* DER */
#define API_KEYS_MAX 1000

enum api_kind {
	API_KIND_NONE,
	API_KIND_PE,
	API_KIND_CATALOG,
	API_KIND_CABINET,
	API_KIND_SCRIPT,
	API_KIND_MSI,
	API_KIND_MODULE
};
#define API_KINDS_N (API_KIND_MODULE + 1)
#define API_KIND_NAMES "pe catalog cabinet script msi module"
const char *api_kind_name(enum api_kind k); /* one of these */
enum api_kind api_kind_by_name(const char *s);
bool api_id_ok(const char *id);
bool api_key_name_ok(const char *name); /* [A-Za-z0-9._-]{1,64} */
/* What a request's text for people (name, description) or URL must not be, in words after
 * which the value can follow; NULL: nothing is wrong. Constant strings. */
const char *api_text_fault(const char *text);
const char *api_url_fault(const char *url);

struct api_item {
	enum api_kind kind;
	char *name;             /* base name, for the record; owned */
	uint64_t size;          /* bytes of the file that was hashed */
	enum md md;
	uint8_t digest[MD_LEN_MAX]; /* CATALOG: over the CTL's content octets */
	/* A MODULE's signature has no attributes, which these three would stand in. */
	char *description, *url; /* NULL when absent; owned */
	unsigned sequence;      /* 1...: a nested signature of that number; 0: the primary one */
	uint8_t *page_hashes;   /* PE: the table, or NULL; owned */
	size_t page_hashes_len;
	uint8_t *ctl;           /* CATALOG: the CTL's DER; else NULL; owned */
	size_t ctl_len;
};

struct api_sign_request {
	char id[API_ID_MAX + 1];
	char retry_of[API_ID_MAX + 1]; /* "" or the earlier id whose outcome stayed unknown */
	char key[API_KEY_NAME_MAX + 1]; /* "": the only granted one */
	struct api_item *items;
	size_t items_n;
};
void api_sign_request_clear(struct api_sign_request *r);
AUTO_DEFINE_CLEAR(struct api_sign_request, api_sign_request_clear);
/*
 * Decoders: one JSON text of n bytes at p into ret, which is written only on success and then
 * owned by the caller (x_clear). What clients say is read strictly: KD_E_REQUEST names the
 * member ("items[3].digest: needs 64 hex digits for sha256, has 12"), KD_E_TOO_LARGE the limit.
 * What servers say may have members that this version does not know; all else that is wrong
 * with it is KD_E_PROTOCOL. Both: KD_E_NOMEM.
 * Encoders: appended to ret, which must be empty; buf_ok(ret) tells whether it worked.
 */
bool api_sign_request_decode(const char *p, size_t n, struct api_sign_request *ret,
	struct kd_err *e) KD_MUST;
/* Canonical: two requests that decode to the same content give the same bytes. */
void api_sign_request_encode(const struct api_sign_request *r, struct buf *ret);

enum api_status { API_SIGNED = 1, API_REFUSED, API_FAILED, API_PENDING };

struct api_item_answer {
	enum api_status status;
	enum kd_code code;    /* refused, failed */
	char *detail;         /* owned; NULL when signed or pending */
	uint8_t *cms;         /* signed: DER of the whole ContentInfo; owned */
	size_t cms_len;
};

struct api_sign_answer {
	char id[API_ID_MAX + 1];
	char key[API_KEY_NAME_MAX + 1]; /* the one that was used */
	struct api_item_answer *items;
	size_t items_n;
};
void api_sign_answer_clear(struct api_sign_answer *a);
AUTO_DEFINE_CLEAR(struct api_sign_answer, api_sign_answer_clear);
void api_sign_answer_encode(const struct api_sign_answer *a, struct buf *ret);
bool api_sign_answer_decode(const char *p, size_t n, struct api_sign_answer *ret,
	struct kd_err *e) KD_MUST;

/* Sentences for people. Readers take what older servers do not say as none. */
#define API_TEXTS_MAX 8
#define API_TEXT_MAX 191
struct api_texts {
	char v[API_TEXTS_MAX][API_TEXT_MAX + 1];
	size_t n;
};

struct api_key {
	char name[API_KEY_NAME_MAX + 1];
	char algorithm[16];         /* "rsa" | "ecdsa" */
	unsigned bits;
	char subject[256];          /* RFC 2253, UTF-8, for display */
	char not_before[32], not_after[32]; /* RFC 3339, UTC */
	uint8_t sha1[20], sha256[32]; /* thumbprints of the leaf */
	bool ready;
	char detail[256];           /* why not ready; "" */
	bool known; /* a token has told the following five */
	bool sensitive, extractable, always_sensitive, never_extractable, local;
	char relaxed[128];          /* flaws that the signer lets pass: "not-local rsa-2048" */
	char uses[128];             /* what it is good for besides: "decrypt unwrap" */
	struct api_texts tokens;    /* that hold it: signer, label, serial, state */
	struct api_texts warnings;
	char kinds[64], digests[64]; /* granted to the caller: "pe", "sha256 sha384" */
	struct api_cert {
		uint8_t *der;
		size_t len;
	} *certificates; /* leaf first, then intermediates, then cross-certificates; owned */
	size_t certificates_n;
};
struct api_keys {
	struct api_key *v;
	size_t n;
};
void api_key_clear(struct api_key *k);
void api_keys_clear(struct api_keys *k);
AUTO_DEFINE_CLEAR(struct api_keys, api_keys_clear);
void api_key_encode(const struct api_key *k, struct buf *ret); /* GET /v1/keys/{name} */
void api_keys_encode(const struct api_keys *k, struct buf *ret); /* {"keys":[...]} */
bool api_key_decode(const char *p, size_t n, struct api_key *ret, struct kd_err *e) KD_MUST;
bool api_keys_decode(const char *p, size_t n, struct api_keys *ret, struct kd_err *e) KD_MUST;

/* POST /v1/timestamps (api_stamp.c): a timestamp from the authorities of the service's relay. */
#define API_STAMP_REQUEST_MAX ((size_t)16 << 10) /* bytes of JSON; the largest has some 1500 */
#define API_SIGNATURE_MAX ((size_t)1024)         /* RSA with 8192 bits */
#define API_STAMP_MAX ((size_t)64 << 10)         /* DER; the largest seen has some 7 KiB */

enum api_stamp_kind { API_STAMP_NONE, API_STAMP_RFC3161, API_STAMP_LEGACY };
const char *api_stamp_kind_name(enum api_stamp_kind k); /* "rfc3161", "legacy" */

struct api_stamp_request {
	enum api_stamp_kind kind;
	enum md md;                 /* RFC 3161: of the imprint */
	uint8_t digest[MD_LEN_MAX]; /* RFC 3161: md over the signature value */
	uint8_t signature[API_SIGNATURE_MAX]; /* legacy: the signature value itself */
	size_t signature_len;
};
bool api_stamp_request_decode(const char *p, size_t n, struct api_stamp_request *ret,
	struct kd_err *e) KD_MUST;
void api_stamp_request_encode(const struct api_stamp_request *r, struct buf *ret);

struct api_stamp_answer {
	enum api_stamp_kind kind;
	uint8_t *der; /* RFC 3161: TimeStampToken; legacy: the PKCS#7 answer; owned */
	size_t len;
};
void api_stamp_answer_clear(struct api_stamp_answer *a);
AUTO_DEFINE_CLEAR(struct api_stamp_answer, api_stamp_answer_clear);
void api_stamp_answer_encode(const struct api_stamp_answer *a, struct buf *ret);
/* kind  the request's: another one in the answer is KD_E_PROTOCOL */
bool api_stamp_answer_decode(const char *p, size_t n, enum api_stamp_kind kind,
	struct api_stamp_answer *ret, struct kd_err *e) KD_MUST;

/* GET /readyz: 200 when ready, 503 when not; the same body. */
struct api_ready {
	bool ready;
	char version[32];
	char separation[64];  /* "four users" | "one user, no separation" */
	char record[256];     /* "ok", or why nothing can be recorded */
	char relay[32];       /* "connected", "not connected"; "": none is configured */
	struct api_ready_key {
		char name[API_KEY_NAME_MAX + 1];
		bool ready;
		char code[32], detail[256]; /* kd_code name and sentence when not ready */
		char token[64];             /* "label (serial)", state */
		struct api_texts warnings;
	} *keys;
	size_t keys_n;
	struct api_ready_token {
		char signer[API_KEY_NAME_MAX + 1];
		char label[33], serial[17];
		char state[32];      /* "ready", "absent"...; "not connected", "does not answer" */
		char detail[256];    /* why not ready; "" */
		unsigned sessions, sessions_in_use, restarts;
		char breaker[32];    /* "closed", "open", "half-open"; "": not told */
	} *tokens;
	size_t tokens_n;
};
void api_ready_clear(struct api_ready *r);
AUTO_DEFINE_CLEAR(struct api_ready, api_ready_clear);
void api_ready_encode(const struct api_ready *r, struct buf *ret);
bool api_ready_decode(const char *p, size_t n, struct api_ready *ret, struct kd_err *e) KD_MUST;

/* application/problem+json (RFC 9457): type "about:blank", title, status, detail, code,
 * request_id, hint when there is one. request_id NULL: left out. */
void api_problem_encode(const struct kd_err *e, const char *request_id, struct buf *ret);
/* Fills ret_problem with code, detail and hint as the server said them, made safe to show; a
 * code this version does not know becomes KD_E_BUSY where the status is 503, else KD_E_BUG. */
bool api_problem_decode(const char *p, size_t n, struct kd_err *ret_problem,
	struct kd_err *e) KD_MUST;
#endif
