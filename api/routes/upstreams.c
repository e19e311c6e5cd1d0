#include "api/routes/upstreams.h"

#include <stdlib.h>
#include <string.h>

#include "builder/base/mem.h"
#include "builder/base/strv.h"
#include "builder/model/package.h"
#include "builder/model/upstream.h"

/* One after the other, at the same place in both. */
struct upstreams {
	struct strv packages, templates;
};

static int
add(struct upstreams *u, const char *given, struct err *e)
{
	const char *equals = strchr(given, '=');
	char *package;

	if (equals == NULL)
		return err_set(e, ERR_USAGE, "\"%.100s\" is not like NAME=URL-TEMPLATE", given);
	package = xstrdup(given);
	package[equals - given] = '\0';
	if (!package_name_valid(package))
		err_set(e, ERR_USAGE, "\"%.60s\" is no npm package name", package);
	else if (upstreams_find(u, package) != NULL)
		err_set(e, ERR_USAGE, "%s has two", package);
	else if (upstream_check(equals + 1, e) != 0)
		err_context(e, "%s", package);
	if (e->code == 0) {
		strv_add(&u->packages, package);
		strv_add(&u->templates, equals + 1);
	}
	free(package);
	return e->code;
}

int
upstreams_open(const char *const *given, size_t count, struct upstreams **out, struct err *e)
{
	struct upstreams *u = xcalloc(1, sizeof *u);

	for (size_t i = 0; i < count; i++) {
		if (add(u, given[i], e) != 0) {
			upstreams_free(u);
			return e->code;
		}
	}
	*out = u;
	return 0;
}

void
upstreams_free(struct upstreams *u)
{
	if (u != NULL) {
		strv_fini(&u->packages);
		strv_fini(&u->templates);
	}
	free(u);
}

const char *
upstreams_find(const struct upstreams *u, const char *package)
{
	for (size_t i = 0; i < u->packages.n; i++)
		if (strcmp(u->packages.at[i], package) == 0)
			return u->templates.at[i];
	return NULL;
}
