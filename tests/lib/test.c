#include "tests/lib/test.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/file.h"
#include "builder/base/mem.h"

#define TESTS_MAX 400
#define PATHS_MAX 64

static struct {
	const char *name;
	test_fn fn;
} tests[TESTS_MAX];
static size_t count, failures;
static char dir[256];
static char *paths[PATHS_MAX];
static size_t path_count;

void
test_register(const char *name, test_fn fn)
{
	if (count == TESTS_MAX)
		abort();
	tests[count].name = name;
	tests[count++].fn = fn;
}

bool
test_check(bool ok, const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	if (ok)
		return true;
	failures++;
	printf("# %s:%d: ", file, line);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	return false;
}

bool
test_check_int(int64_t have, int64_t want, const char *file, int line, const char *what)
{
	return test_check(have == want, file, line, "%s is %lld, not %lld", what, (long long)have,
			  (long long)want);
}

bool
test_check_str(const char *have, const char *want, const char *file, int line, const char *what)
{
	bool same = have == want || (have != NULL && want != NULL && strcmp(have, want) == 0);

	return test_check(same, file, line, "%s is \"%s\", not \"%s\"", what,
			  have != NULL ? have : "(null)", want != NULL ? want : "(null)");
}

const char *
test_dir(void)
{
	const char *base = getenv("TMPDIR");

	if (dir[0] != '\0')
		return dir;
	snprintf(dir, sizeof dir, "%s/prebuildd-test-XXXXXX", base != NULL ? base : "/tmp");
	if (mkdtemp(dir) == NULL) {
		perror(dir);
		exit(1);
	}
	return dir;
}

const char *
test_path(const char *name)
{
	if (path_count == PATHS_MAX)
		abort();
	return paths[path_count++] = xasprintf("%s/%s", test_dir(), name);
}

unsigned
test_rounds(unsigned rounds)
{
	return getenv("VALGRIND") != NULL ? rounds / 10 : rounds;
}

int
main(int argc, char **argv)
{
	size_t passed = 0, failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < count; i++) {
		if (argc > 1 && strstr(tests[i].name, argv[1]) == NULL)
			continue;
		failures = 0;
		tests[i].fn();
		printf("%sok %zu - %s\n", failures > 0 ? "not " : "", i + 1, tests[i].name);
		if (failures > 0)
			failed++;
		else
			passed++;
		if (dir[0] != '\0')
			file_remove_tree(dir, NULL);
		dir[0] = '\0';
		while (path_count > 0)
			free(paths[--path_count]);
	}
	printf("%zu passed, %zu failed\n", passed, failed);
	return failed > 0 || passed == 0;
}
