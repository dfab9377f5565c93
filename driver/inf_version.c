/* SPDX-License-Identifier: Apache-2.0 */
/* driver/inf_version.c - an INF's [Version]: its catalogs and the driver's date. */
#include "driver/inf_version.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/text.h"

#define VERSION_PARTS 4
#define VERSION_PART_MAX 65534u

static int
compare_dates(const struct inf_date *a, const struct inf_date *b)
{
	unsigned x = a->year * 10000 + a->month * 100 + a->day;
	unsigned y = b->year * 10000 + b->month * 100 + b->day;

	return (x > y) - (x < y);
}

struct inf_date
inf_date_today(bool local)
{
	time_t now = (time_t)(clock_unix_ms() / 1000);
	struct tm tm = {0};

	if (local)
		(void)localtime_r(&now, &tm);
	else
		(void)gmtime_r(&now, &tm);
	return (struct inf_date){(unsigned)tm.tm_year + 1900, (unsigned)tm.tm_mon + 1,
	    (unsigned)tm.tm_mday, local};
}

bool
inf_catalog_name(const struct inf *f, enum inf_arch arch, struct buf *ret,
    unsigned *ret_line, struct kd_err *e)
{
	const struct inf_section *version = inf_section(f, "Version");
	char decorated[32];
	const char *const keys[] = {decorated, "CatalogFile.nt", "CatalogFile"};

	(void)snprintf(
	    decorated, sizeof(decorated), "CatalogFile.nt%s", inf_arch_name(arch));
	buf_reset(ret);
	*ret_line = 0;
	for (size_t i = 0; i < KD_ARRAY_LEN(keys) && ret->len == 0; i++) {
		const struct inf_line *line = inf_line_of(f, version, keys[i]);

		if (line == NULL)
			continue;
		*ret_line = line->number;
		if (!inf_value(f, line, 0, ret, e))
			return false;
	}
	return true;
}

bool
inf_is_catalog(const struct inf *f, const char *name, bool *ret, struct kd_err *e)
{
	AUTO(buf_clear) struct buf own = {0};
	unsigned line;

	*ret = false;
	for (int a = 0; !*ret && a < INF_ARCHS; a++) {
		if (!inf_catalog_name(f, (enum inf_arch)a, &own, &line, e))
			return false;
		*ret = own.len > 0 && strcasecmp(buf_cstr(&own), name) == 0;
	}
	return true;
}

/* Up to 4 digits. */
static bool
take_number(const char **p, unsigned *ret)
{
	size_t n = strspn(*p, "0123456789");
	unsigned v = 0;

	if (n == 0 || n > 4)
		return false;
	for (size_t i = 0; i < n; i++)
		v = v * 10 + (unsigned)((*p)[i] - '0');
	*p += n;
	*ret = v;
	return true;
}

static unsigned
days_in(unsigned year, unsigned month)
{
	static const unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return month == 2 && leap ? 29 : days[month - 1];
}

/* mm/dd/yyyy or mm-dd-yyyy. */
static bool
parse_date(const char *text, struct inf_date *ret)
{
	struct inf_date d = {0};
	char separator;

	if (!take_number(&text, &d.month))
		return false;
	separator = *text;
	if ((separator != '/' && separator != '-') || (text++, !take_number(&text, &d.day)) ||
	    *text++ != separator || !take_number(&text, &d.year) || *text != '\0')
		return false;
	if (d.month < 1 || d.month > 12 || d.year < 1601 || d.day < 1 ||
	    d.day > days_in(d.year, d.month))
		return false;
	*ret = d;
	return true;
}

/* Two digits, two digits, four: what the grammar says, and Windows is lenient about. */
static bool
is_strict_date(const char *text)
{
	return strlen(text) == 10 && (text[2] == '/' || text[2] == '-');
}

/* w.x.y.z, fewer parts allowed; leading zeros are. */
static bool
version_ok(const char *text)
{
	unsigned sum = 0;

	for (size_t part = 0; part < VERSION_PARTS; part++) {
		unsigned v = 0;
		size_t n = strspn(text, "0123456789");

		for (size_t i = 0; i < n && v <= VERSION_PART_MAX; i++)
			v = v * 10 + (unsigned)(text[i] - '0');
		if (n == 0 || v > VERSION_PART_MAX)
			return false;
		sum += v;
		text += n;
		if (*text == '\0')
			return sum > 0;
		if (*text++ != '.')
			return false;
	}
	return false;
}

struct check {
	const struct inf *f;
	const struct oslist *os;
	const struct inf_date *today;
	struct inf_findings *found;
	const char *name; /* of the INF, for Inf2Cat's sentences */
};

static bool
check_dates(const struct check *c, unsigned line, const struct inf_date *d,
    struct kd_err *e)
{
	static const struct inf_date seven = {2009, 4, 21, false};

	if (compare_dates(d, c->today) > 0)
		return inf_find(c->found, INF_ERROR, "22.9.7", c->f, line,
		    "a date in the future is refused; /uselocaltime takes the machine's "
		    "zone in place of UTC",
		    e,
		    "DriverVer set to incorrect date (postdated DriverVer not allowed) "
		    "in \\%s. The current date%s is %u/%u/%u.",
		    c->name, c->today->local ? "" : " (UTC)", c->today->month, c->today->day, c->today->year);
	if (c->os != NULL && oslist_reaches(c->os, 6, 1) &&
	    compare_dates(d, &seven) < 0)
		return inf_find(c->found, INF_ERROR, "22.9.7", c->f, line, NULL, e,
		    "DriverVer set to incorrect date (must be postdated to 4/21/2009 for "
		    "newest OS) in \\%s",
		    c->name);
	return true;
}

static bool
check_driver_ver(const struct check *c, const struct inf_line *line, struct kd_err *e)
{
	AUTO(buf_clear) struct buf date = {0};
	AUTO(buf_clear) struct buf version = {0};
	struct inf_date d;

	if (!inf_value(c->f, line, 0, &date, e) || !inf_value(c->f, line, 1, &version, e))
		return false;
	if (!parse_date(buf_cstr(&date), &d))
		return inf_find(c->found, INF_ERROR, "22.9.6", c->f, line->number,
		    "expected DriverVer = mm/dd/yyyy,w.x.y.z", e,
		    "DriverVer missing or in incorrect format in \\%s: the date is '%s'",
		    c->name, SHOW(buf_cstr(&date)));
	if (!is_strict_date(buf_cstr(&date)) &&
	    !inf_find(c->found, INF_WARNING, "22.9.6", c->f, line->number, NULL, e,
		"DriverVer in \\%s: month and day are to have two digits, not as in '%s'",
		c->name, SHOW(buf_cstr(&date))))
		return false;
	if (version.len == 0 &&
	    !inf_find(c->found, INF_WARNING, "1217", c->f, line->number, NULL, e,
		"DriverVer in \\%s has no version", c->name))
		return false;
	if (version.len > 0 && !version_ok(buf_cstr(&version)))
		return inf_find(c->found, INF_ERROR, "22.9.6", c->f, line->number,
		    "each of up to four parts is 0 to 65534, and not all are 0", e,
		    "DriverVer missing or in incorrect format in \\%s: the version is "
		    "'%s'",
		    c->name, SHOW(buf_cstr(&version)));
	return check_dates(c, line->number, &d, e);
}

static bool
check_signature(const struct check *c, const struct inf_section *version,
    struct kd_err *e)
{
	const struct inf_line *line = inf_line_of(c->f, version, "Signature");
	AUTO(buf_clear) struct buf b = {0};

	if (line == NULL)
		return inf_find(c->found, INF_ERROR, "1001", c->f, version->line,
		    "it is to say Signature = \"$Windows NT$\"", e,
		    "no Signature in [Version]");
	if (!inf_value(c->f, line, 0, &b, e))
		return false;
	if (text_eq_nocase(buf_cstr(&b), "$Windows NT$") ||
	    text_eq_nocase(buf_cstr(&b), "$Chicago$"))
		return true;
	return inf_find(c->found, INF_ERROR, "1001", c->f, line->number, NULL, e,
	    "Signature is '%s', expected \"$Windows NT$\"", SHOW(buf_cstr(&b)));
}

/* Wherever it stands: an install section may have its own. */
static bool
check_driver_vers(const struct check *c, const struct inf_section *version,
    struct kd_err *e)
{
	if (inf_line_of(c->f, version, "DriverVer") == NULL &&
	    !inf_find(c->found, INF_ERROR, "22.9.6", c->f, version->line,
		"a line such as DriverVer = 11/25/2026,1.0.0.0 says it", e,
		"DriverVer missing or in incorrect format in \\%s", c->name))
		return false;
	for (size_t i = 0; i < c->f->lines_n; i++) {
		const struct inf_line *line = &c->f->lines[i];

		if (line->key != NULL && text_eq_nocase(line->key, "DriverVer") &&
		    !check_driver_ver(c, line, e))
			return false;
	}
	return true;
}

bool
inf_version_check(const struct inf *f, const struct oslist *os,
    const struct inf_date *today, struct inf_findings *found, struct kd_err *e)
{
	const struct inf_section *version = inf_section(f, "Version");
	const struct check c = {f, os, today, found, SHOW(inf_base_name(f->path))};

	if (version == NULL)
		return inf_find(found, INF_ERROR, "1001", f, 0,
		    "it is to have at least Signature, CatalogFile and DriverVer", e,
		    "no section [Version]");
	return check_signature(&c, version, e) && check_driver_vers(&c, version, e);
}
