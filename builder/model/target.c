#include "builder/model/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/json.h"
#include "builder/base/mem.h"

static const struct target table[] = {
/* Made from toolchains/targets/ by target_table.awk. */
#include "target_table.inc"
};

size_t
target_count(void)
{
	return ARRAY_SIZE(table);
}

const struct target *
target_at(size_t i)
{
	return i < ARRAY_SIZE(table) ? &table[i] : NULL;
}

const struct target *
target_from_node(const char *platform, const char *arch)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (strcmp(table[i].node_platform, platform) == 0 &&
		    strcmp(table[i].node_arch, arch) == 0)
			return &table[i];
	return NULL;
}

const struct target *
target_find(const char *name)
{
	char alias[64];

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (strcmp(table[i].triple, name) == 0)
			return &table[i];
		snprintf(alias, sizeof alias, "%s-%s", table[i].node_platform, table[i].node_arch);
		if (strcmp(alias, name) == 0)
			return &table[i];
	}
	return NULL;
}

const char *
target_libc_text(const struct target *t)
{
	static const char *const names[] = {
		[LIBC_GLIBC] = "glibc",
		[LIBC_MUSL] = "musl",
		[LIBC_MSVCRT] = "msvcrt",
		[LIBC_SYSTEM] = "system",
	};

	return names[t->libc];
}

const char *
target_recipe_text(const struct target *t)
{
	static const char *const names[] = {
#define X(constant, name) [constant] = name,
		TARGET_RECIPES(X)
#undef X
	};

	return names[t->recipe];
}

const char *
target_note(const struct target *t)
{
	static const char *const notes[][2] = {
		[RECIPE_PACKAGES] = {"not load-tested", NULL},
		[RECIPE_MACOS_SDK] = {"needs a macOS SDK; not load-tested", "needs a macOS SDK"},
		[RECIPE_NONE] = {"not built here; not load-tested", "not built here"},
	};

	return notes[t->recipe][t->load_tested];
}

struct json *
target_json(const struct target *t)
{
	char *node = xasprintf("%s-%s", t->node_platform, t->node_arch);
	char *floor = xasprintf("%u.%u", t->floor_major, t->floor_minor);
	struct json *o = json_object();

	json_set_str(o, "target", t->triple);
	json_set_str(o, "node", node);
	json_set_str(o, "libc", target_libc_text(t));
	json_set_str(o, "floor", floor);
	json_set_str(o, "recipe", target_recipe_text(t));
	json_set_bool(o, "load_tested", t->load_tested);
	json_set_str(o, "note", target_note(t));
	free(node);
	free(floor);
	return o;
}

char *
target_assembly(const struct target *t)
{
	if (t->recipe == RECIPE_NONE)
		return NULL;
	return xasprintf("%s%s", t->triple,
			 t->recipe == RECIPE_MACOS_SDK ? " --macos-sdk FOLDER" : "");
}

const struct target *
target_host(void)
{
#if defined(__GLIBC__)
	static const char platform[] = "linux";
#else
	static const char platform[] = "linuxmusl";
#endif
#if defined(__x86_64__)
	return target_from_node(platform, "x64");
#elif defined(__i386__)
	return target_from_node(platform, "ia32");
#elif defined(__aarch64__)
	return target_from_node(platform, "arm64");
#elif defined(__arm__)
	return target_from_node(platform, "arm");
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
	return target_from_node(platform, "ppc64");
#elif defined(__s390x__)
	return target_from_node(platform, "s390x");
#elif defined(__riscv) && __riscv_xlen == 64
	return target_from_node(platform, "riscv64");
#else
	return NULL;
#endif
}
