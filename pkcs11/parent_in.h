/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/parent_in.h - what the files of the parent share: one thread, no locks. */
#ifndef KD_PKCS11_PARENT_IN_H
#define KD_PKCS11_PARENT_IN_H
#include <stdint.h>
#include <sys/types.h>

#include "base/builder.h"
#include "pkcs11/breaker.h"
#include "pkcs11/child_msg.h"
#include "pkcs11/owner.h"
#include "pkcs11/parent.h"
#include "pkcs11/queue.h"
#include "pkcs11/share.h"
#include "pkcs11/token_lock.h"
#include "wire/frame.h"
#include "wire/signer_msg.h"

#define CONNS_MAX 16
#define NEVER UINT64_MAX /* a time that does not come */
#define LOOK_AGAIN "keys leave the quarantine" /* why a child is replaced */

enum phase {
	PHASE_NONE,     /* no child */
	PHASE_STARTING, /* looks for the token */
	PHASE_LOGIN,    /* has the PIN, has not yet said more */
	PHASE_KEYS,     /* logged in */
	PHASE_READY,
	PHASE_DRAIN, /* to be replaced; what it has begun may end */
	PHASE_KILLED /* SIGKILL sent, not yet gone */
};

enum trouble { /* why a child has to be replaced */
	TROUBLE_NONE,
	TROUBLE_GONE, /* the token is away: nobody's fault */
	TROUBLE_FAULT,
	TROUBLE_HANG,
	TROUBLE_BAD /* a signature that is wrong */
};

struct quarantine { /* of one key */
	bool on;
	char why[SIGNER_DETAIL_MAX + 1];
};

struct conn {
	int fd; /* -1: free */
	uint32_t gen;
	bool waits_to_write; /* epoll watches for EPOLLOUT too */
	bool touched;        /* has something to flush in this round */
	struct frame_in in;
	struct frame_out out;
};

struct flight { /* a job that the child has; its index is its cell's */
	bool used;
	uint32_t serial;
	struct ask ask;
};

struct parent {
	const struct signer_conf *conf;
	struct pin_source *pin_from;
	struct secret *pin;
	uid_t keeper;
	int epfd, listen_fd, signal_fd, setup_fd;
	char **child_env; /* owned, with its strings; ends with NULL */
	bool stopping;
	uint64_t now_ms; /* once per round */

	struct conn conns[CONNS_MAX];
	struct signer_state state;
	bool state_changed;

	/* the child */
	enum phase phase;
	pid_t pid;
	int pid_fd, sock, pin_fd;
	struct share *share;
	bool was_ready; /* this child */
	bool look_again; /* once it is ready: it had told of keys when a quarantine ended */
	bool ever_started;
	bool latched;      /* no login until an operator acts */
	bool pin_spent;    /* ours was refused or cut off: tried again only when read again */
	int latch_fd;      /* while a login is under way */
	bool found_once;   /* a token, by a child of ours */
	struct token_lock token_lock;
	struct kd_err fatal; /* found wrong at the start: nothing is served */
	uint64_t start_ms; /* when to start a child */
	uint64_t phase_end_ms; /* until when this phase may last */
	uint64_t latch_check_ms, stop_ms;

	/* trouble */
	struct breaker breaker;
	bool fault_told; /* this child's fault has been counted */
	bool absent;     /* this child found no token to log in to */
	uint64_t hold_end_ms; /* until when jobs wait for the next child */
	char last_fault[SIGNER_DETAIL_MAX + 1], said[SIGNER_DETAIL_MAX + 1];
	/* of this child's token, as they are: state's are made printable */
	char found[17], found_label[33];
	bool have_owner;   /* a token has accepted the PIN: */
	char owner[OWNER_SERIAL_MAX + 1]; /* its serial by owner_text; no other gets it */
	bool owner_stored; /* so that it is known after a restart */
	struct quarantine *quarantine; /* of conf's keys; owned */

	uint32_t sign_us; /* what a signature takes this token, a moving mean; 0: not known */

	/* jobs */
	struct queue queue;
	struct flight flights[SHARE_CELLS_MAX];
	uint32_t free_cells[SHARE_CELLS_MAX], free_n;
	uint32_t flights_n, in_flight_max, serial;
	uint64_t flights_check_ms, queue_check_ms;
	uint64_t heeded_ms; /* when the child last took a job, or had none to take */
	bool unheeded;      /* it let one expire since then */
	struct sign_result result; /* scratch: an answer costs no kilobyte of stack */
};

/* parent_conn.c */
void conns_init(struct parent *p);
void conns_accept(struct parent *p);
void conns_readable(struct parent *p, struct conn *c);
void conns_flush(struct parent *p);      /* all that were touched */
void conns_push_state(struct parent *p); /* to everyone */
void conns_answer(struct parent *p, const struct ask *a, const struct sign_result *r);
void conns_close(struct parent *p);
bool conns_watch(
    struct parent *p, int fd, uint32_t kind, uint32_t index, struct kd_err *e) KD_MUST;

/* What an epoll event is about: kind in the upper half of its number, index in the lower.
 */
enum watch { WATCH_LISTEN, WATCH_SIGNAL, WATCH_CONN, WATCH_SOCK, WATCH_PID };

/* parent_jobs.c */
bool jobs_init(struct parent *p, struct kd_err *e) KD_MUST;
void jobs_clear(struct parent *p);
/* KD_E_PROTOCOL: the peer is not a keeper of ours. */
bool jobs_accept(struct parent *p, const struct conn *c, uint32_t conn,
    const struct frame *f, struct kd_err *e) KD_MUST;
void jobs_feed(struct parent *p); /* as many as the child may have */
void jobs_heeded(struct parent *p); /* the child is at work */
/* Why the child that sent it has to be replaced; TROUBLE_NONE: it has not. */
enum trouble jobs_result(struct parent *p, const struct child_result *r) KD_MUST;
/* What the child has not begun returns to the queue. */
void jobs_take_back(struct parent *p);
/* The child is dead: what it had begun goes to the next, what it had the token sign is of
 * unknown outcome. */
void jobs_settle(struct parent *p);
void jobs_refuse_all(struct parent *p); /* the queue, because of the token's state */
/* Deadlines. True when the child is stuck in a call and has to be replaced. */
bool jobs_expire(struct parent *p) KD_MUST;

/* parent_child.c */
bool child_setup(struct parent *p, struct kd_err *e) KD_MUST;
void child_start(struct parent *p);
void child_replace(struct parent *p, enum trouble t, const char *why);
void child_kill(struct parent *p);
void child_readable(struct parent *p);
void child_exited(struct parent *p);
void child_timers(struct parent *p);
void child_clear(struct parent *p);

/* parent_login.c */
/* By the token's flags: true, and the child is killed; another looks at them again, at a
 * steady pace. */
bool login_is_forbidden(struct parent *p, const struct child_found *f) KD_MUST;
/* The child gets at the PIN only once the attempt is on the disk. False: it does not, and
 * is killed. */
bool login_give_pin(struct parent *p, const struct child_found *f) KD_MUST;
void login_told(struct parent *p, const struct child_login *l);
void login_cut_off(struct parent *p); /* the child ended in it */
void login_refused(struct parent *p); /* by a token that was logged in to */
void login_check_latch(struct parent *p);            /* is it still there? */

/* parent_owner.c */
bool owner_recall(struct parent *p, struct kd_err *e) KD_MUST; /* at the start */
void owner_remember(struct parent *p); /* the token that was found has taken the PIN */
/* It is another token than the one that took the PIN: true, and the child is killed. */
bool owner_is_another(struct parent *p) KD_MUST;
/* There is no token; true when one is known, and to be waited for. Else KD_E_CONFIG. */
bool owner_missing(const struct parent *p, const char *what, struct kd_err *e) KD_MUST;

/* parent_key.c */
void key_told(struct parent *p, const struct child_key *m);
/* No key was seen to be another than its certificate's. Errors: KD_E_CONFIG. */
bool key_check_shown(
    const struct parent *p, const struct child_found *f, struct kd_err *e) KD_MUST;

/* parent_trouble.c */
bool trouble_init(struct parent *p, struct kd_err *e) KD_MUST;
void trouble_clear(struct parent *p);
void trouble(struct parent *p, enum trouble t, const char *why);
void trouble_log(struct parent *p, const char *what);
/* How long a child that is replaced for t may go on with what its token has begun. */
uint64_t trouble_drain_ms(const struct parent *p, enum trouble t);
void trouble_hold(struct parent *p, uint64_t drain_ms); /* jobs wait for the next child */
void trouble_timer(struct parent *p);
void trouble_state(struct parent *p);
uint64_t trouble_next_start(const struct parent *p);
/* A key that gave a wrong signature is not used again, by no child. */
void quarantine_put(struct parent *p, size_t key, const char *why);
void quarantine_keep(struct parent *p, size_t key); /* whatever a child says of it */
void quarantine_end(struct parent *p);              /* an operator says so */

/* parent.c */
void parent_set_state(struct parent *p, enum token_state s, const char *detail);
#endif
