#include "builder/model/package.h"

#include <string.h>

#include "builder/base/err.h"

#define DIGITS       "0123456789"
#define LOWER        "abcdefghijklmnopqrstuvwxyz"
#define LETTERS      LOWER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define NUMBER_LIMIT "9007199254740991" /* the largest number in a version that npm reads */

/* One of a name's parts: scope or name proper. */
static bool
part_valid(const char *s, size_t len)
{
	/* A leading '-' reads as an option on some command line. */
	return len > 0 && strchr("._-", s[0]) == NULL && strspn(s, LOWER DIGITS "-_.") >= len;
}

bool
package_name_valid(const char *name)
{
	const char *base = package_base(name);
	size_t len = strlen(name);

	if (len == 0 || len > PACKAGE_NAME_MAX)
		return false;
	if (name[0] == '@' &&
	    (base == name || !part_valid(name + 1, (size_t)(base - name) - strlen("@/"))))
		return false;
	if (name[0] != '@' && base != name)
		return false;
	/* npm refuses these two, because paths with them mean something else already. */
	if (strcmp(base, "node_modules") == 0 || strcmp(base, "favicon.ico") == 0)
		return false;
	return part_valid(base, strlen(base));
}

const char *
package_base(const char *name)
{
	const char *slash = strchr(name, '/');

	return slash != NULL ? slash + 1 : name;
}

/* "0" or digits without a leading zero; returns what follows, or NULL. */
static const char *
skip_number(const char *s)
{
	size_t len = strspn(s, DIGITS), max = strlen(NUMBER_LIMIT);

	if (len == 0 || (len > 1 && s[0] == '0') || len > max ||
	    (len == max && strncmp(s, NUMBER_LIMIT, len) > 0))
		return NULL;
	return s + len;
}

/* Identifiers with dots between them; `numbers` says whether those of digits only must have no
 * leading zero (they must before '+', not after it). Returns what follows, or NULL. */
static const char *
skip_identifiers(const char *s, bool numbers)
{
	for (;;) {
		size_t len = strspn(s, LETTERS DIGITS "-");

		if (len == 0)
			return NULL;
		if (numbers && len > 1 && s[0] == '0' && strspn(s, DIGITS) == len)
			return NULL;
		s += len;
		if (*s != '.')
			return s;
		s++;
	}
}

bool
package_version_valid(const char *version)
{
	const char *s = version;

	if (strlen(version) > PACKAGE_VERSION_MAX)
		return false;
	for (int i = 0; i < 3; i++) {
		if (i > 0 && *s++ != '.')
			return false;
		s = skip_number(s);
		if (s == NULL)
			return false;
	}
	if (*s == '-')
		s = skip_identifiers(s + 1, true);
	if (s != NULL && *s == '+')
		s = skip_identifiers(s + 1, false);
	return s != NULL && *s == '\0';
}

int
package_parse_spec(const char *spec, char name[PACKAGE_NAME_MAX + 1],
		   char version[PACKAGE_VERSION_MAX + 1])
{
	const char *at = strrchr(spec, '@');
	size_t len;

	if (at == NULL || at == spec)
		return ERR_INVALID;
	len = (size_t)(at - spec);
	if (len > PACKAGE_NAME_MAX || !package_version_valid(at + 1))
		return ERR_INVALID;
	memcpy(name, spec, len);
	name[len] = '\0';
	if (!package_name_valid(name))
		return ERR_INVALID;
	strcpy(version, at + 1);
	return 0;
}
