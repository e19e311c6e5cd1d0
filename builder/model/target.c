#include "builder/model/target.h"

#include <stdio.h>
#include <string.h>

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
	};

	return names[t->libc];
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
