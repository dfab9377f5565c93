/* SPDX-License-Identifier: Apache-2.0 */
/* base/error.c - the one table of error codes, and messages that need no memory. */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"

/* clang-format off */
static const struct kd_code_info kd_codes[KD_CODES_N] = {
	/*                        name                   title                                            http cli dmn  retry */
	[KD_OK]                = {"ok",                  "Done",                                          200, 0,  0, false},
	[KD_E_USAGE]           = {"usage",               "The command line is wrong",                     500, 2, 64, false},
	[KD_E_CONFIG]          = {"configuration",       "The configuration is wrong",                    500, 2, 78, false},
	[KD_E_REQUEST]         = {"bad_request",         "The request is malformed",                      400, 7, 70, false},
	[KD_E_TOO_LARGE]       = {"too_large",           "The request is too large",                      413, 7, 70, false},
	[KD_E_METHOD]          = {"method_not_allowed",  "The path does not take this method",            405, 7, 70, false},
	[KD_E_NOT_FOUND]       = {"not_found",           "There is no such thing",                        404, 7, 70, false},
	[KD_E_CONFLICT]        = {"id_conflict",         "The id was used with other content",            409, 7, 70, false},
	[KD_E_FILE]            = {"file",                "A file cannot be opened, read or replaced",     500, 3, 78, false},
	[KD_E_FORMAT]          = {"malformed",           "The data is not what it should be",             400, 3, 78, false},
	[KD_E_LIMIT]           = {"limit",               "The data exceeds a limit",                      400, 3, 78, false},
	[KD_E_UNSIGNED]        = {"unsigned",            "The file has no signature",                     400, 1, 70, false},
	[KD_E_NOT_VERIFIED]    = {"not_verified",        "The signature does not verify",                 400, 1, 70, false},
	[KD_E_AUTH]            = {"client_refused",      "The client certificate is refused",             403, 4, 70, false},
	[KD_E_DENIED]          = {"not_granted",         "No grant covers this request",                  403, 4, 70, false},
	[KD_E_KEY_UNKNOWN]     = {"key_unknown",         "There is no key of that name",                  404, 4, 70, false},
	[KD_E_KEY_AMBIGUOUS]   = {"key_ambiguous",       "Several keys are granted and none was named",   400, 2, 70, false},
	[KD_E_CERT_INVALID]    = {"certificate_invalid", "The key's certificate cannot be used",          403, 4, 78, false},
	[KD_E_KEY_RETIRED]     = {"key_retired",         "The key is retired",                            403, 4, 70, false},
	[KD_E_TOKEN]           = {"token_unavailable",   "The token does not work",                       503, 5, 70, true},
	[KD_E_TOKEN_TIMEOUT]   = {"token_timeout",       "The token did not answer in time",              504, 5, 70, true},
	[KD_E_PIN]             = {"pin_latched",         "The token waits for an operator",               503, 5, 78, false},
	[KD_E_KEY]             = {"key_unusable",        "The token cannot use the key",                  500, 7, 78, false},
	[KD_E_BAD_SIGNATURE]   = {"hsm_bad_signature",   "The token gave a signature that is wrong",      500, 7, 70, false},
	[KD_E_UNKNOWN_OUTCOME] = {"outcome_unknown",     "It is not known whether the token signed",      500, 7, 70, false},
	[KD_E_TIMESTAMP]       = {"timestamp_unavailable", "No timestamp could be had",                   503, 5, 70, true},
	[KD_E_PENDING]         = {"pending",             "The request is still running",                  202, 6, 70, true},
	[KD_E_BUSY]            = {"busy",                "A limit is reached for the moment",             503, 5, 70, true},
	[KD_E_STORE]           = {"record_unavailable",  "The record cannot be written",                  503, 5, 74, true},
	[KD_E_INCONSISTENT]    = {"record_inconsistent", "The record contradicts itself",                 503, 7, 76, false},
	[KD_E_UNREACHABLE]     = {"unreachable",         "The other side cannot be reached",              503, 5, 70, true},
	[KD_E_TLS]             = {"tls",                 "The server's identity is not accepted",         500, 7, 70, false},
	[KD_E_PROTOCOL]        = {"protocol",            "The other side broke the protocol",             500, 7, 70, false},
	[KD_E_CRYPTO]          = {"crypto",              "The cryptographic library failed",              500, 7, 70, false},
	[KD_E_IO]              = {"io",                  "Writing failed",                                500, 7, 74, false},
	[KD_E_NOMEM]           = {"out_of_memory",       "There is not enough memory",                    503, 7, 70, true},
	[KD_E_BUG]             = {"bug",                 "The program is wrong",                          500, 7, 70, false},
};
/* clang-format on */

/* A cut in the middle of a character would make the message malformed UTF-8, and with it
 * every JSON document that carries it. */
static void
drop_cut_character(char *s)
{
	size_t n = strlen(s), back = 0;
	unsigned char lead;

	while (back < 3 && back < n && ((unsigned char)s[n - 1 - back] & 0xc0) == 0x80)
		back++;
	if (back >= n)
		return;
	lead = (unsigned char)s[n - 1 - back];
	if ((lead >= 0xc0 && back < 1) || (lead >= 0xe0 && back < 2) ||
	    (lead >= 0xf0 && back < 3))
		s[n - 1 - back] = '\0';
}

static void put(char *dst, size_t size, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));

static void
put(char *dst, size_t size, const char *fmt, va_list ap)
{
	int n = vsnprintf(dst, size, fmt, ap);

	if (n < 0)
		dst[0] = '\0';
	else if ((size_t)n >= size)
		drop_cut_character(dst);
}

bool
kd_fail(struct kd_err *e, enum kd_code c, const char *fmt, ...)
{
	va_list ap;

	if (e->code != KD_OK)
		return false;
	e->code = c;
	va_start(ap, fmt);
	put(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	return false;
}

static enum kd_code
code_of_errno(enum kd_code c, int err)
{
	switch (err) {
	case ENOSPC:
	case EDQUOT:
	case EIO:
	case EROFS:
		return KD_E_IO;
	case ENOMEM:
		return KD_E_NOMEM;
	default:
		return c;
	}
}

bool
kd_fail_errno(struct kd_err *e, enum kd_code c, int err, const char *fmt, ...)
{
	char text[64]; /* the longest message of glibc has 49 bytes */
	size_t n;
	va_list ap;

	if (e->code != KD_OK)
		return false;
	e->code = code_of_errno(c, err);
	va_start(ap, fmt);
	put(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	if (strerror_r(err, text, sizeof(text)) != 0)
		(void)snprintf(text, sizeof(text), "error %d", err);
	n = strlen(e->msg);
	(void)snprintf(e->msg + n, sizeof(e->msg) - n, ": %s", text);
	return false;
}

bool
kd_in(struct kd_err *e, const char *fmt, ...)
{
	char context[sizeof(e->msg) / 2], whole[sizeof(e->msg) + sizeof(context) + 2];
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	put(context, sizeof(context), fmt, ap);
	va_end(ap);
	(void)snprintf(whole, sizeof(whole), "%s: %s", context, e->msg);
	n = strlen(whole);
	if (n >= sizeof(e->msg)) { /* the head of the cause is kept */
		n = sizeof(e->msg) - 1;
		whole[n] = '\0';
		drop_cut_character(whole);
		n = strlen(whole);
	}
	memcpy(e->msg, whole, n + 1);
	return false;
}

bool
kd_hint(struct kd_err *e, const char *fmt, ...)
{
	va_list ap;

	if (e->hint[0] != '\0')
		return false;
	va_start(ap, fmt);
	put(e->hint, sizeof(e->hint), fmt, ap);
	va_end(ap);
	return false;
}

bool
kd_fail_nomem(struct kd_err *e, const char *what)
{
	return kd_fail(e, KD_E_NOMEM, "%s: out of memory", what);
}

const struct kd_code_info *
kd_code_info(enum kd_code c)
{
	if ((unsigned)c >= KD_CODES_N)
		c = KD_E_BUG;
	return &kd_codes[c];
}

enum kd_code
kd_code_by_name(const char *name)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(kd_codes); i++)
		if (strcmp(kd_codes[i].name, name) == 0)
			return (enum kd_code)i;
	return KD_E_BUG;
}
