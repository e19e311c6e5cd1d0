#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "builder/base/buf.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/cli/ctl.h"
#include "builder/cli/printable.h"

bool
ctl_parse(struct opts *o, int argc, char **argv, int *code)
{
	struct err e = {0};

	if (opts_parse(o, argc, argv, &e) != 0) {
		fprintf(stderr, "prebuildctl: %s\n", e.msg);
		*code = err_exit(e.code);
		opts_fini(o);
		return false;
	}
	if (o->help) {
		*code = 0;
		opts_fini(o);
		return false;
	}
	return true;
}

int
ctl_remote(struct opts *o, struct remote *r, struct err *e)
{
	const struct opt *server = opts_get(o, "server");
	const char *url = getenv("PREBUILDD_URL");
	char *token = NULL;

	if (server->given || url == NULL || url[0] == '\0')
		url = server->value;
	if (remote_read_token(opts_get(o, "token-file")->value, &token, e) == 0)
		remote_init(r, url, token, e);
	free(token);
	return e->code;
}

int
ctl_end(struct opts *o, struct remote *r, const struct err *e)
{
	struct buf text = {0};

	printable_add(&text, e->msg, 0);
	if (e->code != 0 && text.len > 0)
		fprintf(stderr, "prebuildctl: %s%s\n", text.data,
			e->code == ERR_UNAUTHORIZED && !opts_get(o, "token-file")->given
				? "; give one with --token-file"
				: "");
	buf_fini(&text);
	if (r != NULL)
		remote_fini(r);
	opts_fini(o);
	return err_exit(e->code);
}

void
ctl_print(struct json *v)
{
	char *text = json_pretty(v);

	puts(text);
	free(text);
	json_free(v);
}

const char *
ctl_key(struct opts *o)
{
	const struct opt *key = opts_get(o, "key");
	const char *env = getenv("PREBUILDD_KEY");

	if (key->given)
		return key->value;
	return env != NULL && env[0] != '\0' ? env : NULL;
}

char *
ctl_toolchains_dir(struct opts *o)
{
	const struct opt *given = opts_get(o, "toolchains");
	const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

	if (given->given)
		return xstrdup(given->value);
	if (xdg != NULL && xdg[0] != '\0')
		return xasprintf("%s/prebuildd/toolchains", xdg);
	return xasprintf("%s/.cache/prebuildd/toolchains", home != NULL ? home : ".");
}

char *
ctl_scratch(struct err *e)
{
	const char *temp = getenv("TMPDIR");
	char *dir = xasprintf("%s/prebuildctl-XXXXXX", temp != NULL ? temp : "/tmp");

	if (mkdtemp(dir) != NULL)
		return dir;
	err_sys(e, -errno, "make a folder in %s", temp != NULL ? temp : "/tmp");
	free(dir);
	return NULL;
}
