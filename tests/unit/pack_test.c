#include "builder/pack/pack.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "builder/base/buf.h"
#include "builder/base/file.h"
#include "builder/base/mem.h"
#include "builder/source/unpack.h"
#include "tests/lib/raw_tar.h"
#include "tests/lib/test.h"

static struct buf
bytes_of(const char *name)
{
	struct buf b = {0};

	CHECK_INT(file_read(test_path(name), 10000000, &b, NULL), 0);
	return b;
}

static bool
same_bytes(const char *one, const char *two)
{
	struct buf a = bytes_of(one), b = bytes_of(two);
	bool same = a.len > 0 && a.len == b.len && memcmp(a.data, b.data, a.len) == 0;

	buf_fini(&a);
	buf_fini(&b);
	return same;
}

/* What GNU tar lists, in UTC and the C locale. */
static char *
listing(const char *name)
{
	char *command = xasprintf("TZ=UTC LC_ALL=C tar tvzf '%s' 2>&1", test_path(name));
	FILE *f = popen(command, "r");
	struct buf out = {0};
	char line[2000];

	free(command);
	while (f != NULL && fgets(line, sizeof line, f) != NULL)
		buf_adds(&out, line);
	CHECK(f != NULL && pclose(f) == 0);
	return buf_take(&out);
}

static void
put(const char *name, const char *text, mode_t mode)
{
	char *path = xasprintf("%s/%s", test_dir(), name);
	char *slash = strrchr(path, '/');

	*slash = '\0';
	CHECK_INT(file_mkdirs(path, 0755, NULL), 0);
	*slash = '/';
	CHECK_INT(file_write(path, text, strlen(text), 0644, NULL), 0);
	CHECK_INT(chmod(path, mode), 0);
	free(path);
}

static void
link_to(const char *target, const char *name)
{
	CHECK_INT(symlink(target, test_path(name)), 0);
}

static int
pack_texts(const struct pack_entry *entries, size_t count, const char *to)
{
	struct err e = {0};
	int r = pack_files(entries, count, test_path(to), &e);

	CHECK_INT(r, e.code);
	return r;
}

TEST(listing_of_files)
{
	static const char want[] =
		"-rw-r--r-- 0/0               0 1985-10-26 08:15 README\n"
		"-rwxr-xr-x 0/0               7 1985-10-26 08:15 build/Release/node_sqlite3.node\n"
		"-rw-r--r-- 0/0               4 1985-10-26 08:15 build/Release/notes\n";
	char *list;

	put("given", "text", 0600);
	CHECK_INT(pack_texts(
			  (struct pack_entry[]){
				  {.name = "build/Release/notes", .path = test_path("given")},
				  {.name = "README"},
				  {.name = "build/Release/node_sqlite3.node",
				   .data = "\177ELF\0\1\2",
				   .len = 7,
				   .executable = true},
			  },
			  3, "t.tgz"),
		  0);
	list = listing("t.tgz");
	CHECK_STR(list, want);
	free(list);
}

TEST(order_of_the_call_does_not_matter)
{
	static const char *const names[] = {"b", "a/c", "a", "a.b", "a-b", "B", "a/b/c"};
	struct pack_entry entries[ARRAY_SIZE(names)];
	size_t n = ARRAY_SIZE(names);
	char *list, *at;

	for (size_t i = 0; i < n; i++)
		entries[i] = (struct pack_entry){.name = names[i], .data = names[i], .len = 1};
	CHECK_INT(pack_texts(entries, n, "1.tgz"), 0);
	for (size_t i = 0; i < n; i++)
		entries[n - 1 - i] =
			(struct pack_entry){.name = names[i], .data = names[i], .len = 1};
	CHECK_INT(pack_texts(entries, n, "2.tgz"), 0);
	CHECK(same_bytes("1.tgz", "2.tgz"));
	/* By bytes: capitals first, '-' before '.' before '/'. */
	list = listing("1.tgz");
	at = list;
	for (size_t i = 0; i < n; i++) {
		static const char *const sorted[] = {"B", "a", "a-b", "a.b", "a/b/c", "a/c", "b"};
		char *end = strchr(at, '\n');

		if (!CHECK(end != NULL))
			break;
		*end = '\0';
		CHECK_STR(strrchr(at, ' ') + 1, sorted[i]);
		at = end + 1;
	}
	free(list);
}

/* RFC 1952: magic, method 8, no flags (so no name), no time, best compression, Unix. */
TEST(gzip_header)
{
	static const unsigned char want[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3};
	struct buf b;

	CHECK_INT(pack_texts(&(struct pack_entry){.name = "a", .data = "x", .len = 1}, 1, "t.tgz"),
		  0);
	b = bytes_of("t.tgz");
	CHECK(b.len > sizeof want && memcmp(b.data, want, sizeof want) == 0);
	buf_fini(&b);
}

/* A header, a block of content, the end mark: nothing pads it to a tape's record, and nothing in
 * the header depends on who writes it. */
TEST(tar_bytes)
{
	char *command = xasprintf("gzip -dc '%s' >'%s'", test_path("t.tgz"), test_path("t.tar"));
	struct buf want = {0}, have;

	CHECK_INT(pack_texts(&(struct pack_entry){.name = "dir/a", .data = "x", .len = 1}, 1,
			     "t.tgz"),
		  0);
	CHECK_INT(system(command), 0);
	have = bytes_of("t.tar");
	raw_tar_header(&want, "dir/a", '0', NULL, 0644, 1);
	CHECK_INT((int64_t)have.len, 4 * RAW_TAR_BLOCK);
	if (CHECK(have.len >= RAW_TAR_BLOCK)) {
		CHECK(memcmp(have.data, want.data, 100) == 0);
		CHECK_STR(have.data + 100, "000644 ");
		CHECK_STR(have.data + 108, "000000 ");
		CHECK_STR(have.data + 116, "000000 ");
		CHECK(memcmp(have.data + 124, "00000000001 03560116604 ", 24) == 0);
		CHECK(memcmp(have.data + 257, "ustar\00000", 8) == 0);
		CHECK_STR(have.data + 265, "");
		CHECK_STR(have.data + 297, "");
	}
	free(command);
	buf_fini(&want);
	buf_fini(&have);
}

static void
make_tree(const char *root)
{
	static const char *const files[] = {
		"package.json",
		"src/a.cc",
		"src/b.cc",
		"deps/x/y/z/w.c",
		"\xc3\xa9.txt",
		"e\xcc\x81.txt",
		"src/\xe6\x97\xa5\xe6\x9c\xac/\xf0\x9f\x98\x80",
	};
	char name[600];

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(name, sizeof name, "%s/%s", root, files[i]);
		put(name, files[i], 0644);
	}
	/* Too long for ustar's two fields: 120 and 300 bytes. */
	snprintf(name, sizeof name, "%s/%0120d", root, 1);
	put(name, "long", 0644);
	snprintf(name, sizeof name, "%s/%0100d/%0100d/%0100d", root, 1, 2, 3);
	put(name, "longer", 0644);
	snprintf(name, sizeof name, "%s/bin/tool", root);
	put(name, "#!/bin/sh\n", 0755);
	snprintf(name, sizeof name, "%s/bin/alias", root);
	link_to("../src/a.cc", name);
	snprintf(name, sizeof name, "%s/bin/\xc3\xa9", root);
	link_to("../\xc3\xa9.txt", name);
	snprintf(name, sizeof name, "%s/empty/folder", root);
	CHECK_INT(file_mkdirs(test_path(name), 0755, NULL), 0);
}

/* Packs in a process of its own, under another user's settings. */
static bool
pack_elsewhere(const char *dir, const char *to, const char *zone, const char *locale, mode_t mask)
{
	const char *from = test_path(dir), *into = test_path(to);
	int status = -1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		setenv("TZ", zone, 1);
		tzset();
		setenv("LC_ALL", locale, 1);
		if (setlocale(LC_ALL, "") == NULL)
			_exit(2);
		umask(mask);
		_exit(pack_tree(from, "package", into, NULL) == 0 ? 0 : 1);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

TEST(a_tree_gives_the_same_bytes_everywhere)
{
	static const char *const modes[] = {"chmod -R go-rwx '%s'", "chmod -R g+w,o+r '%s'"};
	struct buf text = {0};

	make_tree("here");
	make_tree("there");
	CHECK(pack_elsewhere("here", "1.tgz", "UTC", "C", 022));
	/* Other modes for others, other times, another order in the folder. */
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		text.len = 0;
		buf_addf(&text, modes[i], test_path("there"));
		CHECK_INT(system(text.data), 0);
	}
	CHECK_INT(rename(test_path("there/src/a.cc"), test_path("there/src/moved")), 0);
	CHECK_INT(rename(test_path("there/src/moved"), test_path("there/src/a.cc")), 0);
	CHECK(pack_elsewhere("there", "2.tgz", "Asia/Kathmandu", "C.UTF-8", 077));
	CHECK(pack_elsewhere("there", "3.tgz", "America/St_Johns", "POSIX", 0));
	CHECK(same_bytes("1.tgz", "2.tgz"));
	CHECK(same_bytes("1.tgz", "3.tgz"));
	buf_fini(&text);
}

TEST(what_is_packed_is_unpacked)
{
	struct unpack_limits l = {
		.bytes = 100000, .entries = 100, .depth = 20, .allow_links = true, .strip = 1};
	char *command, *list;
	struct err e = {0};

	make_tree("tree");
	CHECK_INT(pack_tree(test_path("tree"), "package", test_path("t.tgz"), &e), 0);
	CHECK_INT(file_mkdirs(test_path("again"), 0755, NULL), 0);
	CHECK_MSG(unpack_file(test_path("t.tgz"), test_path("again"), &l, &e) == 0, "%s", e.msg);
	/* Folders without files are not stored. */
	CHECK_INT(file_remove_tree(test_path("tree/empty"), NULL), 0);
	command = xasprintf("diff -r --no-dereference '%s' '%s'", test_path("tree"),
			    test_path("again"));
	CHECK_INT(system(command), 0);
	free(command);
	CHECK_INT(pack_tree(test_path("again"), "package", test_path("t2.tgz"), &e), 0);
	CHECK(same_bytes("t.tgz", "t2.tgz"));
	list = listing("t.tgz");
	CHECK(strstr(list, "\nlrwxrwxrwx 0/0               0 1985-10-26 08:15 package/bin/alias -> "
			   "../src/a.cc\n") != NULL);
	CHECK(strstr(list,
		     "\n-rwxr-xr-x 0/0              10 1985-10-26 08:15 package/bin/tool\n") !=
	      NULL);
	CHECK(strstr(list, "empty") == NULL);
	free(list);
	/* Without a prefix. */
	CHECK_INT(pack_tree(test_path("tree/bin"), "", test_path("t3.tgz"), &e), ERR_MALFORMED);
	CHECK_INT(pack_tree(test_path("tree/src"), "", test_path("t3.tgz"), NULL), 0);
	list = listing("t3.tgz");
	CHECK(strstr(list, " a.cc\n") != NULL);
	free(list);
}

TEST(trees_that_are_refused)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct err e = {0};
	const char *to = test_path("t.tgz");
	int fd;

	put("fifo/a", "x", 0644);
	CHECK_INT(mkfifo(test_path("fifo/f"), 0644), 0);
	CHECK_INT(pack_tree(test_path("fifo"), "package", to, &e), ERR_INVALID);
	CHECK(strstr(e.msg, "fifo/f") != NULL);
	put("sock/a", "x", 0644);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(addr.sun_path, sizeof addr.sun_path, "%s", test_path("sock/s"));
	CHECK_INT(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
	close(fd);
	CHECK_INT(pack_tree(test_path("sock"), "package", to, NULL), ERR_INVALID);
	put("abs/a", "x", 0644);
	link_to("/etc/passwd", "abs/l");
	CHECK_INT(pack_tree(test_path("abs"), "package", to, NULL), ERR_MALFORMED);
	put("out/a", "x", 0644);
	link_to("../../../etc/passwd", "out/l");
	CHECK_INT(pack_tree(test_path("out"), "package", to, NULL), ERR_MALFORMED);
	put("name/a\nb", "x", 0644);
	CHECK_INT(pack_tree(test_path("name"), "package", to, NULL), ERR_MALFORMED);
	put("latin/\xe9", "x", 0644);
	CHECK_INT(pack_tree(test_path("latin"), "package", to, NULL), ERR_MALFORMED);
	CHECK_INT(file_mkdirs(test_path("none/at/all"), 0755, NULL), 0);
	CHECK_INT(pack_tree(test_path("none"), "package", to, NULL), ERR_INVALID);
	CHECK_INT(pack_tree(test_path("missing"), "package", to, NULL), -ENOENT);
	put("good/a", "x", 0644);
	CHECK_INT(pack_tree(test_path("good"), "../package", to, NULL), ERR_MALFORMED);
	CHECK_INT(pack_tree(test_path("good"), "/package", to, NULL), ERR_MALFORMED);
	CHECK_INT(pack_tree(test_path("good"), "package/", to, NULL), ERR_INVALID);
	CHECK(!file_exists(to));
	CHECK_INT(pack_tree(test_path("good"), "package", to, NULL), 0);
	CHECK_INT(pack_tree(test_path("good"), "package", to, NULL), -EEXIST);
	CHECK(file_exists(to));
}

TEST(deep_trees)
{
	char name[2000] = "deep";
	struct err e = {0};

	for (int i = 0; i < 130; i++)
		strcat(name, "/d");
	put(strcat(name, "/f"), "x", 0644);
	CHECK_INT(pack_tree(test_path("deep"), "package", test_path("t.tgz"), &e), ERR_LIMIT);
	CHECK(!file_exists(test_path("t.tgz")));
}

TEST(files_that_are_refused)
{
	struct pack_entry twice[] = {{.name = "a"}, {.name = "b"}, {.name = "a"}};
	static const struct {
		const char *name;
		int code;
	} names[] = {
		{"", ERR_MALFORMED},       {"/a", ERR_MALFORMED},   {"../a", ERR_MALFORMED},
		{"a/../b", ERR_MALFORMED}, {"a\\b", ERR_MALFORMED}, {"C:a", ERR_MALFORMED},
		{"a\nb", ERR_MALFORMED},   {"\xff", ERR_MALFORMED}, {"./a", ERR_INVALID},
		{"a//b", ERR_INVALID},     {"a/", ERR_INVALID},     {"a/.", ERR_INVALID},
	};

	CHECK_INT(pack_texts(twice, 3, "t.tgz"), ERR_INVALID);
	CHECK_INT(pack_texts(twice, 0, "t.tgz"), ERR_INVALID);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		CHECK_INT(pack_texts(&(struct pack_entry){.name = names[i].name}, 1, "t.tgz"),
			  names[i].code);
	CHECK_INT(pack_texts(&(struct pack_entry){.name = "a", .path = test_path("none")}, 1,
			     "t.tgz"),
		  -ENOENT);
	CHECK_INT(pack_texts(&(struct pack_entry){.name = "a", .path = test_dir()}, 1, "t.tgz"),
		  ERR_INVALID);
	/* A build may leave a link to something of ours where its result should be. */
	link_to("/etc/passwd", "result.node");
	CHECK_INT(pack_texts(&(struct pack_entry){.name = "a", .path = test_path("result.node")}, 1,
			     "t.tgz"),
		  -ELOOP);
	CHECK_INT(mkfifo(test_path("pipe"), 0644), 0);
	CHECK_INT(pack_texts(&(struct pack_entry){.name = "a", .path = test_path("pipe")}, 1,
			     "t.tgz"),
		  ERR_INVALID);
	/* A file that gives more bytes than it has. */
	CHECK_INT(pack_texts(&(struct pack_entry){.name = "a", .path = "/proc/self/status"}, 1,
			     "t.tgz"),
		  ERR_CONFLICT);
	CHECK(!file_exists(test_path("t.tgz")));
	CHECK_INT(pack_files(&(struct pack_entry){.name = "a"}, 1, test_path("no/t.tgz"), NULL),
		  -ENOENT);
}

struct found {
	char *name;
	void *data;
	size_t size;
};

/* Looks for the addon in these bytes, which it frees. */
static int
find(struct buf *b, size_t limit, struct found *f, struct err *e)
{
	int r;

	*e = (struct err){0};
	r = pack_find_addon(b->data, b->len, limit, &f->name, &f->data, &f->size, e);
	CHECK_INT(r, e->code);
	if (r != 0)
		CHECK(f->name == NULL && f->data == NULL && f->size == 0);
	buf_fini(b);
	return r;
}

static void
not_found(struct buf *b, int code, const char *text)
{
	struct found f;
	struct err e;
	int r;

	raw_tar_squeeze(b, "gzip");
	r = find(b, 1000, &f, &e);
	CHECK_MSG(r == code && strstr(e.msg, text) != NULL, "%s: %d %s", text, r, e.msg);
}

TEST(addon_is_found)
{
	struct buf b = {0};
	struct found f;
	struct err e;

	CHECK_INT(pack_texts(
			  (struct pack_entry[]){
				  {.name = "LICENSE", .data = "free", .len = 4},
				  {.name = "build/Release/x.node.txt", .data = "no", .len = 2},
				  {.name = "build/Release/x.node", .data = "\177ELF\0", .len = 5},
				  {.name = "build/Release/x.NODE", .data = "no", .len = 2},
			  },
			  4, "t.tgz"),
		  0);
	b = bytes_of("t.tgz");
	CHECK_INT(find(&b, 5, &f, &e), 0);
	CHECK_STR(f.name, "build/Release/x.node");
	CHECK(f.size == 5 && memcmp(f.data, "\177ELF\0", 5) == 0);
	free(f.name);
	free(f.data);
	b = bytes_of("t.tgz");
	CHECK_INT(find(&b, 4, &f, &e), ERR_TOO_LARGE);

	raw_tar_header(&b, "./build/x.node/", '5', NULL, 0755, 0);
	raw_tar_file(&b, "./build/x.node/y.node", "");
	raw_tar_end(&b);
	raw_tar_squeeze(&b, "gzip");
	CHECK_INT(find(&b, 1000, &f, &e), 0);
	CHECK_STR(f.name, "build/x.node/y.node");
	CHECK_INT((int64_t)f.size, 0);
	free(f.name);
	free(f.data);
}

TEST(addon_is_not_found)
{
	struct buf b = {0};

	raw_tar_file(&b, "README", "x");
	raw_tar_file(&b, "x.node2", "x");
	raw_tar_end(&b);
	not_found(&b, ERR_MALFORMED, "no .node file");
	raw_tar_file(&b, "a.node", "x");
	raw_tar_file(&b, "b/.node", "x");
	raw_tar_end(&b);
	not_found(&b, ERR_MALFORMED, "more than one");
	raw_tar_file(&b, "a.node", "x");
	raw_tar_file(&b, "a.node", "y");
	raw_tar_end(&b);
	not_found(&b, ERR_MALFORMED, "more than one");
	raw_tar_file(&b, "a.node", "x");
	raw_tar_header(&b, "b.node", '2', "a.node", 0777, 0);
	raw_tar_end(&b);
	not_found(&b, ERR_MALFORMED, "symbolic link");
	raw_tar_file(&b, "a.node", "x");
	raw_tar_header(&b, "b.node", '1', "a.node", 0644, 0);
	raw_tar_end(&b);
	not_found(&b, ERR_MALFORMED, "hard link");
	raw_tar_file(&b, "a.node", "x");
	raw_tar_file(&b, "../README", "y");
	raw_tar_end(&b);
	not_found(&b, ERR_MALFORMED, "\"..\"");
	raw_tar_file(&b, "/a.node", "x");
	raw_tar_end(&b);
	not_found(&b, ERR_MALFORMED, "absolute");
	/* What a client that reads on would find behind the end. */
	raw_tar_file(&b, "a.node", "x");
	raw_tar_end(&b);
	raw_tar_file(&b, "b.node", "evil");
	raw_tar_end(&b);
	not_found(&b, ERR_MALFORMED, "after its end mark");
	raw_tar_header(&b, "a.node", '0', NULL, 0644, 1001);
	raw_tar_end(&b);
	not_found(&b, ERR_TOO_LARGE, "more than 1000 bytes");
	raw_tar_header(&b, "other", '0', NULL, 0644, 70000000);
	raw_tar_end(&b);
	not_found(&b, ERR_LIMIT, "bytes");
	for (int i = 0; i < 5000; i++)
		raw_tar_file(&b, "other", "");
	raw_tar_end(&b);
	not_found(&b, ERR_LIMIT, "more than 4096 entries");
	raw_tar_header(&b, "a.node", '0', NULL, 0644, 600);
	raw_tar_content(&b, "x", 1);
	not_found(&b, ERR_MALFORMED, "");
}

TEST(addon_in_broken_bytes)
{
	struct buf whole = {0};
	struct found f;
	struct err e;
	size_t tries = 0;

	raw_tar_file(&whole, "build/Release/x.node", "some content");
	raw_tar_end(&whole);
	raw_tar_squeeze(&whole, "gzip");
	for (size_t len = 0; len < whole.len; len++) {
		struct buf part = {0};

		buf_add(&part, whole.data, len);
		CHECK_INT(find(&part, 1000, &f, &e), ERR_MALFORMED);
		tries++;
	}
	CHECK(tries > 50);
	whole.data[whole.len - 6] ^= 1;
	CHECK_INT(find(&whole, 1000, &f, &e), ERR_MALFORMED);
	CHECK(strstr(e.msg, "gzip checksum") != NULL);
}
