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
#include "builder/audit/pe_check.h"
#include "builder/base/mem.h"

/* What is read of NAPI_VERSION_ENTRY. */
#define CODE_MAX 48

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
pe_names(const struct pe *pe, struct node_names *out)
{
	*out = (struct node_names){0};
	for (size_t i = 0; i < pe->export_count; i++)
		node_names_offer(out, pe->exports[i].name);
	for (size_t i = 0; i < pe->import_count; i++)
		if (pe->imports[i].name != NULL && pe_is_node(pe->dlls[pe->imports[i].dll].name))
			node_names_take(out, pe->imports[i].name);
}

void
pe_measure(const struct pe_check *c)
{
	const struct pe *pe = c->pe;
	struct audit_report *r = c->report;

	r->libs = xcalloc(pe->dll_count, sizeof *r->libs);
	for (size_t i = 0; i < pe->dll_count; i++)
		if (!pe_is_node(pe->dlls[i].name))
			report_say(&r->libs[r->lib_count++], "%s", pe->dlls[i].name);
	r->napi_decoded = declared(pe, c->data, c->len, &r->napi_declared);
	node_names_measure(&c->names, r);
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
