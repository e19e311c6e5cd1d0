/*
 * elf_entry.c - how Node gets into the addon, and which Node-API or ABI it then needs.
 *
 * Node looks in this order: modules that a constructor of the file registered while it was being
 * loaded, the symbol node_register_module_v<ABI>, the symbol napi_register_module_v1; else it says
 * "Module did not self-register". The macros of node.h and of older node_api.h make a symbol and a
 * constructor for the same function; one file for both kinds of module is a mistake.
 */
#include <elf.h>
#include <string.h>

#include "builder/audit/elf_check.h"
#include "builder/audit/napi.h"
#include "builder/audit/node_abi.h"
#include "builder/base/mem.h"

struct entries {
	struct name_list names; /* all that were found */
	bool napi;              /* napi_register_module_v1, or a constructor for Node-API */
	bool node;              /* node_register_module_v<ABI>, or a constructor for Node */
	bool unreachable;       /* a register function is imported but no constructor calls it */
	unsigned node_version;  /* of the symbol; 0 if there is none */
};

static void
find_entries(const struct elf *elf, struct entries *out)
{
	*out = (struct entries){0};
	for (size_t i = 0; i < elf->symbol_count; i++) {
		const struct elf_symbol *s = &elf->symbols[i];
		bool for_napi = strcmp(s->name, "napi_module_register") == 0;
		unsigned version;

		if (s->defined && strcmp(s->name, NAPI_ENTRY) == 0) {
			out->napi = true;
			name_list_add(&out->names, "%s", s->name);
		} else if (s->defined && node_abi_of_symbol(s->name, &version)) {
			out->node = true;
			out->node_version = version;
			name_list_add(&out->names, "%s", s->name);
		} else if (!s->defined &&
			   (for_napi || strcmp(s->name, "node_module_register") == 0)) {
			out->unreachable |= !elf->has_init;
			out->napi |= for_napi && elf->has_init;
			out->node |= !for_napi && elf->has_init;
			if (elf->has_init)
				name_list_add(&out->names, "a constructor with %s", s->name);
		}
	}
}

void
elf_measure_entry(const struct elf *elf, const void *data, size_t len, struct audit_report *r)
{
	struct entries entries;

	find_entries(elf, &entries);
	for (size_t i = 0; i < elf->symbol_count; i++) {
		const struct elf_symbol *s = &elf->symbols[i];
		unsigned version;

		if (s->defined || s->binding == STB_WEAK || !napi_is_name(s->name))
			continue;
		version = napi_symbol_version(s->name);
		r->napi_used = version > r->napi_used ? version : r->napi_used;
	}
	r->napi_decoded = napi_declared(elf, data, &r->napi_declared);
	if (entries.node) {
		r->abi = (struct abi){ABI_NODE, entries.node_version};
		if (entries.node_version == 0)
			node_abi_of_module(elf, data, len, &r->abi.version);
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

static bool
entry_fits(const struct entries *entries, struct abi has, struct abi want)
{
	if (entries->napi == entries->node)
		return false;
	if (want.kind == ABI_NONE)
		return true;
	return for_node(want) == for_node(has) &&
	       (!for_node(want) || has.version == 0 || has.version == want.version);
}

static void
add_wrong_entry(const struct elf_check *c, const struct entries *entries)
{
	struct finding *f = report_add(c->report, RULE_ENTRY, SEVERITY_ERROR);

	if (for_node(c->abi))
		report_say(&f->expected, "an entry for NODE_MODULE_VERSION %u", c->abi.version);
	else if (c->abi.kind == ABI_NAPI)
		report_say(&f->expected, "an entry for Node-API, " NAPI_ENTRY);
	else
		report_say(&f->expected,
			   "an entry of one kind: " NAPI_ENTRY " or node_register_module_v<ABI>");
	if (entries->names.count == 0)
		report_say(&f->found, "none: Node says \"Module did not self-register\"");
	else if (c->report->abi.kind == ABI_NODE && c->report->abi.version > 0)
		report_say(&f->found, "%s, NODE_MODULE_VERSION %u", entries->names.text,
			   c->report->abi.version);
	else
		report_say(&f->found, "%s", entries->names.text);
	if (entries->unreachable)
		report_say(&f->evidence,
			   "a register function is imported, but there is no DT_INIT or "
			   "DT_INIT_ARRAY that could call it");
	else
		report_say(&f->evidence, "dynamic symbol table, %zu symbols", c->elf->symbol_count);
}

void
elf_check_entry(const struct elf_check *c)
{
	struct abi has = c->report->abi;
	struct entries entries;
	struct finding *f;

	find_entries(c->elf, &entries);
	if (!entry_fits(&entries, has, c->abi)) {
		add_wrong_entry(c, &entries);
	} else if (for_node(has) && has.version == 0) {
		f = report_add(c->report, RULE_ENTRY, SEVERITY_WARNING);
		report_say(&f->expected, "a readable struct node_module");
		report_say(&f->found, "NODE_MODULE_VERSION was not found");
		report_say(&f->evidence, "%s", entries.names.text);
	}
}

static void
check_used(const struct elf_check *c, unsigned cap)
{
	struct name_list above = {0}, unknown = {0};
	struct finding *f;

	for (size_t i = 0; i < c->elf->symbol_count; i++) {
		const struct elf_symbol *s = &c->elf->symbols[i];
		unsigned version;

		if (s->defined || s->binding == STB_WEAK || !napi_is_name(s->name))
			continue;
		version = napi_symbol_version(s->name);
		if (version == 0)
			name_list_add_symbol(&unknown, s->name, "%s", s->name);
		else if (version > cap)
			name_list_add_symbol(&above, s->name, "%s (%u)", s->name, version);
	}
	if (above.count > 0) {
		f = report_add(c->report, RULE_NAPI, SEVERITY_ERROR);
		report_say(&f->expected, "symbols of Node-API %u", cap);
		report_say(&f->found, "symbols of Node-API %u", c->report->napi_used);
		report_say_symbols(f, &above);
	}
	if (unknown.count > 0) {
		f = report_add(c->report, RULE_NAPI, SEVERITY_ERROR);
		report_say(&f->expected, "symbols of Node-API 1 to %u", ABI_NAPI_MAX);
		report_say(&f->found, "%zu symbols that are experimental or unknown",
			   unknown.count);
		report_say_symbols(f, &unknown);
	}
}

static bool
defines(const struct elf *elf, const char *name)
{
	for (size_t i = 0; i < elf->symbol_count; i++)
		if (elf->symbols[i].defined && strcmp(elf->symbols[i].name, name) == 0)
			return true;
	return false;
}

static void
check_declared(const struct elf_check *c, unsigned cap)
{
	struct finding *f;

	if (!defines(c->elf, NAPI_VERSION_ENTRY) ||
	    (c->report->napi_decoded && c->report->napi_declared <= cap))
		return;
	if (!c->report->napi_decoded) {
		f = report_add(c->report, RULE_NAPI, SEVERITY_WARNING);
		report_say(&f->expected, NAPI_VERSION_ENTRY " that returns a constant");
		report_say(&f->found, "the declared version was not decoded");
	} else {
		f = report_add(c->report, RULE_NAPI, SEVERITY_ERROR);
		report_say(&f->expected, "a declared Node-API version up to %u", cap);
		report_say(&f->found,
			   "Node-API %u is declared: a Node without it refuses the addon",
			   c->report->napi_declared);
	}
	report_say(&f->evidence, "code of " NAPI_VERSION_ENTRY);
}

void
elf_check_napi(const struct elf_check *c)
{
	unsigned cap = c->abi.kind == ABI_NAPI ? c->abi.version : ABI_NAPI_MAX;

	check_used(c, cap);
	check_declared(c, cap);
}
