#include "tests/fuzz/audit_input.h"

#include <stdlib.h>

#include "builder/audit/audit.h"
#include "builder/base/json.h"

int
audit_input(const uint8_t *data, size_t size, const struct target *target, struct abi abi)
{
	struct audit_request req = {.target = target, .abi = abi, .file = "fuzz"};
	struct audit_report *r;
	struct json *v;

	if (size == 0)
		return 0;
	r = audit_bytes(data + 1, size - 1, &req);
	v = audit_json(r);
	free(json_text(v));
	json_free(v);
	audit_free(r);
	return 0;
}

int
audit_input_choose(const uint8_t *data, size_t size, const struct target *targets, size_t count)
{
	unsigned choice = size > 0 ? data[0] : 0;
	struct abi abi = {0};

	if ((choice & 4) != 0)
		abi = (struct abi){ABI_NAPI, 6};
	else if ((choice & 8) != 0)
		abi = (struct abi){ABI_NODE, 127};
	return audit_input(data, size, (choice & 3) < count ? &targets[choice & 3] : NULL, abi);
}
