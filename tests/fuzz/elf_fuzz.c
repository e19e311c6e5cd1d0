/*
 * elf_fuzz.c - libFuzzer harness for the ELF reader and everything that judges what it read. The
 * first byte chooses the target, so that the rules of both C libraries and of the machines with
 * rules of their own are reached whatever the file says.
 */
#include <elf.h>
#include <stdint.h>
#include <stdlib.h>

#include "builder/audit/audit.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct target targets[] = {
	{"x86_64-linux-gnu", "linux", "x64", LIBC_GLIBC, 2, 17, ELFCLASS64, ELFDATA2LSB, EM_X86_64,
	 0, 0, 0x1000, "ld-linux-x86-64.so.2"},
	{"x86_64-linux-musl", "linuxmusl", "x64", LIBC_MUSL, 1, 1, ELFCLASS64, ELFDATA2LSB,
	 EM_X86_64, 0, 0, 0x1000, "ld-musl-x86_64.so.1"},
	{"arm-linux-gnueabihf", "linux", "arm", LIBC_GLIBC, 2, 17, ELFCLASS32, ELFDATA2LSB, EM_ARM,
	 0xff000400, 0x5000400, 0x10000, "ld-linux-armhf.so.3"},
	{"i686-linux-gnu", "linux", "ia32", LIBC_GLIBC, 2, 17, ELFCLASS32, ELFDATA2LSB, EM_386, 0,
	 0, 0x1000, "ld-linux.so.2"},
	{"s390x-linux-gnu", "linux", "s390x", LIBC_GLIBC, 2, 17, ELFCLASS64, ELFDATA2MSB, EM_S390,
	 0, 0, 0x1000, "ld64.so.1"},
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
		req.target = &targets[data[0]];
	r = audit_bytes(data + 1, size - 1, &req);
	v = audit_json(r);
	free(json_text(v));
	json_free(v);
	audit_free(r);
	return 0;
}
