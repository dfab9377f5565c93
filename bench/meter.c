/* SPDX-License-Identifier: Apache-2.0 */
/* bench/meter.c - signatures per second, and what each process spent on one. */
#include "bench/meter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/text.h"

#define NS_PER_MS 1000000u

static uint64_t
clock_of(clockid_t id)
{
	struct timespec t = {0};

	/* A process that has ended shows in the rate, and in the next measurement's
	 * watch. */
	(void)clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* proc(5): "cpu  user nice system idle iowait irq softirq steal ..." of all cores
 * together, in ticks. Time that the hypervisor gave to somebody else counts as worked. */
static uint64_t
busy_ticks(void)
{
	char line[256] = "";
	FILE *f = fopen("/proc/stat", "re");
	char *at = &line[3];
	uint64_t sum = 0;

	if (f == NULL)
		return 0;
	if (fgets(line, sizeof(line), f) == NULL)
		line[0] = '\0';
	(void)fclose(f);
	for (int i = 0; i < 8 && line[0] != '\0'; i++) {
		uint64_t v = strtoull(at, &at, 10);

		if (i != 3 && i != 4) /* idle, iowait */
			sum += v;
	}
	return sum;
}

bool
meter_watch(struct meter *m, const char *name_pid, struct kd_err *e)
{
	struct meter_process *p = &m->processes[m->processes_n];
	size_t len = strcspn(name_pid, "=");
	uint64_t pid;

	if (m->processes_n == METER_PROCESSES_MAX || len >= sizeof(p->name) ||
	    name_pid[len] == '\0')
		return kd_fail(e, KD_E_USAGE, "'%s': expected NAME=PID", SHOW(name_pid));
	if (!kd_parse_u64(&name_pid[len + 1], 1, INT32_MAX, &pid, e))
		return kd_in(e, "'%s'", SHOW(name_pid));
	if (clock_getcpuclockid((pid_t)pid, &p->clock) != 0)
		return kd_fail(e, KD_E_FILE, "'%s': no such process", SHOW(name_pid));
	memcpy(p->name, name_pid, len);
	m->processes_n++;
	return true;
}

void
meter_start(struct meter *m)
{
	m->started_ns = clock_ns();
}

void
meter_begin(struct meter *m)
{
	for (size_t i = 0; i < m->processes_n; i++)
		m->processes[i].begun_ns = clock_of(m->processes[i].clock);
	m->own_ns = clock_of(CLOCK_PROCESS_CPUTIME_ID);
	m->busy = busy_ticks();
	m->begun_ns = clock_ns();
}

void
meter_end(struct meter *m, uint64_t n)
{
	m->seconds = (double)(clock_ns() - m->begun_ns) / 1e9;
	m->n = n;
	m->busy = busy_ticks() - m->busy;
	m->own_ns = clock_of(CLOCK_PROCESS_CPUTIME_ID) - m->own_ns;
	for (size_t i = 0; i < m->processes_n; i++) {
		struct meter_process *p = &m->processes[i];

		p->spent_ns = clock_of(p->clock) - p->begun_ns;
	}
}

bool
meter_count(struct meter *m, uint64_t n)
{
	uint64_t now = clock_ns();

	if (m->begun_ns == 0) {
		if (now >= m->started_ns + m->warm_ms * NS_PER_MS)
			meter_begin(m);
		return true;
	}
	m->n += n;
	if (now < m->begun_ns + m->run_ms * NS_PER_MS)
		return true;
	meter_end(m, m->n);
	return false;
}

static void
print_cpu(const char *name, uint64_t ns, uint64_t n)
{
	(void)printf(" cpu.%s=%.2f", name, (double)ns / 1e3 / (double)n);
}

static double
others(const struct meter *m)
{
	double cores = (double)sysconf(_SC_NPROCESSORS_ONLN);
	double worked = (double)m->busy / (double)sysconf(_SC_CLK_TCK);
	double ours = (double)m->own_ns / 1e9, part;

	for (size_t i = 0; i < m->processes_n; i++)
		ours += (double)m->processes[i].spent_ns / 1e9;
	part = (worked - ours) / (cores * m->seconds);
	return part > 0 ? part : 0; /* ticks are coarse */
}

void
meter_print(const struct meter *m)
{
	uint64_t n = m->n > 0 ? m->n : 1;

	(void)printf("rate=%.1f n=%llu seconds=%.3f others=%.3f",
	    (double)m->n / m->seconds, (unsigned long long)m->n, m->seconds, others(m));
	print_cpu("client", m->own_ns, n);
	for (size_t i = 0; i < m->processes_n; i++)
		print_cpu(m->processes[i].name, m->processes[i].spent_ns, n);
	(void)putchar('\n');
}
