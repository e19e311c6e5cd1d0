#include "builder/audit/audit.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/file.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "tests/lib/elf_build.h"
#include "tests/lib/test.h"

#define FILE_SIZE_MAX (16u * 1024 * 1024)

/* Targets of every kind that there can be, whichever the program was built with. */
static const struct target x64 = {"x86_64-linux-gnu",
				  "linux",
				  "x64",
				  LIBC_GLIBC,
				  2,
				  17,
				  ELFCLASS64,
				  ELFDATA2LSB,
				  EM_X86_64,
				  0,
				  0,
				  0x1000,
				  "ld-linux-x86-64.so.2"};
static const struct target arm64 = {"aarch64-linux-gnu",
				    "linux",
				    "arm64",
				    LIBC_GLIBC,
				    2,
				    17,
				    ELFCLASS64,
				    ELFDATA2LSB,
				    EM_AARCH64,
				    0,
				    0,
				    0x10000,
				    "ld-linux-aarch64.so.1"};
static const struct target armhf = {"armv7-linux-gnueabihf",
				    "linux",
				    "arm",
				    LIBC_GLIBC,
				    2,
				    17,
				    ELFCLASS32,
				    ELFDATA2LSB,
				    EM_ARM,
				    0xff000600,
				    0x5000400,
				    0x10000,
				    "ld-linux-armhf.so.3"};
static const struct target armv6 = {"arm-linux-gnueabihf",
				    "linux",
				    "arm",
				    LIBC_GLIBC,
				    2,
				    17,
				    ELFCLASS32,
				    ELFDATA2LSB,
				    EM_ARM,
				    0xff000400,
				    0x5000400,
				    0x10000,
				    "ld-linux-armhf.so.3"};
static const struct target s390x = {"s390x-linux-gnu", "linux",     "s390x", LIBC_GLIBC, 2, 17,
				    ELFCLASS64,        ELFDATA2MSB, EM_S390, 0,          0, 0x1000,
				    "ld64.so.1"};
static const struct target ia32 = {"i686-linux-gnu", "linux",     "ia32", LIBC_GLIBC, 2, 17,
				   ELFCLASS32,       ELFDATA2LSB, EM_386, 0,          0, 0x1000,
				   "ld-linux.so.2"};
static const struct target musl = {
	"x86_64-linux-musl",  "linuxmusl", "x64",     LIBC_MUSL, 1, 1,
	ELFCLASS64,           ELFDATA2LSB, EM_X86_64, 0,         0, 0x1000,
	"ld-musl-x86_64.so.1"};

#define RETURN_6_X64 "b806000000c3"
/* .ARM.attributes: CPU name "7-A" or "6", and architecture v7 or v6KZ. */
#define ATTRIBUTES_V7 "4116000000616561626900010c00000005372d4100060a"
#define ATTRIBUTES_V6 "4114000000616561626900010a0000000536000607"

#define RETURN_6_ARM64 "c0008052c0035fd6"

/* An addon for the target that nothing can be said against. */
static struct elf_spec
good(const struct target *t)
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
	const char *code = t->elf_machine == EM_X86_64    ? RETURN_6_X64
			   : t->elf_machine == EM_386     ? "5589e5b8060000005dc3"
			   : t->elf_machine == EM_AARCH64 ? RETURN_6_ARM64
			   : t->elf_machine == EM_S390    ? "a729000607fe"
							  : "0600a0e31eff2fe1";

	elf_build_symbol(&spec,
			 (struct elf_spec_symbol){.name = "node_api_module_get_api_version_v1",
						  .code = code});
	return spec;
}

static struct audit_report *
audit_spec(const struct elf_spec *spec, const struct audit_request *req)
{
	struct audit_report *r;
	struct buf file = {0};

	elf_build(spec, &file);
	r = audit_bytes(file.data, file.len, req);
	buf_fini(&file);
	return r;
}

/* Takes the report over. */
static struct json *
json_of(struct audit_report *r)
{
	struct json *v = audit_json(r);

	audit_free(r);
	return v;
}

static const struct json *
finding_of(const struct json *report, const char *rule)
{
	json_foreach (f, json_get(report, "findings"))
		if (strcmp(json_str(f, "rule", ""), rule) == 0)
			return f;
	return NULL;
}

/* All findings as text, for messages. */
static const char *
findings_text(const struct json *report)
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

TEST(a_good_addon_has_no_findings)
{
	const struct target *const targets[] = {&x64, &arm64, &armhf, &s390x, &ia32, &musl};

	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		struct elf_spec spec = good(targets[i]);
		struct audit_request req = {
			.target = targets[i], .abi = {ABI_NAPI, 6}, .file = "a.node"};
		struct json *v = json_of(audit_spec(&spec, &req));

		CHECK_MSG(json_count(json_get(v, "findings")) == 0, "%s: %s", targets[i]->triple,
			  findings_text(v));
		CHECK_STR(json_str(v, "verdict", ""), "pass");
		CHECK_STR(json_str(v, "target", ""), targets[i]->triple);
		CHECK_INT(json_int(json_get(v, "abi"), "declared", 0), 6);
		json_free(v);
	}
}

static void
add(struct elf_spec *s, struct elf_spec_symbol symbol)
{
	elf_build_symbol(s, symbol);
}

static struct elf_spec_symbol *
symbol(struct elf_spec *s, const char *name)
{
	for (size_t i = 0; i < ELF_SPEC_SYMBOLS && s->symbols[i].name != NULL; i++)
		if (strcmp(s->symbols[i].name, name) == 0)
			return &s->symbols[i];
	abort();
}

/* Each changes a good addon in one thing. */
#define WRONG(name) static void name(struct elf_spec *s)

WRONG(is_program)
{
	s->interp = "/lib64/ld-linux-x86-64.so.2";
}
WRONG(is_pie)
{
	s->dt_flags_1 |= DF_1_PIE;
}
WRONG(is_executable)
{
	s->type = ET_EXEC;
}
WRONG(is_object)
{
	s->type = ET_REL;
}
WRONG(has_no_dynamic)
{
	s->no_dynamic = true;
}
WRONG(is_for_freebsd)
{
	s->osabi = ELFOSABI_FREEBSD;
}
WRONG(is_32_bit)
{
	s->class = ELFCLASS32;
}
WRONG(is_big_endian)
{
	s->data = ELFDATA2MSB;
}
WRONG(is_aarch64)
{
	s->machine = EM_AARCH64;
}
WRONG(has_no_entry)
{
	symbol(s, "napi_register_module_v1")->name = "init";
}
WRONG(has_two_entries)
{
	add(s, (struct elf_spec_symbol){.name = "node_register_module_v115", .defined = true});
}
WRONG(has_both_kinds)
{
	add(s, (struct elf_spec_symbol){.name = "node_module_register"});
}
WRONG(has_only_node_entry)
{
	symbol(s, "napi_register_module_v1")->name = "node_register_module_v115";
}
WRONG(constructor_is_not_called)
{
	symbol(s, "napi_register_module_v1")->name = "other";
	add(s, (struct elf_spec_symbol){.name = "napi_module_register"});
	s->init = false;
}
WRONG(uses_newer_napi)
{
	add(s, (struct elf_spec_symbol){.name = "napi_object_freeze"});
}
WRONG(declares_newer_napi)
{
	symbol(s, "node_api_module_get_api_version_v1")->code = "b80a000000c3";
}
WRONG(declares_experimental)
{
	symbol(s, "node_api_module_get_api_version_v1")->code = "b8ffffff7fc3";
}
WRONG(declares_by_code)
{
	symbol(s, "node_api_module_get_api_version_v1")->code = "8b0500000000c3";
}
WRONG(uses_unknown_napi)
{
	add(s, (struct elf_spec_symbol){.name = "node_api_post_finalizer"});
}
WRONG(uses_unversioned_libc)
{
	add(s, (struct elf_spec_symbol){.name = "malloc"});
}
WRONG(uses_unknown_symbol)
{
	add(s, (struct elf_spec_symbol){.name = "sqlite3_open_v2"});
}
WRONG(uses_private_glibc)
{
	add(s, (struct elf_spec_symbol){.name = "__libc_dlopen_mode",
					.version = "GLIBC_PRIVATE",
					.file = "libc.so.6"});
}
WRONG(uses_foreign_version)
{
	add(s, (struct elf_spec_symbol){
		       .name = "SSL_new", .version = "OPENSSL_3.0.0", .file = "libssl.so.3"});
}
WRONG(uses_v8)
{
	add(s, (struct elf_spec_symbol){.name = "_ZN2v811HandleScopeC1EPNS_7IsolateE"});
}
WRONG(needs_sqlite)
{
	s->needed[2] = "libsqlite3.so.0";
}
WRONG(needs_cxx)
{
	s->needed[2] = "libstdc++.so.6";
}
WRONG(needs_other_loader)
{
	s->needed[1] = "ld-musl-x86_64.so.1";
}
WRONG(needs_glibc_loader)
{
	s->needed[1] = "ld-linux-x86-64.so.2";
}
WRONG(needs_glibc)
{
	s->needed[0] = "libc.so.6";
}
WRONG(needs_other_musl)
{
	s->needed[0] = "libc.musl-aarch64.so.1";
}
WRONG(needs_newer_glibc)
{
	add(s, (struct elf_spec_symbol){
		       .name = "fcntl64", .version = "GLIBC_2.28", .file = "libc.so.6"});
}
WRONG(needs_glibc_marker)
{
	add(s, (struct elf_spec_symbol){
		       .name = "x", .version = "GLIBC_ABI_GNU2_TLS", .file = "libc.so.6"});
}
WRONG(needs_glibcxx)
{
	add(s, (struct elf_spec_symbol){
		       .name = "_ZSt4cout", .version = "GLIBCXX_3.4", .file = "libstdc++.so.6"});
}
WRONG(needs_cxxabi)
{
	add(s, (struct elf_spec_symbol){
		       .name = "__cxa_throw", .version = "CXXABI_1.3", .file = "libstdc++.so.6"});
}
WRONG(needs_gcc)
{
	add(s, (struct elf_spec_symbol){
		       .name = "_Unwind_Resume", .version = "GCC_3.0", .file = "libgcc_s.so.1"});
}
WRONG(has_glibc_version)
{
	symbol(s, "memcpy")->version = "GLIBC_2.14";
	symbol(s, "memcpy")->file = "libc.so.6";
}
WRONG(uses_fortified)
{
	add(s, (struct elf_spec_symbol){.name = "__memcpy_chk"});
}
WRONG(uses_fcntl64)
{
	add(s, (struct elf_spec_symbol){.name = "fcntl64"});
}
WRONG(uses_newer_musl)
{
	add(s, (struct elf_spec_symbol){.name = "reallocarray"});
}
WRONG(has_rpath)
{
	s->rpath = "/opt/lib";
}
WRONG(has_runpath)
{
	s->runpath = "$ORIGIN";
}
WRONG(has_exec_stack)
{
	s->exec_stack = true;
}
WRONG(has_no_stack)
{
	s->no_stack = true;
}
WRONG(has_writable_text)
{
	s->writable_text = true;
}
WRONG(has_textrel)
{
	s->textrel = true;
}
WRONG(has_textrel_flag)
{
	s->dt_flags |= DF_TEXTREL;
}
WRONG(has_no_relro)
{
	s->no_relro = true;
}
WRONG(binds_lazily)
{
	s->dt_flags = 0;
	s->dt_flags_1 = 0;
}
WRONG(has_small_pages)
{
	s->align = 0x1000;
}
WRONG(has_odd_alignment)
{
	s->align = 0x11000;
}
WRONG(is_shifted)
{
	s->shifted = true;
}
WRONG(is_soft_float)
{
	s->flags = 0x5000200;
}
WRONG(has_relr)
{
	s->relr = true;
}
WRONG(has_relr_marker)
{
	add(s, (struct elf_spec_symbol){
		       .name = "x", .version = "GLIBC_ABI_DT_RELR", .file = "libc.so.6"});
}
WRONG(has_static_tls)
{
	s->tls = true;
	s->dt_flags |= DF_STATIC_TLS;
}
WRONG(has_unmarked_static_tls)
{
	s->tls = true;
	s->relocs[0] = R_X86_64_TPOFF64;
}
WRONG(has_tls_descriptors)
{
	s->tls = true;
	s->relocs[0] = R_X86_64_TLSDESC;
}
WRONG(refers_to_static_tls)
{
	s->dt_flags |= DF_STATIC_TLS;
}
WRONG(needs_avx2)
{
	s->x86_isa = 5;
}
WRONG(is_armv7)
{
	s->arm_attributes = ATTRIBUTES_V7;
}
WRONG(exports_more)
{
	add(s, (struct elf_spec_symbol){.name = "helper", .defined = true});
}
WRONG(exports_sqlite_bound)
{
	add(s, (struct elf_spec_symbol){.name = "sqlite3_open", .defined = true});
}
WRONG(exports_sqlite_by_name)
{
	add(s,
	    (struct elf_spec_symbol){.name = "sqlite3_open", .defined = true, .looked_up = true});
}
WRONG(has_build_path)
{
	s->text = "/home/runner/work/addon.cc";
}

TEST(each_rule_finds_what_it_is_for)
{
	static const struct {
		void (*change)(struct elf_spec *s);
		const struct target *target;
		const char *rule, *severity, *text; /* text is in found or evidence */
	} cases[] = {
		{is_program, &x64, "format", "error", "program"},
		{is_pie, &x64, "format", "error", "program"},
		{is_executable, &x64, "format", "error", "program"},
		{is_object, &x64, "format", "error", "not linked"},
		{has_no_dynamic, &x64, "format", "error", "dynamic section"},
		{is_for_freebsd, &x64, "format", "error", "FreeBSD"},
		{is_32_bit, &x64, "class", "error", "ELF 32-bit x86-64"},
		{is_big_endian, &x64, "class", "error", "EI_DATA is 2"},
		{is_aarch64, &x64, "machine", "error", "AArch64"},
		{has_no_entry, &x64, "entry", "error", "did not self-register"},
		{has_two_entries, &x64, "entry", "error", "node_register_module_v115"},
		{has_both_kinds, &x64, "entry", "error", "node_module_register"},
		{has_only_node_entry, &x64, "entry", "error", "NODE_MODULE_VERSION 115"},
		{constructor_is_not_called, &x64, "entry", "error", "DT_INIT"},
		{uses_newer_napi, &x64, "napi", "error", "napi_object_freeze (8)"},
		{declares_newer_napi, &x64, "napi", "error", "Node-API 10"},
		{declares_experimental, &x64, "napi", "error", "2147483647"},
		{declares_by_code, &x64, "napi", "warning", "not decoded"},
		{uses_unknown_napi, &x64, "napi", "error", "node_api_post_finalizer"},
		{uses_unversioned_libc, &x64, "symbols", "error", "malloc"},
		{uses_unknown_symbol, &x64, "symbols", "error", "sqlite3_open_v2"},
		{uses_private_glibc, &x64, "symbols", "error", "__libc_dlopen_mode@GLIBC_PRIVATE"},
		{uses_foreign_version, &x64, "symbols", "error", "SSL_new@OPENSSL_3.0.0"},
		{uses_v8, &x64, "symbols", "error", "_ZN2v8"},
		{needs_sqlite, &x64, "needed", "error", "libsqlite3.so.0"},
		{needs_cxx, &x64, "needed", "error", "libstdc++.so.6"},
		{needs_other_loader, &x64, "needed", "error", "ld-musl-x86_64.so.1"},
		{needs_glibc_loader, &musl, "needed", "error", "ld-linux-x86-64.so.2"},
		{needs_glibc, &musl, "needed", "error", "libc.so.6"},
		{needs_other_musl, &musl, "needed", "error", "libc.musl-aarch64.so.1"},
		{needs_newer_glibc, &x64, "libc-version", "error", "fcntl64@GLIBC_2.28"},
		{needs_glibc_marker, &x64, "libc-version", "error", "GLIBC_ABI_GNU2_TLS"},
		{needs_glibcxx, &x64, "libc-version", "error", "_ZSt4cout@GLIBCXX_3.4"},
		{needs_cxxabi, &x64, "libc-version", "error", "__cxa_throw@CXXABI_1.3"},
		{needs_gcc, &x64, "libc-version", "error", "_Unwind_Resume@GCC_3.0"},
		{has_glibc_version, &musl, "libc-version", "error", "memcpy@GLIBC_2.14"},
		{uses_fortified, &musl, "symbols", "error", "__memcpy_chk"},
		{uses_fcntl64, &musl, "symbols", "error", "fcntl64"},
		{uses_newer_musl, &musl, "libc-version", "error", "reallocarray"},
		{has_rpath, &x64, "rpath", "error", "/opt/lib"},
		{has_runpath, &x64, "rpath", "error", "DT_RUNPATH"},
		{has_exec_stack, &x64, "execstack", "error", "executable stack"},
		{has_no_stack, &x64, "execstack", "error", "no PT_GNU_STACK"},
		{has_writable_text, &x64, "execstack", "error", "segment 0"},
		{has_textrel, &x64, "textrel", "error", "DT_TEXTREL"},
		{has_textrel_flag, &x64, "textrel", "error", "DF_TEXTREL"},
		{has_no_relro, &x64, "relro", "warning", "PT_GNU_RELRO"},
		{binds_lazily, &x64, "relro", "warning", "DF_1_NOW"},
		{has_small_pages, &arm64, "align", "error", "p_align 0x1000"},
		{has_odd_alignment, &arm64, "align", "error", "0x11000"},
		{is_shifted, &x64, "align", "error", "segment 1"},
		{is_soft_float, &armhf, "eflags", "error", "0x5000200"},
		{has_relr, &x64, "relr", "error", "DT_RELR"},
		{has_relr, &musl, "relr", "error", "DT_RELR"},
		{has_relr_marker, &x64, "relr", "error", "GLIBC_ABI_DT_RELR"},
		{has_static_tls, &x64, "tls", "error", "DF_STATIC_TLS"},
		{has_static_tls, &musl, "tls", "error", "musl always"},
		{has_unmarked_static_tls, &x64, "tls", "error", "relocation"},
		{has_tls_descriptors, &x64, "tls", "warning", "TLSDESC"},
		{refers_to_static_tls, &x64, "tls", "warning", "DF_STATIC_TLS"},
		{needs_avx2, &x64, "isa", "error", "x86-64-v3"},
		{is_armv7, &armv6, "isa", "error", "ARMv7"},
		{exports_more, &x64, "exports", "warning", "helper"},
		{exports_sqlite_bound, &x64, "exports", "warning", "sqlite3_open"},
		{exports_sqlite_by_name, &x64, "exports", "error", "sqlite3_open"},
		{has_build_path, &x64, "debug-path", "warning", "/home/runner/work/addon.cc at"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct elf_spec spec = good(cases[i].target);
		struct audit_request req = {.target = cases[i].target, .abi = {ABI_NAPI, 6}};
		const struct json *f;
		struct json *v;
		bool error = strcmp(cases[i].severity, "error") == 0;

		cases[i].change(&spec);
		v = json_of(audit_spec(&spec, &req));
		f = finding_of(v, cases[i].rule);
		if (CHECK_MSG(f != NULL, "case %zu, no %s: %s", i, cases[i].rule,
			      findings_text(v))) {
			CHECK_STR(json_str(f, "severity", ""), cases[i].severity);
			CHECK_MSG(strstr(json_str(f, "found", ""), cases[i].text) != NULL ||
					  strstr(json_str(f, "evidence", ""), cases[i].text) !=
						  NULL,
				  "case %zu: %s", i, findings_text(v));
			CHECK(json_str(f, "expected", NULL) != NULL);
		}
		CHECK_MSG(strcmp(json_str(v, "verdict", ""), error ? "fail" : "pass") == 0,
			  "case %zu: %s", i, findings_text(v));
		json_free(v);
	}
}

WRONG(alpine_libc)
{
	s->needed[0] = "libc.musl-x86_64.so.1";
}
WRONG(needs_other_glibc_parts)
{
	s->needed[2] = "libm.so.6";
	s->needed[3] = "libdl.so.2";
	s->needed[4] = "libpthread.so.0";
	s->needed[5] = "librt.so.1";
}
WRONG(weak_newer_glibc)
{
	add(s, (struct elf_spec_symbol){.name = "getrandom",
					.version = "GLIBC_2.25",
					.file = "libc.so.6",
					.weak = true});
}
WRONG(osabi_gnu)
{
	s->osabi = ELFOSABI_GNU;
}
WRONG(x86_baseline)
{
	s->x86_isa = 1;
}
WRONG(general_tls)
{
	s->tls = true;
	s->relocs[0] = R_X86_64_DTPMOD64;
}
WRONG(temporary_folder)
{
	s->text = "/tmp";
}
WRONG(path_of_a_page)
{
	s->text = "https://example.org/home/page and a/tmp/x";
}
WRONG(hidden_helper)
{
	add(s, (struct elf_spec_symbol){.name = "helper", .defined = true, .hidden = true});
}
WRONG(larger_pages)
{
	s->align = 0x10000;
}

WRONG(has_entry_and_constructor)
{
	add(s, (struct elf_spec_symbol){.name = "napi_module_register"});
}
WRONG(is_armv6)
{
	s->arm_attributes = ATTRIBUTES_V6;
}
WRONG(own_temporary_file)
{
	s->text = "/tmp/lock-";
}

/* What looks like the above but is right. */
TEST(no_false_alarms)
{
	static const struct {
		void (*change)(struct elf_spec *s);
		const struct target *target;
	} cases[] = {
		{alpine_libc, &musl},
		{needs_other_glibc_parts, &x64},
		{weak_newer_glibc, &x64},
		{osabi_gnu, &x64},
		{x86_baseline, &x64},
		{general_tls, &x64},
		{temporary_folder, &x64},
		{path_of_a_page, &x64},
		{hidden_helper, &x64},
		{larger_pages, &x64},
		{has_entry_and_constructor, &x64},
		{own_temporary_file, &x64},
		{is_armv6, &armv6},
		{is_armv7, &armhf},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct elf_spec spec = good(cases[i].target);
		struct audit_request req = {.target = cases[i].target, .abi = {ABI_NAPI, 6}};
		struct json *v;

		cases[i].change(&spec);
		v = json_of(audit_spec(&spec, &req));
		CHECK_MSG(json_count(json_get(v, "findings")) == 0, "case %zu: %s", i,
			  findings_text(v));
		json_free(v);
	}
}

/* The code that compilers make of `return N`, at -O0, -O2 and -Oz. */
TEST(declared_version_is_decoded_from_code)
{
	static const struct {
		const struct target *target;
		const char *code;
		bool thumb;
		int want; /* -1: not decoded */
	} cases[] = {
		{&x64, "b809000000c3", false, 9},
		{&x64, "554889e5b8090000005dc3", false, 9},
		{&x64, "f30f1efab809000000c3", false, 9},
		{&x64, "f30f1efa554889e5b8090000005dc3", false, 9},
		{&x64, "6a0958c3", false, 9},
		{&x64, "31c0c3", false, 0},
		{&x64, "b809000000f3c3", false, 9},
		{&x64, "b80900000090c3", false, -1},
		{&x64, "8b0500000000c3", false, -1},
		{&x64, "e800000000", false, -1},
		{&ia32, "5589e5b8090000005dc3", false, 9},
		{&ia32, "b809000000c3", false, 9},
		{&arm64, "20018052c0035fd6", false, 9},
		{&arm64, "5f2403d520018052c0035fd6", false, 9},
		{&arm64, "e0031d32c0035fd6", false, 8}, /* orr w0, wzr, #8 */
		{&arm64, "e0070032c0035fd6", false, 3}, /* orr w0, wzr, #3 */
		{&arm64, "20018052", false, -1},
		{&arm64, "20018092c0035fd6", false, -1}, /* movn: -10 */
		{&armhf, "0900a0e31eff2fe1", false, 9},
		{&armhf, "0900a0e304b02de500b08de200d08be204b09de41eff2fe1", false, 9},
		{&armhf, "09207047", true, 9},
		{&armhf, "00009fe51eff2fe109000000", false, -1}, /* ldr r0, [pc] */
		{&s390x, "a729000907fe", false, 9},
		{&s390x, "ebbff0580024b90400bfa7290009", false, -1},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct elf_spec spec = good(cases[i].target);
		struct audit_request req = {.target = cases[i].target};
		const struct json *abi;
		struct json *v;

		symbol(&spec, "node_api_module_get_api_version_v1")->code = cases[i].code;
		symbol(&spec, "node_api_module_get_api_version_v1")->thumb = cases[i].thumb;
		v = json_of(audit_spec(&spec, &req));
		abi = json_get(v, "abi");
		CHECK_MSG(json_int(abi, "declared", -1) == cases[i].want, "case %zu: %lld", i,
			  (long long)json_int(abi, "declared", -1));
		CHECK_INT(json_int(abi, "used", 0), 6);
		CHECK((finding_of(v, "napi") != NULL) == (cases[i].want < 0));
		json_free(v);
	}
}

static struct elf_spec
node_addon(const struct target *t, unsigned abi, uint32_t relative)
{
	struct elf_spec spec = good(t);

	memset(spec.symbols, 0, sizeof spec.symbols);
	add(&spec, (struct elf_spec_symbol){.name = "node_module_register"});
	add(&spec, (struct elf_spec_symbol){.name = "_ZN2v811HandleScopeC1EPNS_7IsolateE"});
	add(&spec, (struct elf_spec_symbol){.name = "_ZNK4node9ObjectWrap3fooEv"});
	add(&spec, (struct elf_spec_symbol){.name = "_ZTVN2v86ObjectE"});
	spec.module_abi = abi;
	spec.relative = relative;
	return spec;
}

TEST(node_abi_stands_in_the_module_struct)
{
	static const struct {
		const struct target *target;
		uint32_t relative;
	} kinds[] = {
		{&x64, R_X86_64_RELATIVE}, {&arm64, R_AARCH64_RELATIVE}, {&armhf, R_ARM_RELATIVE},
		{&ia32, R_386_RELATIVE},   {&s390x, R_390_RELATIVE},
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct elf_spec spec = node_addon(kinds[i].target, 127, kinds[i].relative);
		struct audit_request req = {.target = kinds[i].target, .abi = {ABI_NODE, 127}};
		struct json *v = json_of(audit_spec(&spec, &req));

		CHECK_MSG(json_count(json_get(v, "findings")) == 0, "%s: %s",
			  kinds[i].target->triple, findings_text(v));
		CHECK_STR(json_str(json_get(v, "abi"), "kind", ""), "node");
		CHECK_INT(json_int(json_get(v, "abi"), "version", 0), 127);
		json_free(v);

		req.abi.version = 137;
		v = json_of(audit_spec(&spec, &req));
		CHECK_MSG(finding_of(v, "entry") != NULL, "%s", kinds[i].target->triple);
		CHECK_STR(json_str(v, "verdict", ""), "fail");
		json_free(v);
	}
}

TEST(entries_for_v8_addons)
{
	struct elf_spec spec = node_addon(&x64, 0, 0);
	struct audit_request req = {.target = &x64, .abi = {ABI_NODE, 127}};
	struct json *v = json_of(audit_spec(&spec, &req));

	/* Nothing in the file says the number: said, but no reason to refuse it. */
	CHECK_STR(json_str(v, "verdict", ""), "pass");
	CHECK(finding_of(v, "entry") != NULL);
	CHECK(json_is_null(json_get(json_get(v, "abi"), "version")));
	json_free(v);

	/* NODE_MODULE_INIT() makes both. */
	add(&spec, (struct elf_spec_symbol){.name = "node_register_module_v127", .defined = true});
	v = json_of(audit_spec(&spec, &req));
	CHECK_MSG(json_count(json_get(v, "findings")) == 0, "%s", findings_text(v));
	CHECK_INT(json_int(json_get(v, "abi"), "version", 0), 127);
	json_free(v);
	req.abi.version = 115;
	v = json_of(audit_spec(&spec, &req));
	CHECK(finding_of(v, "entry") != NULL);
	json_free(v);

	/* A Node-API addon is not what was asked for. */
	spec = good(&x64);
	v = json_of(audit_spec(&spec, &req));
	CHECK(finding_of(v, "entry") != NULL);
	json_free(v);
}

TEST(the_target_is_found)
{
	static const char *const triples[] = {"x86_64-linux-gnu", "aarch64-linux-gnu"};
	struct audit_request req = {0};
	struct elf_spec spec;
	struct json *v;

	for (size_t i = 0; i < ARRAY_SIZE(triples); i++) {
		const struct target *t = target_find(triples[i]);

		if (!CHECK(t != NULL))
			continue;
		spec = good(t);
		v = json_of(audit_spec(&spec, &req));
		CHECK_STR(json_str(v, "target", ""), triples[i]);
		CHECK_STR(json_str(v, "verdict", ""), "pass");
		json_free(v);
	}
	for (size_t i = 0; i < target_count(); i++) {
		spec = good(target_at(i));
		v = json_of(audit_spec(&spec, &req));
		if (target_at(i)->elf_machine != EM_ARM)
			CHECK_STR(json_str(v, "target", ""), target_at(i)->triple);
		json_free(v);
	}
	spec = good(&x64);
	spec.machine = EM_68K;
	v = json_of(audit_spec(&spec, &req));
	CHECK(json_is_null(json_get(v, "target")));
	CHECK(finding_of(v, "machine") != NULL);
	CHECK_STR(json_str(v, "verdict", ""), "fail");
	json_free(v);
}

TEST(the_floor_of_one_system)
{
	struct elf_spec spec = good(&x64);
	struct audit_request req = {.target = &x64, .floor_major = 2, .floor_minor = 36};
	struct json *v;

	spec.needed[2] = "libstdc++.so.6";
	needs_newer_glibc(&spec);
	add(&spec, (struct elf_spec_symbol){.name = "_ZSt4cout",
					    .version = "GLIBCXX_3.4.30",
					    .file = "libstdc++.so.6"});
	has_relr(&spec);
	v = json_of(audit_spec(&spec, &req));
	CHECK_MSG(json_count(json_get(v, "findings")) == 0, "%s", findings_text(v));
	CHECK_STR(json_str(json_get(v, "needs"), "glibc", ""), "2.28");
	CHECK_STR(json_str(json_get(v, "needs"), "glibcxx", ""), "3.4.30");
	json_free(v);

	req.floor_minor = 27;
	v = json_of(audit_spec(&spec, &req));
	CHECK(finding_of(v, "libc-version") != NULL);
	CHECK(finding_of(v, "relr") != NULL);
	json_free(v);
}

TEST(other_files_are_named)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *format, *text;
	} cases[] = {
		{"", 0, "unknown", "an empty file"},
		{"#!/bin/sh\n", 10, "unknown", "a script"},
		{"\n <!doctype HTML><p>", 20, "unknown", "an HTML page"},
		{"<html>", 6, "unknown", "an HTML page"},
		{"Not Found\n", 10, "unknown", "\"Not Found\""},
		{"\x1f\x8b\x08\x00", 4, "unknown", "gzip"},
		{"PK\x03\x04", 4, "unknown", "zip archive"},
		{"\0asm\1\0\0\0", 8, "unknown", "WebAssembly"},
		{"!<arch>\n", 8, "unknown", "static library"},
		{"\0\0\0\0\0\0\0\0", 8, "unknown", "unknown data"},
		{"\xcf\xfa\xed\xfe\x0c\0\0\1\0\0\0\0\x08\0\0\0", 16, "mach-o",
		 "Mach-O arm64 bundle"},
		{"\xcf\xfa\xed\xfe\x07\0\0\1\3\0\0\0\x06\0\0\0", 16, "mach-o",
		 "Mach-O x86-64 dynamic library"},
		{"\xca\xfe\xba\xbe\0\0\0\2\1\0\0\7\0\0\0\3\0\0\x40\0\0\0\1\0\0\0\0\x0e\1\0\0\x0c"
		 "\0\0\0\0\0\1\x40\0\0\0\1\0\0\0\0\x0e",
		 48, "mach-o", "Mach-O universal with x86-64, arm64"},
		{"\xca\xfe\xba\xbe\0\0\0\x34\0\0\0\0\0\0\0\0", 16, "unknown", "unknown data"},
		{"\x7f"
		 "ELF",
		 4, "elf", "not an ELF file"},
	};
	unsigned char pe[0x100] = {'M', 'Z'};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct audit_request req = {.target = &x64, .file = "f"};
		struct json *v = json_of(audit_bytes(cases[i].bytes, cases[i].len, &req));
		const struct json *f = finding_of(v, "format");

		CHECK_STR(json_str(v, "format", ""), cases[i].format);
		CHECK_STR(json_str(v, "verdict", ""), "fail");
		CHECK_MSG(f != NULL && strstr(json_str(f, "found", ""), cases[i].text) != NULL,
			  "case %zu: %s", i, findings_text(v));
		CHECK_STR(json_str(f, "expected", ""), "ELF 64-bit x86-64");
		json_free(v);
	}
	pe[60] = 0x80;
	memcpy(pe + 0x80, "PE\0\0\x64\xaa", 6);
	pe[0x80 + 23] = 0x20;
	for (unsigned i = 0; i < 2; i++) {
		struct audit_request req = {.file = "f"};
		struct json *v = json_of(audit_bytes(pe, i == 0 ? sizeof pe : 0x90, &req));

		CHECK_STR(json_str(v, "format", ""), i == 0 ? "pe" : "unknown");
		CHECK_MSG(strstr(findings_text(v), i == 0 ? "PE arm64 DLL" : "DOS program") != NULL,
			  "%s", findings_text(v));
		json_free(v);
	}
}

TEST(what_check_prints)
{
	struct elf_spec spec = good(&x64);
	struct audit_request req = {.target = &x64, .abi = {ABI_NAPI, 6}, .file = "build/a.node"};
	static const char *const members[] = {"file", "format", "target",   "verdict",
					      "abi",  "needs",  "findings", "load"};
	struct audit_report *r;
	struct json *v, *parsed;
	size_t i = 0;
	char *text;

	needs_newer_glibc(&spec);
	/* A name that would break a terminal or a log line does not get out as it is. */
	add(&spec, (struct elf_spec_symbol){.name = "bad\n\x1b[31m\xff"});
	r = audit_spec(&spec, &req);
	CHECK(!audit_passed(r));
	CHECK_STR(
		audit_summary(r),
		"libc-version: needs GLIBC_2.28; expected at most GLIBC_2.17 (fcntl64@GLIBC_2.28)");
	v = json_of(r);
	text = json_text(v);
	parsed = json_parse(text, strlen(text), NULL);
	CHECK(parsed != NULL);
	json_foreach (m, parsed) {
		CHECK_STR(json_name(m), i < ARRAY_SIZE(members) ? members[i] : NULL);
		i++;
	}
	CHECK_INT((int64_t)i, ARRAY_SIZE(members));
	CHECK_STR(json_str(parsed, "file", ""), "build/a.node");
	CHECK_STR(json_str(parsed, "format", ""), "elf");
	CHECK_STR(json_str(json_get(parsed, "abi"), "kind", ""), "napi");
	CHECK_INT(json_int(json_get(parsed, "abi"), "version", 0), 6);
	CHECK_STR(json_str(json_get(parsed, "needs"), "glibc", ""), "2.28");
	CHECK(json_is_null(json_get(json_get(parsed, "needs"), "glibcxx")));
	CHECK_INT((int64_t)json_count(json_get(json_get(parsed, "needs"), "libs")), 2);
	CHECK(!json_bool(json_get(parsed, "load"), "ran", true));
	CHECK_STR(json_str(finding_of(parsed, "symbols"), "evidence", ""), "bad??[31m?");
	json_free(parsed);
	json_free(v);
	free(text);

	r = audit_spec(&(struct elf_spec){.class = 2, .data = 1, .type = 3, .align = 1}, &req);
	CHECK(strncmp(audit_summary(r), "machine: ", 9) == 0);
	audit_free(r);
	spec = good(&x64);
	r = audit_spec(&spec, &req);
	CHECK(audit_passed(r));
	CHECK_STR(audit_summary(r), "");
	audit_free(r);
	audit_free(NULL);
}

/* A finding shows a few names, however many there are. */
TEST(long_lists_are_cut)
{
	struct elf_spec spec = good(&x64);
	struct audit_request req = {.target = &x64};
	static const char *const names[] = {"a1", "a2", "a3", "a4", "a5", "a6", "a7"};
	struct json *v;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		add(&spec, (struct elf_spec_symbol){.name = names[i]});
	v = json_of(audit_spec(&spec, &req));
	CHECK_STR(json_str(finding_of(v, "symbols"), "evidence", ""), "a1, a2, a3, a4, a5, ...");
	CHECK(strncmp(json_str(finding_of(v, "symbols"), "found", ""), "7 ", 2) == 0);
	json_free(v);
}

/* An addon made by the machine's compiler, for the machine. */
static struct json *
compiled(const char *flags, const char *more)
{
	static const char source[] =
		"extern int napi_create_function(void);\n"
		"extern int sqlite3_value(int);\n"
		"int node_api_module_get_api_version_v1(void) { return 6; }\n"
		"int napi_register_module_v1(void) { return napi_create_function(); }\n";
	const char *c = test_path("addon.c"), *so = test_path("addon.node"), *cc = getenv("CC");
	struct audit_request req = {.target = target_host(), .abi = {ABI_NAPI, 6}, .file = so};
	struct buf file = {0};
	struct json *v = NULL;
	char *text = xasprintf("%s%s\n", source, more);
	char *command = xasprintf("%s -O2 -shared -fPIC -fvisibility=default -Wl,-z,relro,-z,now "
				  "-Wl,-z,max-page-size=65536 -s -o %s %s %s",
				  cc != NULL ? cc : "cc", so, c, flags);

	if (CHECK_INT(file_write(c, text, strlen(text), 0644, NULL), 0) &&
	    CHECK_INT(system(command), 0) &&
	    CHECK_INT(file_read(so, FILE_SIZE_MAX, &file, NULL), 0))
		v = json_of(audit_bytes(file.data, file.len, &req));
	buf_fini(&file);
	free(command);
	free(text);
	return v;
}

TEST(addons_of_the_compiler)
{
	static const struct {
		const char *flags, *source, *rule, *severity;
	} cases[] = {
		{"", "", NULL, NULL},
		{"-Wl,-z,execstack", "", "execstack", "error"},
		{"-Wl,-z,norelro", "", "relro", "warning"},
		{"-Wl,-z,lazy", "", "relro", "warning"},
		{"-Wl,-rpath,/opt/lib", "", "rpath", "error"},
		{"", "int more(void) { return 1; }", "exports", "warning"},
		{"", "int sqlite3_a(void) { return 1; }", "exports", "warning"},
		{"-fno-inline -fsemantic-interposition",
		 "int sqlite3_a(void) { return 1; } int sqlite3_b(void) { return sqlite3_a() + 1; }",
		 "exports", "error"},
		{"-Wl,-Bsymbolic -fno-inline -fsemantic-interposition",
		 "int sqlite3_a(void) { return 1; } int sqlite3_b(void) { return sqlite3_a() + 1; }",
		 "exports", "warning"},
		{"",
		 "static __thread int t __attribute__((tls_model(\"initial-exec\")));"
		 "int *napi_register_module(void) { return &t; }",
		 "tls", "error"},
		{"", "static const char p[] = \"/home/me/x.c\"; const char *q(void) { return p; }",
		 "debug-path", "warning"},
		{"", "int unknown(void); int more(void) { return unknown(); }", "symbols", "error"},
		{"-nostdlib -Wl,-soname,x -Wl,-z,separate-code", "", NULL, NULL},
	};
	struct json *v;

	if (!CHECK_MSG(target_host() != NULL, "this machine is none of the targets"))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		v = compiled(cases[i].flags, cases[i].source);
		if (v == NULL)
			continue;
		if (cases[i].rule == NULL) {
			CHECK_MSG(json_count(json_get(v, "findings")) == 0, "case %zu: %s", i,
				  findings_text(v));
		} else {
			const struct json *f = finding_of(v, cases[i].rule);

			CHECK_MSG(f != NULL, "case %zu: %s", i, findings_text(v));
			CHECK_STR(json_str(f, "severity", ""), cases[i].severity);
		}
		json_free(v);
	}
}

/* Nothing that a file says may stop the audit, or take it out of the file's bytes. */
TEST(random_corruption)
{
	static const struct target *const targets[] = {&x64, &arm64, &armhf, &musl, NULL};
	uint64_t state = 0x2545f4914f6cdd1du;

	for (unsigned round = 0; round < 20000; round++) {
		const struct target *t = targets[round % ARRAY_SIZE(targets)];
		struct elf_spec spec = t != NULL ? good(t) : node_addon(&x64, 127, 8);
		struct audit_request req = {.target = t};
		struct audit_report *r;
		struct buf file = {0};
		struct json *v;
		char *copy;

		spec.gnu_hash = round % 3 == 0;
		spec.tls = true;
		spec.x86_isa = 3;
		elf_build(&spec, &file);
		copy = xmalloc(file.len);
		memcpy(copy, file.data, file.len);
		for (unsigned i = 0; i <= round % 4; i++) {
			state ^= state << 13;
			state ^= state >> 7;
			state ^= state << 17;
			copy[state % file.len] = (char)(state >> 48);
		}
		r = audit_bytes(copy, file.len, &req);
		free(copy);
		v = audit_json(r);
		CHECK(audit_passed(r) == (strcmp(json_str(v, "verdict", ""), "pass") == 0));
		json_free(v);
		audit_free(r);
		buf_fini(&file);
	}
}
