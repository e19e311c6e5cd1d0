/*
 * Fuzzes what reads clients' file names: what is accepted must print as it was read, must be what we
 * would name it ourselves, and puts the addon below the folder that it is unpacked into. The input
 * is lines: package, version, file; a first line with only a digit chooses a good package and
 * version instead, so that the file's name gets further.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/mem.h"
#include "builder/model/name.h"
#include "builder/pack/entry_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
	const char *package, *version;
} known[] = {
	{"sqlite3", "6.0.1"},
	{"better-sqlite3", "12.11.1"},
	{"@a/b", "1.0.0-rc.1+build.5"},
	{"x-v1.0.0", "1.0.0-node-v1"},
};

static void
check_package(const char *text)
{
	char name[PACKAGE_NAME_MAX + 1], version[PACKAGE_VERSION_MAX + 1];

	if (package_name_valid(text) &&
	    (strlen(text) > PACKAGE_NAME_MAX || strstr(text, "/.") != NULL || text[0] == '.' ||
	     strcspn(text, "%\\?# \n") != strlen(text)))
		abort();
	if (package_version_valid(text) && strcspn(text, "/%\\?# \n@") != strlen(text))
		abort();
	if (package_parse_spec(text, name, version) == 0) {
		char *again = xasprintf("%s@%s", name, version);

		if (strcmp(again, text) != 0 || !package_name_valid(name) ||
		    !package_version_valid(version))
			abort();
		free(again);
	}
}

static void
check_abi(const char *text)
{
	char again[ABI_TEXT_SIZE];
	struct abi abi;

	if (abi_parse(text, &abi) != 0)
		return;
	abi_text(abi, again);
	if (strcmp(again, text) != 0)
		abort();
}

/* A name in our own words for platform and machine is the one that we give; clients know more words. */
static void
check_named(const struct name *n, const char *file)
{
	struct buf again = {0};
	struct name ours;

	if (n->target == NULL || n->abi_minor[0] != '\0' ||
	    strcmp(n->platform, n->target->node_platform) != 0 ||
	    strcmp(n->arch, n->target->node_arch) != 0)
		return;
	if (!name_of(n->layout, n->package, n->version, n->abi, n->target, &ours))
		abort();
	name_path(&ours, &again);
	if (strcmp(strrchr(again.data, '/') + 1, file) != 0)
		abort();
	buf_fini(&again);
}

/* Clients and we ourselves unpack what is packed. */
static void
check_addon_path(const struct name *n)
{
	struct buf path = {0}, clean = {0};

	if (name_is_raw(n->layout))
		return;
	name_addon_path(n, "addon.node", &path);
	if (entry_name_clean(path.data, 0, 8, &clean, NULL) != 0 ||
	    strcmp(clean.data, path.data) != 0)
		abort();
	buf_fini(&path);
	buf_fini(&clean);
}

static void
check_name(const char *package, const char *version, const char *file)
{
	struct buf again = {0};
	struct name n;

	if (name_parse(package, version, file, &n) != 0)
		return;
	name_file(&n, &again);
	if (strcmp(again.data, file) != 0 || strcmp(n.package, package) != 0 ||
	    strcmp(n.version, version) != 0)
		abort();
	if (n.target != target_from_node(n.platform, n.arch))
		abort();
	buf_fini(&again);
	check_named(&n, file);
	check_addon_path(&n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xmalloc(size + 1), *rest = text;
	const char *package, *version, *file;

	memcpy(text, data, size);
	text[size] = '\0';
	package = strsep(&rest, "\n");
	if (package[0] >= '0' && package[0] <= '3' && package[1] == '\0') {
		version = known[package[0] - '0'].version;
		package = known[package[0] - '0'].package;
	} else {
		version = rest != NULL ? strsep(&rest, "\n") : "";
	}
	file = rest != NULL ? rest : "";
	check_package(package);
	check_package(version);
	check_package(file);
	check_abi(file);
	check_name(package, version, file);
	free(text);
	return 0;
}
