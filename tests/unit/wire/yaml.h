/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/unit/wire/yaml.h - as much YAML as docs/openapi.yaml is written in: block
 * mappings and lists, plain or quoted scalars, "|" texts (skipped).
 */
#ifndef KD_WIRE_YAML_H
#define KD_WIRE_YAML_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One mapping key or list element: where it is, and its scalar or "". */
struct yaml_node {
	char path[200]; /* keys from the top, a blank between: "paths /v1/keys get
			   summary" */
	char value[200];
};

struct yaml {
	struct yaml_node *v;
	size_t n;
};

/* Fails the test when the file cannot be read or is not of that kind. */
void yaml_read(const char *path, struct yaml *ret);
void yaml_clear(struct yaml *y);
/* NULL when there is no such path. */
const char *yaml_get(const struct yaml *y, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The ith (from 0) direct child's last path component, into dst (200 bytes); false past
 * the end. */
bool yaml_child(const struct yaml *y, const char *parent, size_t i, char *dst);
size_t yaml_children(
    const struct yaml *y, const char *parent); /* 0: no such parent, too */
/* Does the list at path hold that scalar? */
bool yaml_list_has(const struct yaml *y, const char *path, const char *value);
#endif
