/* SPDX-License-Identifier: Apache-2.0 */
/* base/own.h - scope-bound ownership: who releases a thing is visible where it is declared. */
#ifndef KD_OWN_H
#define KD_OWN_H
#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

/* Once per type, in the header that owns the release function; accepts NULL. */
#define AUTO_DEFINE(T, fn)                                                               \
	static inline void fn##_auto(T **p)                                              \
	{                                                                                \
		fn(*p);                                                                  \
	}                                                                                \
	struct kd_swallow_semicolon

/* The same for structs in the caller's storage: AUTO(buf_clear) struct buf b = {0}; */
#define AUTO_DEFINE_CLEAR(T, fn)                                                         \
	static inline void fn##_auto(T *p)                                               \
	{                                                                                \
		fn(p);                                                                   \
	}                                                                                \
	struct kd_swallow_semicolon

#define AUTO(fn) __attribute__((cleanup(fn##_auto)))

#define STEAL(p)                                                                         \
	__extension__({                                                                  \
		__typeof__(p) s_ = (p);                                                  \
		(p) = NULL;                                                              \
		s_;                                                                      \
	})

#define STEAL_FD(fd)                                                                     \
	__extension__({                                                                  \
		int s_ = (fd);                                                           \
		(fd) = -1;                                                               \
		s_;                                                                      \
	})

static inline void
free_auto(void *p)
{
	free(*(void **)p);
}

static inline void
close_auto(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static inline void
closedir_auto(DIR **d)
{
	if (*d != NULL)
		(void)closedir(*d);
}
#endif
