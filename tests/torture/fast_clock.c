/* SPDX-License-Identifier: Apache-2.0 */
/* tests/torture/fast_clock.c - LD_PRELOAD: time runs FAST_CLOCK times as fast, and who waits
 * waits that much less. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NS 1000000000

static int64_t begun[2]; /* CLOCK_REALTIME, all others: they begin with what they were */
static int64_t speed;

static int64_t
real(clockid_t id)
{
	struct timespec t = {0};

	(void)syscall(SYS_clock_gettime, id, &t);
	return (int64_t)t.tv_sec * NS + t.tv_nsec;
}

__attribute__((constructor)) static void
fast_begin(void)
{
	const char *s = getenv("FAST_CLOCK");

	speed = s != NULL ? strtol(s, NULL, 10) : 1;
	begun[0] = real(CLOCK_REALTIME);
	begun[1] = real(CLOCK_MONOTONIC);
}

int
clock_gettime(clockid_t id, struct timespec *ret)
{
	int64_t from = begun[id != CLOCK_REALTIME], now = real(id);

	if (speed > 1 && (id == CLOCK_REALTIME || id == CLOCK_MONOTONIC))
		now = from + (now - from) * speed;
	ret->tv_sec = (time_t)(now / NS);
	ret->tv_nsec = (long)(now % NS);
	return 0;
}

int
epoll_wait(int fd, struct epoll_event *ev, int n, int ms)
{
	if (speed > 1 && ms > 0)
		ms = (int)(ms / speed) + 1;
	return (int)syscall(SYS_epoll_pwait, fd, ev, n, ms, NULL, 8);
}
