#include "api/routes/build_request.h"

#include <string.h>

#include "api/catalog/jobs.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/model/abi.h"
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
		if (abi.kind == ABI_ELECTRON)
			return err_set(e, ERR_UNSUPPORTED,
				       "abis: %s: Electron's headers are not here; Node-API addons "
				       "load in Electron as they are",
				       text);
		if (want->abi_count == ARRAY_SIZE(want->abis))
			return err_set(e, ERR_TOO_LARGE, "abis: more than %zu",
				       ARRAY_SIZE(want->abis));
		want->abis[want->abi_count++] = text;
	}
	return 0;
}

int
build_request_read(const struct json *body, struct build_request *want, bool *all, struct err *e)
{
	static const char *const known[] = {"package", "version", "targets", "abis"};

	json_foreach (member, body) {
		size_t i = 0;

		while (i < ARRAY_SIZE(known) && strcmp(known[i], json_name(member)) != 0)
			i++;
		if (i == ARRAY_SIZE(known))
			return err_set(e, ERR_INVALID, "unknown field \"%.40s\"",
				       json_name(member));
	}
	want->package = json_str(body, "package", "");
	want->version = json_str(body, "version", "");
	if (!package_name_valid(want->package))
		return err_set(e, ERR_INVALID, "package: \"%.60s\" is no npm package name",
			       want->package);
	if (!package_version_valid(want->version))
		return err_set(e, ERR_INVALID,
			       "version: \"%.60s\" is no exact version such as 6.0.1",
			       want->version);
	*all = strcmp(json_str(body, "targets", ""), "all") == 0;
	if (!*all && read_targets(want, json_get(body, "targets"), e) != 0)
		return e->code;
	return read_abis(want, json_get(body, "abis"), e);
}
