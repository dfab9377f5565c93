/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/parent.h - the process that holds PIN, socket and clock, and never the module.
 */
#ifndef KD_PKCS11_PARENT_H
#define KD_PKCS11_PARENT_H
#include <sys/types.h>

#include "base/error.h"
#include "base/secret.h"
#include "pkcs11/pin.h"
#include "pkcs11/signer_conf.h"

struct parent_opts { /* all borrowed, but for what is said */
	const struct signer_conf *conf;
	struct pin_source *pin_from; /* read again once an operator has unlatched */
	struct secret *pin;          /* moves in */
	int listen_fd;               /* moves in */
	uid_t keeper;                /* the only user served */
};

/*
 * parent_run - serve the keeper until SIGTERM or SIGINT, starting and replacing the
 * child.
 *
 * One thread, one epoll. A job waits in the queue until a session is free, then goes to
 * the child; past conf's sign-deadline the child is killed and replaced, what it had
 * begun is answered as such, what it had not goes to the next child. When that starts is
 * breaker.h's to say. A refused PIN stops it until the operator unlatches.
 *
 * Errors: KD_E_NOMEM, KD_E_BUG, KD_E_IO: it could not start serving. KD_E_CONFIG: the
 * module is none, several tokens match, or none does and none has taken the PIN before,
 * another signer serves it, a key is not its certificate's; found by the first child, before
 * any login; or the file owner is damaged.
 */
bool parent_run(const struct parent_opts *o, struct kd_err *e) KD_MUST;
#endif
