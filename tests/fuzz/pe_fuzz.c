/*
 * pe_fuzz.c - libFuzzer harness for the reader of Windows files and everything that judges what it
 * read.
 */
#include <stdint.h>

#include "builder/audit/pe_read.h"
#include "builder/base/mem.h"
#include "tests/fuzz/audit_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct target targets[] = {
	{.triple = "x86_64-w64-mingw32",
	 .libc = LIBC_MSVCRT,
	 .floor_major = 10,
	 .pe_machine = PE_MACHINE_AMD64},
	{.triple = "i686-w64-mingw32",
	 .libc = LIBC_MSVCRT,
	 .floor_major = 6,
	 .pe_machine = PE_MACHINE_I386},
	{.triple = "aarch64-w64-mingw32",
	 .libc = LIBC_MSVCRT,
	 .floor_major = 10,
	 .pe_machine = PE_MACHINE_ARM64},
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return audit_input_choose(data, size, targets, ARRAY_SIZE(targets));
}
