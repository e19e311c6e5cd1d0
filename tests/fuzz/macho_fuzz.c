/*
 * macho_fuzz.c - libFuzzer harness for the reader of macOS files and everything that judges what it
 * read.
 */
#include <stdint.h>

#include "builder/audit/macho_read.h"
#include "builder/base/mem.h"
#include "tests/fuzz/audit_input.h"

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
	return audit_input_choose(data, size, targets, ARRAY_SIZE(targets));
}
