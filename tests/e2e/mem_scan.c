/* SPDX-License-Identifier: Apache-2.0 */
/* tests/e2e/mem_scan.c - where in a process's memory a line of a file stands: one line for
 * each mapping that has it, in all readable ones. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK ((size_t)1 << 20)
#define NEEDLE_MAX 255

static unsigned char window[NEEDLE_MAX + CHUNK]; /* the end of the chunk before, and a chunk */

static size_t
read_needle(const char *path, unsigned char *needle)
{
	FILE *f = fopen(path, "re");
	size_t n = f != NULL ? fread(needle, 1, NEEDLE_MAX, f) : 0;

	if (f != NULL)
		(void)fclose(f);
	if (n > 0 && needle[n - 1] == '\n')
		n--;
	return n;
}

static unsigned
count_in(const unsigned char *p, size_t n, const unsigned char *needle, size_t needle_n)
{
	unsigned hits = 0;

	for (const unsigned char *at = p;
	     (at = memmem(at, n - (size_t)(at - p), needle, needle_n)) != NULL; at++)
		hits++;
	return hits;
}

/* *read_n: bytes that could be read. What cannot be, a page of memfd_secret, is passed over. */
static unsigned
scan(int mem, uint64_t from, uint64_t to, const unsigned char *needle, size_t needle_n,
    uint64_t *read_n)
{
	unsigned hits = 0;
	size_t kept = 0;

	while (from < to) {
		size_t want = to - from < CHUNK ? (size_t)(to - from) : CHUNK;
		ssize_t n = pread(mem, &window[kept], want, (off_t)from);

		if (n <= 0) {
			from += 4096;
			kept = 0;
			continue;
		}
		*read_n += (uint64_t)n;
		hits += count_in(window, kept + (size_t)n, needle, needle_n);
		from += (uint64_t)n;
		n += (ssize_t)kept;
		kept = (size_t)n < needle_n - 1 ? (size_t)n : needle_n - 1;
		memmove(window, &window[(size_t)n - kept], kept);
	}
	return hits;
}

int
main(int argc, char **argv)
{
	unsigned char needle[NEEDLE_MAX];
	uint64_t from, to, read_n = 0;
	char path[64], line[512], *end;
	size_t needle_n = argc == 3 ? read_needle(argv[2], needle) : 0;
	unsigned hits, all = 0, mappings = 0;
	FILE *maps;
	int mem;

	if (needle_n < 4) {
		(void)fprintf(stderr, "usage: mem_scan PID FILE, with a line of 4 bytes or more\n");
		return 64;
	}
	(void)snprintf(path, sizeof(path), "/proc/%s/maps", argv[1]);
	maps = fopen(path, "re");
	(void)snprintf(path, sizeof(path), "/proc/%s/mem", argv[1]);
	mem = open(path, O_RDONLY | O_CLOEXEC);
	if (maps == NULL || mem < 0) {
		(void)fprintf(stderr, "process %s: %s\n", argv[1], strerror(errno));
		return 2;
	}
	while (fgets(line, sizeof(line), maps) != NULL) {
		from = strtoull(line, &end, 16);
		to = strtoull(end + 1, &end, 16); /* "-" before, " r--p ..." behind */
		if (end[0] != ' ' || end[1] != 'r')
			continue;
		mappings++;
		hits = scan(mem, from, to, needle, needle_n, &read_n);
		all += hits;
		if (hits > 0)
			(void)printf("%u in %s", hits, line);
	}
	(void)printf("hits=%u mappings=%u bytes=%" PRIu64 "\n", all, mappings, read_n);
	return all > 0;
}
