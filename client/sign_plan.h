/* SPDX-License-Identifier: Apache-2.0 */
/* client/sign_plan.h - which files a command works on, and where each result goes. */
#ifndef CLIENT_SIGN_PLAN_H
#define CLIENT_SIGN_PLAN_H
#include <stddef.h>

#include "base/error.h"
#include "base/own.h"

struct plan_file {
	const char *arg;   /* as named; borrowed from argv */
	char *path;        /* symbolic links resolved: the file that is read; owned */
	char *target;      /* the file that is replaced or made; owned */
	struct kd_err err; /* why it cannot even be looked at; code KD_OK when it can */
};

struct plan {
	struct plan_file *v;
	size_t n;
	size_t repeated; /* arguments that named a file a second time; left out */
};

void plan_clear(struct plan *p);
AUTO_DEFINE_CLEAR(struct plan, plan_clear);

/*
 * plan_make - one entry a file, in the order given.
 *
 * A file named twice, also through a symbolic link or another spelling of its path, is
 * worked on once. Hard links are files of their own here: each name gets its own new
 * file.
 *
 * output  NULL: each file is replaced. A folder (or a path that ends in '/'): the results
 * go there. Else the one result's name ret     a file that cannot be found has its err
 * set and does not make the plan fail Errors: KD_E_USAGE (output is one file for several,
 * two results of one name), KD_E_NOMEM.
 */
bool plan_make(char **args, size_t n, const char *output, struct plan *ret,
    struct kd_err *e) KD_MUST;
#endif
