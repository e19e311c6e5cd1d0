/*
 * test.h - the smallest harness: TEST(name) { … } registers itself, CHECK… report and count, and
 * main prints TAP with a closing "N passed, N failed". A test program that ran nothing fails.
 *
 * Usage: one test program a module, tests/unit/<module>_test.c, linked with tests/lib/test.c.
 */
#ifndef TESTS_LIB_TEST_H
#define TESTS_LIB_TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef void (*test_fn)(void);
void test_register(const char *name, test_fn fn);
bool test_check(bool ok, const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
bool test_check_int(int64_t have, int64_t want, const char *file, int line, const char *what);
bool
test_check_str(const char *have, const char *want, const char *file, int line, const char *what);

/* A fresh scratch folder for the running test, removed at its end. */
const char *test_dir(void);
/* A path below it; lives until the test ends. */
const char *test_path(const char *name);

/* So many rounds of something random; a tenth under valgrind, where each takes some forty times as long. */
unsigned test_rounds(unsigned rounds);

#define TEST(name)                                                     \
	static void test_##name(void);                                 \
	__attribute__((constructor)) static void register_##name(void) \
	{                                                              \
		test_register(#name, test_##name);                     \
	}                                                              \
	static void test_##name(void)

#define CHECK(cond)           test_check((cond), __FILE__, __LINE__, "%s", #cond)
#define CHECK_MSG(cond, ...)  test_check((cond), __FILE__, __LINE__, __VA_ARGS__)
#define CHECK_INT(have, want) test_check_int((have), (want), __FILE__, __LINE__, #have)
#define CHECK_STR(have, want) test_check_str((have), (want), __FILE__, __LINE__, #have)

#endif
