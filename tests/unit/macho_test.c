#include "builder/audit/macho_read.h"

#include <stdlib.h>
#include <string.h>

#include "builder/audit/audit.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "tests/lib/audit_sample.h"
#include "tests/lib/macho_build.h"
#include "tests/lib/test.h"

/* A page of the kernel on arm64, which is also where macho_build puts symbols and signature. */
#define PAGE 0x4000u

TEST(facts_of_a_bundle)
{
	struct macho_spec spec = macho_spec_x64();
	struct buf bytes = {0};
	struct err e = {0};
	size_t offset, left;
	struct macho m;

	spec.rpath = "@loader_path/x";
	spec.id = "/b/libaddon.dylib";
	spec.object = "/b/a.o";
	spec.os = 0x000a0f04;
	macho_build(&spec, &bytes);
	if (!CHECK_MSG(macho_read(bytes.data, bytes.len, &m, &e) == 0, "%s", e.msg))
		return;
	CHECK_INT(m.cpu, MACHO_CPU_X86_64);
	CHECK_INT(m.type, MACHO_BUNDLE);
	CHECK_INT(m.platform, MACHO_PLATFORM_MACOS);
	CHECK_INT(m.os_major, 10);
	CHECK_INT(m.os_minor, 15);
	CHECK(m.has_uuid && m.has_signature);
	CHECK_INT(m.signature_size, 0x400);
	CHECK_STR(m.id, "/b/libaddon.dylib");
	CHECK_STR(m.object, "/b/a.o");
	CHECK(m.lib_count == 2 && m.rpath_count == 1);
	CHECK_STR(m.libs[1], "/usr/lib/libSystem.B.dylib");
	CHECK_STR(m.rpaths[0], "@loader_path/x");
	CHECK(m.segment_count == 2);
	CHECK_STR(m.segments[1].name, "__LINKEDIT");
	CHECK_INT(m.segments[0].protection, 5);
	CHECK(m.symbol_count == 5);
	CHECK_STR(m.symbols[0].name, "napi_register_module_v1");
	CHECK(m.symbols[0].defined && !m.symbols[2].defined);
	CHECK_INT(m.symbols[2].from, MACHO_FROM_ANY);
	CHECK_INT(m.symbols[4].from, 2);
	CHECK(macho_offset(&m, bytes.len, m.symbols[0].address, &offset, &left));
	CHECK(offset == 0x2000);
	macho_fini(&m);
	buf_fini(&bytes);
}

static struct json *
audit_bytes_json(const struct buf *bytes, const struct audit_request *req)
{
	/* A copy of exactly its size, so that a sanitizer sees what is read beyond it. */
	char *copy = xmalloc(bytes->len > 0 ? bytes->len : 1);
	struct json *v;

	memcpy(copy, bytes->data, bytes->len);
	v = sample_report(audit_bytes(copy, bytes->len, req));
	free(copy);
	return v;
}

static struct json *
audit(const struct macho_spec *spec, const struct audit_request *req)
{
	struct buf bytes = {0};
	struct json *v;

	macho_build(spec, &bytes);
	v = audit_bytes_json(&bytes, req);
	buf_fini(&bytes);
	return v;
}

/* Between the commands and the code, and behind that, there is nothing. */
static bool
is_padding(size_t at)
{
	return (at > 0x300 && at < 0x2000) || (at > 0x2020 && at < PAGE);
}

/* Every length of a file that was cut, and every byte of it changed: an answer, no fault, and on
 * arm64 never the answer that it is good: its signature tells. */
TEST(damaged_files)
{
	struct audit_request req = {.target = target_find("darwin-arm64"), .abi = {ABI_NAPI, 6}};
	struct macho_spec spec = macho_spec_good();
	struct buf bytes = {0};
	size_t good = 0, signature;

	macho_build(&spec, &bytes);
	signature = bytes.len - 0x400;
	for (size_t len = 0; len < bytes.len; len++) {
		struct buf cut = {.data = bytes.data, .len = len};
		struct json *v;

		if (is_padding(len))
			continue;
		v = audit_bytes_json(&cut, &req);
		CHECK_MSG(strcmp(json_str(v, "verdict", ""), "fail") == 0, "cut at %zu", len);
		json_free(v);
	}
	for (size_t at = 0; at < bytes.len; at++) {
		for (unsigned i = 0; i < 2 && !is_padding(at); i++) {
			char old = bytes.data[at];
			struct json *v;

			bytes.data[at] = i == 0 ? (char)~old : (char)(old ^ 1);
			v = audit_bytes_json(&bytes, &req);
			if (strcmp(json_str(v, "verdict", ""), "pass") == 0) {
				CHECK_MSG(at >= signature, "byte %zu", at);
				good++;
			}
			json_free(v);
			bytes.data[at] = old;
		}
	}
	/* The rest of the signature's room. */
	CHECK(good > 0 && good < 2 * 0x400);
	buf_fini(&bytes);
}

TEST(a_good_addon_has_no_findings)
{
	struct audit_request req = {.abi = {ABI_NAPI, 6}, .file = "a.node"};
	struct json *v;

	for (unsigned i = 0; i < 4; i++) {
		struct macho_spec spec = i % 2 == 0 ? macho_spec_good() : macho_spec_x64();
		const char *triple = i % 2 == 0 ? "aarch64-apple-darwin" : "x86_64-apple-darwin";

		req.target = i < 2 ? target_find(triple) : NULL;
		v = audit(&spec, &req);
		CHECK_MSG(json_count(json_get(v, "findings")) == 0, "%s", sample_findings(v));
		CHECK_STR(json_str(v, "verdict", ""), "pass");
		CHECK_STR(json_str(v, "format", ""), "mach-o");
		CHECK_STR(json_str(v, "target", ""), triple);
		CHECK_STR(json_str(json_get(v, "abi"), "kind", ""), "napi");
		CHECK_INT(json_int(json_get(v, "abi"), "used", 0), 6);
		CHECK_INT(json_int(json_get(v, "abi"), "declared", 0), 6);
		CHECK_STR(json_str(json_get(v, "needs"), "macos", ""), "11.0");
		CHECK(json_count(json_get(json_get(v, "needs"), "libs")) == 2);
		CHECK_STR(json_string(json_first(json_get(json_get(v, "runs_on"), "systems")), ""),
			  "macOS 11.0");
		CHECK(!json_bool(json_get(v, "load"), "ran", true));
		json_free(v);
	}
}

/* What each change makes of a good addon. */
static void
object_file(struct macho_spec *s)
{
	s->type = 1;
}

static void
phone(struct macho_spec *s)
{
	s->platform = 2;
}

static void
narrow(struct macho_spec *s)
{
	s->magic = 0xfeedface;
}

static void
other_machine(struct macho_spec *s)
{
	s->cpu = MACHO_CPU_X86_64;
}

static void
pointer_authentication(struct macho_spec *s)
{
	s->subtype = 0x80000000 | MACHO_ARM64E;
}

static void
no_entry(struct macho_spec *s)
{
	s->symbols[0] =
		(struct macho_spec_symbol){.name = "napi_create_int32", .from = MACHO_FROM_ANY};
}

static void
two_entries(struct macho_spec *s)
{
	s->symbols[5] =
		(struct macho_spec_symbol){.name = "node_register_module_v115", .defined = true};
}

static void
newer_napi(struct macho_spec *s)
{
	s->symbols[2].name = "napi_object_freeze";
}

static void
unknown_napi(struct macho_spec *s)
{
	s->symbols[2].name = "napi_of_tomorrow";
}

static void
declares_more(struct macho_spec *s)
{
	s->code = "20018052c0035fd6";
}

static void
declares_oddly(struct macho_spec *s)
{
	s->code = "000040b9c0035fd6";
}

static void
v8(struct macho_spec *s)
{
	s->symbols[2].name = "_ZN2v811HandleScopeC1EPNS_7IsolateE";
}

static void
no_library(struct macho_spec *s)
{
	s->symbols[4].from = MACHO_FROM_ANY;
}

static void
third_library(struct macho_spec *s)
{
	s->symbols[4].from = 3;
}

static void
flat(struct macho_spec *s)
{
	s->flags &= ~MACHO_TWO_LEVEL;
	for (unsigned i = 2; i < 5; i++)
		s->symbols[i].from = 0;
}

static void
homebrew(struct macho_spec *s)
{
	s->libs[2] = "/opt/homebrew/lib/libpng16.16.dylib";
}

static void
gone_library(struct macho_spec *s)
{
	s->libs[2] = "/usr/lib/libcrypto.dylib";
}

static void
private_framework(struct macho_spec *s)
{
	s->libs[2] = "/System/Library/PrivateFrameworks/A.framework/A";
}

static void
relative_library(struct macho_spec *s)
{
	s->libs[2] = "@rpath/libz.1.dylib";
}

static void
newer_macos(struct macho_spec *s)
{
	s->os = 0x000d0500;
}

static void
no_macos(struct macho_spec *s)
{
	s->os = 0;
}

static void
search_path(struct macho_spec *s)
{
	s->rpath = "/opt/homebrew/lib";
}

static void
writable_code(struct macho_spec *s)
{
	s->protection = 7;
}

static void
small_pages(struct macho_spec *s)
{
	s->shift = 0x1000;
}

static void
more_exports(struct macho_spec *s)
{
	s->symbols[5] = (struct macho_spec_symbol){.name = "sqlite3_open", .defined = true};
}

static void
debug_data(struct macho_spec *s)
{
	s->object = "/Users/runner/work/a.o";
}

static void
own_path(struct macho_spec *s)
{
	s->id = "/Users/runner/work/libaddon.dylib";
}

static void
no_uuid(struct macho_spec *s)
{
	s->no_uuid = true;
}

static void
no_signature(struct macho_spec *s)
{
	s->no_signature = true;
}

static void
old_digests(struct macho_spec *s)
{
	s->hash_type = 1;
}

static void
covers_less(struct macho_spec *s)
{
	s->covered = PAGE;
}

TEST(one_thing_wrong)
{
	static const struct {
		void (*change)(struct macho_spec *);
		const char *rule, *severity, *text;
	} cases[] = {
		{object_file, "format", "error", "object file"},
		{phone, "format", "error", "platform 2"},
		{narrow, "class", "error", "Mach-O"},
		{other_machine, "machine", "error", "x86-64"},
		{pointer_authentication, "machine", "error", "arm64e"},
		{no_entry, "entry", "error", "did not self-register"},
		{two_entries, "entry", "error", "v115"},
		{newer_napi, "napi", "error", "napi_object_freeze (8)"},
		{unknown_napi, "napi", "error", "napi_of_tomorrow"},
		{declares_more, "napi", "error", "Node-API 9"},
		{declares_oddly, "napi", "warning", "not decoded"},
		{v8, "symbols", "error", "_ZN2v811HandleScope"},
		{no_library, "symbols", "error", "malloc"},
		{third_library, "symbols", "error", "malloc from library 3"},
		{flat, "symbols", "warning", "flat"},
		{homebrew, "needed", "error", "/opt/homebrew/lib/libpng16.16.dylib"},
		{gone_library, "needed", "error", "/usr/lib/libcrypto.dylib"},
		{private_framework, "needed", "error", "PrivateFrameworks"},
		{relative_library, "needed", "error", "@rpath/libz.1.dylib"},
		{newer_macos, "libc-version", "error", "13.5"},
		{no_macos, "libc-version", "warning", "does not say"},
		{search_path, "rpath", "error", "/opt/homebrew/lib"},
		{writable_code, "execstack", "error", "__TEXT"},
		{small_pages, "align", "error", "__TEXT at address 0x1000"},
		{more_exports, "exports", "warning", "sqlite3_open"},
		{debug_data, "debug-path", "warning", "/Users/runner/work/a.o"},
		{own_path, "debug-path", "warning", "/Users/runner/work/libaddon.dylib"},
		{no_uuid, "debug-path", "warning", "LC_UUID"},
		{no_signature, "signature", "error", "none"},
		{old_digests, "signature", "error", "no SHA-256"},
		{covers_less, "signature", "error", "covers 16384 bytes"},
	};
	struct audit_request req = {.target = target_find("darwin-arm64"), .abi = {ABI_NAPI, 6}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct macho_spec spec = macho_spec_good();
		const struct json *f;
		struct json *v;
		char *text;

		cases[i].change(&spec);
		v = audit(&spec, &req);
		f = sample_finding(v, cases[i].rule);
		text = f != NULL ? json_text(f) : xstrdup("");
		CHECK_MSG(f != NULL && json_count(json_get(v, "findings")) == 1, "%s: %s",
			  cases[i].text, sample_findings(v));
		CHECK_STR(json_str(f, "severity", ""), cases[i].severity);
		CHECK_MSG(strstr(text, cases[i].text) != NULL, "%s in %s", cases[i].text, text);
		CHECK_STR(json_str(v, "verdict", ""),
			  strcmp(cases[i].severity, "error") == 0 ? "fail" : "pass");
		free(text);
		json_free(v);
	}
}

/* Nothing wrong about these. */
TEST(differences_that_do_not_matter)
{
	struct audit_request req = {.target = target_find("darwin-arm64"), .abi = {ABI_NAPI, 6}};
	struct macho_spec spec = macho_spec_good();
	struct json *v;

	spec.type = MACHO_DYLIB;
	spec.id = "@rpath/addon.dylib";
	spec.libs[2] = "/System/Library/Frameworks/IOKit.framework/Versions/A/IOKit";
	spec.libs[3] = "/usr/lib/libiconv.2.dylib";
	spec.symbols[3] =
		(struct macho_spec_symbol){.name = "uv_queue_work", .from = MACHO_FROM_PROGRAM};
	spec.symbols[5] = (struct macho_spec_symbol){
		.name = "napi_of_tomorrow", .weak = true, .from = MACHO_FROM_ANY};
	spec.page_bits = 14;
	v = audit(&spec, &req);
	CHECK_MSG(json_count(json_get(v, "findings")) == 0, "%s", sample_findings(v));
	json_free(v);
	spec = macho_spec_good();
	spec.hash_type = 3;
	spec.page_bits = 0;
	spec.platform = 0;
	v = audit(&spec, &req);
	CHECK_MSG(json_count(json_get(v, "findings")) == 0, "%s", sample_findings(v));
	json_free(v);
	/* No Mac with x86-64 insists on a signature, and its pages are smaller. */
	req.target = target_find("darwin-x64");
	spec = macho_spec_x64();
	spec.no_signature = true;
	spec.shift = 0x1000;
	v = audit(&spec, &req);
	CHECK_MSG(json_count(json_get(v, "findings")) == 0, "%s", sample_findings(v));
	json_free(v);
	spec = macho_spec_x64();
	spec.covered = 0x1000;
	v = audit(&spec, &req);
	CHECK_STR(json_str(sample_finding(v, "signature"), "severity", ""), "warning");
	json_free(v);
}

TEST(universal_files)
{
	const struct target *arm64 = target_find("darwin-arm64"), *x64 = target_find("darwin-x64");
	struct audit_request req = {.abi = {ABI_NAPI, 6}};
	const struct json *f;
	struct json *v;

	for (int wide = 0; wide < 2; wide++) {
		struct macho_spec specs[] = {macho_spec_x64(), macho_spec_good()};
		struct buf bytes = {0};

		specs[0].os = 0x000a0f00;
		macho_build_universal(specs, 2, wide != 0, PAGE, &bytes);
		for (unsigned i = 0; i < 3; i++) {
			req.target = i == 0 ? NULL : i == 1 ? x64 : arm64;
			v = audit_bytes_json(&bytes, &req);
			CHECK_MSG(json_count(json_get(v, "findings")) == 0, "%s",
				  sample_findings(v));
			CHECK_STR(json_str(v, "target", ""), i == 2 ? arm64->triple : x64->triple);
			CHECK_STR(json_str(json_get(v, "needs"), "macos", ""),
				  i == 2 ? "11.0" : "10.15");
			json_free(v);
		}
		buf_fini(&bytes);

		/* What is wrong with the other part counts, and says where it is. */
		specs[0].rpath = "/opt/lib";
		req.target = arm64;
		macho_build_universal(specs, 2, wide != 0, PAGE, &bytes);
		v = audit_bytes_json(&bytes, &req);
		f = sample_finding(v, "rpath");
		CHECK_STR(json_str(f, "found", ""), "in the part for x86-64: /opt/lib");
		CHECK_STR(json_str(v, "verdict", ""), "fail");
		json_free(v);
		buf_fini(&bytes);

		specs[0] = macho_spec_x64();
		macho_build_universal(specs, 1, wide != 0, PAGE, &bytes);
		v = audit_bytes_json(&bytes, &req);
		CHECK_STR(json_str(sample_finding(v, "machine"), "evidence", ""),
			  "made for x86-64");
		json_free(v);
		buf_fini(&bytes);

		specs[0] = macho_spec_good();
		macho_build_universal(specs, 1, wide != 0, 0x1000, &bytes);
		v = audit_bytes_json(&bytes, &req);
		CHECK_STR(json_str(sample_finding(v, "align"), "found", ""), "it begins at 0x1000");
		json_free(v);
		buf_fini(&bytes);
	}
}

TEST(the_wrong_kind_of_file)
{
	struct audit_request req = {.target = &sample_arm64};
	struct macho_spec spec = macho_spec_good();
	struct elf_spec elf = sample_good(&sample_arm64);
	struct json *v = audit(&spec, &req);
	const struct json *f = sample_finding(v, "format");

	CHECK_STR(json_str(f, "found", ""), "Mach-O arm64 bundle");
	CHECK_STR(json_str(f, "expected", ""), "ELF 64-bit AArch64");
	json_free(v);
	req.target = target_find("darwin-arm64");
	v = sample_report(sample_audit(&elf, &req));
	f = sample_finding(v, "format");
	CHECK_STR(json_str(f, "found", ""), "ELF 64-bit AArch64");
	CHECK_STR(json_str(f, "expected", ""), "Mach-O arm64 bundle");
	json_free(v);
}

TEST(an_addon_for_v8)
{
	struct audit_request req = {.target = target_find("darwin-arm64")};
	struct macho_spec spec = macho_spec_good();
	struct json *v;

	spec.symbols[0].name = "node_register_module_v127";
	spec.symbols[1] =
		(struct macho_spec_symbol){.name = "node_module_register", .from = MACHO_FROM_ANY};
	spec.symbols[2].name = "_ZN2v811HandleScopeC1EPNS_7IsolateE";
	spec.symbols[3].name = "_ZNK4node9ObjectWrap3fooEv";
	v = audit(&spec, &req);
	CHECK_MSG(json_count(json_get(v, "findings")) == 0, "%s", sample_findings(v));
	CHECK_STR(json_str(json_get(v, "abi"), "kind", ""), "node");
	CHECK_INT(json_int(json_get(v, "abi"), "version", 0), 127);
	json_free(v);
	req.abi = (struct abi){ABI_NODE, 115};
	v = audit(&spec, &req);
	CHECK(sample_finding(v, "entry") != NULL);
	json_free(v);
	req.abi = (struct abi){ABI_NAPI, 6};
	v = audit(&spec, &req);
	CHECK(sample_finding(v, "symbols") != NULL);
	json_free(v);
}
