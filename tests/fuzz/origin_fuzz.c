/*
 * Fuzzes what reads a git source's words: what a client asks for must come back as it was, with no
 * credentials, and a .gitmodules, with the URLs that follow from it, must go through the same door. The
 * first line is an origin, the rest a .gitmodules.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/mem.h"
#include "builder/model/git_hosts.h"
#include "builder/model/origin.h"
#include "builder/source/gitmodules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_origin(const char *text)
{
	char version[PACKAGE_VERSION_MAX + 1], base[PACKAGE_VERSION_MAX + 1], pin[ORIGIN_PIN_SIZE];
	struct origin o;
	char *again;

	if (origin_parse(text, &o, NULL) != 0)
		return;
	again = origin_text(&o);
	if (o.kind == ORIGIN_GIT) {
		const char *host = strstr(o.url, "://") + 3;

		if (memchr(host, '@', strcspn(host, "/")) != NULL || strchr(again, ' ') != NULL)
			abort();
		git_hosts_allow_url("example.org,[::1]:80", o.url, NULL);
	}
	if (origin_version("1.0.0", origin_pin(&o, pin) ? pin : NULL, version, NULL) != 0 ||
	    !origin_is_pinned(version))
		abort();
	origin_base(version, base);
	if (strcmp(base, "1.0.0") != 0)
		abort();
	free(again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xmalloc(size + 1), *end, *url, *resolved;

	memcpy(text, data, size);
	text[size] = '\0';
	end = strchr(text, '\n');
	if (end != NULL) {
		*end = '\0';
		/* Exactly as long as it is: reading past it is seen. */
		size_t len = size - (size_t)(end + 1 - text);
		char *modules = xmalloc(len > 0 ? len : 1);

		memcpy(modules, end + 1, len);
		url = gitmodules_url(modules, len, "p", NULL);
		resolved = url != NULL ? gitmodules_resolve("https://h/a/b.git", url) : NULL;
		if (resolved != NULL && url[0] == '.' && url[1] == '.' && url[2] == '/' &&
		    strncmp(resolved, "https://h/", 10) != 0)
			abort();
		free(resolved);
		free(url);
		free(modules);
	}
	check_origin(text);
	free(text);
	return 0;
}
