#include "tests/lib/toolchains.h"

#include <stdlib.h>

#include "builder/base/mem.h"
#include "tests/lib/test.h"

bool
test_toolchain(struct toolchain *t)
{
	const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	char *dir = xdg != NULL && xdg[0] != '\0'
			    ? xasprintf("%s/prebuildd/toolchains", xdg)
			    : xasprintf("%s/.cache/prebuildd/toolchains", home != NULL ? home : "");
	struct err e = {0};

	CHECK_MSG(toolchain_open(dir, target_find("x86_64-linux-gnu"), t, &e) == 0, "%s", e.msg);
	free(dir);
	return e.code == 0;
}
