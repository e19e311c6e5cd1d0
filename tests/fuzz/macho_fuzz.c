/*
 * macho_fuzz.c - libFuzzer harness for the reader of macOS files and everything that judges what it
 * read. The first byte chooses whether the file is judged for a target, for what it is itself, and
 * with which ABI, so that the rules are reached whatever the file says.
 */
#include <stdint.h>
#include <stdlib.h>

#include "builder/audit/audit.h"
#include "builder/audit/macho_read.h"
#include "builder/base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct target targets[] = {
	{.triple = "aarch64-apple-darwin",
	 .libc = LIBC_SYSTEM,
	 .floor_major = 11,
	 .page_align = 0x4000,
	 .macho_cpu = MACHO_CPU_ARM64},
	{.triple = "x86_64-apple-darwin",
	 .libc = LIBC_SYSTEM,
	 .floor_major = 11,
	 .page_align = 0x1000,
	 .macho_cpu = MACHO_CPU_X86_64},
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct audit_request req = {.file = "fuzz"};
	struct audit_report *r;
	struct json *v;

	if (size == 0)
		return 0;
	if ((data[0] & 3) < 2)
		req.target = &targets[data[0] & 3];
	if ((data[0] & 4) != 0)
		req.abi = (struct abi){ABI_NAPI, 6};
	else if ((data[0] & 8) != 0)
		req.abi = (struct abi){ABI_NODE, 127};
	r = audit_bytes(data + 1, size - 1, &req);
	v = audit_json(r);
	free(json_text(v));
	json_free(v);
	audit_free(r);
	return 0;
}
