/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/kernel_policy.h - which Windows loads a driver with these signatures, and
 * why another does not. No file, no clock, no certificate: facts in, sentences out. */
#ifndef KD_KERNEL_POLICY_H
#define KD_KERNEL_POLICY_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "authenticode/kernel_roots.h"
#include "base/md.h"

#define KERNEL_CERTS_MAX 10
#define KERNEL_SIGNATURES_MAX 17 /* VERIFY_SIGNATURES_MAX, and a catalog's */
#define KERNEL_RELEASES_MAX 24
#define KERNEL_NOTES_MAX 8
#define KERNEL_WHY_LEN 480

enum kernel_machine { /* a bit each: a release runs on several */
	KERNEL_X86 = 1,
	KERNEL_X64 = 2,
	KERNEL_ARM64 = 4,
	KERNEL_IA64 = 8,
	KERNEL_ARM = 16,
	KERNEL_OTHER = 32 /* none of ours runs on it */
};

enum kernel_stamp { KERNEL_STAMP_NONE, KERNEL_STAMP_UNTRUSTED, KERNEL_STAMP_TRUSTED };

struct kernel_cert {
	char name[96];    /* common name; for display */
	int64_t from, to; /* Unix seconds */
	bool sha2; /* signed with SHA-2: its own signature, not what its key makes */
};

struct kernel_signature { /* one that may convince the loader */
	bool catalog;     /* of a catalog that lists the file; else inside the file */
	bool listed_sha1; /* catalog: it lists the file under its SHA-1, too */
	bool nested;      /* not the first one */
	char name[64];    /* "signature 0", "the catalog's signature" */
	char fault[320];  /* what does not verify, or "" */
	enum md md;
	/* From the certificates inside the signature alone; the loader fetches none. */
	struct kernel_cert certs[KERNEL_CERTS_MAX]; /* leaf first, the root left out */
	size_t certs_n;
	enum kernel_root root;
	char top[96]; /* root NONE: the name that the chain stops at */
	/* the leaf's extended key usages */
	bool code_signing, whql, attested, extended, lifetime;
	enum kernel_stamp stamp;
	int64_t stamp_time;
	char stamp_fault[320]; /* UNTRUSTED: why */
	unsigned checks;       /* of certificates' signatures that finding these took */
};

struct kernel_facts {
	enum kernel_machine machine; /* 0: a catalog alone; judged as for x64 */
	int64_t now; /* what a signature without a timestamp is judged at */
	unsigned subsystem;          /* of the image; 0: unknown */
	bool checksum_wrong;         /* the image's CheckSum is not what it should be */
	struct kernel_signature sigs[KERNEL_SIGNATURES_MAX];
	size_t sigs_n;
	unsigned checks; /* of all: what a hostile file is cut off by */
};

struct kernel_verdict {
	const char *release; /* "Windows 7, Server 2008 R2 without KB3033929" */
	bool loads;
	char why[KERNEL_WHY_LEN]; /* one sentence, no full stop */
};

struct kernel_report {
	/* The rule behind `signtool verify /kp`, and behind the exit status: one signature
	 * is intact, its certificates lead to a root of the kernel, its leaf is for code,
	 * and all are valid at the time of a trusted timestamp or now. */
	struct kernel_verdict policy;
	struct kernel_verdict releases[KERNEL_RELEASES_MAX]; /* oldest first */
	size_t releases_n;
	char notes[KERNEL_NOTES_MAX][KERNEL_WHY_LEN];
	size_t notes_n;
};

/*
 * kernel_judge - the verdict for every release that runs on the facts' machine.
 *
 * A release loads the driver when one of the signatures that it reads convinces it;
 * otherwise the sentence is of the one that got furthest. A 32-bit Windows without
 * Secure Boot asks for no signature at all (boot-start and protected-media drivers
 * apart), which does not make `policy` true.
 *
 * Spec: kernel policy facts 1 to 5, 10; each rule in the .c names its page.
 */
void kernel_judge(const struct kernel_facts *f, struct kernel_report *ret);
/* Release i of all that reports know, on whatever machine, oldest first; NULL behind the
 * last one. */
const char *kernel_release(size_t i);
#endif
