/*
 * pe_entry.c - how Node gets into a Windows addon, what the addon takes from Node, and what it offers.
 *
 * Node looks for the same entry points as elsewhere (elf_entry.c). What the addon calls is imported
 * from a file by its name, "node.exe". Such an import must be delayed and answered by a hook that
 * gives the running program whatever it is called: else the addon loads a second Node, or fails, in
 * Electron and in every renamed node.exe. The hook itself cannot be seen in the file; that a DLL
 * asks Windows for modules by GetModuleHandle can.
 */
#include <string.h>
#include <strings.h>

#include "builder/audit/napi.h"
#include "builder/audit/node_abi.h"
#include "builder/audit/pe_check.h"
#include "builder/base/mem.h"

/* What is read of NAPI_VERSION_ENTRY. */
#define CODE_MAX 48

struct entries {
	struct name_list names; /* all that were found */
	bool napi, node;
	unsigned node_version; /* of the symbol; 0 if there is none */
};

bool
pe_is_node(const char *dll)
{
	static const char *const names[] = {"node.exe", "iojs.exe", "node.dll", "libnode.dll"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcasecmp(dll, names[i]) == 0)
			return true;
	return false;
}

static const struct pe_export *
find_export(const struct pe *pe, const char *name)
{
	for (size_t i = 0; i < pe->export_count; i++)
		if (strcmp(pe->exports[i].name, name) == 0)
			return &pe->exports[i];
	return NULL;
}

/* The name of import i if it is one of Node's functions, else NULL. */
static const char *
node_import(const struct pe *pe, size_t i)
{
	const struct pe_import *import = &pe->imports[i];

	return pe_is_node(pe->dlls[import->dll].name) ? import->name : NULL;
}

static void
find_entries(const struct pe *pe, struct entries *out)
{
	*out = (struct entries){0};
	for (size_t i = 0; i < pe->export_count; i++) {
		const char *name = pe->exports[i].name;
		unsigned version;

		if (strcmp(name, NAPI_ENTRY) == 0) {
			out->napi = true;
			name_list_add(&out->names, "%s", name);
		} else if (node_abi_of_symbol(name, &version)) {
			out->node = true;
			out->node_version = version;
			name_list_add(&out->names, "%s", name);
		}
	}
	for (size_t i = 0; i < pe->import_count; i++) {
		const char *name = node_import(pe, i);
		bool for_napi = name != NULL && strcmp(name, "napi_module_register") == 0;

		if (name == NULL || (!for_napi && strcmp(name, "node_module_register") != 0))
			continue;
		out->napi |= for_napi;
		out->node |= !for_napi;
		name_list_add(&out->names, "a constructor with %s", name);
	}
}

static bool
declared(const struct pe *pe, const unsigned char *data, size_t len, unsigned *version)
{
	const struct pe_export *x = find_export(pe, NAPI_VERSION_ENTRY);
	size_t at, most = CODE_MAX;

	if (x == NULL || x->forwarded)
		return false;
	while (most > 0 && !pe_offset(pe, len, x->rva, (uint32_t)most, &at))
		most--;
	return most > 0 &&
	       napi_declared_code(pe->machine == PE_MACHINE_ARM64 ? NAPI_CODE_ARM64 : NAPI_CODE_X86,
				  data + at, most, version);
}

void
pe_measure(const struct pe *pe, const void *data, size_t len, struct audit_report *r)
{
	struct entries entries;

	r->libs = xcalloc(pe->dll_count, sizeof *r->libs);
	for (size_t i = 0; i < pe->dll_count; i++)
		if (!pe_is_node(pe->dlls[i].name))
			report_say(&r->libs[r->lib_count++], "%s", pe->dlls[i].name);
	for (size_t i = 0; i < pe->import_count; i++) {
		const char *name = node_import(pe, i);
		unsigned version = name != NULL ? napi_symbol_version(name) : 0;

		r->napi_used = version > r->napi_used ? version : r->napi_used;
	}
	r->napi_decoded = declared(pe, data, len, &r->napi_declared);
	find_entries(pe, &entries);
	if (entries.node) {
		r->abi = (struct abi){ABI_NODE, entries.node_version};
	} else if (entries.napi) {
		r->abi = (struct abi){ABI_NAPI, r->napi_used > 0 ? r->napi_used : 1};
		if (r->napi_decoded && r->napi_declared > r->abi.version)
			r->abi.version = r->napi_declared;
	}
}

static bool
for_node(struct abi abi)
{
	return abi.kind == ABI_NODE || abi.kind == ABI_ELECTRON;
}

void
pe_check_entry(const struct pe_check *c)
{
	struct abi has = c->report->abi, want = c->abi;
	struct entries entries;
	struct finding *f;

	find_entries(c->pe, &entries);
	if (entries.napi != entries.node &&
	    (want.kind == ABI_NONE ||
	     (for_node(want) == for_node(has) &&
	      (!for_node(want) || has.version == 0 || has.version == want.version))))
		return;
	f = report_add(c->report, RULE_ENTRY, SEVERITY_ERROR);
	if (for_node(want))
		report_say(&f->expected, "an entry for NODE_MODULE_VERSION %u", want.version);
	else
		report_say(&f->expected, "%s" NAPI_ENTRY,
			   want.kind == ABI_NAPI ? "an entry for Node-API, "
						 : "an entry of one kind, such as ");
	report_say(&f->found, "%s",
		   entries.names.count > 0 ? entries.names.text
					   : "none: Node says \"Module did not self-register\"");
	report_say(&f->evidence, "%zu exports by name", c->pe->export_count);
}

void
pe_check_napi(const struct pe_check *c)
{
	unsigned cap = c->abi.kind == ABI_NAPI ? c->abi.version : ABI_NAPI_MAX;
	const struct audit_report *r = c->report;
	struct name_list above = {0}, unknown = {0};
	struct finding *f;

	for (size_t i = 0; i < c->pe->import_count; i++) {
		const char *name = node_import(c->pe, i);
		unsigned version;

		if (name == NULL || !napi_is_name(name))
			continue;
		version = napi_symbol_version(name);
		if (version == 0)
			name_list_add(&unknown, "%s", name);
		else if (version > cap)
			name_list_add(&above, "%s (%u)", name, version);
	}
	if (above.count > 0) {
		f = report_add(c->report, RULE_NAPI, SEVERITY_ERROR);
		report_say(&f->expected, "functions of Node-API %u", cap);
		report_say(&f->found, "functions of Node-API %u", r->napi_used);
		report_say(&f->evidence, "%s", above.text);
	}
	if (unknown.count > 0) {
		f = report_add(c->report, RULE_NAPI, SEVERITY_ERROR);
		report_say(&f->expected, "functions of Node-API 1 to %u", ABI_NAPI_MAX);
		report_say(&f->found, "%zu functions that are experimental or unknown",
			   unknown.count);
		report_say(&f->evidence, "%s", unknown.text);
	}
	if (find_export(c->pe, NAPI_VERSION_ENTRY) == NULL ||
	    (r->napi_decoded && r->napi_declared <= cap))
		return;
	f = report_add(c->report, RULE_NAPI, r->napi_decoded ? SEVERITY_ERROR : SEVERITY_WARNING);
	if (r->napi_decoded) {
		report_say(&f->expected, "a declared Node-API version up to %u", cap);
		report_say(&f->found,
			   "Node-API %u is declared: a Node without it refuses the addon",
			   r->napi_declared);
	} else {
		report_say(&f->expected, NAPI_VERSION_ENTRY " that returns a constant");
		report_say(&f->found, "the declared version was not decoded");
	}
	report_say(&f->evidence, "code of " NAPI_VERSION_ENTRY);
}

static bool
asks_for_modules(const struct pe *pe)
{
	for (size_t i = 0; i < pe->import_count; i++)
		if (pe->imports[i].name != NULL &&
		    strncmp(pe->imports[i].name, "GetModuleHandle", 15) == 0)
			return true;
	return false;
}

static void
check_delay(const struct pe_check *c)
{
	const struct pe *pe = c->pe;
	struct finding *f;

	for (size_t i = 0; i < pe->dll_count; i++) {
		const struct pe_dll *dll = &pe->dlls[i];

		if (!pe_is_node(dll->name) || (dll->delayed && asks_for_modules(pe)))
			continue;
		f = report_add(c->report, RULE_SYMBOLS, SEVERITY_ERROR);
		report_say(&f->expected, "Node's functions imported delayed, with a hook");
		report_say(&f->found,
			   dll->delayed ? "no hook: nothing in it can find the running program"
					: "imported directly: it only loads in a program of that "
					  "name");
		report_say(&f->evidence, "import of %s", dll->name);
		return;
	}
}

/* C++ names as Microsoft's compiler writes them begin with a question mark. */
void
pe_check_symbols(const struct pe_check *c)
{
	bool v8 = c->abi.kind != ABI_NAPI && c->report->abi.kind != ABI_NAPI;
	struct name_list node = {0}, unknown = {0};
	const struct pe *pe = c->pe;
	struct finding *f;

	check_delay(c);
	for (size_t i = 0; i < pe->import_count; i++) {
		const struct pe_import *import = &pe->imports[i];
		const char *name = import->name;

		if (!pe_is_node(pe->dlls[import->dll].name))
			continue;
		if (name == NULL)
			name_list_add(&unknown, "number %u", import->ordinal);
		else if (name[0] == '?' || strcmp(name, "node_module_register") == 0)
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
		report_say(&f->expected, "Node-API, libuv and V8 from Node");
		report_say(&f->found, "%zu imports from Node that are neither", unknown.count);
		report_say(&f->evidence, "%s", unknown.text);
	}
}

/* Windows finds functions by file and name, so nobody else's take the place of these. */
void
pe_check_exports(const struct pe_check *c)
{
	struct name_list names = {0};
	struct finding *f;
	unsigned version;

	for (size_t i = 0; i < c->pe->export_count; i++) {
		const char *name = c->pe->exports[i].name;

		if (strcmp(name, NAPI_ENTRY) != 0 && strcmp(name, NAPI_VERSION_ENTRY) != 0 &&
		    !node_abi_of_symbol(name, &version))
			name_list_add(&names, "%s", name);
	}
	if (names.count == 0)
		return;
	f = report_add(c->report, RULE_EXPORTS, SEVERITY_WARNING);
	report_say(&f->expected, "only the entry is exported");
	report_say(&f->found, "%zu exports", names.count);
	report_say(&f->evidence, "%s", names.text);
}
