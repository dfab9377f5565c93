/* SPDX-License-Identifier: Apache-2.0 */
/* limits.c - how many connections one address or one client may hold, and bytes all of
 * them. */
#include "daemon/front/limits.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define BUCKETS 1024

struct entry {
	struct entry *next;
	struct limit_key key;
	uint64_t n;
};

struct counts {
	pthread_mutex_t mu;
	uint64_t limit;
	struct entry *bucket[BUCKETS]; /* lock: mu */
};

bool
counts_new(uint64_t limit, struct counts **ret, struct kd_err *e)
{
	struct counts *c = kd_alloc(sizeof(*c));

	if (c == NULL)
		return kd_fail_nomem(e, "connection counts");
	(void)pthread_mutex_init(&c->mu, NULL); /* cannot fail with default attributes */
	c->limit = limit;
	*ret = c;
	return true;
}

void
counts_free(struct counts *c)
{
	struct entry *en, *next;
	size_t i;

	if (c == NULL)
		return;
	for (i = 0; i < BUCKETS; i++)
		for (en = c->bucket[i]; en != NULL; en = next) {
			next = en->next;
			free(en);
		}
	(void)pthread_mutex_destroy(&c->mu);
	free(c);
}

/* FNV-1a. Keys are digests or addresses that completed a TCP handshake: no need for a
 * secret. */
static size_t
bucket_of(const struct limit_key *k)
{
	uint64_t h = 0xcbf29ce484222325u;
	size_t i;

	for (i = 0; i < LIMIT_KEY_LEN; i++)
		h = (h ^ k->b[i]) * 0x100000001b3u;
	return (size_t)(h % BUCKETS);
}

/* lock: mu. The link that points at the key's entry, or at NULL where it would go. */
static struct entry **
find(struct counts *c, const struct limit_key *k)
{
	struct entry **p = &c->bucket[bucket_of(k)];

	while (*p != NULL && memcmp(&(*p)->key, k, sizeof(*k)) != 0)
		p = &(*p)->next;
	return p;
}

bool
counts_take(struct counts *c, const struct limit_key *k)
{
	struct entry **p;
	bool taken = false;

	(void)pthread_mutex_lock(&c->mu);
	p = find(c, k);
	if (*p == NULL) {
		*p = kd_alloc(sizeof(**p));
		if (*p != NULL)
			(*p)->key = *k;
	}
	if (*p != NULL && (*p)->n < c->limit) {
		(*p)->n++;
		taken = true;
	}
	(void)pthread_mutex_unlock(&c->mu);
	return taken;
}

void
counts_drop(struct counts *c, const struct limit_key *k)
{
	struct entry **p, *gone;

	(void)pthread_mutex_lock(&c->mu);
	p = find(c, k);
	if (*p != NULL && --(*p)->n == 0) {
		gone = *p;
		*p = gone->next;
		free(gone);
	}
	(void)pthread_mutex_unlock(&c->mu);
}

bool
counts_full(struct counts *c, const struct limit_key *k)
{
	struct entry *en;
	bool full;

	(void)pthread_mutex_lock(&c->mu);
	en = *find(c, k);
	full = (en != NULL ? en->n : 0) >= c->limit;
	(void)pthread_mutex_unlock(&c->mu);
	return full;
}

bool
budget_take(struct budget *b, uint64_t n)
{
	uint64_t before = atomic_fetch_add(&b->used, n);

	if (before <= b->max && n <= b->max - before)
		return true;
	(void)atomic_fetch_sub(&b->used, n);
	return false;
}

void
budget_give(struct budget *b, uint64_t n)
{
	(void)atomic_fetch_sub(&b->used, n);
}

bool
budget_fits(struct budget *b, uint64_t n)
{
	uint64_t used = atomic_load(&b->used);

	return used <= b->max && n <= b->max - used;
}

static void
key_of_v6(const struct in6_addr *a, struct limit_key *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (IN6_IS_ADDR_V4MAPPED(a)) {
		ret->b[0] = 4;
		memcpy(ret->b + 1, a->s6_addr + 12, 4);
	} else {
		ret->b[0] = 6;
		memcpy(ret->b + 1, a->s6_addr, 8); /* the /64 */
	}
}

static void
key_of_v4(const struct in_addr *a, struct limit_key *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->b[0] = 4;
	memcpy(ret->b + 1, &a->s_addr, 4);
}

bool
limit_key_address(const struct sockaddr *sa, socklen_t len, struct limit_key *ret)
{
	struct sockaddr_in6 v6;
	struct sockaddr_in v4;

	if (sa == NULL)
		return false;
	if (sa->sa_family == AF_INET && len >= sizeof(v4)) {
		memcpy(&v4, sa, sizeof(v4));
		key_of_v4(&v4.sin_addr, ret);
		return true;
	}
	if (sa->sa_family == AF_INET6 && len >= sizeof(v6)) {
		memcpy(&v6, sa, sizeof(v6));
		key_of_v6(&v6.sin6_addr, ret);
		return true;
	}
	return false;
}

bool
limit_key_parse(const char *s, struct limit_key *ret, struct kd_err *e)
{
	struct in6_addr v6;
	struct in_addr v4;

	if (inet_pton(AF_INET, s, &v4) == 1)
		key_of_v4(&v4, ret);
	else if (inet_pton(AF_INET6, s, &v6) == 1)
		key_of_v6(&v6, ret);
	else
		return kd_fail(
		    e, KD_E_CONFIG, "'%s' is not an IPv4 or IPv6 address", SHOW(s));
	return true;
}
