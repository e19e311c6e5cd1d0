#include "builder/pack/entry_name.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "builder/base/utf8.h"

const char *
entry_name_show(const char *raw, char out[ENTRY_SHOW_SIZE])
{
	const size_t room = ENTRY_SHOW_SIZE - sizeof "...";
	size_t len = 0;

	while (*raw != '\0') {
		uint32_t c = 0;
		size_t n = utf8_next(raw, strnlen(raw, UTF8_MAX), &c);
		bool plain = n > 0 && c >= 0x20 && !(c >= 0x7f && c < 0xa0);

		if (len + (plain ? n : 1) > room) {
			memcpy(out + len, "...", 3);
			len += 3;
			break;
		}
		if (plain) {
			memcpy(out + len, raw, n);
			len += n;
			raw += n;
		} else {
			out[len++] = '?';
			raw++;
		}
	}
	out[len] = '\0';
	return out;
}

/* What the characters of a name or target must be, or the reason why they are not. */
static const char *
text_fault(const char *s)
{
	while (*s != '\0') {
		uint32_t c = 0;
		size_t n = utf8_next(s, strnlen(s, UTF8_MAX), &c);

		if (n == 0)
			return "is not UTF-8";
		if (c < 0x20 || (c >= 0x7f && c < 0xa0))
			return "contains a control character";
		if (c == '\\')
			return "contains a backslash";
		s += n;
	}
	return NULL;
}

static bool
is_part(const char *part, size_t len, const char *text)
{
	return strlen(text) == len && memcmp(part, text, len) == 0;
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The rule that one component breaks, or NULL; "." and an empty one break none. */
static const char *
part_fault(const char *part, size_t len)
{
	if (is_part(part, len, ".."))
		return "contains \"..\"";
	if (len >= 2 && is_letter(part[0]) && part[1] == ':')
		return "looks like a drive letter";
	return NULL;
}

static int
refuse(struct err *e, int code, const char *raw, const char *fault)
{
	char shown[ENTRY_SHOW_SIZE];

	return err_set(e, code, "entry \"%s\": the name %s", entry_name_show(raw, shown), fault);
}

int
entry_name_clean(const char *raw, unsigned strip, unsigned depth, struct buf *out, struct err *e)
{
	const char *fault = text_fault(raw), *part = raw;
	unsigned parts = 0;

	out->len = 0;
	buf_add(out, "", 0);
	if (strlen(raw) > ENTRY_NAME_MAX)
		return refuse(e, ERR_LIMIT, raw, "is too long");
	if (raw[0] == '\0')
		fault = "is empty";
	else if (raw[0] == '/')
		fault = "is absolute";
	if (fault != NULL)
		return refuse(e, ERR_MALFORMED, raw, fault);
	for (;;) {
		size_t len = strcspn(part, "/");

		fault = part_fault(part, len);
		if (fault != NULL)
			return refuse(e, ERR_MALFORMED, raw, fault);
		if (len > ENTRY_PART_MAX)
			return refuse(e, ERR_LIMIT, raw, "has a component that is too long");
		if (strip > 0) {
			strip--;
		} else if (len > 0 && !is_part(part, len, ".")) {
			if (++parts > depth)
				return refuse(e, ERR_LIMIT, raw, "has too many components");
			if (out->len > 0)
				buf_add(out, "/", 1);
			buf_add(out, part, len);
		}
		if (part[len] == '\0')
			return 0;
		part += len + 1;
	}
}

static int
refuse_link(struct err *e, int code, const char *name, const char *target, const char *fault)
{
	char shown[ENTRY_SHOW_SIZE], to[ENTRY_SHOW_SIZE];

	return err_set(e, code, "link \"%s\" to \"%s\": the target %s",
		       entry_name_show(name, shown), entry_name_show(target, to), fault);
}

int
entry_link_check(const char *name, const char *target, struct err *e)
{
	const char *fault = text_fault(target), *part = target;
	unsigned above = 0;
	bool descended = false;

	for (const char *p = name; *p != '\0'; p++)
		if (*p == '/')
			above++;
	if (strlen(target) > ENTRY_NAME_MAX)
		return refuse_link(e, ERR_LIMIT, name, target, "is too long");
	if (target[0] == '\0')
		fault = "is empty";
	else if (target[0] == '/')
		fault = "is absolute";
	if (fault != NULL)
		return refuse_link(e, ERR_MALFORMED, name, target, fault);
	for (;;) {
		size_t len = strcspn(part, "/");

		if (is_part(part, len, "..")) {
			if (descended)
				fault = "has \"..\" after a name";
			else if (above-- == 0)
				fault = "leads outside";
		} else {
			fault = part_fault(part, len);
			descended = descended || (len > 0 && !is_part(part, len, "."));
		}
		if (fault != NULL)
			return refuse_link(e, ERR_MALFORMED, name, target, fault);
		if (len > ENTRY_PART_MAX)
			return refuse_link(e, ERR_LIMIT, name, target,
					   "has a component that is too long");
		if (part[len] == '\0')
			return 0;
		part += len + 1;
	}
}
