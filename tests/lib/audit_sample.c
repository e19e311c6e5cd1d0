#include "tests/lib/audit_sample.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
const struct target sample_x64 = {
	"x86_64-linux-gnu", "linux", "x64", LIBC_GLIBC, 2, 17,
	ELFCLASS64, ELFDATA2LSB, EM_X86_64, 0, 0, 0x1000, "ld-linux-x86-64.so.2", 0, 0, RECIPE_PACKAGES, true};
const struct target sample_arm64 = {
	"aarch64-linux-gnu", "linux", "arm64", LIBC_GLIBC, 2, 17,
	ELFCLASS64, ELFDATA2LSB, EM_AARCH64, 0, 0, 0x10000, "ld-linux-aarch64.so.1", 0, 0, RECIPE_PACKAGES, true};
const struct target sample_armhf = {
	"armv7-linux-gnueabihf", "linux", "arm", LIBC_GLIBC, 2, 17,
	ELFCLASS32, ELFDATA2LSB, EM_ARM, 0xff000400, 0x5000400, 0x10000, "ld-linux-armhf.so.3", 0, 0, RECIPE_PACKAGES, true};
const struct target sample_armv6 = {
	"arm-linux-gnueabihf", "linux", "arm", LIBC_GLIBC, 2, 17,
	ELFCLASS32, ELFDATA2LSB, EM_ARM, 0xff000400, 0x5000400, 0x10000, "ld-linux-armhf.so.3", 0, 0, RECIPE_PACKAGES, true};
const struct target sample_s390x = {
	"s390x-linux-gnu", "linux", "s390x", LIBC_GLIBC, 2, 17,
	ELFCLASS64, ELFDATA2MSB, EM_S390, 0, 0, 0x1000, "ld64.so.1", 0, 0, RECIPE_PACKAGES, true};
const struct target sample_ia32 = {
	"i686-linux-gnu", "linux", "ia32", LIBC_GLIBC, 2, 17,
	ELFCLASS32, ELFDATA2LSB, EM_386, 0, 0, 0x1000, "ld-linux.so.2", 0, 0, RECIPE_PACKAGES, true};
const struct target sample_riscv64 = {
	"riscv64-linux-gnu", "linux", "riscv64", LIBC_GLIBC, 2, 27,
	ELFCLASS64, ELFDATA2LSB, EM_RISCV, 6, 4, 0x1000, "ld-linux-riscv64-lp64d.so.1", 0, 0, RECIPE_PACKAGES, true};
const struct target sample_ppc64le = {
	"powerpc64le-linux-gnu", "linux", "ppc64", LIBC_GLIBC, 2, 17,
	ELFCLASS64, ELFDATA2LSB, EM_PPC64, 3, 2, 0x10000, "ld64.so.2", 0, 0, RECIPE_PACKAGES, true};
const struct target sample_musl = {
	"x86_64-linux-musl", "linuxmusl", "x64", LIBC_MUSL, 1, 1,
	ELFCLASS64, ELFDATA2LSB, EM_X86_64, 0, 0, 0x1000, "ld-musl-x86_64.so.1", 0, 0, RECIPE_PACKAGES, true};
const struct target sample_musl_arm64 = {
	"aarch64-linux-musl", "linuxmusl", "arm64", LIBC_MUSL, 1, 1,
	ELFCLASS64, ELFDATA2LSB, EM_AARCH64, 0, 0, 0x10000, "ld-musl-aarch64.so.1", 0, 0, RECIPE_PACKAGES, true};
/* clang-format on */

/* What compilers make of `return 6`. */
static const char *
return_6(uint16_t machine)
{
	switch (machine) {
	case EM_X86_64:
	case EM_386:
		return "b806000000c3";
	case EM_AARCH64:
		return "c0008052c0035fd6";
	case EM_S390:
		return "a729000607fe";
	case EM_RISCV:
		return "19458280";
	case EM_PPC64:
		return "060060382000804e";
	default:
		return "0600a0e31eff2fe1";
	}
}

struct elf_spec
sample_good(const struct target *t)
{
	bool glibc = t->libc == LIBC_GLIBC;
	struct elf_spec spec = {
		.class = t->elf_class,
		.data = t->elf_data,
		.type = ET_DYN,
		.machine = t->elf_machine,
		.flags = t->elf_flags_value,
		.align = t->page_align,
		.needed = {glibc ? "libc.so.6" : "libc.so", t->loader},
		.soname = "addon.node",
		.symbols = {{.name = "napi_register_module_v1", .defined = true},
			    {.name = "napi_create_function"},
			    {.name = "napi_set_instance_data"},
			    {.name = "uv_queue_work"},
			    {.name = "memcpy",
			     .version = glibc ? "GLIBC_2.17" : NULL,
			     .file = glibc ? "libc.so.6" : NULL},
			    {.name = "_ITM_registerTMCloneTable", .weak = true},
			    {.name = "__cxa_thread_atexit_impl", .weak = true}},
		.dt_flags = DF_BIND_NOW,
		.dt_flags_1 = DF_1_NOW,
		.init = true,
	};

	elf_build_symbol(&spec,
			 (struct elf_spec_symbol){.name = "node_api_module_get_api_version_v1",
						  .code = return_6(t->elf_machine)});
	return spec;
}

struct audit_report *
sample_audit(const struct elf_spec *spec, const struct audit_request *req)
{
	struct audit_report *r;
	struct buf file = {0};

	elf_build(spec, &file);
	r = audit_bytes(file.data, file.len, req);
	buf_fini(&file);
	return r;
}

struct json *
sample_report(struct audit_report *r)
{
	struct json *v = audit_json(r);

	audit_free(r);
	return v;
}

const struct json *
sample_finding(const struct json *report, const char *rule)
{
	json_foreach (f, json_get(report, "findings"))
		if (strcmp(json_str(f, "rule", ""), rule) == 0)
			return f;
	return NULL;
}

const char *
sample_findings(const struct json *report)
{
	static char text[2000];

	text[0] = '\0';
	json_foreach (f, json_get(report, "findings")) {
		size_t used = strlen(text);

		snprintf(text + used, sizeof text - used, "[%s %s: %s (%s)] ",
			 json_str(f, "severity", ""), json_str(f, "rule", ""),
			 json_str(f, "found", ""), json_str(f, "evidence", ""));
	}
	return text;
}

struct elf_spec_symbol *
sample_symbol(struct elf_spec *s, const char *name)
{
	for (size_t i = 0; i < ELF_SPEC_SYMBOLS && s->symbols[i].name != NULL; i++)
		if (strcmp(s->symbols[i].name, name) == 0)
			return &s->symbols[i];
	abort();
}

struct elf_spec
sample_node(const struct target *t, unsigned abi, uint32_t relative)
{
	struct elf_spec spec = sample_good(t);

	memset(spec.symbols, 0, sizeof spec.symbols);
	elf_build_symbol(&spec, (struct elf_spec_symbol){.name = "node_module_register"});
	elf_build_symbol(&spec,
			 (struct elf_spec_symbol){.name = "_ZN2v811HandleScopeC1EPNS_7IsolateE"});
	elf_build_symbol(&spec, (struct elf_spec_symbol){.name = "_ZNK4node9ObjectWrap3fooEv"});
	elf_build_symbol(&spec, (struct elf_spec_symbol){.name = "_ZTVN2v86ObjectE"});
	spec.module_abi = abi;
	spec.relative = relative;
	return spec;
}
