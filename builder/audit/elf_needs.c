/*
 * elf_needs.c - what a file needs from outside: libraries, versions of symbols, symbols.
 */
#include <elf.h>
#include <stdlib.h>

#include "builder/audit/elf_check.h"
#include "builder/audit/glibc.h"
#include "builder/audit/musl.h"
#include "builder/audit/node_names.h"
#include "builder/audit/napi.h"
#include "builder/base/mem.h"

/* The families of symbol versions that the C and C++ runtimes have. */
enum family { GLIBC, GLIBCXX, CXXABI, GCC, FAMILY_COUNT };

static const char *const prefixes[FAMILY_COUNT] = {"GLIBC_", "GLIBCXX_", "CXXABI_", "GCC_"};

/*
 * What a system with that glibc 2.x has at least of the other three, for --target host. Source:
 * the manylinux policies (PEP 600), by their oldest distribution.
 */
static const struct {
	unsigned glibc_minor;
	struct audit_version limit[FAMILY_COUNT];
} systems[] = {
	{5, {[GLIBCXX] = {{3, 4, 8}}, [CXXABI] = {{1, 3, 1}}, [GCC] = {{4, 2, 0}}}},
	{12, {[GLIBCXX] = {{3, 4, 13}}, [CXXABI] = {{1, 3, 3}}, [GCC] = {{4, 3, 0}}}},
	{17, {[GLIBCXX] = {{3, 4, 19}}, [CXXABI] = {{1, 3, 7}}, [GCC] = {{4, 8, 0}}}},
	{24, {[GLIBCXX] = {{3, 4, 22}}, [CXXABI] = {{1, 3, 10}}, [GCC] = {{4, 8, 0}}}},
	{26, {[GLIBCXX] = {{3, 4, 22}}, [CXXABI] = {{1, 3, 10}}, [GCC] = {{4, 8, 0}}}},
	{28, {[GLIBCXX] = {{3, 4, 24}}, [CXXABI] = {{1, 3, 11}}, [GCC] = {{7, 0, 0}}}},
	{31, {[GLIBCXX] = {{3, 4, 28}}, [CXXABI] = {{1, 3, 12}}, [GCC] = {{7, 0, 0}}}},
	{34, {[GLIBCXX] = {{3, 4, 29}}, [CXXABI] = {{1, 3, 13}}, [GCC] = {{11, 0, 0}}}},
	{35, {[GLIBCXX] = {{3, 4, 30}}, [CXXABI] = {{1, 3, 13}}, [GCC] = {{12, 0, 0}}}},
	{39, {[GLIBCXX] = {{3, 4, 33}}, [CXXABI] = {{1, 3, 15}}, [GCC] = {{14, 0, 0}}}},
};

/* The parts of glibc that every system has, whichever its version. */
static const char *const glibc_libraries[] = {
	"libc.so.6",  "libm.so.6",    "libpthread.so.0", "libdl.so.2",
	"librt.so.1", "libutil.so.1", "libresolv.so.2",  "libgcc_s.so.1",
};

static enum family
family_of(const char *version)
{
	enum family f = 0;

	while (f < FAMILY_COUNT && !starts_with(version, prefixes[f]))
		f++;
	return f;
}

/* "2.17", "3.4.21": two or three numbers and nothing else. */
static bool
parse_version(const char *text, struct audit_version *out)
{
	size_t parts = 0;

	*out = (struct audit_version){0};
	for (; parts < ARRAY_SIZE(out->part); parts++) {
		char *end;
		unsigned long n;

		if (*text < '0' || *text > '9')
			return false;
		n = strtoul(text, &end, 10);
		if (n > 99999)
			return false;
		out->part[parts] = (unsigned)n;
		if (*end == '\0')
			return parts >= 1;
		if (*end != '.')
			return false;
		text = end + 1;
	}
	return false;
}

static bool
above(const struct audit_version *a, const struct audit_version *b)
{
	for (size_t i = 0; i < ARRAY_SIZE(a->part); i++)
		if (a->part[i] != b->part[i])
			return a->part[i] > b->part[i];
	return false;
}

void
elf_measure_needs(const struct elf *elf, struct audit_report *r)
{
	r->libs = xcalloc(elf->needed_count, sizeof *r->libs);
	r->lib_count = elf->needed_count;
	for (size_t i = 0; i < elf->needed_count; i++)
		report_say(&r->libs[i], "%s", elf->needed[i]);
	for (size_t i = 0; i < elf->need_count; i++) {
		const char *text = elf->needs[i].version;
		enum family family = family_of(text);
		struct audit_version v;

		/* libgcc_s has a version of glibc's, for functions that were once there. */
		if (elf->needs[i].weak || starts_with(elf->needs[i].file, "libgcc_s") ||
		    (family != GLIBC && family != GLIBCXX) ||
		    !parse_version(text + strlen(prefixes[family]), &v))
			continue;
		if (family == GLIBC && above(&v, &r->glibc))
			r->glibc = v;
		if (family == GLIBCXX && above(&v, &r->glibcxx))
			r->glibcxx = v;
	}
}

static bool
is_musl_library(const char *soname, const char *loader)
{
	static const char libc[] = "libc.musl-", ld[] = "ld-musl-";

	/* Alpine calls libc.musl-x86_64.so.1 what musl itself calls ld-musl-x86_64.so.1. */
	return strcmp(soname, "libc.so") == 0 ||
	       (starts_with(soname, libc) && starts_with(loader, ld) &&
		strcmp(soname + strlen(libc), loader + strlen(ld)) == 0);
}

static bool
may_need(const struct elf_check *c, const char *soname)
{
	if (strcmp(soname, c->target->loader) == 0)
		return true;
	if (c->target->libc == LIBC_MUSL)
		return is_musl_library(soname, c->target->loader);
	for (size_t i = 0; i < ARRAY_SIZE(glibc_libraries); i++)
		if (strcmp(soname, glibc_libraries[i]) == 0)
			return true;
	return c->one_system && strcmp(soname, "libstdc++.so.6") == 0;
}

void
elf_check_needed(const struct elf_check *c)
{
	struct name_list bad = {0};
	struct finding *f;

	for (size_t i = 0; i < c->elf->needed_count; i++)
		if (!may_need(c, c->elf->needed[i]))
			name_list_add(&bad, "%s", c->elf->needed[i]);
	if (bad.count == 0)
		return;
	f = report_add(c->report, RULE_NEEDED, SEVERITY_ERROR);
	report_say(&f->expected, "only the C library that %s has", c->target->triple);
	report_say(&f->found, "needs %s", bad.text);
	report_say(&f->evidence, "DT_NEEDED");
}

/* May versions of that family be needed, and up to which? */
static bool
limit_of(const struct elf_check *c, enum family family, struct audit_version *limit)
{
	*limit = (struct audit_version){{c->floor_major, c->floor_minor, UINT32_MAX}};
	if (c->target->libc == LIBC_MUSL)
		return false;
	if (family == GLIBC)
		return true;
	if (!c->one_system || c->floor_major != 2)
		return false;
	*limit = (struct audit_version){0};
	for (size_t i = 0; i < ARRAY_SIZE(systems); i++)
		if (systems[i].glibc_minor <= c->floor_minor)
			*limit = systems[i].limit[family];
	return true;
}

/* Names of the symbols that have that version, or where it is needed from if none has it. */
static void
add_users(const struct elf *elf, const struct elf_version_need *need, struct name_list *out)
{
	size_t before = out->count;

	for (size_t i = 0; i < elf->symbol_count; i++) {
		const struct elf_symbol *s = &elf->symbols[i];

		if (!s->defined && s->version != NULL && strcmp(s->version, need->version) == 0)
			name_list_add_symbol(out, s->name, "%s@%s", s->name, s->version);
	}
	if (out->count == before)
		name_list_add(out, "%s from %s", need->version, need->file);
}

/* A version without a number is a promise of another kind; two have a rule of their own. */
static bool
exceeds(const struct elf_version_need *need, enum family family, bool allowed,
	const struct audit_version *limit, struct audit_version *v)
{
	if (need->weak || strcmp(need->version, "GLIBC_PRIVATE") == 0 ||
	    strcmp(need->version, "GLIBC_ABI_DT_RELR") == 0)
		return false;
	if (!parse_version(need->version + strlen(prefixes[family]), v))
		return !allowed || family == GLIBC;
	return !allowed || above(v, limit);
}

/* A version that is too new. */
struct excess {
	const struct elf_version_need *need;
	struct audit_version version;
};

static int
newest_first(const void *a, const void *b)
{
	const struct excess *x = a, *y = b;

	return above(&y->version, &x->version) - above(&x->version, &y->version);
}

static void
check_family(const struct elf_check *c, enum family family)
{
	struct excess *all = xcalloc(c->elf->need_count, sizeof *all);
	struct audit_version limit;
	bool allowed = limit_of(c, family, &limit);
	struct name_list users = {0};
	char text[AUDIT_VERSION_SIZE];
	struct finding *f;
	size_t count = 0;

	for (size_t i = 0; i < c->elf->need_count; i++) {
		struct excess *x = &all[count];

		x->need = &c->elf->needs[i];
		x->version = (struct audit_version){0};
		if (family_of(x->need->version) == family &&
		    exceeds(x->need, family, allowed, &limit, &x->version))
			count++;
	}
	if (count == 0)
		goto out;
	/* What is to blame for the finding stands first in its evidence. */
	qsort(all, count, sizeof *all, newest_first);
	for (size_t i = 0; i < count; i++)
		add_users(c->elf, all[i].need, &users);
	f = report_add(c->report, RULE_LIBC_VERSION, SEVERITY_ERROR);
	if (family == GLIBC)
		limit.part[2] = 0;
	report_version(limit, text);
	if (allowed)
		report_say(&f->expected, "at most %s%s", prefixes[family], text);
	else if (c->target->libc == LIBC_MUSL)
		report_say(&f->expected, "no symbol versions, which musl does not have");
	else
		report_say(&f->expected, "no %.*s versions: the C++ runtime linked statically",
			   (int)strlen(prefixes[family]) - 1, prefixes[family]);
	report_say(&f->found, "needs %s", all[0].need->version);
	report_say_symbols(f, &users);
out:
	free(all);
}

/* musl's symbols have no versions; that a function is newer than the floor shows in its name. */
static void
check_musl_floor(const struct elf_check *c)
{
	struct name_list newer = {0};
	struct finding *f;

	if (c->target->libc != LIBC_MUSL)
		return;
	for (size_t i = 0; i < c->elf->symbol_count; i++) {
		const struct elf_symbol *s = &c->elf->symbols[i];

		if (!s->defined && s->binding != STB_WEAK && c->floor_major == 1 &&
		    musl_since(s->name, c->target->elf_machine) > c->floor_minor)
			name_list_add_symbol(&newer, s->name, "%s", s->name);
	}
	if (newer.count == 0)
		return;
	f = report_add(c->report, RULE_LIBC_VERSION, SEVERITY_ERROR);
	report_say(&f->expected, "functions of musl %u.%u", c->floor_major, c->floor_minor);
	report_say(&f->found, "needs musl 1.2");
	report_say_symbols(f, &newer);
}

/* Nor has a function of glibc a version if the file was linked against the floor's, which lacks it.
 * The minor version that has it, 0 if that is not why it has none. */
static unsigned
newer_glibc(const struct elf_check *c, const struct elf_symbol *s)
{
	unsigned since;

	if (c->target->libc != LIBC_GLIBC || c->floor_major != 2 || s->defined ||
	    s->version != NULL || s->binding == STB_WEAK)
		return 0;
	since = glibc_since(s->name);
	return since > c->floor_minor ? since : 0;
}

static void
check_glibc_names(const struct elf_check *c)
{
	struct name_list newer = {0};
	struct finding *f;
	unsigned most = 0;

	for (size_t i = 0; i < c->elf->symbol_count; i++) {
		const struct elf_symbol *s = &c->elf->symbols[i];
		unsigned since = newer_glibc(c, s);

		if (since > 0)
			name_list_add_symbol(&newer, s->name, "%s of 2.%u", s->name, since);
		most = since > most ? since : most;
	}
	if (newer.count == 0)
		return;
	f = report_add(c->report, RULE_LIBC_VERSION, SEVERITY_ERROR);
	report_say(&f->expected, "functions of glibc %u.%u", c->floor_major, c->floor_minor);
	report_say(&f->found, "needs glibc 2.%u", most);
	report_say_symbols(f, &newer);
}

void
elf_check_versions(const struct elf_check *c)
{
	for (enum family family = 0; family < FAMILY_COUNT; family++)
		check_family(c, family);
	check_glibc_names(c);
	check_musl_floor(c);
}

static bool
is_known(const struct elf_check *c, const struct elf_symbol *s, bool *node_cxx)
{
	bool for_node = c->abi.kind != ABI_NAPI && c->report->abi.kind != ABI_NAPI;

	*node_cxx = false;
	/* Node exports its libuv; a weak symbol that is missing is NULL and stops nothing. */
	if (napi_is_name(s->name) || starts_with(s->name, "uv_") || s->binding == STB_WEAK)
		return true;
	/* They have a finding of libc-version. */
	if (newer_glibc(c, s) > 0)
		return true;
	if (s->version != NULL && family_of(s->version) != FAMILY_COUNT)
		return strcmp(s->version, "GLIBC_PRIVATE") != 0;
	if (c->target->libc == LIBC_MUSL && musl_since(s->name, c->target->elf_machine) > 0)
		return true;
	*node_cxx = node_is_cxx(s->name) || strcmp(s->name, "node_module_register") == 0;
	return *node_cxx && for_node;
}

/* With its version, and for musl with who else has it. */
static void
add_symbol(const struct elf_check *c, const struct elf_symbol *s, struct name_list *list)
{
	const char *version = s->version != NULL ? s->version : "";
	char elsewhere[MUSL_ELSEWHERE_SIZE] = "";

	if (c->target->libc == LIBC_MUSL)
		musl_elsewhere(s->name, elsewhere);
	name_list_add_symbol(list, s->name, "%s%s%s%s%s%s", s->name, version[0] != '\0' ? "@" : "",
			     version, elsewhere[0] != '\0' ? " (" : "", elsewhere,
			     elsewhere[0] != '\0' ? ")" : "");
}

void
elf_check_symbols(const struct elf_check *c)
{
	struct name_list unknown = {0}, node = {0};
	struct finding *f;
	bool node_cxx;

	for (size_t i = 0; i < c->elf->symbol_count; i++) {
		const struct elf_symbol *s = &c->elf->symbols[i];

		if (s->defined || s->name[0] == '\0' || is_known(c, s, &node_cxx))
			continue;
		add_symbol(c, s, node_cxx ? &node : &unknown);
	}
	if (node.count > 0) {
		f = report_add(c->report, RULE_SYMBOLS, SEVERITY_ERROR);
		report_say(&f->expected, "Node-API only, as the addon claims");
		report_say(&f->found, "%zu symbols of V8 or Node, which change with every major",
			   node.count);
		report_say_symbols(f, &node);
	}
	if (unknown.count > 0) {
		f = report_add(c->report, RULE_SYMBOLS, SEVERITY_ERROR);
		report_say(&f->expected, "%s",
			   c->target->libc == LIBC_MUSL
				   ? "symbols of Node and musl"
				   : "symbols of Node, and glibc's public ones with their version");
		report_say(&f->found, "%zu undefined symbols that are neither", unknown.count);
		report_say_symbols(f, &unknown);
	}
}
