/*
 * entry_fuzz.c - libFuzzer harness for the names and link targets in archives. The input is a byte (how
 * many components to drop, how many there may be), a name, a NUL, and the target of a link. What is
 * accepted is looked at again by simpler rules: it must stay below the folder that it is unpacked into.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/mem.h"
#include "builder/pack/entry_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static bool
is_printable(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return false;
	return true;
}

/* How many folders deep a path leads; -1 once it has left the folder where it begins. */
static int
follow(const char *path, int depth)
{
	while (depth >= 0 && *path != '\0') {
		size_t len = strcspn(path, "/");

		if (len == 2 && memcmp(path, "..", 2) == 0)
			depth--;
		else if (len > 0 && !(len == 1 && path[0] == '.'))
			depth++;
		path += len + (path[len] == '/');
	}
	return depth;
}

static void
check_clean(const char *name, unsigned depth)
{
	struct buf again = {0};
	char *framed = xasprintf("/%s/", name);

	must(is_printable(name) && strchr(name, '\\') == NULL);
	must(strstr(framed, "//") == NULL || name[0] == '\0');
	must(strstr(framed, "/./") == NULL && strstr(framed, "/../") == NULL);
	must(follow(name, 0) <= (int)depth);
	if (name[0] != '\0')
		must(entry_name_clean(name, 0, depth, &again, NULL) == 0 &&
		     strcmp(again.data, name) == 0);
	buf_fini(&again);
	free(framed);
}

static void
check_link(const char *name, const char *target)
{
	const char *slash = strrchr(name, '/');
	char *folder = xasprintf("%.*s", slash != NULL ? (int)(slash - name) : 0, name);
	struct err e = {0};
	int r = entry_link_check(name, target, &e);

	must((r == 0) == (e.msg[0] == '\0') && is_printable(e.msg));
	if (r == 0) {
		must(target[0] != '/' && is_printable(target) && strchr(target, '\\') == NULL);
		must(follow(target, follow(folder, 0)) >= 0);
	}
	free(folder);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char shown[ENTRY_SHOW_SIZE];
	const char *name, *target;
	struct buf clean = {0};
	struct err e = {0};
	unsigned depth;
	char *text;
	int r;

	if (size == 0)
		return 0;
	depth = 1 + (data[0] >> 2) % 20u;
	text = xcalloc(size + 1, 1);
	memcpy(text, data + 1, size - 1);
	name = text;
	target = strlen(name) + 1 < size ? name + strlen(name) + 1 : "";
	must(is_printable(entry_name_show(name, shown)) && strlen(shown) < sizeof shown);
	r = entry_name_clean(name, data[0] & 3, depth, &clean, &e);
	must((r == 0) == (e.msg[0] == '\0') && is_printable(e.msg));
	if (r == 0) {
		check_clean(clean.data, depth);
		check_link(clean.data, target);
	}
	buf_fini(&clean);
	free(text);
	return 0;
}
