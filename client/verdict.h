/* SPDX-License-Identifier: Apache-2.0 */
/* client/verdict.h - what the Windows kernel and installer would say of a file. */
#ifndef CLIENT_VERDICT_H
#define CLIENT_VERDICT_H
#include "authenticode/installer.h"
#include "authenticode/kernel_policy.h"
#include "client/trust.h"
#include "client/verify_run.h"

struct verdict_options {
	bool kernel, installer;           /* which is asked for; one at least */
	const struct certs *kernel_roots; /* more of them; NULL: none */
	const struct certs *user_roots;   /* of the machine, for the installer */
	const struct certs *publishers;   /* its TrustedPublisher store; NULL: empty */
	const struct certs *tsa_roots;
	int64_t at;
};

struct verdict {
	bool has_kernel, has_installer; /* the rest is zero where not */
	/* The loader was asked about, and never sees such a file. Unless the installer was,
	 * too, kernel is about the catalog, by which the file must be listed. */
	bool no_driver;
	struct kernel_report kernel;
	struct installer_report installer;
};

/*
 * verdict_make - judge one file that verify_run has done with.
 *
 * With a catalog the loader may take the file's own signature instead: the file is then
 * opened again for these.
 *
 * ret   filled on true; what was asked for
 * Errors: verify_file's, of the file's own signatures; KD_E_NOMEM, KD_E_CRYPTO. A verdict
 *         against the file is none.
 */
bool verdict_make(const struct verified *v, const struct verdict_options *o,
    struct verdict *ret, struct kd_err *e) KD_MUST;
struct verdict_question { /* borrowed */
	const char *file;                    /* name or path; an INF by its ending */
	const struct verify_report *own;     /* its own signatures; NULL: none are read */
	const struct verify_report *catalog; /* that should list it; NULL: none does */
	const struct verify_report *member;  /* with catalog: how it does */
};
/* The same for who has verified the file already. */
bool verdict_ask(const struct verdict_question *q, const struct verdict_options *o,
    struct verdict *ret, struct kd_err *e) KD_MUST;
/*
 * The exit status' rule: true when the kernel's policy is satisfied (kernel_report), and
 * the installer would install the file silently or after a prompt; of these, what was
 * asked for. A file that is no driver, with the kernel alone asked for, must be listed by
 * a catalog that satisfies the policy. KD_E_NOT_VERIFIED with the sentence otherwise.
 */
bool verdict_ok(const struct verdict *v, const char *file, struct kd_err *e) KD_MUST;

struct verdict_trust { /* all owned */
	struct certs *chain;      /* what verify_run judges chains with */
	struct certs *tsa;        /* and timestamps */
	struct certs *kernel;     /* --kernel-root */
	struct certs *user;       /* the machine's roots, in user mode */
	struct certs *publishers; /* --trusted-publisher */
};
void verdict_trust_clear(struct verdict_trust *t);
AUTO_DEFINE_CLEAR(struct verdict_trust, verdict_trust_clear);

/*
 * verdict_trust_load - whom Windows trusts, as far as we know it.
 *
 * The kernel: its roots, which are built in, and kernel_roots. The machine: t->roots,
 * without any the system's bundle, and Microsoft's roots. Timestamps: t->tsa_roots, and
 * those that Windows has and a Linux system's bundle lacks.
 *
 * kernel  chains are shown as the kernel sees them; else as the installer does
 * Errors: KD_E_FILE, KD_E_FORMAT, KD_E_LIMIT, KD_E_NOMEM, with the path.
 */
bool verdict_trust_load(const struct trust *t, const struct option_list *kernel_roots,
    const struct option_list *publishers, bool kernel, struct verdict_trust *ret,
    struct kd_err *e) KD_MUST;
#endif
