/*
 * elf_fuzz.c - libFuzzer harness for the ELF reader and everything that judges what it read. The
 * first byte chooses the target, so that the rules of both C libraries and of the machines with
 * rules of their own are reached whatever the file says.
 */
#include <stdint.h>
#include <stdlib.h>

#include "builder/audit/audit.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "tests/lib/audit_sample.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct target *const targets[] = {
	&sample_x64,   &sample_musl,  &sample_armv6,   &sample_ia32,
	&sample_s390x, &sample_arm64, &sample_riscv64, &sample_ppc64le,
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct audit_request req = {.abi = {ABI_NAPI, 6}, .file = "fuzz"};
	struct audit_report *r;
	struct json *v;

	if (size == 0)
		return 0;
	if (data[0] < ARRAY_SIZE(targets))
		req.target = targets[data[0]];
	r = audit_bytes(data + 1, size - 1, &req);
	v = audit_json(r);
	free(json_text(v));
	json_free(v);
	audit_free(r);
	return 0;
}
