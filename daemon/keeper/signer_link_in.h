/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/signer_link_in.h - inside of the connection to a signer: signer_link.c, which
 * changes it, and signer_check.c, which looks. */
#ifndef KD_KEEPER_SIGNER_LINK_IN_H
#define KD_KEEPER_SIGNER_LINK_IN_H
#include "daemon/keeper/signer_link.h"
#include "wire/pulse.h"

struct sent {
	struct item *item; /* NULL: free */
	uint64_t id, deadline;
	uint64_t end; /* place in the stream where its frame ends */
};

struct signer_link {
	struct loop_source src; /* first; fd -1 while not connected */
	struct loop *loop;
	struct signer_link_hooks hooks;
	char *name, *socket;
	uid_t uid;
	size_t window;
	struct frame_in in;
	struct frame_out out;
	uint64_t appended; /* bytes of this connection's stream: whole frames */
	uint64_t written;  /* of them, those that the socket has taken */
	struct signer_state state;
	bool have_state, retired;
	uint64_t retry_at, retry_ms;
	struct pulse pulse; /* while connected */
	uint64_t token_at; /* when the signer looks at its token again; 0: it did not say */
	struct sent sent[SIGNER_WINDOW_MAX];
	uint16_t unused[SIGNER_WINDOW_MAX]; /* stack of free slots */
	size_t unused_n, sent_n;
	uint64_t token_us; /* of one signature: a running mean */
	uint64_t serial;
	char last_error[128]; /* told once, not at each try */
};
#endif
