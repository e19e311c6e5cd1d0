/*
 * macho_rules.c - the rules for one slice of a macOS addon.
 */
#include <string.h>

#include "builder/audit/macho_check.h"
#include "builder/audit/macho_signature.h"
#include "builder/audit/napi.h"
#include "builder/base/mem.h"

#define OBJECT_PATH_SHOWN 160

/* Libraries in /usr/lib that macOS has for everybody: those in the SDK of every version from the floor
 * on. Others there are of macOS itself, and go away. */
static const char *const system_libraries[] = {
	"libSystem.B",  "libc++.1",       "libc++abi",      "libobjc.A",    "libiconv.2",
	"libcharset.1", "libz.1",         "libbz2.1.0",     "libxml2.2",    "libxslt.1",
	"libsqlite3",   "libcurl.4",      "libedit.3",      "libpam.2",     "libpcap.A",
	"libresolv.9",  "libsasl2.2",     "libutil",        "libarchive.2", "libexpat.1",
	"libicucore.A", "libcompression", "libncurses.5.4",
};

static bool
is_system_library(const char *path)
{
	static const char folder[] = "/usr/lib/", suffix[] = ".dylib";
	const char *name = path + strlen(folder);

	if (strncmp(path, "/System/Library/Frameworks/", 27) == 0)
		return strstr(path, "/../") == NULL;
	if (strncmp(path, folder, strlen(folder)) != 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(system_libraries); i++) {
		size_t n = strlen(system_libraries[i]);

		if (strncmp(name, system_libraries[i], n) == 0 && strcmp(name + n, suffix) == 0)
			return true;
	}
	return false;
}

static bool
check_type(const struct macho_check *c)
{
	const struct macho *m = c->macho;
	struct finding *f;

	if (m->type != MACHO_BUNDLE && m->type != MACHO_DYLIB) {
		f = report_add(c->report, RULE_FORMAT, SEVERITY_ERROR);
		report_say(&f->expected, "a bundle or a dynamic library");
		report_say(&f->found, "%s", c->report->format.text);
		report_say(&f->evidence, "the header's file type is %u", (unsigned)m->type);
		return false;
	}
	if (m->platform != 0 && m->platform != MACHO_PLATFORM_MACOS) {
		f = report_add(c->report, RULE_FORMAT, SEVERITY_ERROR);
		report_say(&f->expected, "a file for macOS");
		report_say(&f->found, "it is for another of Apple's systems");
		report_say(&f->evidence, "LC_BUILD_VERSION has platform %u, macOS is %u",
			   (unsigned)m->platform, MACHO_PLATFORM_MACOS);
		return false;
	}
	return true;
}

static void
check_symbols(const struct macho_check *c)
{
	bool v8 = c->abi.kind != ABI_NAPI && c->report->abi.kind != ABI_NAPI;
	struct name_list node = {0}, unknown = {0};
	struct finding *f;

	for (size_t i = 0; i < c->names.take_count; i++) {
		const char *name = c->names.takes[i];

		if (node_is_cxx(name) || strcmp(name, "node_module_register") == 0)
			name_list_add(&node, "%s", name);
		else if (!napi_is_name(name) && strncmp(name, "uv_", 3) != 0)
			name_list_add(&unknown, "%s", name);
	}
	if (node.count > 0 && !v8) {
		f = report_add(c->report, RULE_SYMBOLS, SEVERITY_ERROR);
		report_say(&f->expected, "Node-API only, as the addon claims");
		report_say(&f->found, "%zu symbols of V8 or Node, which change with every major",
			   node.count);
		report_say(&f->evidence, "%s", node.text);
	}
	/* Node also exports what its libraries have (OpenSSL, zlib), of changing versions. */
	if (unknown.count > 0) {
		f = report_add(c->report, RULE_SYMBOLS, v8 ? SEVERITY_WARNING : SEVERITY_ERROR);
		report_say(&f->expected,
			   "Node-API, libuv and V8 from Node, the rest from a library");
		report_say(&f->found, "%zu names that no library is named for", unknown.count);
		report_say(&f->evidence, "looked up dynamically: %s", unknown.text);
	}
	if ((c->macho->flags & MACHO_TWO_LEVEL) == 0) {
		f = report_add(c->report, RULE_SYMBOLS, SEVERITY_WARNING);
		report_say(&f->expected, "a two-level namespace");
		report_say(&f->found,
			   "a flat one: any library of the process may answer its calls");
		report_say(&f->evidence, "the header's flags are 0x%x", (unsigned)c->macho->flags);
	}
}

/* A number that stands for no library: the file was changed after it was linked. */
static void
check_numbers(const struct macho_check *c)
{
	const struct macho *m = c->macho;

	for (size_t i = 0; (m->flags & MACHO_TWO_LEVEL) != 0 && i < m->symbol_count; i++) {
		const struct macho_symbol *s = &m->symbols[i];
		struct finding *f;

		if (s->defined || s->from <= m->lib_count || s->from == MACHO_FROM_ANY ||
		    s->from == MACHO_FROM_PROGRAM)
			continue;
		f = report_add(c->report, RULE_SYMBOLS, SEVERITY_ERROR);
		report_say(&f->expected, "names from one of its %zu libraries", m->lib_count);
		report_say(&f->found, "%s from library %u", s->name, s->from);
		return;
	}
}

static void
check_needed(const struct macho_check *c)
{
	const struct macho *m = c->macho;
	struct name_list foreign = {0}, paths = {0};
	struct finding *f;

	for (size_t i = 0; i < m->lib_count; i++)
		if (!is_system_library(m->libs[i]))
			name_list_add(&foreign, "%s", m->libs[i]);
	for (size_t i = 0; i < m->rpath_count; i++)
		name_list_add(&paths, "%s", m->rpaths[i]);
	if (foreign.count > 0) {
		f = report_add(c->report, RULE_NEEDED, SEVERITY_ERROR);
		report_say(&f->expected, "only libraries and frameworks of macOS's SDK");
		report_say(&f->found, "%zu others", foreign.count);
		report_say(&f->evidence, "LC_LOAD_DYLIB %s", foreign.text);
	}
	if (paths.count > 0) {
		f = report_add(c->report, RULE_RPATH, SEVERITY_ERROR);
		report_say(&f->expected, "no path to search libraries in");
		report_say(&f->found, "%s", paths.text);
		report_say(&f->evidence, "LC_RPATH");
	}
}

static void
check_version(const struct macho_check *c)
{
	const struct macho *m = c->macho;
	const struct target *t = c->target;
	struct finding *f;

	if (m->os_major == 0) {
		f = report_add(c->report, RULE_LIBC_VERSION, SEVERITY_WARNING);
		report_say(&f->expected, "macOS %u.%u or older", t->floor_major, t->floor_minor);
		report_say(&f->found, "it does not say on which macOS it runs");
		report_say(&f->evidence, "no LC_BUILD_VERSION, no LC_VERSION_MIN_MACOSX");
		return;
	}
	if (m->os_major < t->floor_major ||
	    (m->os_major == t->floor_major && m->os_minor <= t->floor_minor))
		return;
	f = report_add(c->report, RULE_LIBC_VERSION, SEVERITY_ERROR);
	report_say(&f->expected, "macOS %u.%u or older", t->floor_major, t->floor_minor);
	report_say(&f->found, "asks for macOS %u.%u", m->os_major, m->os_minor);
	report_say(&f->evidence, "LC_BUILD_VERSION or LC_VERSION_MIN_MACOSX");
}

static void
check_segments(const struct macho_check *c)
{
	const struct macho *m = c->macho;
	uint64_t page = c->target->page_align;
	const struct macho_segment *mixed = NULL, *shifted = NULL;
	struct finding *f;

	for (size_t i = 0; i < m->segment_count; i++) {
		const struct macho_segment *s = &m->segments[i];

		if (mixed == NULL && (s->protection & MACHO_WRITE) != 0 &&
		    (s->protection & MACHO_EXECUTE) != 0)
			mixed = s;
		if (shifted == NULL && s->memory_size > 0 &&
		    (s->address % page != 0 || (s->size > 0 && s->offset % page != 0)))
			shifted = s;
	}
	if (mixed != NULL) {
		f = report_add(c->report, RULE_EXECSTACK, SEVERITY_ERROR);
		report_say(&f->expected, "no memory that is writable and executable");
		report_say(&f->found, "a writable and executable segment");
		report_say(&f->evidence, "segment %s", mixed->name);
	}
	if (shifted != NULL) {
		f = report_add(c->report, RULE_ALIGN, SEVERITY_ERROR);
		report_say(&f->expected, "segments on pages of 0x%llx", (unsigned long long)page);
		report_say(&f->found, "segment %s at address 0x%llx, offset 0x%llx", shifted->name,
			   (unsigned long long)shifted->address,
			   (unsigned long long)shifted->offset);
	}
}

static void
check_traces(const struct macho_check *c)
{
	const struct macho *m = c->macho;
	struct finding *f;

	if (m->object != NULL) {
		f = report_add(c->report, RULE_DEBUG_PATH, SEVERITY_WARNING);
		report_say(&f->expected, "no debug data");
		report_say(&f->found, "the paths of its object files");
		report_say(&f->evidence, "N_OSO %.*s", OBJECT_PATH_SHOWN, m->object);
	}
	/* A name that is no path, and "@rpath/…", say nothing about the machine. */
	if (m->id != NULL && m->id[0] == '/') {
		f = report_add(c->report, RULE_DEBUG_PATH, SEVERITY_WARNING);
		report_say(&f->expected, "no path of the machine that built it");
		report_say(&f->found, "its own name is one");
		report_say(&f->evidence, "LC_ID_DYLIB %.*s", OBJECT_PATH_SHOWN, m->id);
	}
	if (!m->has_uuid) {
		f = report_add(c->report, RULE_DEBUG_PATH, SEVERITY_WARNING);
		report_say(&f->expected, "LC_UUID, which says what debug data belongs to it");
		report_say(&f->found, "none");
	}
}

/* Elsewhere than on arm64 the kernel does not insist. */
static void
check_signature(const struct macho_check *c)
{
	const struct macho *m = c->macho;
	bool demanded = m->cpu == MACHO_CPU_ARM64;
	struct err e = {0};
	struct finding *f;

	if (!m->has_signature && !demanded)
		return;
	if (m->has_signature && macho_signature_check(m, c->data, c->len, &e) == 0)
		return;
	f = report_add(c->report, RULE_SIGNATURE, demanded ? SEVERITY_ERROR : SEVERITY_WARNING);
	report_say(&f->expected, "a code signature that belongs to the file%s",
		   demanded ? ", which macOS demands on arm64; codesign -s - makes one" : "");
	report_say(&f->found, "%s", m->has_signature ? e.msg : "none");
	report_say(&f->evidence, "%sLC_CODE_SIGNATURE", m->has_signature ? "" : "no ");
}

void
macho_check(const struct macho_check *c)
{
	if (!check_type(c))
		return;
	node_names_check_entry(&c->names, c->abi, c->report);
	node_names_check_napi(&c->names, c->abi, c->report);
	check_needed(c);
	check_version(c);
	check_symbols(c);
	check_numbers(c);
	check_signature(c);
	check_segments(c);
	node_names_check_exports(&c->names, c->report);
	check_traces(c);
}
