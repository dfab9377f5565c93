/* SPDX-License-Identifier: Apache-2.0 */
/* base/error.h - what went wrong, where, and what the reader can do about it. */
#ifndef KD_ERROR_H
#define KD_ERROR_H
#include <stdbool.h>
#include <stddef.h>

#define KD_MUST __attribute__((warn_unused_result))
#define KD_PRINTF(f, a) __attribute__((format(printf, f, a)))

/*
 * One row each in kd_codes[] (error.c): the stable name that stands in the API's "code", the
 * HTTP status, the client's exit status and the daemon's. A code is chosen by what the reader
 * can do about it, so there is no second, finer list anywhere.
 */
enum kd_code {
	KD_OK,
	/* the caller's words */
	KD_E_USAGE,         /* command line or client configuration */
	KD_E_CONFIG,        /* a daemon's configuration, or a file that it names */
	KD_E_REQUEST,       /* API: malformed request: member unknown, missing, twice, out of range */
	KD_E_TOO_LARGE,     /* API: body, item count or byte budget over the limit */
	KD_E_METHOD,        /* API: path exists, method does not */
	KD_E_NOT_FOUND,     /* API: no such path or request id (or another client's) */
	KD_E_CONFLICT,      /* API: id already used with other content */
	/* a file that was named */
	KD_E_FILE,          /* cannot be opened, read or replaced */
	KD_E_FORMAT,        /* is not what it should be: malformed, truncated, not a PE image */
	KD_E_LIMIT,         /* exceeds a stated limit (over 4 GiB, too many sections) */
	KD_E_UNSIGNED,      /* has no signature */
	KD_E_NOT_VERIFIED,  /* a signature, digest or chain does not verify */
	/* who may do what */
	KD_E_AUTH,          /* client certificate refused */
	KD_E_DENIED,        /* grant does not cover key, kind or digest algorithm */
	KD_E_KEY_UNKNOWN,   /* no key of that name */
	KD_E_KEY_AMBIGUOUS, /* several keys granted, none named */
	KD_E_CERT_INVALID,  /* key's certificate expired, not yet valid, or not of this key */
	KD_E_KEY_RETIRED,   /* its custodians have set a date after which it signs no more */
	/* the token */
	KD_E_TOKEN,         /* absent, failing, or answering an error: try again */
	KD_E_TOKEN_TIMEOUT, /* no answer by the deadline */
	KD_E_PIN,           /* PIN refused or latched: an operator is needed */
	KD_E_KEY,           /* token lacks the key, or the key cannot do what is asked */
	KD_E_BAD_SIGNATURE, /* the token's signature does not verify; never released */
	KD_E_UNKNOWN_OUTCOME, /* token may have signed, the answer was lost; final for this id */
	KD_E_TIMESTAMP,     /* no time-stamping authority gave an acceptable timestamp: try again */
	/* the service and what is around it */
	KD_E_PENDING,       /* still running; ask again */
	KD_E_BUSY,          /* queue or connection limit reached: try again */
	KD_E_STORE,         /* the record cannot be written: nothing is signed */
	KD_E_INCONSISTENT,  /* the record contradicts itself or is of a newer version */
	KD_E_UNREACHABLE,   /* peer not there, connection lost, or no answer in time */
	KD_E_TLS,           /* server's certificate or name not accepted */
	KD_E_PROTOCOL,      /* a peer of ours said something it must not */
	KD_E_CRYPTO,        /* OpenSSL failed where it should not */
	KD_E_IO,            /* write failed: disk full, I/O error */
	KD_E_NOMEM,
	KD_E_BUG,
	KD_CODES_N
};

struct kd_err { /* lives on the caller's stack; never allocates; all-zero is "no error" */
	enum kd_code code;
	char msg[512];  /* outermost context first: "'net.sys': DOS header: ..." */
	char hint[256]; /* the next action, or "" */
	unsigned retry_s; /* in how many seconds trying again may help; 0: nobody knows */
};

struct kd_code_info {
	const char *name;     /* stable, lower case, in API "code", e.g. "key_not_granted" */
	const char *title;    /* short constant sentence for problem+json "title" */
	int http;             /* HTTP status of a request that fails with it */
	int exit_client;      /* design section 4: 0..7 */
	int exit_daemon;      /* 64, 70, 74, 76, 78 */
	bool retryable;       /* the same request may succeed later */
};

/* Record the first cause. Always false, so: return kd_fail(...); A later call changes nothing. */
bool kd_fail(struct kd_err *e, enum kd_code c, const char *fmt, ...) KD_PRINTF(3, 4);
/* Like kd_fail, with ": " and strerror(err) appended, and KD_E_IO/KD_E_NOMEM chosen for
 * ENOSPC, EDQUOT, EIO, EROFS / ENOMEM in place of c. */
bool kd_fail_errno(struct kd_err *e, enum kd_code c, int err, const char *fmt, ...) KD_PRINTF(4, 5);
/* Put "context: " in front of the message. Always false. */
bool kd_in(struct kd_err *e, const char *fmt, ...) KD_PRINTF(2, 3);
/* What to do next; the first hint wins. Always false. */
bool kd_hint(struct kd_err *e, const char *fmt, ...) KD_PRINTF(2, 3);
bool kd_fail_nomem(struct kd_err *e, const char *what);

/* Never NULL; an unknown number is answered as KD_E_BUG's row. */
const struct kd_code_info *kd_code_info(enum kd_code c);
/* The code of an API name; KD_E_BUG when unknown. */
enum kd_code kd_code_by_name(const char *name);
#endif
