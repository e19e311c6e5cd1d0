#include "builder/audit/audit.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/audit/glibc.h"
#include "builder/base/file.h"
#include "builder/base/mem.h"
#include "builder/base/strv.h"
#include "tests/lib/audit_sample.h"
#include "tests/lib/test.h"

#define FILE_SIZE_MAX (16u * 1024 * 1024)

TEST(a_good_addon_has_no_findings)
{
	const struct target *const targets[] = {&sample_x64,     &sample_arm64,   &sample_armhf,
						&sample_s390x,   &sample_ia32,    &sample_musl,
						&sample_riscv64, &sample_ppc64le, &sample_armv6};

	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		struct elf_spec spec = sample_good(targets[i]);
		struct audit_request req = {
			.target = targets[i], .abi = {ABI_NAPI, 6}, .file = "a.node"};
		struct json *v = sample_report(sample_audit(&spec, &req));

		CHECK_MSG(json_count(json_get(v, "findings")) == 0, "%s: %s", targets[i]->triple,
			  sample_findings(v));
		CHECK_STR(json_str(v, "verdict", ""), "pass");
		CHECK_STR(json_str(v, "target", ""), targets[i]->triple);
		CHECK_INT(json_int(json_get(v, "abi"), "declared", 0), 6);
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
		{&sample_x64, "b809000000c3", false, 9},
		{&sample_x64, "554889e5b8090000005dc3", false, 9},
		{&sample_x64, "f30f1efab809000000c3", false, 9},
		{&sample_x64, "f30f1efa554889e5b8090000005dc3", false, 9},
		{&sample_x64, "6a0958c3", false, 9},
		{&sample_x64, "31c0c3", false, 0},
		{&sample_x64, "b809000000f3c3", false, 9},
		{&sample_x64, "b80900000090c3", false, -1},
		{&sample_x64, "8b0500000000c3", false, -1},
		{&sample_x64, "e800000000", false, -1},
		{&sample_ia32, "5589e5b8090000005dc3", false, 9},
		{&sample_ia32, "b809000000c3", false, 9},
		{&sample_arm64, "20018052c0035fd6", false, 9},
		{&sample_arm64, "5f2403d520018052c0035fd6", false, 9},
		{&sample_arm64, "e0031d32c0035fd6", false, 8}, /* orr w0, wzr, #8 */
		{&sample_arm64, "e0070032c0035fd6", false, 3}, /* orr w0, wzr, #3 */
		{&sample_arm64, "0000b012c0035fd6", false, INT32_MAX},
		{&sample_arm64, "20018052", false, -1},
		{&sample_arm64, "20018092c0035fd6", false, -1}, /* movn: -10 */
		{&sample_armhf, "0900a0e31eff2fe1", false, 9},
		{&sample_armhf, "0900a0e304b02de500b08de200d08be204b09de41eff2fe1", false, 9},
		{&sample_armhf, "0201e0e31eff2fe1", false, INT32_MAX},
		{&sample_armhf, "09207047", true, 9},
		{&sample_armhf, "6ff000407047", true, INT32_MAX},
		{&sample_armhf, "6ff001407047", true, -1},
		{&sample_armhf, "00009fe51eff2fe109000000", false, -1}, /* ldr r0, [pc] */
		{&sample_armhf, "09307047", true, -1},                  /* movs r0 is 20xx */
		{&sample_armhf, "1eff2fe1", false, -1},
		{&sample_riscv64, "25458280", false, 9},
		{&sample_riscv64, "1305900067800000", false,
		 9}, /* without compressed instructions */
		{&sample_riscv64, "9305900067800000", false, -1}, /* a1 */
		{&sample_riscv64, "a5458280", false, -1},
		{&sample_riscv64, "370500807d358280", false, INT32_MAX},
		{&sample_riscv64, "370500801b05f5ff67800000", false, INT32_MAX},
		{&sample_riscv64, "370500808280", false, -1},
		{&sample_ppc64le, "090060382000804e", false, 9},
		{&sample_ppc64le, "090080382000804e", false, -1}, /* r4 */
		{&sample_ppc64le, "ff7f603cffff63602000804e", false, INT32_MAX},
		{&sample_ppc64le, "ff7f603c2000804e", false, -1},
		{&sample_s390x, "a728000907fe", false, 9},
		{&sample_s390x, "c0217fffffff07fe", false, INT32_MAX},
		{&sample_s390x, "a738000907fe", false, -1}, /* r3 */
		{&sample_s390x, "a729000907fe", false, 9},
		{&sample_s390x, "ebbff0580024b90400bfa7290009", false, -1},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct elf_spec spec = sample_good(cases[i].target);
		struct audit_request req = {.target = cases[i].target};
		const struct json *abi;
		struct json *v;

		sample_symbol(&spec, "node_api_module_get_api_version_v1")->code = cases[i].code;
		sample_symbol(&spec, "node_api_module_get_api_version_v1")->thumb = cases[i].thumb;
		v = sample_report(sample_audit(&spec, &req));
		abi = json_get(v, "abi");
		CHECK_MSG(json_int(abi, "declared", -1) == cases[i].want, "case %zu: %lld", i,
			  (long long)json_int(abi, "declared", -1));
		CHECK_INT(json_int(abi, "used", 0), 6);
		CHECK_INT(json_int(abi, "version", 0), cases[i].want > 6 ? cases[i].want : 6);
		CHECK_STR(json_str(sample_finding(v, "napi"), "severity", "none"),
			  cases[i].want < 0              ? "warning"
			  : cases[i].want > ABI_NAPI_MAX ? "error"
							 : "none");
		json_free(v);
	}
}

TEST(node_abi_stands_in_the_module_struct)
{
	static const struct {
		const struct target *target;
		uint32_t relative;
	} kinds[] = {
		{&sample_x64, R_X86_64_RELATIVE}, {&sample_arm64, R_AARCH64_RELATIVE},
		{&sample_armhf, R_ARM_RELATIVE},  {&sample_ia32, R_386_RELATIVE},
		{&sample_s390x, R_390_RELATIVE},
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct elf_spec spec = sample_node(kinds[i].target, 127, kinds[i].relative);
		struct audit_request req = {.target = kinds[i].target, .abi = {ABI_NODE, 127}};
		struct json *v = sample_report(sample_audit(&spec, &req));

		CHECK_MSG(json_count(json_get(v, "findings")) == 0, "%s: %s",
			  kinds[i].target->triple, sample_findings(v));
		CHECK_STR(json_str(json_get(v, "abi"), "kind", ""), "node");
		CHECK_INT(json_int(json_get(v, "abi"), "version", 0), 127);
		json_free(v);

		req.abi.version = 137;
		v = sample_report(sample_audit(&spec, &req));
		CHECK_MSG(sample_finding(v, "entry") != NULL, "%s", kinds[i].target->triple);
		CHECK_STR(json_str(v, "verdict", ""), "fail");
		json_free(v);
	}
}

TEST(entries_for_v8_addons)
{
	struct elf_spec spec = sample_node(&sample_x64, 0, 0);
	struct audit_request req = {.target = &sample_x64, .abi = {ABI_NODE, 127}};
	struct json *v = sample_report(sample_audit(&spec, &req));

	spec.module_abi = 100000; /* no version: something else in the same shape */
	spec.relative = R_X86_64_RELATIVE;
	CHECK(sample_finding(v, "entry") != NULL);
	json_free(v);
	v = sample_report(sample_audit(&spec, &req));
	/* Nothing in the file says the number: said, but no reason to refuse it. */
	CHECK_STR(json_str(v, "verdict", ""), "pass");
	CHECK(sample_finding(v, "entry") != NULL);
	CHECK(json_is_null(json_get(json_get(v, "abi"), "version")));
	json_free(v);

	/* NODE_MODULE_INIT() makes both. */
	elf_build_symbol(&spec, (struct elf_spec_symbol){.name = "node_register_module_v127",
							 .defined = true});
	v = sample_report(sample_audit(&spec, &req));
	CHECK_MSG(json_count(json_get(v, "findings")) == 0, "%s", sample_findings(v));
	CHECK_INT(json_int(json_get(v, "abi"), "version", 0), 127);
	json_free(v);
	req.abi.version = 115;
	v = sample_report(sample_audit(&spec, &req));
	CHECK(sample_finding(v, "entry") != NULL);
	json_free(v);

	/* A Node-API addon is not what was asked for. */
	spec = sample_good(&sample_x64);
	v = sample_report(sample_audit(&spec, &req));
	CHECK(sample_finding(v, "entry") != NULL);
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
		spec = sample_good(t);
		v = sample_report(sample_audit(&spec, &req));
		CHECK_STR(json_str(v, "target", ""), triples[i]);
		CHECK_STR(json_str(v, "verdict", ""), "pass");
		json_free(v);
	}
	for (size_t i = 0; i < target_count(); i++) {
		if (target_at(i)->elf_machine == EM_NONE)
			continue;
		spec = sample_good(target_at(i));
		v = sample_report(sample_audit(&spec, &req));
		if (target_at(i)->elf_machine != EM_ARM)
			CHECK_STR(json_str(v, "target", ""), target_at(i)->triple);
		json_free(v);
	}
	/* glibc shows in the versions alone, and Android's libc.so is not musl's. */
	spec = sample_good(&sample_x64);
	memset(spec.needed, 0, sizeof spec.needed);
	v = sample_report(sample_audit(&spec, &req));
	CHECK_STR(json_str(v, "target", ""), "x86_64-linux-gnu");
	json_free(v);
	for (unsigned i = 0; i < 3; i++) {
		bool known = target_find("x86_64-linux-musl") != NULL && i < 2;

		spec = sample_good(&sample_musl);
		if (i == 1)
			memset(spec.needed, 0, sizeof spec.needed);
		if (i == 2)
			*sample_symbol(&spec, "memcpy") = (struct elf_spec_symbol){
				.name = "memcpy", .version = "LIBC", .file = "libc.so"};
		v = sample_report(sample_audit(&spec, &req));
		CHECK_STR(json_str(v, "target", NULL), known ? "x86_64-linux-musl" : NULL);
		json_free(v);
	}
	spec = sample_good(&sample_x64);
	spec.machine = EM_68K;
	v = sample_report(sample_audit(&spec, &req));
	CHECK(json_is_null(json_get(v, "target")));
	CHECK(sample_finding(v, "machine") != NULL);
	CHECK_STR(json_str(v, "verdict", ""), "fail");
	json_free(v);
}

static const struct elf_spec_symbol fcntl64 = {
	.name = "fcntl64", .version = "GLIBC_2.28", .file = "libc.so.6"};

TEST(the_floor_of_one_system)
{
	struct elf_spec spec = sample_good(&sample_x64);
	struct audit_request req = {.target = &sample_x64, .floor_major = 2, .floor_minor = 36};
	struct json *v;

	spec.needed[2] = "libstdc++.so.6";
	elf_build_symbol(&spec, fcntl64);
	elf_build_symbol(&spec, (struct elf_spec_symbol){.name = "_ZSt4cout",
							 .version = "GLIBCXX_3.4.30",
							 .file = "libstdc++.so.6"});
	spec.relr = true;
	v = sample_report(sample_audit(&spec, &req));
	CHECK_MSG(json_count(json_get(v, "findings")) == 0, "%s", sample_findings(v));
	CHECK_STR(json_str(json_get(v, "needs"), "glibc", ""), "2.28");
	CHECK_STR(json_str(json_get(v, "needs"), "glibcxx", ""), "3.4.30");
	json_free(v);

	/* Systems with glibc 2.33 need not have more than GLIBCXX_3.4.28. */
	req.floor_minor = 33;
	spec.relr = false;
	v = sample_report(sample_audit(&spec, &req));
	CHECK_INT((int64_t)json_count(json_get(v, "findings")), 1);
	CHECK_STR(json_str(sample_finding(v, "libc-version"), "expected", ""),
		  "at most GLIBCXX_3.4.28");
	json_free(v);

	spec.relr = true;
	req.floor_minor = 27;
	v = sample_report(sample_audit(&spec, &req));
	CHECK(sample_finding(v, "libc-version") != NULL);
	CHECK(sample_finding(v, "relr") != NULL);
	json_free(v);
}

/* What a file needs that is too new, or that nobody has, and not what it may need. */
TEST(symbols_to_blame)
{
	struct audit_request req = {.target = &sample_x64};
	struct elf_spec spec = sample_good(&sample_x64);
	struct audit_report *r = sample_audit(&spec, &req);

	CHECK_INT((int64_t)audit_blamed(r)->n, 0);
	audit_free(r);

	/* Without a version, as when they were linked against an older glibc. */
	elf_build_symbol(&spec, (struct elf_spec_symbol){.name = "memfd_create"});
	elf_build_symbol(&spec, (struct elf_spec_symbol){.name = "statx", .weak = true});
	elf_build_symbol(&spec, (struct elf_spec_symbol){.name = "gettid"});
	r = sample_audit(&spec, &req);
	CHECK_STR(audit_summary(r),
		  "libc-version: needs glibc 2.30; expected functions of glibc 2.17 "
		  "(memfd_create of 2.27, gettid of 2.30)");
	if (CHECK_INT((int64_t)audit_blamed(r)->n, 2)) {
		CHECK_STR(audit_blamed(r)->at[0], "memfd_create");
		CHECK_STR(audit_blamed(r)->at[1], "gettid");
	}
	audit_free(r);
	/* A system that has them: what is missing is their version. */
	req.floor_major = 2;
	req.floor_minor = 36;
	r = sample_audit(&spec, &req);
	CHECK_MSG(strncmp(audit_summary(r), "symbols: 2 ", 11) == 0, "%s", audit_summary(r));
	CHECK_INT((int64_t)audit_blamed(r)->n, 2);
	audit_free(r);

	req.floor_major = 0;
	spec = sample_good(&sample_x64);
	elf_build_symbol(&spec, fcntl64);
	r = sample_audit(&spec, &req);
	if (CHECK_INT((int64_t)audit_blamed(r)->n, 1))
		CHECK_STR(audit_blamed(r)->at[0], "fcntl64");
	audit_free(r);
	/* Of several errors, only the one that is said. */
	spec.exec_stack = true;
	spec.needed[2] = "libsqlite3.so.0";
	r = sample_audit(&spec, &req);
	CHECK_MSG(strncmp(audit_summary(r), "needed: ", 8) == 0, "%s", audit_summary(r));
	CHECK_INT((int64_t)audit_blamed(r)->n, 0);
	audit_free(r);
}

TEST(names_that_glibc_has_had_only_since)
{
	for (size_t i = 1; i < glibc_table_count; i++)
		CHECK_MSG(strcmp(glibc_table[i - 1].name, glibc_table[i].name) < 0, "%s",
			  glibc_table[i].name);
	for (size_t i = 0; i < glibc_table_count; i++)
		CHECK_INT(glibc_since(glibc_table[i].name), glibc_table[i].since);
	CHECK_INT(glibc_since("getentropy"), 25);
	/* These are older, whatever version they have got since. */
	CHECK_INT(glibc_since("memcpy"), 0);
	CHECK_INT(glibc_since("quick_exit"), 0);
	CHECK_INT(glibc_since("pthread_create"), 0);
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
		struct audit_request req = {.target = &sample_x64, .file = "f"};
		struct json *v = sample_report(audit_bytes(cases[i].bytes, cases[i].len, &req));
		const struct json *f = sample_finding(v, "format");

		CHECK_STR(json_str(v, "format", ""), cases[i].format);
		CHECK_STR(json_str(v, "verdict", ""), "fail");
		CHECK_MSG(f != NULL && strstr(json_str(f, "found", ""), cases[i].text) != NULL,
			  "case %zu: %s", i, sample_findings(v));
		CHECK_STR(json_str(f, "expected", ""), "ELF 64-bit x86-64");
		json_free(v);
	}
	pe[60] = 0x80;
	memcpy(pe + 0x80, "PE\0\0\x64\xaa", 6);
	pe[0x80 + 23] = 0x20;
	for (unsigned i = 0; i < 2; i++) {
		struct audit_request req = {.file = "f"};
		struct json *v = sample_report(audit_bytes(pe, i == 0 ? sizeof pe : 0x90, &req));

		CHECK_STR(json_str(v, "format", ""), i == 0 ? "pe" : "unknown");
		CHECK_MSG(strstr(sample_findings(v), i == 0 ? "PE arm64 DLL" : "DOS program") !=
				  NULL,
			  "%s", sample_findings(v));
		json_free(v);
	}
}

TEST(what_check_prints)
{
	struct elf_spec spec = sample_good(&sample_x64);
	struct audit_request req = {
		.target = &sample_x64, .abi = {ABI_NAPI, 6}, .file = "build/a.node"};
	static const char *const members[] = {"file",  "format",  "target",   "verdict", "abi",
					      "needs", "runs_on", "findings", "load"};
	struct audit_report *r;
	struct json *v, *parsed;
	size_t i = 0;
	char *text;

	elf_build_symbol(&spec, fcntl64);
	/* A name that would break a terminal or a log line does not get out as it is. */
	elf_build_symbol(&spec, (struct elf_spec_symbol){.name = "bad\n\x1b[31m\xff"});
	r = sample_audit(&spec, &req);
	CHECK(!audit_passed(r));
	CHECK_STR(
		audit_summary(r),
		"libc-version: needs GLIBC_2.28; expected at most GLIBC_2.17 (fcntl64@GLIBC_2.28)");
	v = sample_report(r);
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
	CHECK_STR(json_str(sample_finding(parsed, "symbols"), "evidence", ""), "bad??[31m?");
	json_free(parsed);
	json_free(v);
	free(text);

	r = sample_audit(&(struct elf_spec){.class = 2, .data = 1, .type = 3, .align = 1}, &req);
	CHECK(strncmp(audit_summary(r), "machine: ", 9) == 0);
	audit_free(r);
	spec = sample_good(&sample_x64);
	r = sample_audit(&spec, &req);
	CHECK(audit_passed(r));
	CHECK_STR(audit_summary(r), "");
	audit_free(r);
	audit_free(NULL);
}

/* A finding shows a few names, however many there are. */
TEST(long_lists_are_cut)
{
	struct elf_spec spec = sample_good(&sample_x64);
	struct audit_request req = {.target = &sample_x64};
	static const char *const names[] = {"a1", "a2", "a3", "a4", "a5", "a6", "a7"};
	struct json *v;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		elf_build_symbol(&spec, (struct elf_spec_symbol){.name = names[i]});
	v = sample_report(sample_audit(&spec, &req));
	CHECK_STR(json_str(sample_finding(v, "symbols"), "evidence", ""),
		  "a1, a2, a3, a4, a5, ...");
	CHECK(strncmp(json_str(sample_finding(v, "symbols"), "found", ""), "7 ", 2) == 0);
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
		v = sample_report(audit_bytes(file.data, file.len, &req));
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
				  sample_findings(v));
		} else {
			const struct json *f = sample_finding(v, cases[i].rule);

			CHECK_MSG(f != NULL, "case %zu: %s", i, sample_findings(v));
			CHECK_STR(json_str(f, "severity", ""), cases[i].severity);
		}
		json_free(v);
	}
}

/* Code for newer processors is no mistake where the processor is asked. */
TEST(code_for_newer_processors)
{
	static const char kernel[] =
		"static double n[64]; __attribute__((noinline)) static void k(void)"
		"{ for (int i = 0; i < 64; i++) n[i] = n[i] * n[i] + 1; }";
	static const struct {
		const char *flags, *more, *severity;
	} cases[] = {
		{"-mavx2 -O3", "void _init2(void) { k(); }", "error"},
		{"-mavx2 -O3 -fno-asynchronous-unwind-tables", "void _init2(void) { k(); }",
		 "error"},
		{"-O3", "void _init2(void) { k(); }", NULL},
		{"-mavx2 -O3", "void _init2(void) { if (__builtin_cpu_supports(\"avx2\")) k(); }",
		 NULL},
		{"-mpopcnt", "int _init2(long a) { k(); return __builtin_popcountl(a); }", "error"},
	};

	if (target_host() == NULL || target_host()->elf_machine != EM_X86_64)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *source = xasprintf("%s __attribute__((visibility(\"hidden\"))) %s", kernel,
					 cases[i].more);
		struct json *v = compiled(cases[i].flags, source);

		free(source);
		if (v == NULL)
			continue;
		CHECK_MSG((sample_finding(v, "isa") == NULL) == (cases[i].severity == NULL),
			  "case %zu: %s", i, sample_findings(v));
		if (cases[i].severity != NULL)
			CHECK_STR(json_str(sample_finding(v, "isa"), "severity", ""),
				  cases[i].severity);
		json_free(v);
	}
}

/* Nothing that a file says may stop the audit, or take it out of the file's bytes. */
TEST(random_corruption)
{
	static const struct target *const targets[] = {&sample_x64, &sample_arm64, &sample_armhf,
						       &sample_musl, NULL};
	uint64_t state = 0x2545f4914f6cdd1du;

	for (unsigned round = 0; round < test_rounds(20000); round++) {
		const struct target *t = targets[round % ARRAY_SIZE(targets)];
		struct elf_spec spec =
			t != NULL ? sample_good(t) : sample_node(&sample_x64, 127, 8);
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
