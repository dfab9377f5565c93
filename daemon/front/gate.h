/* SPDX-License-Identifier: Apache-2.0 */
/* gate.h - refuses every HTTP request whose end two readers could see in two places. */
#ifndef KD_FRONT_GATE_H
#define KD_FRONT_GATE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* A client of ours sends about ten; more is somebody looking for a seam. */
#define GATE_HEADERS_MAX 64

struct gate_header { /* as the HTTP library handed it over; both strings end with NUL */
	const char *name;
	size_t name_len;
	const char *value;
	size_t value_len;
};

struct gate_head { /* borrowed: one request's line and header, in the order received */
	const char *method;
	const char *version;
	const struct gate_header *headers;
	size_t n;
	/*
	 * version and headers[] still point into the receive buffer, in which the library
	 * put one NUL over each CR and each LF. Then a line that ended in a bare LF, held
	 * a NUL or was continued (obs-fold) shows as a gap of other than two bytes,
	 * though the library itself accepts all three. False only for heads that were put
	 * together by hand.
	 */
	bool in_place;
	/* Bytes of the head from method's first to its empty line's last; 0: not known.
	 * Without it, NULs that begin the body could stand for an end in LF LF. What
	 * still passes is a NUL sent in place of the CR or the LF of an end, for which
	 * the buffer looks the same: no reader takes that for the end of a line, most
	 * refuse it, and Content-Length is digits to the end either way. */
	size_t size;
};

struct gate_verdict {
	uint64_t content_length; /* 0 when there is none */
	bool has_content_length;
};

/*
 * gate_check - is this head one that every HTTP/1.1 reader understands the same way?
 *
 * h    borrowed
 * ret  written on success
 * Refused: a method or header name with other than token characters, a control character
 * in a value, a line not ended by CR LF, a folded line, any version but HTTP/1.1, a known
 * header twice, Host not exactly once, any Transfer-Encoding, Upgrade, Trailer or
 * Content-Encoding, a Content-Length of other than digits, an Expect of other than
 * 100-continue, an Origin (a browser speaks: no page may use its reader's certificate).
 * Errors: KD_E_REQUEST. The caller answers and closes the connection: nothing behind such
 * a head may be read as a request. Spec: RFC 9112 sections 2.2, 5, 6.3, 11.2; RFC 9110
 * section 5.6.2 (token).
 */
bool gate_check(
    const struct gate_head *h, struct gate_verdict *ret, struct kd_err *e) KD_MUST;
#endif
