#include "builder/audit/pe_read.h"

#include <stdlib.h>
#include <string.h>

#include "builder/audit/audit.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "tests/lib/audit_sample.h"
#include "tests/lib/pe_build.h"
#include "tests/lib/test.h"

/* Whichever the program was built with. */
static const struct target x64 = {
	.triple = "x86_64-w64-mingw32",
	.node_platform = "win32",
	.node_arch = "x64",
	.libc = LIBC_MSVCRT,
	.floor_major = 10,
	.pe_machine = PE_MACHINE_AMD64,
	.loader = "",
};

/* A copy in memory of exactly its size, so that a sanitizer sees what is read beyond it. */
static int
read_spec(const struct pe_spec *spec, struct pe *pe, struct buf *bytes, struct err *e)
{
	pe_build(spec, bytes);
	return pe_read(bytes->data, bytes->len, pe, e);
}

TEST(facts_of_a_dll)
{
	for (int narrow = 0; narrow < 2; narrow++) {
		struct pe_spec spec = pe_spec_good();
		struct buf bytes = {0};
		struct err e = {0};
		struct pe pe;

		spec.narrow = narrow != 0;
		spec.machine = narrow ? PE_MACHINE_I386 : PE_MACHINE_ARM64;
		spec.dlls[0].functions[2] = "#7";
		spec.dlls[1].addresses = narrow != 0;
		spec.pdb = "D:\\a\\x.pdb";
		spec.timestamp = 77;
		if (!CHECK_MSG(read_spec(&spec, &pe, &bytes, &e) == 0, "%s", e.msg))
			continue;
		CHECK_INT(pe.wide, narrow == 0);
		CHECK_INT(pe.machine, spec.machine);
		CHECK_INT(pe.timestamp, 77);
		CHECK_INT(pe.subsystem_major, 6);
		CHECK(pe.section_count == 1);
		CHECK_STR(pe.sections[0].name, ".text");
		CHECK(pe.dll_count == 2);
		CHECK_STR(pe.dlls[0].name, "KERNEL32.dll");
		CHECK(!pe.dlls[0].delayed && pe.dlls[1].delayed);
		CHECK_STR(pe.dlls[1].name, "node.exe");
		CHECK(pe.import_count == 5);
		CHECK_STR(pe.imports[1].name, "Sleep");
		CHECK(pe.imports[2].name == NULL && pe.imports[2].ordinal == 7);
		CHECK(pe.imports[3].dll == 1);
		CHECK_STR(pe.imports[4].name, "napi_set_instance_data");
		CHECK(pe.export_count == 2);
		CHECK_STR(pe.exports[1].name, "node_api_module_get_api_version_v1");
		CHECK(!pe.exports[1].forwarded);
		CHECK_STR(pe.pdb, "D:\\a\\x.pdb");
		CHECK(pe.has_relocs && !pe.has_clr && !pe.reproducible);
		pe_fini(&pe);
		buf_fini(&bytes);
	}
}

/* Every length of a file that was cut, and every byte of it changed: an answer, no fault. */
TEST(damaged_files)
{
	struct pe_spec spec = pe_spec_good();
	struct buf bytes = {0};
	size_t refused = 0;

	spec.pdb = "x.pdb";
	pe_build(&spec, &bytes);
	for (size_t len = 0; len < bytes.len; len++) {
		char *cut = xmalloc(len > 0 ? len : 1);
		struct err e = {0};
		struct pe pe;

		memcpy(cut, bytes.data, len);
		if (pe_read(cut, len, &pe, &e) == 0)
			pe_fini(&pe);
		else
			refused++;
		free(cut);
	}
	CHECK(refused == bytes.len);
	for (size_t at = 0; at < bytes.len; at++) {
		char old = bytes.data[at];

		for (unsigned i = 0; i < 4; i++) {
			static const char values[] = {0, 1, 0x7f, (char)0xff};
			struct err e = {0};
			struct pe pe;

			bytes.data[at] = values[i];
			if (pe_read(bytes.data, bytes.len, &pe, &e) == 0)
				pe_fini(&pe);
			else
				CHECK(e.code != 0 && e.msg[0] != '\0');
		}
		bytes.data[at] = old;
	}
	buf_fini(&bytes);
}

static void
put_u32(struct buf *b, size_t at, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		b->data[at + i] = (char)(value >> 8 * i);
}

TEST(limits)
{
	/* Of a PE32+ file that pe_build makes: sections, import directory, size of the export table. */
	const struct {
		const char *what;
		size_t at;
		uint32_t value;
		int code;
	} cases[] = {
		{"sections", 0x86, 0x00000061, ERR_LIMIT},
		{"the header's place", 60, 0xfffffff0, ERR_UNSUPPORTED},
		{"imports outside", 0x98 + 112 + 8, 0x80000000, ERR_MALFORMED},
		{"delayed imports outside", 0x98 + 112 + 8 * 13, 0xfffffff8, ERR_MALFORMED},
		{"exports outside", 0x98 + 112, 0x12345678, ERR_MALFORMED},
		{"section outside", 0x98 + 112 + 128 + 20, 0x7fffffff, ERR_MALFORMED},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pe_spec spec = pe_spec_good();
		struct buf bytes = {0};
		struct err e = {0};
		struct pe pe;

		pe_build(&spec, &bytes);
		put_u32(&bytes, cases[i].at, cases[i].value);
		CHECK_MSG(pe_read(bytes.data, bytes.len, &pe, &e) == cases[i].code, "%s: %d %s",
			  cases[i].what, e.code, e.msg);
		buf_fini(&bytes);
	}
}

static struct json *
audit(const struct pe_spec *spec, const struct audit_request *req)
{
	struct buf bytes = {0};
	struct json *v;

	pe_build(spec, &bytes);
	v = sample_report(audit_bytes(bytes.data, bytes.len, req));
	buf_fini(&bytes);
	return v;
}

TEST(a_good_addon_has_no_findings)
{
	struct pe_spec spec = pe_spec_good();
	struct audit_request req = {.target = &x64, .abi = {ABI_NAPI, 6}, .file = "a.node"};
	struct json *v = audit(&spec, &req);
	const struct json *libs = json_get(json_get(v, "needs"), "libs");

	CHECK_MSG(json_count(json_get(v, "findings")) == 0, "%s", sample_findings(v));
	CHECK_STR(json_str(v, "verdict", ""), "pass");
	CHECK_STR(json_str(v, "format", ""), "pe");
	CHECK_STR(json_str(v, "target", ""), "x86_64-w64-mingw32");
	CHECK_STR(json_str(json_get(v, "abi"), "kind", ""), "napi");
	CHECK_INT(json_int(json_get(v, "abi"), "version", 0), 6);
	CHECK_INT(json_int(json_get(v, "abi"), "declared", 0), 6);
	/* Node is not a library that it needs. */
	CHECK(json_count(libs) == 1);
	json_foreach (lib, libs)
		CHECK_STR(json_string(lib, ""), "KERNEL32.dll");
	json_free(v);
	req.target = NULL;
	v = audit(&spec, &req);
	CHECK_STR(json_str(v, "target", ""), "x86_64-w64-mingw32");
	CHECK_STR(json_str(v, "verdict", ""), "pass");
	json_free(v);
}

/* A good addon for another machine, which uses and declares version 6. */
static struct pe_spec
spec_for(const struct target *t)
{
	struct pe_spec spec = pe_spec_good();

	spec.machine = t->pe_machine;
	if (t->pe_machine == PE_MACHINE_I386) {
		spec.narrow = true;
		spec.dll_characteristics &= (uint16_t)~PE_DLL_HIGH_ENTROPY;
	} else if (t->pe_machine == PE_MACHINE_ARM64) {
		spec.code = "c0008052c0035fd6";
	}
	return spec;
}

/* What each change makes of a good addon. */
static void
program(struct pe_spec *s)
{
	s->characteristics = 0x22;
}

static void
driver(struct pe_spec *s)
{
	s->subsystem = 1;
}

static void
managed(struct pe_spec *s)
{
	s->clr = true;
}

static void
narrow(struct pe_spec *s)
{
	s->narrow = !s->narrow;
}

static void
other_machine(struct pe_spec *s)
{
	s->machine = 0x1c4;
}

static void
no_entry(struct pe_spec *s)
{
	s->exports[0] = "something";
}

static void
two_entries(struct pe_spec *s)
{
	s->exports[2] = "node_register_module_v115";
}

static void
newer_napi(struct pe_spec *s)
{
	s->dlls[1].functions[2] = "napi_object_freeze";
}

static void
unknown_napi(struct pe_spec *s)
{
	s->dlls[1].functions[2] = "napi_of_tomorrow";
}

static void
declares_more(struct pe_spec *s)
{
	s->code = s->machine == PE_MACHINE_ARM64 ? "20018052c0035fd6" : "b809000000c3";
}

static void
declares_oddly(struct pe_spec *s)
{
	s->code = s->machine == PE_MACHINE_ARM64 ? "000040b9c0035fd6" : "8b0500000000c3";
}

static void
mingw_dll(struct pe_spec *s)
{
	s->dlls[2] = (struct pe_spec_dll){.name = "libstdc++-6.dll", .functions = {"f"}};
}

static void
long_name(struct pe_spec *s)
{
	s->dlls[2] = (struct pe_spec_dll){.name = "kernel32.x.dll", .functions = {"f"}};
}

static void
runtime_dll(struct pe_spec *s)
{
	s->dlls[2] = (struct pe_spec_dll){.name = "VCRUNTIME140_1.dll", .functions = {"f"}};
}

static void
newer_windows(struct pe_spec *s)
{
	s->subsystem_major = 10;
	s->subsystem_minor = 1;
}

static void
direct(struct pe_spec *s)
{
	s->dlls[1].delayed = false;
}

static void
no_hook(struct pe_spec *s)
{
	s->dlls[0].functions[0] = "Beep";
}

static void
v8(struct pe_spec *s)
{
	s->dlls[1].functions[2] = "?New@String@v8@@SA";
}

static void
by_number(struct pe_spec *s)
{
	s->dlls[1].functions[2] = "#12";
}

static void
writable_code(struct pe_spec *s)
{
	s->section_flags |= PE_SECTION_WRITE;
}

static void
no_nx(struct pe_spec *s)
{
	s->dll_characteristics &= (uint16_t)~PE_DLL_NX;
}

static void
fixed(struct pe_spec *s)
{
	s->no_relocs = true;
}

static void
low_entropy(struct pe_spec *s)
{
	s->dll_characteristics &= (uint16_t)~PE_DLL_HIGH_ENTROPY;
}

static void
shared_pages(struct pe_spec *s)
{
	s->section_align = 0x200;
}

static void
more_exports(struct pe_spec *s)
{
	s->exports[2] = "sqlite3_open";
}

static void
pdb_path(struct pe_spec *s)
{
	s->pdb = "D:\\a\\x.pdb";
}

static void
build_time(struct pe_spec *s)
{
	s->timestamp = 1;
}

TEST(one_thing_wrong)
{
	static const struct {
		void (*change)(struct pe_spec *);
		const char *rule, *severity, *text;
	} cases[] = {
		{program, "format", "error", "a program"},
		{driver, "format", "error", "driver"},
		{managed, "format", "error", "managed"},
		{narrow, "class", "error", "PE32 (32-bit)"},
		{other_machine, "machine", "error", "PE arm DLL"},
		{no_entry, "entry", "error", "did not self-register"},
		{two_entries, "entry", "error", "v115"},
		{newer_napi, "napi", "error", "napi_object_freeze (8)"},
		{unknown_napi, "napi", "error", "napi_of_tomorrow"},
		{declares_more, "napi", "error", "Node-API 9"},
		{declares_oddly, "napi", "warning", "not decoded"},
		{mingw_dll, "needed", "error", "libstdc++-6.dll"},
		{long_name, "needed", "error", "kernel32.x.dll"},
		{runtime_dll, "needed", "warning", "VCRUNTIME140_1.dll"},
		{newer_windows, "libc-version", "error", "10.1"},
		{direct, "symbols", "error", "imported directly"},
		{no_hook, "symbols", "error", "no hook"},
		{v8, "symbols", "error", "?New@String@v8"},
		{by_number, "symbols", "error", "number 12"},
		{writable_code, "execstack", "error", ".text"},
		{no_nx, "execstack", "warning", "NX_COMPAT"},
		{fixed, "textrel", "error", "one address"},
		{low_entropy, "relro", "warning", "easier to guess"},
		{shared_pages, "align", "error", "0x200"},
		{more_exports, "exports", "warning", "sqlite3_open"},
		{pdb_path, "debug-path", "warning", "D:\\a\\x.pdb"},
		{build_time, "debug-path", "warning", "time stamp"},
	};
	static const char *const targets[] = {"win32-x64", "win32-ia32", "win32-arm64"};

	for (size_t i = 0; i < ARRAY_SIZE(cases) * ARRAY_SIZE(targets); i++) {
		const struct target *t = target_find(targets[i % ARRAY_SIZE(targets)]);
		size_t n = i / ARRAY_SIZE(targets);
		struct audit_request req = {.target = t, .abi = {ABI_NAPI, 6}, .file = "a.node"};
		struct pe_spec spec = spec_for(t);
		const struct json *f;
		struct json *v;

		/* 32 bits have no entropy to be high. */
		if (spec.narrow && cases[n].change == low_entropy)
			continue;
		cases[n].change(&spec);
		v = audit(&spec, &req);
		f = sample_finding(v, cases[n].rule);
		if (CHECK_MSG(f != NULL, "%s: %s: %s", t->triple, cases[n].text,
			      sample_findings(v))) {
			CHECK_STR(json_str(f, "severity", ""), cases[n].severity);
			CHECK_MSG(strstr(sample_findings(v), cases[n].text) != NULL ||
					  cases[n].change == narrow,
				  "%s", sample_findings(v));
		}
		CHECK_STR(json_str(v, "verdict", ""),
			  strcmp(cases[n].severity, "error") == 0 ? "fail" : "pass");
		json_free(v);
	}
}

/* The gate's own targets, also as Microsoft's compiler sets up a frame. */
TEST(every_machine)
{
	static const struct {
		const char *target, *code;
	} cases[] = {
		{"win32-x64", NULL},
		{"win32-ia32", NULL},
		{"win32-arm64", NULL},
		{"win32-ia32", "558becb8060000005dc3"},
		{"win32-ia32", "8bff558bec6a06585dc3"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct target *t = target_find(cases[i].target);
		struct audit_request req = {.abi = {ABI_NAPI, 6}, .file = "a.node"};
		struct pe_spec spec = spec_for(t);
		struct json *v;

		if (cases[i].code != NULL)
			spec.code = cases[i].code;
		v = audit(&spec, &req);
		CHECK_MSG(json_count(json_get(v, "findings")) == 0, "%s: %s", t->triple,
			  sample_findings(v));
		CHECK_STR(json_str(v, "target", ""), t->triple);
		CHECK_INT(json_int(json_get(v, "abi"), "declared", 0), 6);
		json_free(v);
		req.target = target_find(i == 0 ? "win32-arm64" : "win32-x64");
		v = audit(&spec, &req);
		CHECK(sample_finding(v, "machine") != NULL);
		json_free(v);
	}
}

/* Nothing wrong about these. */
TEST(differences_that_do_not_matter)
{
	struct audit_request req = {.target = &x64, .abi = {ABI_NAPI, 6}, .file = "a.node"};
	struct pe_spec spec = pe_spec_good();
	struct json *v;

	spec.pdb = "addon.pdb";
	spec.dlls[2] = (struct pe_spec_dll){.name = "api-ms-win-crt-heap-l1-1-0.dll",
					    .functions = {"malloc"}};
	spec.dlls[3] = (struct pe_spec_dll){.name = "wS2_32.DLL", .functions = {"#115"}};
	v = audit(&spec, &req);
	CHECK_MSG(json_count(json_get(v, "findings")) == 0, "%s", sample_findings(v));
	json_free(v);
	spec = pe_spec_good();
	spec.timestamp = 1234;
	spec.repro = true;
	v = audit(&spec, &req);
	CHECK_MSG(json_count(json_get(v, "findings")) == 0, "%s", sample_findings(v));
	json_free(v);
}

TEST(the_wrong_kind_of_file)
{
	struct audit_request req = {.target = &sample_x64, .file = "a.node"};
	struct pe_spec spec = pe_spec_good();
	struct elf_spec elf = sample_good(&sample_x64);
	struct json *v = audit(&spec, &req);
	const struct json *f = sample_finding(v, "format");

	CHECK_STR(json_str(f, "found", ""), "PE x64 DLL");
	CHECK_STR(json_str(f, "expected", ""), "ELF 64-bit x86-64");
	json_free(v);
	req.target = &x64;
	v = sample_report(sample_audit(&elf, &req));
	f = sample_finding(v, "format");
	CHECK_STR(json_str(f, "found", ""), "ELF 64-bit x86-64");
	CHECK_STR(json_str(f, "expected", ""), "PE x64 DLL");
	json_free(v);
}

TEST(an_addon_for_v8)
{
	struct audit_request req = {.target = &x64, .file = "a.node"};
	struct pe_spec spec = pe_spec_good();
	struct json *v;

	spec.exports[0] = "node_register_module_v127";
	spec.exports[1] = NULL;
	spec.dlls[1].functions[0] = "?New@String@v8@@SA";
	spec.dlls[1].functions[1] = "node_module_register";
	v = audit(&spec, &req);
	CHECK_MSG(json_count(json_get(v, "findings")) == 0, "%s", sample_findings(v));
	CHECK_STR(json_str(json_get(v, "abi"), "kind", ""), "node");
	CHECK_INT(json_int(json_get(v, "abi"), "version", 0), 127);
	json_free(v);
	req.abi = (struct abi){ABI_NODE, 115};
	v = audit(&spec, &req);
	CHECK(sample_finding(v, "entry") != NULL);
	json_free(v);
}
