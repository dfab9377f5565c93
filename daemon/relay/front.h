/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/relay/front.h - the listening socket, the front's connections, and their answers. */
#ifndef KD_RELAY_FRONT_H
#define KD_RELAY_FRONT_H
#include <poll.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/own.h"
#include "wire/relay_msg.h"

/* A front has one connection, and for a moment two when it is started anew. */
#define FRONT_CONNECTIONS_MAX 4
#define FRONT_POLLS_MAX (1 + FRONT_CONNECTIONS_MAX)

struct front; /* opaque; one thread */

/* Whom an answer is for, also when that connection is gone by then: it then goes nowhere. */
struct front_asker {
	uint64_t conn, frame_id;
};

struct front_hooks {
	void *self;
	/* One question; what ask points to is gone when it returns. */
	void (*ask)(void *self, const struct front_asker *who, const struct relay_ask *ask);
};

void front_free(struct front *f);
AUTO_DEFINE(struct front, front_free);
/* take_fd: listening; connections of any user but uid are closed at once. KD_E_NOMEM. */
bool front_new(int take_fd, uid_t uid, const struct front_hooks *hooks,
    struct front **ret, struct kd_err *e) KD_MUST;
/* Those of another user than the new one are closed. */
void front_set_user(struct front *f, uid_t uid);
void front_stop_listening(struct front *f);
/* Fills fds with what to wait for; how many. */
size_t front_polls(const struct front *f, struct pollfd fds[FRONT_POLLS_MAX]);
/* After the wait, with the same fds: accepts, reads, asks. */
void front_turn(struct front *f, const struct pollfd *fds, size_t n);
void front_answer(
    struct front *f, const struct front_asker *who, const struct answer *a);
/* Writes what was answered; true while something waits for the front to read. */
bool front_flush(struct front *f);
#endif
