/*
 * Each rule, by an addon that is right but for one thing; and what looks like it but is right.
 */
#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "builder/base/mem.h"
#include "tests/lib/audit_sample.h"
#include "tests/lib/test.h"

/* .ARM.attributes: CPU name "7-A" or "6", and architecture v7 or v6KZ. */
#define ATTRIBUTES_V7 "4116000000616561626900010c00000005372d4100060a"
#define ATTRIBUTES_V6 "4114000000616561626900010a0000000536000607"

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
	sample_symbol(s, "napi_register_module_v1")->name = "init";
}
WRONG(has_two_entries)
{
	elf_build_symbol(
		s, (struct elf_spec_symbol){.name = "node_register_module_v115", .defined = true});
}
WRONG(has_both_kinds)
{
	elf_build_symbol(s, (struct elf_spec_symbol){.name = "node_module_register"});
}
WRONG(has_only_node_entry)
{
	sample_symbol(s, "napi_register_module_v1")->name = "node_register_module_v115";
}
WRONG(constructor_is_not_called)
{
	sample_symbol(s, "napi_register_module_v1")->name = "other";
	elf_build_symbol(s, (struct elf_spec_symbol){.name = "napi_module_register"});
	s->init = false;
}
WRONG(uses_newer_napi)
{
	elf_build_symbol(s, (struct elf_spec_symbol){.name = "napi_object_freeze"});
}
WRONG(declares_newer_napi)
{
	sample_symbol(s, "node_api_module_get_api_version_v1")->code = "b80a000000c3";
}
WRONG(declares_experimental)
{
	sample_symbol(s, "node_api_module_get_api_version_v1")->code = "b8ffffff7fc3";
}
WRONG(declares_by_code)
{
	sample_symbol(s, "node_api_module_get_api_version_v1")->code = "8b0500000000c3";
}
WRONG(uses_unknown_napi)
{
	elf_build_symbol(s, (struct elf_spec_symbol){.name = "node_api_post_finalizer"});
}
WRONG(uses_unversioned_libc)
{
	elf_build_symbol(s, (struct elf_spec_symbol){.name = "malloc"});
}
WRONG(uses_newer_glibc)
{
	elf_build_symbol(s, (struct elf_spec_symbol){.name = "memfd_create"});
}
WRONG(uses_unknown_symbol)
{
	elf_build_symbol(s, (struct elf_spec_symbol){.name = "sqlite3_open_v2"});
}
WRONG(uses_private_glibc)
{
	elf_build_symbol(s, (struct elf_spec_symbol){.name = "__libc_dlopen_mode",
						     .version = "GLIBC_PRIVATE",
						     .file = "libc.so.6"});
}
WRONG(uses_foreign_version)
{
	elf_build_symbol(s, (struct elf_spec_symbol){.name = "SSL_new",
						     .version = "OPENSSL_3.0.0",
						     .file = "libssl.so.3"});
}
WRONG(uses_v8)
{
	elf_build_symbol(s,
			 (struct elf_spec_symbol){.name = "_ZN2v811HandleScopeC1EPNS_7IsolateE"});
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
	elf_build_symbol(s, (struct elf_spec_symbol){.name = "fcntl64",
						     .version = "GLIBC_2.28",
						     .file = "libc.so.6"});
}
WRONG(needs_glibc_marker)
{
	elf_build_symbol(s, (struct elf_spec_symbol){.name = "x",
						     .version = "GLIBC_ABI_GNU2_TLS",
						     .file = "libc.so.6"});
}
WRONG(needs_glibcxx)
{
	elf_build_symbol(s, (struct elf_spec_symbol){.name = "_ZSt4cout",
						     .version = "GLIBCXX_3.4",
						     .file = "libstdc++.so.6"});
}
WRONG(needs_cxxabi)
{
	elf_build_symbol(s, (struct elf_spec_symbol){.name = "__cxa_throw",
						     .version = "CXXABI_1.3",
						     .file = "libstdc++.so.6"});
}
WRONG(needs_gcc)
{
	elf_build_symbol(s, (struct elf_spec_symbol){.name = "_Unwind_Resume",
						     .version = "GCC_3.0",
						     .file = "libgcc_s.so.1"});
}
WRONG(has_glibc_version)
{
	sample_symbol(s, "memcpy")->version = "GLIBC_2.14";
	sample_symbol(s, "memcpy")->file = "libc.so.6";
}
WRONG(uses_fortified)
{
	elf_build_symbol(s, (struct elf_spec_symbol){.name = "__memcpy_chk"});
}
WRONG(uses_fcntl64)
{
	elf_build_symbol(s, (struct elf_spec_symbol){.name = "fcntl64"});
}
WRONG(uses_arch_prctl)
{
	elf_build_symbol(s, (struct elf_spec_symbol){.name = "arch_prctl"});
}
WRONG(uses_time64)
{
	elf_build_symbol(s, (struct elf_spec_symbol){.name = "__clock_gettime64"});
}
WRONG(uses_newer_musl)
{
	elf_build_symbol(s, (struct elf_spec_symbol){.name = "reallocarray"});
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
WRONG(has_text_relocation)
{
	s->textrel = true;
	s->relocs[0] = R_X86_64_64;
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
	elf_build_symbol(s, (struct elf_spec_symbol){.name = "x",
						     .version = "GLIBC_ABI_DT_RELR",
						     .file = "libc.so.6"});
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
/* movw r0, #0xcd15; movt r0, #0x75b; bx lr. */
WRONG(loads_halves)
{
	elf_build_symbol(
		s, (struct elf_spec_symbol){.name = "_init", .code = "150d0ce35b0740e31eff2fe1"});
}
WRONG(is_thumb)
{
	sample_symbol(s, "napi_register_module_v1")->thumb = true;
}
WRONG(exports_more)
{
	elf_build_symbol(s, (struct elf_spec_symbol){.name = "helper", .defined = true});
}
WRONG(exports_sqlite_bound)
{
	elf_build_symbol(s, (struct elf_spec_symbol){.name = "sqlite3_open", .defined = true});
}
WRONG(exports_sqlite_by_name)
{
	elf_build_symbol(s, (struct elf_spec_symbol){
				    .name = "sqlite3_open", .defined = true, .looked_up = true});
}
WRONG(exports_own_name)
{
	elf_build_symbol(
		s, (struct elf_spec_symbol){.name = "helper", .defined = true, .looked_up = true});
}
WRONG(has_short_build_path)
{
	s->text = "see /build/x.c";
}
WRONG(has_build_folder)
{
	s->text = "/root/addon/include";
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
		{is_program, &sample_x64, "format", "error", "program"},
		{is_pie, &sample_x64, "format", "error", "program"},
		{is_executable, &sample_x64, "format", "error", "program"},
		{is_object, &sample_x64, "format", "error", "not linked"},
		{has_no_dynamic, &sample_x64, "format", "error", "dynamic section"},
		{is_for_freebsd, &sample_x64, "format", "error", "FreeBSD"},
		{is_32_bit, &sample_x64, "class", "error", "ELF 32-bit x86-64"},
		{is_big_endian, &sample_x64, "class", "error", "EI_DATA is 2"},
		{is_aarch64, &sample_x64, "machine", "error", "AArch64"},
		{has_no_entry, &sample_x64, "entry", "error", "did not self-register"},
		{has_two_entries, &sample_x64, "entry", "error", "node_register_module_v115"},
		{has_both_kinds, &sample_x64, "entry", "error", "node_module_register"},
		{has_only_node_entry, &sample_x64, "entry", "error", "NODE_MODULE_VERSION 115"},
		{constructor_is_not_called, &sample_x64, "entry", "error", "DT_INIT"},
		{uses_newer_napi, &sample_x64, "napi", "error", "napi_object_freeze (8)"},
		{declares_newer_napi, &sample_x64, "napi", "error", "Node-API 10"},
		{declares_experimental, &sample_x64, "napi", "error", "2147483647"},
		{declares_by_code, &sample_x64, "napi", "warning", "not decoded"},
		{uses_unknown_napi, &sample_x64, "napi", "error", "node_api_post_finalizer"},
		{uses_unversioned_libc, &sample_x64, "symbols", "error", "malloc"},
		{uses_newer_glibc, &sample_x64, "libc-version", "error", "memfd_create of 2.27"},
		{uses_unknown_symbol, &sample_x64, "symbols", "error", "sqlite3_open_v2"},
		{uses_private_glibc, &sample_x64, "symbols", "error",
		 "__libc_dlopen_mode@GLIBC_PRIVATE"},
		{uses_foreign_version, &sample_x64, "symbols", "error", "SSL_new@OPENSSL_3.0.0"},
		{uses_v8, &sample_x64, "symbols", "error", "_ZN2v8"},
		{needs_sqlite, &sample_x64, "needed", "error", "libsqlite3.so.0"},
		{needs_cxx, &sample_x64, "needed", "error", "libstdc++.so.6"},
		{needs_other_loader, &sample_x64, "needed", "error", "ld-musl-x86_64.so.1"},
		{needs_glibc_loader, &sample_musl, "needed", "error", "ld-linux-x86-64.so.2"},
		{needs_glibc, &sample_musl, "needed", "error", "libc.so.6"},
		{needs_other_musl, &sample_musl, "needed", "error", "libc.musl-aarch64.so.1"},
		{needs_newer_glibc, &sample_x64, "libc-version", "error", "fcntl64@GLIBC_2.28"},
		{needs_glibc_marker, &sample_x64, "libc-version", "error", "GLIBC_ABI_GNU2_TLS"},
		{needs_glibcxx, &sample_x64, "libc-version", "error", "_ZSt4cout@GLIBCXX_3.4"},
		{needs_cxxabi, &sample_x64, "libc-version", "error", "__cxa_throw@CXXABI_1.3"},
		{needs_gcc, &sample_x64, "libc-version", "error", "_Unwind_Resume@GCC_3.0"},
		{has_glibc_version, &sample_musl, "libc-version", "error", "memcpy@GLIBC_2.14"},
		{uses_fortified, &sample_musl, "symbols", "error", "__memcpy_chk (in glibc)"},
		{uses_fcntl64, &sample_musl, "symbols", "error", "fcntl64 (in glibc)"},
		{uses_unknown_symbol, &sample_musl, "symbols", "error", "sqlite3_open_v2"},
		{uses_arch_prctl, &sample_musl_arm64, "symbols", "error",
		 "arch_prctl (in musl on x86_64, i686)"},
		{uses_time64, &sample_musl, "symbols", "error",
		 "__clock_gettime64 (in musl on arm, i686)"},
		{uses_newer_musl, &sample_musl, "libc-version", "error", "reallocarray"},
		{has_rpath, &sample_x64, "rpath", "error", "/opt/lib"},
		{has_runpath, &sample_x64, "rpath", "error", "DT_RUNPATH"},
		{has_exec_stack, &sample_x64, "execstack", "error", "executable stack"},
		{has_no_stack, &sample_x64, "execstack", "error", "no PT_GNU_STACK"},
		{has_writable_text, &sample_x64, "execstack", "error", "segment 0"},
		{has_textrel, &sample_x64, "textrel", "error", "DT_TEXTREL"},
		{has_textrel_flag, &sample_x64, "textrel", "error", "DF_TEXTREL"},
		{has_text_relocation, &sample_x64, "textrel", "error", "the first at 0x"},
		{has_no_relro, &sample_x64, "relro", "warning", "PT_GNU_RELRO"},
		{binds_lazily, &sample_x64, "relro", "warning", "DF_1_NOW"},
		{has_small_pages, &sample_arm64, "align", "error", "p_align 0x1000"},
		{has_odd_alignment, &sample_arm64, "align", "error", "0x11000"},
		{is_shifted, &sample_x64, "align", "error", "segment 1"},
		{is_soft_float, &sample_armhf, "eflags", "error", "0x5000200"},
		{has_relr, &sample_x64, "relr", "error", "DT_RELR"},
		{has_relr, &sample_musl, "relr", "error", "DT_RELR"},
		{has_relr_marker, &sample_x64, "relr", "error", "GLIBC_ABI_DT_RELR"},
		{has_static_tls, &sample_x64, "tls", "error", "DF_STATIC_TLS"},
		{has_static_tls, &sample_musl, "tls", "error", "musl always"},
		{has_unmarked_static_tls, &sample_x64, "tls", "error",
		 "relocation of that type at"},
		{has_tls_descriptors, &sample_x64, "tls", "warning", "TLSDESC at 0x"},
		{refers_to_static_tls, &sample_x64, "tls", "warning", "DF_STATIC_TLS"},
		{needs_avx2, &sample_x64, "isa", "error", "x86-64-v3"},
		{is_armv7, &sample_armv6, "isa", "error", "ARMv7"},
		{loads_halves, &sample_armv6, "isa", "error", "movw and movt at offset"},
		{is_thumb, &sample_armv6, "isa", "error", "napi_register_module_v1 is Thumb"},
		{exports_more, &sample_x64, "exports", "warning", "helper"},
		{exports_sqlite_bound, &sample_x64, "exports", "warning", "sqlite3_open"},
		{exports_sqlite_by_name, &sample_x64, "exports", "error", "sqlite3_open"},
		{exports_own_name, &sample_x64, "exports", "warning", "helper"},
		{has_short_build_path, &sample_x64, "debug-path", "warning", "/build/x.c at"},
		{has_build_folder, &sample_x64, "debug-path", "warning", "/root/addon/include at"},
		{has_build_path, &sample_x64, "debug-path", "warning",
		 "/home/runner/work/addon.cc at"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct elf_spec spec = sample_good(cases[i].target);
		struct audit_request req = {.target = cases[i].target, .abi = {ABI_NAPI, 6}};
		const struct json *f;
		struct json *v;
		bool error = strcmp(cases[i].severity, "error") == 0;

		cases[i].change(&spec);
		v = sample_report(sample_audit(&spec, &req));
		f = sample_finding(v, cases[i].rule);
		if (CHECK_MSG(f != NULL, "case %zu, no %s: %s", i, cases[i].rule,
			      sample_findings(v))) {
			CHECK_STR(json_str(f, "severity", ""), cases[i].severity);
			CHECK_MSG(strstr(json_str(f, "found", ""), cases[i].text) != NULL ||
					  strstr(json_str(f, "evidence", ""), cases[i].text) !=
						  NULL,
				  "case %zu: %s", i, sample_findings(v));
			CHECK(json_str(f, "expected", NULL) != NULL);
			/* A file for another machine is not judged by the rules of this one. */
			if (strcmp(cases[i].rule, "machine") == 0)
				CHECK_INT((int64_t)json_count(json_get(v, "findings")), 1);
		}
		CHECK_MSG(strcmp(json_str(v, "verdict", ""), error ? "fail" : "pass") == 0,
			  "case %zu: %s", i, sample_findings(v));
		json_free(v);
	}
}

/* What uses V8 must not have libc++ inside, whichever way that shows; another addon may. */
TEST(the_cxx_runtime_of_v8_addons)
{
	static const struct {
		const char *text, *symbol, *evidence;
	} cases[] = {
		{NULL, NULL, NULL},
		{"NSt3__119__shared_weak_countE", NULL, "has the text \"St3__1\" at"},
		{"libc++abi: ", NULL, "has the text \"libc++abi: \" at"},
		{"N10__cxxabiv117__class_type_infoE", NULL, NULL},
		{NULL, "_ZN2v81f1gENSt3__110shared_ptrIiEE", "has the symbol _ZN2v81f1gENSt3__1"},
		{NULL, "_ZN2v81f1gESt10shared_ptrIiE", NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases) * 2; i++) {
		bool v8 = i % 2 == 0;
		struct elf_spec spec = v8 ? sample_node(&sample_x64, 127, R_X86_64_RELATIVE)
					  : sample_good(&sample_x64);
		struct audit_request req = {.target = &sample_x64};
		const char *want = v8 ? cases[i / 2].evidence : NULL;
		struct json *v;

		spec.text = cases[i / 2].text;
		if (v8 && cases[i / 2].symbol != NULL)
			elf_build_symbol(&spec,
					 (struct elf_spec_symbol){.name = cases[i / 2].symbol});
		v = sample_report(sample_audit(&spec, &req));
		CHECK_MSG((sample_finding(v, "symbols") != NULL) == (want != NULL), "case %zu: %s",
			  i, sample_findings(v));
		CHECK_MSG(want == NULL || strstr(sample_findings(v), want) != NULL, "case %zu: %s",
			  i, sample_findings(v));
		CHECK_STR(json_str(v, "verdict", ""), want != NULL ? "fail" : "pass");
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
	elf_build_symbol(s, (struct elf_spec_symbol){.name = "getrandom",
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
	elf_build_symbol(
		s, (struct elf_spec_symbol){.name = "helper", .defined = true, .hidden = true});
}
WRONG(larger_pages)
{
	s->align = 0x10000;
}

WRONG(has_entry_and_constructor)
{
	elf_build_symbol(s, (struct elf_spec_symbol){.name = "napi_module_register"});
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
		{alpine_libc, &sample_musl},
		{uses_arch_prctl, &sample_musl},
		{needs_other_glibc_parts, &sample_x64},
		{weak_newer_glibc, &sample_x64},
		{osabi_gnu, &sample_x64},
		{x86_baseline, &sample_x64},
		{general_tls, &sample_x64},
		{temporary_folder, &sample_x64},
		{path_of_a_page, &sample_x64},
		{hidden_helper, &sample_x64},
		{larger_pages, &sample_x64},
		{has_entry_and_constructor, &sample_x64},
		{own_temporary_file, &sample_x64},
		{is_armv6, &sample_armv6},
		{is_armv7, &sample_armhf},
		{loads_halves, &sample_armhf},
		{is_thumb, &sample_armhf},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct elf_spec spec = sample_good(cases[i].target);
		struct audit_request req = {.target = cases[i].target, .abi = {ABI_NAPI, 6}};
		struct json *v;

		cases[i].change(&spec);
		v = sample_report(sample_audit(&spec, &req));
		CHECK_MSG(json_count(json_get(v, "findings")) == 0, "case %zu: %s", i,
			  sample_findings(v));
		json_free(v);
	}
}
