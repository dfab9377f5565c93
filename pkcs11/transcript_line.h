/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/transcript_line.h - one line of a transcript, read strictly. */
#ifndef KD_PKCS11_TRANSCRIPT_LINE_H
#define KD_PKCS11_TRANSCRIPT_LINE_H
#include "pkcs11/transcript.h"
#include "wire/json.h"

#define TRANSCRIPT_FACTS_MAX 256
#define TRANSCRIPT_PEOPLE_MAX 64

struct transcript_fact {
	const char *name, *value;
};

struct transcript_line { /* strings borrowed from doc */
	struct json *doc;
	uint64_t n, uid;
	const char *action, *phase, *result, *prev, *time, *tool, *host;
	const char *key_label, *key_id, *key_spki_sha256;
	const char *label, *serial, *model, *manufacturer;
	const char *people[TRANSCRIPT_PEOPLE_MAX];
	size_t people_n;
	struct transcript_fact facts[TRANSCRIPT_FACTS_MAX];
	size_t facts_n;
};

/* text: one line without its newline. Errors: KD_E_REQUEST, KD_E_NOMEM. */
bool transcript_line_parse(
    const char *text, size_t n, struct transcript_line *ret, struct kd_err *e) KD_MUST;
void transcript_line_clear(struct transcript_line *l);
AUTO_DEFINE_CLEAR(struct transcript_line, transcript_line_clear);
#endif
