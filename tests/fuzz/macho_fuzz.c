/*
 * macho_fuzz.c - libFuzzer harness for the reader of macOS files and what is said of them.
 */
#include <stdint.h>
#include <stdlib.h>

#include "builder/audit/audit.h"
#include "builder/base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct audit_request req = {.file = "fuzz"};
	struct audit_report *r = audit_bytes(data, size, &req);
	struct json *v = audit_json(r);

	free(json_text(v));
	json_free(v);
	audit_free(r);
	return 0;
}
