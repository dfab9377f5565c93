/* SPDX-License-Identifier: Apache-2.0 */
/* client/sign_format.h - files of the formats of authenticode/format.h as kinds of file to
 * sign. */
#ifndef CLIENT_SIGN_FORMAT_H
#define CLIENT_SIGN_FORMAT_H
#include "authenticode/format.h"
#include "client/sign_kind.h"

/* A sign_kind's functions, over its format: SIGN_KIND_OF below has all of them. */
bool sign_format_recognise(const struct sign_kind *k, int fd, const char *name);
bool sign_format_open(int fd, const char *name, struct sign_subject *s, struct kd_err *e);
void sign_format_free_state(void *state);
bool sign_format_signable(int fd, const struct sign_subject *s, struct kd_err *e);
bool sign_format_nestable(const struct sign_subject *s, const struct cms *primary,
    enum md md, struct kd_err *e);
bool sign_format_hash(
    int fd, struct sign_subject *s, enum md md, bool pages, struct kd_err *e);
bool sign_format_item(struct sign_subject *s, struct api_item *ret, struct kd_err *e);
bool sign_format_signature(
    int fd, const struct sign_subject *s, struct buf *ret, struct kd_err *e);
bool sign_format_check(
    const struct sign_subject *s, const struct cms *c, bool nested, struct kd_err *e);
bool sign_format_embed(int fd, const struct sign_subject *s, const uint8_t *cms,
    size_t len, int out_fd, struct kd_err *e);
bool sign_format_check_written(int fd, const struct sign_subject *s, const uint8_t *cms,
    size_t len, struct kd_err *e);

/* "a cabinet", "an MSI": for sentences. */
const char *sign_format_article(const struct format *f);

/* KD_E_USAGE: what an option asks for, a lone signature (sign_kind.h) cannot have. Always
 * false. */
bool sign_format_refuse(const struct sign_subject *s, const char *what, struct kd_err *e);

/* What a row of sign_kind.c is for one format. */
#define SIGN_KIND_OF(word, of, kind, has_no_attributes)                                  \
	{                                                                                \
		.name = word, .format = of, .api = kind, .lone = has_no_attributes,      \
		.recognise = sign_format_recognise, .open = sign_format_open,            \
		.free_state = sign_format_free_state, .hash = sign_format_hash,          \
		.signable = sign_format_signable, .item = sign_format_item,              \
		.nestable = sign_format_nestable,                                        \
		.signature = sign_format_signature,                                      \
		.check = sign_format_check, .embed = sign_format_embed,                  \
		.check_written = sign_format_check_written,                              \
	}
#endif
