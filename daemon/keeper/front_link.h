/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/front_link.h - the listening socket, the front's connections, and their
 * answers. */
#ifndef KD_KEEPER_FRONT_LINK_H
#define KD_KEEPER_FRONT_LINK_H
#include <sys/types.h>

#include "daemon/keeper/loop.h"
#include "wire/front_msg.h"

struct front;      /* opaque; the loop's thread only */
struct front_conn; /* opaque */

struct front_hooks {
	void *self;
	/* One question; what ask points to is gone when it returns. */
	void (*ask)(void *self, struct front_conn *c, uint64_t id, const struct ask *ask);
};

/* take_fd: listening; connections of any user but uid are closed at once. */
bool front_new(int take_fd, uid_t uid, size_t frame_limit, struct loop *loop,
    const struct front_hooks *hooks, struct front **ret, struct kd_err *e) KD_MUST;
void front_free(struct front *f);
AUTO_DEFINE(struct front, front_free);
/* Of every connection; those of another user than the new one are closed. */
void front_set_limits(struct front *f, uid_t uid, size_t frame_limit);
void front_stop_listening(struct front *f);
/* Who keeps a connection for a later answer holds it. Answers to one that is gone go
 * nowhere. */
struct front_conn *front_hold(struct front_conn *c);
void front_drop(struct front_conn *c);
void front_answer(struct front_conn *c, uint64_t id, const struct answer *a);
/* End of a turn: write what was answered, release what is gone. True while something
 * waits to be written. */
bool front_turn(struct front *f);
#endif
