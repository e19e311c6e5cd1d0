/*
 * elf_exports.c - what else a file offers to others.
 *
 * Exporting more than the entry is not clean, and a warning. It is an error where it breaks the
 * addon itself: a name of a library that a program may have too (a Node built with a shared
 * SQLite, OpenSSL, zlib …, or another addon loaded globally) which the addon looks up by name. The
 * loader then finds the other one, of another version. Code that was linked with -Bsymbolic or
 * has hidden visibility refers to itself without a lookup.
 */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "builder/audit/elf_check.h"
#include "builder/audit/napi.h"
#include "builder/audit/node_abi.h"
#include "builder/base/mem.h"

/* Names that belong to libraries which Node is built with. */
static const char *const shared_names[] = {
	"sqlite3_", "SSL_",     "EVP_",  "CRYPTO_", "BIO_",    "X509_", "inflate", "deflate",
	"Brotli",   "nghttp2_", "ares_", "uv_",     "llhttp_", "ZSTD_", "napi_",   "node_api_",
};

/* What linkers define for themselves. */
static const char *const linker_names[] = {
	"_init",       "_fini",   "__bss_start",   "_edata",     "_end",
	"__bss_end__", "__end__", "__bss_start__", "_bss_end__", "__exidx_start",
	"__exidx_end", "edata",   "end",
};

static bool
is_entry(const char *name)
{
	unsigned version;

	for (size_t i = 0; i < ARRAY_SIZE(linker_names); i++)
		if (strcmp(name, linker_names[i]) == 0)
			return true;
	return strcmp(name, NAPI_ENTRY) == 0 || strcmp(name, NAPI_VERSION_ENTRY) == 0 ||
	       node_abi_of_symbol(name, &version);
}

static bool
is_shared(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(shared_names); i++)
		if (starts_with(name, shared_names[i]))
			return true;
	return false;
}

static bool
is_exported(const struct elf_symbol *s)
{
	return s->defined && s->binding != STB_LOCAL && s->visibility != STV_HIDDEN &&
	       s->visibility != STV_INTERNAL && s->name[0] != '\0' &&
	       (s->version == NULL || strcmp(s->name, s->version) != 0) && !is_entry(s->name);
}

/* Which of the shared names does the file itself look up? */
static void
find_lookups(const struct elf_check *c, struct name_list *out)
{
	const struct elf *elf = c->elf;
	bool *seen = xcalloc(elf->symbol_count, sizeof *seen);

	for (size_t table = 0; table < ARRAY_SIZE(elf->relocs); table++) {
		for (size_t i = 0; i < elf->relocs[table].count; i++) {
			uint32_t n = elf_reloc_at(elf, c->data, table, i).symbol;
			const struct elf_symbol *s;

			if (n == 0 || n > elf->symbol_count || seen[n - 1])
				continue;
			seen[n - 1] = true;
			s = &elf->symbols[n - 1];
			if (is_exported(s) && s->visibility == STV_DEFAULT && is_shared(s->name))
				name_list_add(out, "%s", s->name);
		}
	}
	free(seen);
}

void
elf_check_exports(const struct elf_check *c)
{
	struct name_list exports = {0}, lookups = {0};
	bool shared = false;
	struct finding *f;

	for (size_t i = 0; i < c->elf->symbol_count; i++) {
		const struct elf_symbol *s = &c->elf->symbols[i];

		if (!is_exported(s))
			continue;
		shared |= is_shared(s->name);
		name_list_add(&exports, "%s", s->name);
	}
	if (exports.count == 0)
		return;
	if (shared)
		find_lookups(c, &lookups);
	f = report_add(c->report, RULE_EXPORTS,
		       lookups.count > 0 ? SEVERITY_ERROR : SEVERITY_WARNING);
	report_say(&f->expected, "only the entry is exported");
	if (lookups.count > 0)
		report_say(&f->found,
			   "%zu exports; %zu of them are looked up by name, so that another "
			   "library of that name in the process takes their place",
			   exports.count, lookups.count);
	else
		report_say(&f->found, "%zu exports", exports.count);
	report_say(&f->evidence, "%s", lookups.count > 0 ? lookups.text : exports.text);
}
