/*
 * elf_fuzz.c - libFuzzer harness for the ELF reader and everything that judges what it read. The
 * first byte chooses the target, so that the rules of both C libraries and of the machines with
 * rules of their own are reached whatever the file says.
 */
#include <stdbool.h>
#include <stdint.h>

#include "builder/base/mem.h"
#include "tests/fuzz/audit_input.h"
#include "tests/lib/audit_sample.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct target *const targets[] = {
	&sample_x64,   &sample_musl,  &sample_armv6,   &sample_ia32,
	&sample_s390x, &sample_arm64, &sample_riscv64, &sample_ppc64le,
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool chosen = size > 0 && data[0] < ARRAY_SIZE(targets);

	return audit_input(data, size, chosen ? targets[data[0]] : NULL, (struct abi){ABI_NAPI, 6});
}
