/* SPDX-License-Identifier: Apache-2.0 */
/* bench/meter.h - signatures per second, and what each process spent on one. */
#ifndef BENCH_METER_H
#define BENCH_METER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/error.h"

#define METER_PROCESSES_MAX 8

struct meter_process {
	char name[16];
	clockid_t clock; /* its CPU time */
	uint64_t begun_ns, spent_ns;
};

/*
 * All-zero, then warm_ms and run_ms. The measured time begins with the first answer after
 * the warm-up and ends with the first one after run_ms more, so that both ends are alike
 * and the answer that begins it does not count.
 */
struct meter {
	uint64_t warm_ms, run_ms;
	struct meter_process processes[METER_PROCESSES_MAX];
	size_t processes_n;
	uint64_t started_ns, begun_ns, n;
	double seconds;
	uint64_t own_ns; /* CPU time of this program, or of the one it ran */
	uint64_t busy;   /* clock ticks that all cores together worked, for whomever */
};

/* "NAME=PID": that process is reported as cpu.NAME. KD_E_USAGE, or KD_E_FILE when it is
 * gone. */
bool meter_watch(struct meter *m, const char *name_pid, struct kd_err *e) KD_MUST;
void meter_start(struct meter *m);
/* n more signatures have come; false: the measured time is over. */
bool meter_count(struct meter *m, uint64_t n);
/* The same in two steps, for who knows the number only at the end. */
void meter_begin(struct meter *m);
void meter_end(struct meter *m, uint64_t n);
/* "rate=R n=N seconds=S cpu.client=US cpu.NAME=US ...": CPU in microseconds per
 * signature. */
void meter_print(const struct meter *m);
#endif
