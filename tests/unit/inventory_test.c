#include "workers/inventory.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builder/base/digest.h"
#include "builder/base/file.h"
#include "builder/base/json.h"
#include "builder/base/log.h"
#include "builder/base/mem.h"
#include "builder/toolchain/toolchain.h"
#include "tests/lib/test.h"

#define X64   "x86_64-linux-gnu"
#define ARM64 "aarch64-linux-gnu"

static void
put(const char *folder, const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", folder, name);
	struct err e = {0};

	CHECK_MSG(file_write(path, text, strlen(text), 0644, &e) == 0, "%s", e.msg);
	free(path);
}

/* A toolchain as `toolchain assemble` leaves it: a folder named by the digest of its manifest, and
 * the target's link to it. Returns the digest. */
static const char *
assemble(const char *triple, const char *manifest, const char *description)
{
	static char hex[DIGEST_HEX_SIZE];
	char *folder, *link, *text;
	struct digest d;

	digest_bytes(manifest, strlen(manifest), &d);
	digest_hex(&d, hex);
	CHECK_INT(file_mkdirs(test_path("components/root-1"), 0755, NULL), 0);
	CHECK_INT(file_mkdirs(test_path("components/node-1"), 0755, NULL), 0);
	folder = xasprintf("%s/%s-%.32s", test_dir(), triple, hex);
	CHECK_INT(file_mkdirs(folder, 0755, NULL), 0);
	put(folder, "manifest.txt", manifest);
	text = description != NULL
		       ? xstrdup(description)
		       : xasprintf("{\"schema\":1,\"target\":\"%s\",\"components\":"
				   "{\"root\":\"root-1\",\"node\":\"node-1\"},\"cc\":[\"cc\"],"
				   "\"cxx\":[\"c++\"],\"cflags\":[],\"ldflags\":[],\"ldlibs\":[],"
				   "\"ar\":[\"ar\"],\"strip\":[\"strip\"],\"cxx_v8\":[],"
				   "\"ldlibs_v8\":[],\"loadtest\":{\"kind\":\"host\","
				   "\"argv\":[\"host\"]}}",
				   triple);
	put(folder, "toolchain.json", text);
	link = xasprintf("%s/%s", test_dir(), triple);
	unlink(link);
	CHECK_INT(symlink(strrchr(folder, '/') + 1, link), 0);
	free(text);
	free(link);
	free(folder);
	return hex;
}

/* What a scan finds for a target; NULL if nothing. */
static char *
scanned(struct inventory *inv, const char *triple)
{
	struct json *found = inventory_scan(inv);
	const char *digest = json_str(found, triple, NULL);
	char *copy = digest != NULL ? xstrdup(digest) : NULL;

	json_free(found);
	return copy;
}

static void
check_scan(struct inventory *inv, const char *triple, const char *want)
{
	char *have = scanned(inv, triple);

	CHECK_STR(have, want);
	free(have);
}

TEST(what_is_assembled_meanwhile_is_found)
{
	struct inventory *inv = inventory_new(test_dir(), NULL, 0);
	char *first;

	check_scan(inv, X64, NULL);
	CHECK(inventory_find(inv, NULL) == NULL);
	first = xstrdup(assemble(X64, "one", NULL));
	/* Found by the next scan, not before. */
	CHECK(inventory_find(inv, target_find(X64)) == NULL);
	check_scan(inv, X64, first);
	check_scan(inv, ARM64, NULL);
	CHECK(inventory_find(inv, target_find(X64)) != NULL);
	CHECK(inventory_find(inv, NULL) == inventory_find(inv, target_find(X64)));
	CHECK(inventory_find(inv, target_find(ARM64)) == NULL);
	free(first);
	inventory_free(inv);
}

TEST(a_newer_one_takes_over_and_a_job_keeps_its_own)
{
	struct inventory *inv = inventory_new(test_dir(), NULL, 0);
	char *first = xstrdup(assemble(X64, "one", NULL));
	const struct toolchain *old;

	check_scan(inv, X64, first);
	old = inventory_find(inv, target_find(X64));
	check_scan(inv, X64, assemble(X64, "two", NULL));
	CHECK(inventory_find(inv, target_find(X64)) != old);
	CHECK_STR(old->digest, first);
	/* Back again: the one that is open already. */
	assemble(X64, "one", NULL);
	check_scan(inv, X64, first);
	CHECK(inventory_find(inv, target_find(X64)) == old);
	CHECK_INT(unlink(test_path(X64)), 0);
	check_scan(inv, X64, NULL);
	CHECK(inventory_find(inv, NULL) == NULL);
	free(first);
	inventory_free(inv);
}

TEST(only_the_targets_that_are_wanted)
{
	const struct target *only[] = {target_find("linux-arm64")};
	struct inventory *inv = inventory_new(test_dir(), only, 1);

	assemble(X64, "one", NULL);
	check_scan(inv, ARM64, assemble(ARM64, "two", NULL));
	check_scan(inv, X64, NULL);
	CHECK(inventory_find(inv, target_find(X64)) == NULL);
	CHECK(inventory_find(inv, NULL) == inventory_find(inv, target_find(ARM64)));
	inventory_free(inv);
}

TEST(what_is_not_whole_is_left_out)
{
	static const char *const bad[] = {
		"",
		"{",
		"{\"schema\":2,\"target\":\"" X64 "\"}",
		"{\"schema\":1,\"target\":\"" ARM64 "\"}",
		"{\"schema\":1,\"target\":\"" X64 "\",\"components\":{\"root\":\"../..\"}}",
		"{\"schema\":1,\"target\":\"" X64 "\",\"components\":{\"root\":\"root-2\"}}",
	};
	struct inventory *inv = inventory_new(test_dir(), NULL, 0);
	const char *good;
	char *manifest;

	log_set_level(LOG_ERROR);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		manifest = xasprintf("bad %zu", i);
		assemble(X64, manifest, bad[i]);
		check_scan(inv, X64, NULL);
		free(manifest);
	}
	/* A folder whose name does not belong to its manifest. */
	good = assemble(X64, "good", NULL);
	manifest = xasprintf("%s/manifest.txt", X64);
	put(test_dir(), manifest, "changed");
	check_scan(inv, X64, NULL);
	put(test_dir(), manifest, "good");
	check_scan(inv, X64, good);
	free(manifest);
	inventory_free(inv);
}
