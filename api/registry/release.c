#include "api/registry/release.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/err.h"

/* As DefinitelyTyped does it: a scope cannot be inside another. */
#define SCOPE_JOINT "__"

/* The target that a name ends with, and where its part begins; the longest, since "linux-arm" is also
 * the end of nothing longer but "linux-arm64" is not of it. */
static const struct target *
ends_with_target(const char *name, size_t *len)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < target_count(); i++) {
		const struct target *t = target_at(i);
		char tail[64];
		size_t m;

		snprintf(tail, sizeof tail, "-%s-%s", t->node_platform, t->node_arch);
		m = strlen(tail);
		if (n > m && strcmp(name + n - m, tail) == 0) {
			*len = n - m;
			return t;
		}
	}
	*len = n;
	return NULL;
}

int
release_parse(const char *name, struct release *out)
{
	const char *rest = name + strlen(RELEASE_SCOPE), *joint;
	size_t len;

	if (strncmp(name, RELEASE_SCOPE, strlen(RELEASE_SCOPE)) != 0 ||
	    strlen(rest) > PACKAGE_NAME_MAX - 1 || strchr(rest, '/') != NULL)
		return ERR_INVALID;
	out->target = ends_with_target(rest, &len);
	joint = strstr(rest, SCOPE_JOINT);
	if (joint != NULL && joint < rest + len)
		snprintf(out->package, sizeof out->package, "@%.*s/%.*s", (int)(joint - rest), rest,
			 (int)(rest + len - joint - 2), joint + 2);
	else
		snprintf(out->package, sizeof out->package, "%.*s", (int)len, rest);
	return package_name_valid(out->package) ? 0 : ERR_INVALID;
}

void
release_name(const char *package, const struct target *target, struct buf *out)
{
	const char *base = package_base(package);

	buf_adds(out, RELEASE_SCOPE);
	if (base != package)
		buf_addf(out, "%.*s" SCOPE_JOINT, (int)(base - package - 2), package + 1);
	buf_adds(out, base);
	if (target != NULL)
		buf_addf(out, "-%s-%s", target->node_platform, target->node_arch);
}

void
release_version(const char *version, unsigned revision, struct buf *out)
{
	buf_addf(out, "%s%c%u", version, strchr(version, '-') != NULL ? '.' : '-', revision);
}

void
release_range(const char *version, struct buf *out)
{
	buf_adds(out, ">=");
	release_version(version, 0, out);
	buf_adds(out, " <=");
	release_version(version, RELEASE_REVISION_MAX, out);
}

/* ---- semver's order ---- */

static size_t
identifier(const char *s)
{
	return strcspn(s, ".-+");
}

/* Digits only, without leading zeros, of any length: the longer one is the greater. */
static int
compare_numbers(const char *a, size_t n, const char *b, size_t m)
{
	if (n != m)
		return n < m ? -1 : 1;
	return memcmp(a, b, n);
}

static bool
is_number(const char *s, size_t n)
{
	return n > 0 && strspn(s, "0123456789") >= n;
}

/* Numbers come before words. */
static int
compare_identifiers(const char *a, size_t n, const char *b, size_t m)
{
	bool number = is_number(a, n), other = is_number(b, m);
	int r;

	if (number && other)
		return compare_numbers(a, n, b, m);
	if (number != other)
		return number ? -1 : 1;
	r = memcmp(a, b, n < m ? n : m);
	return r != 0 ? r : (n > m) - (n < m);
}

static int
compare_prereleases(const char *a, const char *b)
{
	for (;;) {
		size_t n = strcspn(a, ".+"), m = strcspn(b, ".+");
		int r = compare_identifiers(a, n, b, m);
		bool more = a[n] == '.', other = b[m] == '.';

		if (r != 0 || !more || !other)
			return r != 0 ? r : (int)more - (int)other;
		a += n + 1;
		b += m + 1;
	}
}

int
release_compare(const char *a, const char *b)
{
	for (int i = 0; i < 3; i++) {
		size_t n = identifier(a), m = identifier(b);
		int r = compare_numbers(a, n, b, m);

		if (r != 0)
			return r;
		a += n + (i < 2 ? 1 : 0);
		b += m + (i < 2 ? 1 : 0);
	}
	if (*a != '-' || *b != '-')
		return (*b == '-') - (*a == '-');
	return compare_prereleases(a + 1, b + 1);
}
