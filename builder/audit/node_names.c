#include "builder/audit/node_names.h"

#include <stdlib.h>
#include <string.h>

#include "builder/audit/napi.h"
#include "builder/audit/node_abi.h"
#include "builder/base/mem.h"

struct entries {
	struct name_list names; /* all that were found */
	bool napi, node;
	unsigned node_version; /* of the symbol; 0 if there is none */
};

static void
add(const char ***list, size_t *count, const char *name)
{
	if ((*count & (*count - 1)) == 0) /* full at powers of two */
		*list = xrealloc(*list, (*count > 0 ? 2 * *count : 1) * sizeof **list);
	(*list)[(*count)++] = name;
}

void
node_names_offer(struct node_names *n, const char *name)
{
	add(&n->offers, &n->offer_count, name);
}

void
node_names_take(struct node_names *n, const char *name)
{
	add(&n->takes, &n->take_count, name);
}

void
node_names_fini(struct node_names *n)
{
	free(n->offers);
	free(n->takes);
	*n = (struct node_names){0};
}

static void
find_entries(const struct node_names *n, struct entries *out)
{
	*out = (struct entries){0};
	for (size_t i = 0; i < n->offer_count; i++) {
		const char *name = n->offers[i];
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
	for (size_t i = 0; i < n->take_count; i++) {
		bool for_napi = strcmp(n->takes[i], "napi_module_register") == 0;

		if (!for_napi && strcmp(n->takes[i], "node_module_register") != 0)
			continue;
		out->napi |= for_napi;
		out->node |= !for_napi;
		name_list_add(&out->names, "a constructor with %s", n->takes[i]);
	}
}

void
node_names_measure(const struct node_names *n, struct audit_report *r)
{
	struct entries entries;

	for (size_t i = 0; i < n->take_count; i++) {
		unsigned version = napi_symbol_version(n->takes[i]);

		r->napi_used = version > r->napi_used ? version : r->napi_used;
	}
	find_entries(n, &entries);
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
node_names_check_entry(const struct node_names *n, struct abi want, struct audit_report *r)
{
	struct abi has = r->abi;
	struct entries entries;
	struct finding *f;

	find_entries(n, &entries);
	if (entries.napi != entries.node &&
	    (want.kind == ABI_NONE ||
	     (for_node(want) == for_node(has) &&
	      (!for_node(want) || has.version == 0 || has.version == want.version))))
		return;
	f = report_add(r, RULE_ENTRY, SEVERITY_ERROR);
	if (for_node(want))
		report_say(&f->expected, "an entry for NODE_MODULE_VERSION %u", want.version);
	else
		report_say(&f->expected, "%s" NAPI_ENTRY,
			   want.kind == ABI_NAPI ? "an entry for Node-API, "
						 : "an entry of one kind, such as ");
	report_say(&f->found, "%s",
		   entries.names.count > 0 ? entries.names.text
					   : "none: Node says \"Module did not self-register\"");
	report_say(&f->evidence, "%zu exports by name", n->offer_count);
}

static bool
offers(const struct node_names *n, const char *name)
{
	for (size_t i = 0; i < n->offer_count; i++)
		if (strcmp(n->offers[i], name) == 0)
			return true;
	return false;
}

void
node_names_check_napi(const struct node_names *n, struct abi want, struct audit_report *r)
{
	unsigned cap = want.kind == ABI_NAPI ? want.version : ABI_NAPI_MAX;
	struct name_list above = {0}, unknown = {0};
	struct finding *f;

	for (size_t i = 0; i < n->take_count; i++) {
		const char *name = n->takes[i];
		unsigned version;

		if (!napi_is_name(name))
			continue;
		version = napi_symbol_version(name);
		if (version == 0)
			name_list_add(&unknown, "%s", name);
		else if (version > cap)
			name_list_add(&above, "%s (%u)", name, version);
	}
	if (above.count > 0) {
		f = report_add(r, RULE_NAPI, SEVERITY_ERROR);
		report_say(&f->expected, "functions of Node-API %u", cap);
		report_say(&f->found, "functions of Node-API %u", r->napi_used);
		report_say(&f->evidence, "%s", above.text);
	}
	if (unknown.count > 0) {
		f = report_add(r, RULE_NAPI, SEVERITY_ERROR);
		report_say(&f->expected, "functions of Node-API 1 to %u", ABI_NAPI_MAX);
		report_say(&f->found, "%zu functions that are experimental or unknown",
			   unknown.count);
		report_say(&f->evidence, "%s", unknown.text);
	}
	if (!offers(n, NAPI_VERSION_ENTRY) || (r->napi_decoded && r->napi_declared <= cap))
		return;
	f = report_add(r, RULE_NAPI, r->napi_decoded ? SEVERITY_ERROR : SEVERITY_WARNING);
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

/* Names are found by file and name there, so nobody else's take the place of these. */
void
node_names_check_exports(const struct node_names *n, struct audit_report *r)
{
	struct name_list names = {0};
	struct finding *f;
	unsigned version;

	for (size_t i = 0; i < n->offer_count; i++)
		if (strcmp(n->offers[i], NAPI_ENTRY) != 0 &&
		    strcmp(n->offers[i], NAPI_VERSION_ENTRY) != 0 &&
		    !node_abi_of_symbol(n->offers[i], &version))
			name_list_add(&names, "%s", n->offers[i]);
	if (names.count == 0)
		return;
	f = report_add(r, RULE_EXPORTS, SEVERITY_WARNING);
	report_say(&f->expected, "only the entry is exported");
	report_say(&f->found, "%zu exports", names.count);
	report_say(&f->evidence, "%s", names.text);
}

bool
node_is_cxx(const char *name)
{
	static const char *const spaces[] = {"2v8", "4node", "5cppgc"};
	const char *nested;

	if (strncmp(name, "_Z", 2) != 0)
		return false;
	nested = strchr(name, 'N');
	if (nested == NULL ||
	    strspn(name + 2, "TVISGWHhvnc0123456789_") < (size_t)(nested - name - 2))
		return false;
	nested += 1 + strspn(nested + 1, "rVKRO");
	for (size_t i = 0; i < ARRAY_SIZE(spaces); i++)
		if (strncmp(nested, spaces[i], strlen(spaces[i])) == 0)
			return true;
	return false;
}
