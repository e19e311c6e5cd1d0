#include "api/http/range.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

/* Digits up to something else; numbers beyond 64 bits stand for the largest. */
static bool
read_number(const char **s, uint64_t *out)
{
	const char *start = *s;

	*out = 0;
	for (; **s >= '0' && **s <= '9'; (*s)++) {
		uint64_t digit = (uint64_t)(**s - '0');

		*out = *out > (UINT64_MAX - digit) / 10 ? UINT64_MAX : *out * 10 + digit;
	}
	return *s > start;
}

static const char *
skip_space(const char *s)
{
	return s + strspn(s, " \t");
}

enum http_range
http_range_parse(const char *value, uint64_t size, uint64_t *first, uint64_t *len)
{
	uint64_t from = 0, to = UINT64_MAX;
	bool has_from, has_to;

	if (value == NULL || strncasecmp(value, "bytes=", 6) != 0)
		return RANGE_ALL;
	value = skip_space(value + 6);
	has_from = read_number(&value, &from);
	if (*value++ != '-')
		return RANGE_ALL;
	has_to = read_number(&value, &to);
	if (*skip_space(value) != '\0' || (!has_from && !has_to))
		return RANGE_ALL;
	if (!has_from) {
		/* "-500": the last 500 bytes. */
		if (to == 0 || size == 0)
			return RANGE_OUTSIDE;
		from = to < size ? size - to : 0;
		to = size - 1;
	} else if (!has_to) {
		to = UINT64_MAX;
	} else if (to < from) {
		return RANGE_ALL;
	}
	if (from >= size)
		return RANGE_OUTSIDE;
	if (to >= size)
		to = size - 1;
	*first = from;
	*len = to - from + 1;
	return RANGE_PART;
}

/* At a quoted tag: its text and what follows it; NULL if it is none. */
static const char *
read_tag(const char *s, const char **tag, size_t *len)
{
	const char *end;

	if (*s != '"' || (end = strchr(s + 1, '"')) == NULL)
		return NULL;
	*tag = s + 1;
	*len = (size_t)(end - s - 1);
	return end + 1;
}

static bool
same(const char *tag, size_t len, const char *etag)
{
	return strlen(etag) == len && memcmp(tag, etag, len) == 0;
}

bool
http_etag_listed(const char *list, const char *etag)
{
	const char *tag = NULL;
	size_t len = 0;

	if (list == NULL || etag == NULL)
		return false;
	if (strcmp(list, "*") == 0)
		return true;
	for (;;) {
		list += strspn(list, " \t,");
		if (strncmp(list, "W/", 2) == 0)
			list += 2;
		list = read_tag(list, &tag, &len);
		if (list == NULL)
			return false;
		if (same(tag, len, etag))
			return true;
	}
}

bool
http_etag_same(const char *value, const char *etag)
{
	const char *tag = NULL;
	size_t len = 0;

	if (value == NULL || etag == NULL)
		return false;
	value = read_tag(value, &tag, &len);
	return value != NULL && *value == '\0' && same(tag, len, etag);
}
