#include "builder/lockfile/lockfile.h"

#include <stdlib.h>
#include <string.h>

#include "builder/base/buf.h"
#include "builder/base/file.h"
#include "builder/base/mem.h"
#include "tests/lib/test.h"

/* The text as long as it says, so that a read past the end is seen. */
static int
parse(const char *text, size_t len, struct lockfile *l, struct err *e)
{
	char *exact = xmalloc(len > 0 ? len : 1);
	int r;

	memcpy(exact, text, len);
	*e = (struct err){0};
	r = lockfile_parse(exact, len, l, e);
	CHECK_INT(r, e->code);
	free(exact);
	return r;
}

static int
parse_text(const char *text, struct lockfile *l, struct err *e)
{
	return parse(text, strlen(text), l, e);
}

static void
read_data(const char *name, struct buf *out)
{
	char *path = xasprintf("tests/data/lock/%s", name);
	struct err e = {0};

	CHECK_MSG(file_read(path, LOCKFILE_BYTES_MAX, out, &e) == 0, "%s", e.msg);
	free(path);
}

/* "name@version integrity's-first-digits", "name from …"; '.' behind what is plain. */
static char *
tell(const struct locked *p)
{
	if (p == NULL)
		return xstrdup("none");
	if (p->version == NULL)
		return xasprintf("%s from %s", p->name, p->from);
	return xasprintf("%s@%s %.12s%s", p->name, p->version,
			 p->integrity != NULL ? p->integrity : "-", p->plain ? "." : "");
}

static void
check_found(const struct lockfile *l, const char *name, const char *version, const char *want)
{
	char *have = tell(lockfile_find(l, name, version));

	CHECK_STR(have, want);
	free(have);
}

/* Every client pins the same packages for the same project, so far as its format can say it. */
TEST(the_real_clients)
{
	static const struct {
		const char *file, *format;
		bool plain;     /* the format says what has no install script */
		bool integrity; /* … and the registry's integrity */
		const char *local;
	} cases[] = {
		{"npm-1.json", "npm 1", false, true, "none"},
		{"npm-2.json", "npm 2", true, true, "none"},
		{"npm-3.json", "npm 3", true, true, "none"},
		{"pnpm-5.yaml", "pnpm 5", true, true, "local from file:local"},
		{"pnpm-6.yaml", "pnpm 6", true, true, "local from file:local"},
		{"pnpm-9.yaml", "pnpm 9", false, true, "local from local@file:local"},
		{"yarn-1.lock", "yarn 1", false, true, "local from file:./local"},
		{"yarn-3.lock", "yarn 2+", false, false,
		 "local from file:./local#./local::hash=cb25a5&locator=app%40workspace%3A."},
		{"yarn-4.lock", "yarn 2+", false, false,
		 "local from file:./local#./local::hash=cb25a5&locator=app%40workspace%3A."},
	};
	static const struct {
		const char *name, *version, *integrity;
	} natives[] = {
		{"better-sqlite3", "12.11.1", "sha512-dq9At"},
		{"better-sqlite3", "11.10.0", "sha512-EwhOp"},
		{"bufferutil", "4.0.8", "sha512-4T53u"},
		{"sqlite3", "6.0.1", "sha512-X0czU"},
		{"@parcel/watcher", "2.5.1", "sha512-dfUnC"},
		{"@parcel/watcher-linux-x64-glibc", "2.5.1", "sha512-GcESn"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf text = {0};
		struct lockfile l;
		struct err e;
		char *want;

		read_data(cases[i].file, &text);
		CHECK_MSG(parse(text.data, text.len, &l, &e) == 0, "%s: %s", cases[i].file, e.msg);
		CHECK_STR(lockfile_format_text(l.format), cases[i].format);
		CHECK_MSG(l.count >= 80 && l.count <= 100, "%s: %zu packages", cases[i].file,
			  l.count);
		for (size_t k = 0; k < ARRAY_SIZE(natives); k++) {
			want = xasprintf("%s@%s %s", natives[k].name, natives[k].version,
					 cases[i].integrity ? natives[k].integrity : "-");
			check_found(&l, natives[k].name, natives[k].version, want);
			free(want);
		}
		want = xasprintf("bindings@1.5.0 %s%s", cases[i].integrity ? "sha512-p2q/t" : "-",
				 cases[i].plain ? "." : "");
		check_found(&l, "bindings", "1.5.0", want);
		free(want);
		check_found(&l, "local", "", cases[i].local);
		/* The alias's own name, the workspace and the project are no packages. */
		check_found(&l, "sqlite", "6.0.1", "none");
		check_found(&l, "inner", "1.0.0", "none");
		check_found(&l, "app", "1.0.0", "none");
		lockfile_fini(&l);
		buf_fini(&text);
	}
}

/* A prefix of a file is read to its end or refused, and nothing is read past it. */
TEST(files_that_are_cut)
{
	static const char *const files[] = {"npm-3.json", "pnpm-5.yaml", "yarn-1.lock",
					    "yarn-4.lock"};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct buf text = {0};

		read_data(files[i], &text);
		for (size_t len = 0; len < text.len; len += 997) {
			struct lockfile l;
			struct err e;

			parse(text.data, len, &l, &e);
			lockfile_fini(&l);
		}
		buf_fini(&text);
	}
}

#define YARN1         "# yarn lockfile v1\n"
#define PNPM(version) "lockfileVersion: '" version "'\npackages:\n"
#define YARN2         "__metadata:\n  version: 8\n"

/* What the project of the data does not have: one package a file. */
TEST(where_packages_come_from)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{"{\"lockfileVersion\":3,\"packages\":{\"node_modules/a/node_modules/@s/b\":"
		 "{\"version\":\"1.0.0\"}}}",
		 "@s/b@1.0.0 -."},
		{"{\"lockfileVersion\":3,\"packages\":{\"node_modules/a\":{\"version\":\"1.0.0\","
		 "\"optionalDependencies\":{\"b\":\"1\"}}}}",
		 "a@1.0.0 -"},
		{"{\"lockfileVersion\":2,\"packages\":{\"node_modules/a\":{\"version\":\"1.0.0\","
		 "\"os\":[\"linux\"]}}}",
		 "a@1.0.0 -"},
		{"{\"lockfileVersion\":3,\"packages\":{\"node_modules/a\":{\"version\":\"1.0.0\","
		 "\"resolved\":\"git+ssh://git@h/a.git#1\"}}}",
		 "a from git+ssh://git@h/a.git#1"},
		{"{\"lockfileVersion\":3,\"packages\":{\"node_modules/a\":{\"version\":\"1.0.0\","
		 "\"inBundle\":true}}}",
		 "nothing"},
		{"{\"lockfileVersion\":1,\"dependencies\":{\"a\":{\"version\":\"npm:@s/b@2.0.0\"}}}",
		 "@s/b@2.0.0 -"},
		{"{\"lockfileVersion\":1,\"dependencies\":{\"a\":{\"version\":\"github:u/a#1\"}}}",
		 "a from github:u/a#1"},
		{"{\"lockfileVersion\":1,\"dependencies\":{\"a\":{\"version\":\"file:a.tgz\","
		 "\"integrity\":\"sha512-x\"}}}",
		 "a from file:a.tgz"},
		{"{\"lockfileVersion\":1,\"dependencies\":{\"a\":{\"version\":\"file:a\"}}}",
		 "nothing"},
		{"{\"lockfileVersion\":1,\"dependencies\":{\"a\":{\"version\":\"1.0.0\","
		 "\"bundled\":true}}}",
		 "nothing"},
		{PNPM("5.4") "  /@s/a/1.0.0_react@18.2.0:\n    resolution: {integrity: sha512-x}\n",
		 "@s/a@1.0.0 sha512-x."},
		{PNPM("5.3") "  /a/1.0.0_0123abcd+r@1:\n    resolution: {integrity: sha512-x}\n",
		 "a@1.0.0 sha512-x."},
		{PNPM("5.4") "  h.example/a/1.0.0:\n    resolution: {integrity: sha512-x}\n",
		 "h.example/a/1.0.0 from h.example/a/1.0.0"},
		{PNPM("5.4") "  github.com/u/a/0123:\n    resolution: {tarball: https://h/0123}\n"
			     "    name: a\n    version: 1.0.0\n",
		 "a from github.com/u/a/0123"},
		{PNPM("6.0") "  /@s/a@1.0.0(react@18.2.0)(@s/b@1.0.0):\n"
			     "    resolution: {integrity: sha512-x}\n    requiresBuild: true\n",
		 "@s/a@1.0.0 sha512-x"},
		{PNPM("9.0") "  a@https://h/u/a/tar.gz/0123:\n    resolution: {tarball: https://h/u/a}\n",
		 "a from a@https://h/u/a/tar.gz/0123"},
		{PNPM("9.0") "  a@git+https://h/a.git#1:\n    resolution: {commit: 1, repo: h, type: "
			     "git}\n",
		 "a from a@git+https://h/a.git#1"},
		{YARN1
		 "\"@s/a@^1.0.0\", \"@s/a@~1.0.1\":\n  version \"1.0.4\"\n  integrity sha512-x\n"
		 "  dependencies:\n    version \"^9.0.0\"\n",
		 "@s/a@1.0.4 sha512-x"},
		{YARN1 "\"b@npm:@s/a\":\n  version \"1.0.4\"\n", "@s/a@1.0.4 -"},
		{YARN1 "a@^1.0.0:\r\n  version \"1.0.4\"\r\n\r\n", "a@1.0.4 -"},
		{YARN1
		 "\"a@git+https://h/a.git\":\n  version \"1.0.0\"\n  resolved \"git+https://h/a.git"
		 "#1\"\n",
		 "a from git+https://h/a.git#1"},
		{YARN1 "a@user/a:\n  version \"1.0.0\"\n", "a from user/a"},
		{YARN1 "a@1:\n  version \"../../x\"\n", "a from ../../x"},
		{YARN2 "\"b@npm:a@^1.0.0\":\n  resolution: \"a@npm:1.0.0\"\n", "a@1.0.0 -"},
		{YARN2
		 "\"a@npm:1\":\n  resolution: \"a@npm:1.0.0::__archiveUrl=https%3A%2F%2Fh\"\n",
		 "a@1.0.0 -"},
		{YARN2 "\"a@patch:a@1\":\n  resolution: \"a@patch:a@npm%3A1.0.0#./p\"\n",
		 "nothing"},
		{YARN2 "\"a@https://h/a.git\":\n  resolution: \"a@https://h/a.git#commit=1\"\n",
		 "a from https://h/a.git#commit=1"},
		/* Names that are none do not become parts of URLs. */
		{"{\"lockfileVersion\":3,\"packages\":{\"node_modules/../x\":{\"version\":\"1.0.0\"}}}",
		 "../x from a name that registries do not take any more"},
		{"{\"lockfileVersion\":3,\"packages\":{\"node_modules/a\":{\"name\":\"A b\","
		 "\"version\":\"1.0.0\"}}}",
		 "A b from a name that registries do not take any more"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct lockfile l;
		struct err e;
		char *have;

		CHECK_MSG(parse_text(cases[i].text, &l, &e) == 0, "case %zu: %s", i, e.msg);
		CHECK_MSG(l.count <= 1, "case %zu: %zu packages", i, l.count);
		have = l.count == 0 ? xstrdup("nothing") : tell(&l.packages[0]);
		CHECK_STR(have, cases[i].want);
		free(have);
		lockfile_fini(&l);
	}
}

TEST(one_version_stands_once)
{
	static const char text[] =
		"{\"lockfileVersion\":3,\"packages\":{"
		"\"node_modules/b\":{\"version\":\"2.0.0\"},"
		"\"node_modules/a\":{\"version\":\"1.0.0\"},"
		"\"node_modules/x/node_modules/a\":{\"version\":\"1.0.0\",\"integrity\":\"sha512-x\","
		"\"hasInstallScript\":true},"
		"\"node_modules/y/node_modules/a\":{\"version\":\"0.9.0\"},"
		"\"node_modules/z/node_modules/a\":{\"version\":\"1\",\"resolved\":\"file:a.tgz\"}}}";
	struct lockfile l;
	struct err e;

	CHECK_INT(parse_text(text, &l, &e), 0);
	CHECK_INT((int64_t)l.count, 4);
	check_found(&l, "a", "1.0.0", "a@1.0.0 sha512-x");
	check_found(&l, "a", "0.9.0", "a@0.9.0 -.");
	check_found(&l, "a", "3.0.0", "none");
	check_found(&l, "b", "^2", "b@2.0.0 -.");
	check_found(&l, "c", "1.0.0", "none");
	lockfile_fini(&l);
}

TEST(what_is_no_lock_file)
{
	static const struct {
		const char *text;
		int code;
		const char *says;
	} cases[] = {
		{"", ERR_MALFORMED, "empty"},
		{"{", ERR_MALFORMED, ""},
		{"{\"name\":\"app\",\"version\":\"1.0.0\"}", ERR_MALFORMED, "package.json"},
		{"{\"lockfileVersion\":4}", ERR_UNSUPPORTED, "4"},
		{"hello", ERR_MALFORMED, "mapping"},
		{"a: b\n", ERR_MALFORMED, "no lockfileVersion"},
		{"lockfileVersion: '7.0'\n", ERR_UNSUPPORTED, "7.0"},
		{"a: [b\n", ERR_MALFORMED, "line"},
		{"a: &x b\nc: *x\n", ERR_MALFORMED, "line 1: anchors"},
		{"a: !!str b\n", ERR_MALFORMED, "line 1: anchors"},
		{"c: *x\n", ERR_MALFORMED, "line 1: aliases"},
		{"? [a]\n: b\n", ERR_MALFORMED, "line 1: a key"},
		{"a: \"b\\0c\"\n", ERR_MALFORMED, "NUL"},
		{"[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]\n", ERR_LIMIT, "deep"},
		{YARN1 "  version \"1.0.0\"\n", ERR_MALFORMED, "line 2"},
		{YARN1 "a@1:\n  version \"1.0.0\n", ERR_MALFORMED, "line 2"},
		{YARN1 "a@1\n", ERR_MALFORMED, "line 2"},
		{YARN1 "\"a@1:\n", ERR_MALFORMED, "line 2"},
		{YARN2 "a: b\n", ERR_MALFORMED, "resolution"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct lockfile l;
		struct err e;

		CHECK_INT(parse_text(cases[i].text, &l, &e), cases[i].code);
		CHECK_MSG(strstr(e.msg, cases[i].says) != NULL && e.msg[0] != '\0', "case %zu: %s",
			  i, e.msg);
		lockfile_fini(&l);
	}
}

TEST(limits)
{
	struct buf text = {0};
	struct lockfile l;
	struct err e;

	buf_adds(&text, YARN1);
	for (int i = 0; i < LOCKFILE_PACKAGES_MAX; i++)
		buf_addf(&text, "a%d@1:\n  version 1.0.0\n", i);
	CHECK_INT(parse(text.data, text.len, &l, &e), 0);
	CHECK_INT((int64_t)l.count, LOCKFILE_PACKAGES_MAX);
	lockfile_fini(&l);
	buf_adds(&text, "b@1:\n  version 1.0.0\n");
	CHECK_INT(parse(text.data, text.len, &l, &e), ERR_LIMIT);
	lockfile_fini(&l);
	buf_fini(&text);

	memset(buf_reserve(&text, LOCKFILE_BYTES_MAX + 1), ' ', LOCKFILE_BYTES_MAX + 1);
	text.len = LOCKFILE_BYTES_MAX + 1;
	CHECK_INT(parse(text.data, text.len, &l, &e), ERR_TOO_LARGE);
	lockfile_fini(&l);
	buf_fini(&text);
}
