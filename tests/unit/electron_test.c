#include "builder/toolchain/electron.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builder/base/file.h"
#include "builder/base/mem.h"
#include "tests/lib/test.h"

/* As Electron's build leaves node_version.h: its number in the place of Node's. */
static void
release(const char *version, const char *abi)
{
	char *folder = xasprintf("%s/%s/include/node", test_path("headers"), version);
	char *path = xasprintf("%s/node_version.h", folder);
	char *text = xasprintf("#if defined(NODE_EMBEDDER_MODULE_VERSION)\n"
			       "#define NODE_MODULE_VERSION NODE_EMBEDDER_MODULE_VERSION\n"
			       "#else\n#define NODE_MODULE_VERSION %s\n#endif\n",
			       abi);
	struct err e = {0};

	CHECK_MSG(file_mkdirs(folder, 0755, &e) == 0 &&
			  file_write(path, text, strlen(text), 0644, &e) == 0,
		  "%s", e.msg);
	free(folder);
	free(path);
	free(text);
}

static void
fails(int code, const char *says)
{
	struct electron el;
	struct err e = {0};

	CHECK_INT(electron_copy(test_path("headers"), test_path("copy"), &el, &e), code);
	CHECK_MSG(strstr(e.msg, says) != NULL, "%s", e.msg);
}

TEST(the_newest_release_of_each_abi)
{
	struct electron el;
	struct err e = {0};

	release("33.0.0-beta.1", "130");
	release("v33.10.2", "130");
	release("33.9.9", "130");
	release("31.0.0", "125");
	release("node_modules", "99");
	release("33.0", "98");
	CHECK_MSG(electron_list(test_path("headers"), &el, &e) == 0, "%s", e.msg);
	CHECK(el.count == 2);
	CHECK_STR(electron_find(&el, 130)->version, "v33.10.2");
	CHECK_STR(electron_find(&el, 125)->version, "31.0.0");
	CHECK(electron_find(&el, 127) == NULL);
}

TEST(a_release_is_newer_than_what_came_before_it)
{
	struct electron el;
	struct err e = {0};

	release("33.0.0", "130");
	release("33.0.0-beta.1", "130");
	CHECK_MSG(electron_list(test_path("headers"), &el, &e) == 0, "%s", e.msg);
	CHECK_STR(electron_find(&el, 130)->version, "33.0.0");
}

TEST(a_copy_has_the_digest_of_what_is_in_it)
{
	char first[DIGEST_HEX_SIZE];
	const char *copied;
	struct electron el;
	struct err e = {0};

	release("33.0.0", "130");
	CHECK_MSG(file_mkdirs(test_path("headers/33.0.0/include/node/cppgc"), 0755, &e) == 0 &&
			  file_write(test_path("headers/33.0.0/include/node/cppgc/heap.h"), "a", 1,
				     0644, &e) == 0,
		  "%s", e.msg);
	CHECK_MSG(electron_copy(test_path("headers"), test_path("copy"), &el, &e) == 0, "%s",
		  e.msg);
	copied = test_path("copy/33.0.0/include/node/cppgc/heap.h");
	CHECK(file_exists(copied));
	memcpy(first, el.at[0].digest, sizeof first);
	CHECK(strlen(first) == 64);
	/* Again: the same. What is gone is gone from the copy, and the digest tells. */
	CHECK_MSG(electron_copy(test_path("headers"), test_path("copy"), &el, &e) == 0, "%s",
		  e.msg);
	CHECK_STR(el.at[0].digest, first);
	CHECK_INT(unlink(test_path("headers/33.0.0/include/node/cppgc/heap.h")), 0);
	CHECK_MSG(electron_copy(test_path("headers"), test_path("copy"), &el, &e) == 0, "%s",
		  e.msg);
	CHECK(!file_exists(copied));
	CHECK(strcmp(el.at[0].digest, first) != 0);
}

TEST(what_is_wrong_with_a_folder_is_said)
{
	struct err e = {0};

	fails(-ENOENT, "headers");
	CHECK_INT(file_mkdirs(test_path("headers"), 0755, &e), 0);
	fails(ERR_INVALID, "VERSION/include/node");
	release("33.0.0", "NODE_EMBEDDER_MODULE_VERSION");
	fails(ERR_INVALID, "no number for NODE_MODULE_VERSION");
	release("33.0.0", "130");
	CHECK_INT(symlink("/etc/passwd", test_path("headers/33.0.0/include/node/link.h")), 0);
	fails(ERR_INVALID, "link.h: neither a file nor a folder");
}
