#include "api/routes/build_request.h"

#include <string.h>

#include "api/catalog/jobs.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/model/abi.h"
#include "builder/model/origin.h"
#include "builder/model/package.h"
#include "builder/model/target.h"

int
build_request_add_target(struct build_request *want, const char *name, struct err *e)
{
	const struct target *t = target_find(name);

	if (t == NULL)
		return err_set(e, ERR_UNSUPPORTED,
			       "target \"%.60s\" is not known; GET /v1/targets lists them", name);
	if (t->recipe == RECIPE_NONE)
		return err_set(e, ERR_UNSUPPORTED,
			       "nothing is built for %s here; what was built elsewhere can be "
			       "published: prebuildctl publish FILE --package PACKAGE@VERSION",
			       t->triple);
	for (size_t i = 0; i < want->target_count; i++)
		if (strcmp(want->targets[i], t->triple) == 0)
			return 0;
	if (want->target_count == JOB_TARGETS_MAX)
		return err_set(e, ERR_TOO_LARGE, "targets: more than %d", JOB_TARGETS_MAX);
	want->targets[want->target_count++] = t->triple;
	return 0;
}

static int
read_targets(struct build_request *want, const struct json *v, struct err *e)
{
	if (!json_is_array(v) || json_count(v) == 0)
		return err_set(e, ERR_INVALID,
			       "targets: a list of target names, or \"all\", is needed");
	json_foreach (item, v) {
		if (json_string(item, NULL) == NULL)
			return err_set(e, ERR_INVALID, "targets: every entry must be a string");
		if (build_request_add_target(want, json_string(item, ""), e) != 0)
			return e->code;
	}
	return 0;
}

static int
read_abis(struct build_request *want, const struct json *v, struct err *e)
{
	if (v == NULL || json_is_null(v))
		return 0;
	if (!json_is_array(v))
		return err_set(e, ERR_INVALID, "abis: a list such as [\"napi-v6\"] is needed");
	json_foreach (item, v) {
		const char *text = json_string(item, "");
		struct abi abi;

		if (abi_parse(text, &abi) != 0)
			return err_set(e, ERR_INVALID, "abis: \"%.40s\" is not like napi-v6", text);
		if (want->abi_count == ARRAY_SIZE(want->abis))
			return err_set(e, ERR_TOO_LARGE, "abis: more than %zu",
				       ARRAY_SIZE(want->abis));
		want->abis[want->abi_count++] = text;
	}
	return 0;
}

static int
read_origin(struct build_request *want, const struct json *body, struct err *e)
{
	const struct json *git = json_get(body, "git"), *source = json_get(body, "source");

	if (git != NULL && source != NULL)
		return err_set(e, ERR_INVALID, "git and source: a build has one of them");
	if (git != NULL) {
		if (!json_is_object(git) || json_str(git, "url", NULL) == NULL)
			return err_set(e, ERR_INVALID, "git: {\"url\", \"ref\"} is needed");
		json_foreach (member, git)
			if (strcmp(json_name(member), "url") != 0 &&
			    strcmp(json_name(member), "ref") != 0)
				return err_set(e, ERR_INVALID, "unknown field \"git.%.40s\"",
					       json_name(member));
		return origin_git(json_str(git, "url", ""), json_str(git, "ref", NULL),
				  &want->origin, e);
	}
	return source != NULL ? origin_upload(json_string(source, ""), &want->origin, e) : 0;
}

/* A source that is not the registry's may say itself what it is. */
static int
read_name(const struct build_request *want, const struct json *body, struct err *e)
{
	bool needed = want->origin.kind == ORIGIN_REGISTRY;

	if ((needed || json_get(body, "package") != NULL) && !package_name_valid(want->package))
		return err_set(e, ERR_INVALID, "package: \"%.60s\" is no npm package name",
			       want->package);
	if ((needed || json_get(body, "version") != NULL) && !package_version_valid(want->version))
		return err_set(e, ERR_INVALID,
			       "version: \"%.60s\" is no exact version such as 6.0.1",
			       want->version);
	if (!needed && origin_is_pinned(want->version))
		return err_set(e, ERR_INVALID,
			       "version: \"%.60s\" is given to a source when it is built; give the "
			       "one of its package.json, or none",
			       want->version);
	return 0;
}

int
build_request_read(const struct json *body, struct build_request *want, bool *all, struct err *e)
{
	static const char *const known[] = {"package", "version", "targets",
					    "abis",    "git",     "source"};
	const char *other = json_other(body, known, ARRAY_SIZE(known));

	if (other != NULL)
		return err_set(e, ERR_INVALID, "unknown field \"%.40s\"", other);
	want->package = json_str(body, "package", "");
	want->version = json_str(body, "version", "");
	if (read_origin(want, body, e) != 0 || read_name(want, body, e) != 0)
		return e->code;
	*all = strcmp(json_str(body, "targets", ""), "all") == 0;
	if (!*all && read_targets(want, json_get(body, "targets"), e) != 0)
		return e->code;
	return read_abis(want, json_get(body, "abis"), e);
}
