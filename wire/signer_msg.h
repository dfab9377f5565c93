/* SPDX-License-Identifier: Apache-2.0 */
/* wire/signer_msg.h - keeper ↔ signer: sign one digest; state of token and keys. */
#ifndef KD_SIGNER_MSG_H
#define KD_SIGNER_MSG_H
#include <stddef.h>
#include <stdint.h>

#include "base/builder.h"
#include "base/error.h"
#include "base/md.h"
#include "base/reader.h"

#define SIGNER_KEY_NAME_MAX 64
#define SIGNER_DETAIL_MAX 255
#define SIGNER_SIGNATURE_MAX 1024 /* RSA-4096: 512; ECDSA P-384 in DER: 104 */
#define SIGNER_SPKI_MAX 1024
#define SIGNER_KEYS_MAX 256

enum sign_mechanism {
	SIGN_RSA_PKCS1 = 1, /* RFC 8017 8.2: the signer puts digest into DigestInfo, CKM_RSA_PKCS */
	SIGN_ECDSA          /* CKM_ECDSA over the digest */
};

struct sign_job {
	char key[SIGNER_KEY_NAME_MAX + 1];
	enum sign_mechanism mechanism;
	enum md md;
	uint8_t digest[MD_LEN_MAX]; /* md_len(md) bytes */
	uint32_t deadline_ms;       /* from receipt; queued and not begun by then: refused, unheard */
};

struct sign_result {
	enum kd_code code;  /* KD_OK, or KD_E_TOKEN, _TOKEN_TIMEOUT, _PIN, _KEY, _BUSY, _UNKNOWN_OUTCOME,
	                     * _BAD_SIGNATURE (of a wrong length; never handed out) */
	bool heard;         /* the token may have signed: C_Sign was called */
	uint64_t ckr;       /* CK_RV when one was returned, else 0 */
	uint32_t token_us;  /* time inside the module */
	char detail[SIGNER_DETAIL_MAX + 1]; /* one sentence for people; "" when KD_OK */
	/* RSA: as the token gave it. ECDSA: DER ECDSA-Sig-Value (RFC 3279 2.2.3), as CMS wants it. */
	uint8_t signature[SIGNER_SIGNATURE_MAX];
	size_t signature_len;
};

enum token_state {
	TOKEN_STARTING = 1,
	TOKEN_READY,
	TOKEN_ABSENT,  /* not there, or not answering; the signer keeps looking */
	TOKEN_LATCHED, /* a PIN was refused, or must not be tried: kdsign-token pin */
	TOKEN_FAILED   /* module cannot be loaded or keeps dying; see detail */
};

enum key_attr { /* CKA_* as read, one bit each */
	KEY_ATTR_SENSITIVE = 1,
	KEY_ATTR_ALWAYS_SENSITIVE = 2,
	KEY_ATTR_EXTRACTABLE = 4,
	KEY_ATTR_NEVER_EXTRACTABLE = 8,
	KEY_ATTR_LOCAL = 16,
	KEY_ATTR_DECRYPT = 32,
	KEY_ATTR_UNWRAP = 64,
	KEY_ATTR_DERIVE = 128,
	KEY_ATTR_MODIFIABLE = 256
};

struct signer_key {
	char name[SIGNER_KEY_NAME_MAX + 1];
	bool ready;
	enum sign_mechanism mechanism; /* 0 until known */
	uint16_t bits;                 /* modulus, or field size */
	uint32_t attrs;                /* enum key_attr */
	uint32_t relaxed;              /* enum custody_flaw: let pass by the signer's configuration */
	uint8_t spki[SIGNER_SPKI_MAX]; /* DER SubjectPublicKeyInfo; 0 long when the token has none */
	size_t spki_len;
	char detail[SIGNER_DETAIL_MAX + 1]; /* why not ready */
};

enum token_breaker { /* between the signer and its token */
	BREAKER_CLOSED,   /* jobs go to the token */
	BREAKER_OPEN,     /* the token rests: nothing is asked of it before retry_ms */
	BREAKER_HALF_OPEN /* a fresh module looks at it; closed when that becomes ready */
};

struct signer_state {
	enum token_state token;
	char label[33], serial[17], model[17]; /* UTF-8, trimmed */
	uint16_t sessions;                     /* that sign in parallel */
	uint32_t child_pid, restarts;
	char detail[SIGNER_DETAIL_MAX + 1];
	struct signer_key *keys;               /* decode: allocated, signer_state_clear */
	size_t keys_n;
	enum token_breaker breaker;
	uint32_t opened;   /* how often the breaker has opened */
	uint32_t retry_ms; /* until the token is looked at again; 0: it is ready, or nobody knows */
};

struct sign_bad { /* keeper to signer: what this key's signature was over does not verify */
	char key[SIGNER_KEY_NAME_MAX + 1];
	char detail[SIGNER_DETAIL_MAX + 1]; /* one sentence for people */
};

void sign_job_encode(const struct sign_job *j, struct buf *ret);
bool sign_job_decode(struct rd r, struct sign_job *ret, struct kd_err *e) KD_MUST;
void sign_result_encode(const struct sign_result *s, struct buf *ret);
bool sign_result_decode(struct rd r, struct sign_result *ret, struct kd_err *e) KD_MUST;
void signer_state_encode(const struct signer_state *s, struct buf *ret);
bool signer_state_decode(struct rd r, struct signer_state *ret, struct kd_err *e) KD_MUST;
void signer_state_clear(struct signer_state *s);
AUTO_DEFINE_CLEAR(struct signer_state, signer_state_clear);
void sign_bad_encode(const struct sign_bad *b, struct buf *ret);
bool sign_bad_decode(struct rd r, struct sign_bad *ret, struct kd_err *e) KD_MUST;
const char *token_breaker_name(enum token_breaker b); /* "closed", for API and log */
const char *token_state_name(enum token_state s); /* "ready", for API and log */
#endif
