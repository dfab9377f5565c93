/* SPDX-License-Identifier: Apache-2.0 */
/* client/nested.h - which of a file's signatures a number means. */
#ifndef CLIENT_NESTED_H
#define CLIENT_NESTED_H
#include "authenticode/cms.h"

struct nested_place { /* borrowed from the bytes parsed */
	const uint8_t *p; /* the whole ContentInfo */
	size_t len;
	bool nested;
	size_t position; /* nested: as cms_replace_nested counts */
};

/*
 * nested_find - signature `index` of a ContentInfo: 0 is itself, then come its nested
 * ones, by their sequence numbers when all have one, else as they are stored; as signtool
 * and `verify` count them.
 *
 * Errors: KD_E_UNSIGNED (there are fewer), KD_E_FORMAT, KD_E_LIMIT, KD_E_NOMEM.
 */
bool nested_find(const uint8_t *cms, size_t len, size_t index, struct nested_place *ret,
    struct kd_err *e) KD_MUST;
#endif
