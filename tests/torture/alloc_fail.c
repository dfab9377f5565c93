/* SPDX-License-Identifier: Apache-2.0 */
/* tests/torture/alloc_fail.c - preloaded into a daemon, or linked with it: one allocation
 * of its own fails, the one that is asked for. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * $ALLOC_FAIL names a file of two 64-bit numbers. The first counts calls of calloc(3) and
 * realloc(3) that come from the program's own code, which is base/mem.c only; libraries are
 * not counted. When it becomes the second, that call fails; once, because it counts on.
 */
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

static _Atomic uint64_t *numbers;
static uintptr_t program_begin, program_end;

static int
first_object(struct dl_phdr_info *i, size_t n, void *self)
{
	(void)n, (void)self;
	for (int h = 0; h < i->dlpi_phnum; h++) {
		uintptr_t at = i->dlpi_addr + i->dlpi_phdr[h].p_vaddr;

		if (i->dlpi_phdr[h].p_type != PT_LOAD ||
		    (i->dlpi_phdr[h].p_flags & PF_X) == 0)
			continue;
		program_begin = at;
		program_end = at + i->dlpi_phdr[h].p_memsz;
	}
	return 1; /* the first one is the program */
}

__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv("ALLOC_FAIL");
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *p;

	if (fd < 0)
		return;
	p = mmap(NULL, 16, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)close(fd);
	if (p == MAP_FAILED)
		return;
	(void)dl_iterate_phdr(first_object, NULL);
	numbers = p;
}

static bool
is_the_one(const void *caller)
{
	uintptr_t at = (uintptr_t)caller;

	return numbers != NULL && at >= program_begin && at < program_end &&
	       atomic_fetch_add(&numbers[0], 1) + 1 == atomic_load(&numbers[1]);
}

void *
calloc(size_t n, size_t size)
{
	return is_the_one(__builtin_return_address(0)) ? NULL : __libc_calloc(n, size);
}

void *
realloc(void *p, size_t n)
{
	return is_the_one(__builtin_return_address(0)) ? NULL : __libc_realloc(p, n);
}
