/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/loads.h - the load programs: each keeps one layer busy and counts what comes out
 * of it.
 *
 * argv ends with NULL and has the number of words that main.c's table says. m is started
 * by the program when its connections stand, and printed by main.c when it has returned
 * true. An answer that is not the signatures asked for is an error: a run measures
 * nothing else.
 */
#ifndef BENCH_LOADS_H
#define BENCH_LOADS_H
#include <stdbool.h>

#include "base/error.h"
#include "bench/meter.h"

#define LOAD_ITEMS 64 /* different digests; all programs sign the same ones */
#define LOAD_ANSWER_MAX ((size_t)64 << 20)
#define LOAD_WAIT_MS 60000 /* for one answer */

/* The i-th digest of a set, 32 bytes. */
void load_digest(unsigned i, unsigned char ret[32]);

/* MODULE TOKEN KEY PIN-FILE SESSIONS */
bool load_raw(struct meter *m, char **argv, struct kd_err *e) KD_MUST;
/* SOCKET KEY rsa|ecdsa CONCURRENT */
bool load_signer(struct meter *m, char **argv, struct kd_err *e) KD_MUST;
/* SOCKET CHAIN KEY CONCURRENT BATCH */
bool load_keeper(struct meter *m, char **argv, struct kd_err *e) KD_MUST;
/* PORT IDENTITY CA KEY CONNECTIONS BATCH */
bool load_https(struct meter *m, char **argv, struct kd_err *e) KD_MUST;
/* CERTIFICATE PRIVATE-KEY: what the keeper spends on checking one signature */
bool load_verify(struct meter *m, char **argv, struct kd_err *e) KD_MUST;
/* MODULE TOKEN KEY PIN-FILE: breaker, quarantine and custody gate alone; prints its own
 * line */
bool load_guard(struct meter *m, char **argv, struct kd_err *e) KD_MUST;
/* NUMBER COMMAND...: a program that makes so many signatures; its CPU time is the
 * client's */
bool load_run(struct meter *m, char **argv, struct kd_err *e) KD_MUST;
/* FILE SIZE NUMBER: a PE image of that size, its content drawn from NUMBER; nothing
 * measured */
bool load_pe(struct meter *m, char **argv, struct kd_err *e) KD_MUST;
#endif
