#include "builder/plan/flags.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/buf.h"
#include "builder/base/mem.h"
#include "builder/plan/plan.h"

/* They are told to whoever reads the log, who has seen enough by then. */
#define DROPPED_MAX 100

/* Dropped by prefix. Link-time optimisation would need the same compiler for every archive and
 * gives files that differ with the number of its threads. Node's own common.gypi has flags that only gcc
 * knows: -fno-tree-vrp, and -mminimal-toc on ppc64, whose range clang's default code model covers. */
static const char *const compile_dropped[] = {
	"-march=native",
	"-mtune=native",
	"-mcpu=native",
	"-flto",
	"-fno-lto",
	"-ffat-lto",
	"-fuse-linker-plugin",
	"-fno-tree-vrp",
	"-mminimal-toc",
	"-fuse-ld=",
	"-B",
	"-specs=",
};

static const char *const link_dropped[] = {
	"-rdynamic",
	"-flto",
	"-fuse-linker-plugin",
	"-fuse-ld=",
	"-Wl,-rpath",
	"-Wl,--rpath",
	"-B",
	"-specs=",
	"-static-libgcc",
	"-Wl,--exclude-libs",
	"-Wl,--dynamic-linker",
};

static bool
starts(const char *flag, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strncmp(flag, list[i], strlen(list[i])) == 0)
			return true;
	return false;
}

/* Splits as a shell does, without expansion: spaces, '…', "…" and backslashes. */
static void
split(const char *entry, struct strv *out)
{
	struct buf word = {0};
	bool open = false;
	char quote = '\0';

	for (const char *c = entry; *c != '\0'; c++) {
		if (quote == '\0' && isspace((unsigned char)*c)) {
			if (open)
				strv_add(out, word.data);
			word.len = 0;
			open = false;
			continue;
		}
		if (!open)
			buf_add(&word, "", 0);
		open = true;
		if (quote == '\0' && (*c == '\'' || *c == '"'))
			quote = *c;
		else if (quote != '\0' && *c == quote)
			quote = '\0';
		else if (*c == '\\' && quote != '\'' && c[1] != '\0')
			buf_add(&word, ++c, 1);
		else
			buf_add(&word, c, 1);
	}
	if (open)
		strv_add(out, word.data);
	buf_fini(&word);
}

void
flags_drop(const char *flag, struct strv *dropped)
{
	if (dropped->n < DROPPED_MAX && !strv_has(dropped, flag))
		strv_add(dropped, flag);
}

static void
sort(const char *entry, const char *const *list, size_t n, struct strv *argv, struct strv *dropped)
{
	struct strv words = {0};

	split(entry, &words);
	for (size_t i = 0; i < words.n; i++) {
		if (!starts(words.at[i], list, n))
			strv_add(argv, words.at[i]);
		else
			flags_drop(words.at[i], dropped);
	}
	strv_fini(&words);
}

void
flags_add_package(const char *entry, struct strv *argv, struct strv *dropped)
{
	sort(entry, compile_dropped, ARRAY_SIZE(compile_dropped), argv, dropped);
}

void
flags_add_linker(const char *entry, struct strv *argv, struct strv *dropped)
{
	sort(entry, link_dropped, ARRAY_SIZE(link_dropped), argv, dropped);
}

void
flags_add_ours(struct strv *argv)
{
	/* Paths in assertions and debug data must not tell where it was built; -w would hide what
	 * the package wants to see, but unknown warnings of another compiler are no errors. */
	static const char *const ours[] = {
		"-fPIC",
		"-fvisibility=hidden",
		"-ffile-prefix-map=" PLAN_SOURCE "=.",
		"-ffile-prefix-map=" PLAN_GEN "=gen",
		"-Wno-unknown-warning-option",
		"-Wno-ignored-optimization-argument",
		"-Wno-unused-command-line-argument",
		"-Wno-error",
	};

	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		strv_add(argv, ours[i]);
}
