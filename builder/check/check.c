#include "builder/check/check.h"

#include <stdlib.h>

#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/check/load.h"
#include "builder/pack/pack.h"

static struct json *
check_addon(const void *data, size_t len, const struct audit_request *req, const char *load_with,
	    bool *passed)
{
	struct audit_report *report = audit_bytes(data, len, req);
	struct json *result = audit_json(report);

	*passed = audit_passed(report);
	audit_free(report);
	if (load_with != NULL) {
		const char *triple = json_str(result, "target", NULL);
		const struct target *target = triple != NULL ? target_find(triple) : NULL;
		struct json *load =
			target != NULL ? check_load(load_with, target, data, len) : NULL;

		if (json_bool(load, "ran", false) && !json_bool(load, "ok", false))
			*passed = false;
		if (load != NULL)
			json_set(result, "load", load);
		json_set_str(result, "verdict", *passed ? "pass" : "fail");
	}
	return result;
}

static bool
is_gzip(const unsigned char *data, size_t len)
{
	return len > 2 && data[0] == 0x1f && data[1] == 0x8b;
}

struct json *
check_content(const void *data, size_t len, const struct audit_request *req, const char *load_with,
	      bool *passed, struct err *e)
{
	struct audit_request inner = *req;
	struct json *result = NULL;
	char *name = NULL, *inside;
	void *addon = NULL;
	size_t size = 0;

	*passed = false;
	if (!is_gzip(data, len))
		return check_addon(data, len, req, load_with, passed);
	if (pack_find_addon(data, len, CHECK_ADDON_MAX, &name, &addon, &size, e) == 0) {
		inside = xasprintf("%s:%s", req->file, name);
		inner.file = inside;
		result = check_addon(addon, size, &inner, load_with, passed);
		free(inside);
	}
	free(name);
	free(addon);
	return result;
}
