/*
 * token.c - prebuildctl token: makes, lists and revokes the tokens of a service. A new token goes to
 * standard output alone, so that it can be sent into a file; what is said about it goes to standard
 * error.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/buf.h"
#include "builder/base/file.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/cli/ctl.h"
#include "builder/cli/printable.h"

#define ANSWER_SECONDS 30
#define DAYS_MAX       3650
#define DAY_SECONDS    86400

static struct opt table[] = {
	CTL_FLAGS,
	{.name = "scope",
	 .arg = "LIST",
	 .many = true,
	 .text = "create: of read, build, publish, worker, admin"},
	{.name = "name", .arg = "TEXT", .text = "create: what it is for, for the list"},
	{.name = "expires",
	 .arg = "DAYS",
	 .text = "create: for how long it works (default: for ever)"},
	{.name = "output",
	 .arg = "FILE",
	 .text = "create: write it to a file that only you may read (also -o)"},
};

/* "build,publish" for people. */
static char *
scopes_shown(const struct json *token)
{
	struct buf text = {0};

	buf_adds(&text, "");
	json_foreach (scope, json_get(token, "scopes")) {
		if (text.len > 0)
			buf_adds(&text, ",");
		printable_add(&text, json_string(scope, ""), 0);
	}
	return buf_take(&text);
}

/* ---- create ---- */

static struct json *
creation(struct opts *o, struct err *e)
{
	const struct opt *scope = opts_get(o, "scope"), *expires = opts_get(o, "expires");
	struct json *body = json_object(), *scopes = json_array();
	long days = 0;

	json_set(body, "scopes", scopes);
	for (size_t i = 0; i < scope->count; i++) {
		char *list = xstrdup(scope->values[i]), *rest = list;

		for (const char *one; (one = strsep(&rest, ", ")) != NULL;)
			if (one[0] != '\0')
				json_add_str(scopes, one);
		free(list);
	}
	if (json_count(scopes) == 0)
		err_set(e, ERR_USAGE,
			"give --scope, of read, build, publish, worker and admin: what it is for");
	if (expires->given && opt_number(expires, 1, DAYS_MAX, &days, e) == 0)
		json_set_int(body, "expires_in", (int64_t)days * DAY_SECONDS);
	if (opts_get(o, "name")->given)
		json_set_str(body, "name", opts_get(o, "name")->value);
	return body;
}

static void
tell(const struct json *token)
{
	const char *expires = json_str(token, "expires", NULL);
	char *scopes = scopes_shown(token);
	struct buf when = {0};

	printable_add(&when, expires != NULL ? expires : "", 0);
	fprintf(stderr, "%s may %s%s%s; it is shown only now\n", json_str(token, "id", "the token"),
		scopes, when.len > 0 ? " until " : "", when.len > 0 ? when.data : "");
	if (!json_bool(token, "asked_for", true))
		fputs("the service runs with --auth open: until it does not, it asks for no token\n",
		      stderr);
	buf_fini(&when);
	free(scopes);
}

/* What the service made must not be lost: it is printed if it cannot be written. */
static void
hand_over(const struct json *token, const char *file, struct err *e)
{
	char *line = xasprintf("%s\n", json_str(token, "token", ""));

	if (file == NULL || file_write_atomic(file, line, strlen(line), 0600, e) != 0)
		fputs(line, stdout);
	free(line);
}

static void
create(struct opts *o, struct remote *r, struct err *e)
{
	struct json *body = creation(o, e), *token = NULL;

	if (e->code == 0 && ctl_remote(o, r, e) == 0)
		remote_json(r, "POST", "/v1/tokens", body, ANSWER_SECONDS, &token, e);
	if (token != NULL && !opts_get(o, "json")->given) {
		tell(token);
		hand_over(token, opts_get(o, "output")->value, e);
	} else if (token != NULL) {
		if (opts_get(o, "output")->given)
			hand_over(token, opts_get(o, "output")->value, e);
		ctl_print(json_copy(token));
	}
	json_free(token);
	json_free(body);
}

/* ---- list ---- */

static void
print_token(const struct json *t)
{
	char *scopes = scopes_shown(t);
	struct buf name = {0}, expires = {0};

	printable_add(&name, json_str(t, "name", ""), 0);
	printable_add(&expires, json_str(t, "expires", "never"), 0);
	printf("%-8s %-8s %-32s %-22s %s\n", json_str(t, "id", ""), json_str(t, "state", ""),
	       scopes, expires.data, name.len > 0 ? name.data : "");
	buf_fini(&name);
	buf_fini(&expires);
	free(scopes);
}

static void
list(struct opts *o, struct remote *r, struct err *e)
{
	struct json *all = NULL, *out;

	if (ctl_remote(o, r, e) != 0 ||
	    remote_list(r, "/v1/tokens", "tokens", ANSWER_SECONDS, &all, e) != 0)
		return;
	if (opts_get(o, "json")->given) {
		out = json_object();
		json_set(out, "tokens", all);
		ctl_print(out);
		return;
	}
	printf("%-8s %-8s %-32s %-22s %s\n", "TOKEN", "STATE", "SCOPES", "EXPIRES", "NAME");
	json_foreach (t, all)
		print_token(t);
	json_free(all);
}

/* ---- revoke ---- */

/* Looked at here, so that a token that was given instead does not get into logs. */
static bool
is_id(const char *s)
{
	return s[0] == 't' && s[1] != '\0' && s[1 + strspn(s + 1, "0123456789")] == '\0';
}

static void
revoke(struct opts *o, struct remote *r, struct err *e)
{
	struct json *all = json_array();
	bool json = opts_get(o, "json")->given;

	if (o->arg_count < 2)
		err_set(e, ERR_USAGE, "give a token's id, such as t3 (prebuildctl token list)");
	for (size_t i = 1; i < o->arg_count; i++)
		if (!is_id(o->args[i]))
			err_set(e, ERR_USAGE,
				"a token's id is needed, such as t3 (prebuildctl token list)");
	if (e->code == 0)
		ctl_remote(o, r, e);
	for (size_t i = 1; e->code == 0 && i < o->arg_count; i++) {
		char *path = xasprintf("/v1/tokens/%s", o->args[i]);
		struct json *token = NULL;

		if (remote_json(r, "DELETE", path, NULL, ANSWER_SECONDS, &token, e) == 0 && !json)
			printf("%s is revoked\n", o->args[i]);
		if (token != NULL)
			json_add(all, token);
		free(path);
	}
	if (json && e->code == 0)
		ctl_print(json_copy(all));
	json_free(all);
}

int
ctl_token(int argc, char **argv)
{
	struct opts o = {
		.usage = "prebuildctl token create --scope LIST  |  list  |  revoke TOKEN…",
		.about =
			"Makes, lists and revokes the service's tokens. This needs a token with scope\n"
			"admin; the first one is in DATA/keys/admin.token on the service's machine.",
		.table = table,
		.table_size = ARRAY_SIZE(table),
	};
	struct remote r = {0};
	struct err e = {0};
	const char *what;
	int code;

	if (!ctl_parse(&o, argc, argv, &code))
		return code;
	what = o.arg_count > 0 ? o.args[0] : "";
	if (strcmp(what, "revoke") != 0 && o.arg_count > 1)
		err_set(&e, ERR_USAGE, "unexpected \"%s\"", o.args[1]);
	else if (strcmp(what, "create") == 0)
		create(&o, &r, &e);
	else if (strcmp(what, "list") == 0)
		list(&o, &r, &e);
	else if (strcmp(what, "revoke") == 0)
		revoke(&o, &r, &e);
	else
		err_set(&e, ERR_USAGE, "token create, list or revoke");
	return ctl_end(&o, &r, &e);
}
