#include "api/registry/tarball.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/registry/embed.h"
#include "api/registry/manifest.h"
#include "api/registry/release.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/model/name.h"
#include "builder/pack/entry_name.h"
#include "builder/pack/pack.h"
#include "builder/pack/tar_reader.h"

#define ENTRIES_MAX   100000
#define DEPTH_MAX     40
#define MANIFEST_NAME "package.json"
#define PREFIX        "package/"

/* The files of the package that is made, with memory of their own. */
struct files {
	struct pack_entry *at;
	size_t count;
	size_t bytes;
	struct json *upstream; /* package.json of the source */
};

static void
files_fini(struct files *f)
{
	for (size_t i = 0; i < f->count; i++) {
		free((char *)f->at[i].name);
		free((void *)f->at[i].data);
	}
	free(f->at);
	json_free(f->upstream);
}

static void
add_file(struct files *f, const char *name, const void *data, size_t len, bool executable)
{
	struct pack_entry *entry;
	char *copy = xmalloc(len + 1);

	memcpy(copy, data, len);
	f->at = xrealloc(f->at, (f->count + 1) * sizeof *f->at);
	entry = &f->at[f->count++];
	*entry = (struct pack_entry){.name = xasprintf(PREFIX "%s", name),
				     .data = copy,
				     .len = len,
				     .executable = executable};
	f->bytes += len;
}

static void
add_text(struct files *f, const char *name, const char *text)
{
	add_file(f, name, text, strlen(text), false);
}

/* ---- from the source ---- */

static bool
ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n >= m && strcmp(name + n - m, end) == 0;
}

/* Sources in C, what describes and holds them, other machines' binaries, and dependencies, which npm
 * installs itself. */
static bool
is_for_compiling(const char *name)
{
	static const char *const ends[] = {".c",   ".cc",  ".cpp",    ".cxx", ".h",    ".hh",
					   ".hpp", ".hxx", ".inc",    ".gyp", ".gypi", ".node",
					   ".o",   ".a",   ".tar.gz", ".tgz"};

	if (strncmp(name, "node_modules/", 13) == 0 || strncmp(name, "build/", 6) == 0)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		if (ends_with(name, ends[i]))
			return true;
	return false;
}

static bool
is_licence(const char *name)
{
	static const char *const names[] = {"license", "licence", "copying", "notice"};

	if (strchr(name, '/') != NULL)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strncasecmp(name, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

static int
read_entry(struct tar_reader *tar, const struct tar_entry *entry, const char *name, size_t limit,
	   struct buf *out, struct err *e)
{
	const void *data;
	size_t len;
	int r;

	if (entry->size > limit)
		return err_set(e, ERR_LIMIT, "%.100s of the source has more than %zu MB", name,
			       limit >> 20);
	do {
		r = tar_reader_data(tar, &data, &len, e);
		if (r == 0)
			buf_add(out, data, len);
	} while (r == 0 && len > 0);
	return r;
}

/* The last one counts, as for who unpacks it. */
static int
read_manifest(struct files *f, const struct buf *bytes, struct err *e)
{
	json_free(f->upstream);
	f->upstream = json_parse(bytes->data != NULL ? bytes->data : "", bytes->len, NULL);
	if (json_is_object(f->upstream))
		return 0;
	return err_set(e, ERR_MALFORMED, "package.json of the source is no JSON object");
}

static int
take_entry(struct files *f, struct tar_reader *tar, const struct tar_entry *entry, const char *name,
	   bool main, struct err *e)
{
	bool manifest = strcmp(name, MANIFEST_NAME) == 0;
	struct buf bytes = {0};
	int r = 0;

	if (entry->type != TAR_FILE ||
	    (!manifest && (main ? is_for_compiling(name) : !is_licence(name))))
		return 0;
	r = read_entry(tar, entry, name, manifest ? TARBALL_MANIFEST_MAX : TARBALL_KEPT_MAX, &bytes,
		       e);
	if (r == 0 && manifest)
		r = read_manifest(f, &bytes, e);
	else if (r == 0)
		add_file(f, name, bytes.data != NULL ? bytes.data : "", bytes.len,
			 entry->executable);
	buf_fini(&bytes);
	if (r == 0 && f->bytes > TARBALL_KEPT_MAX)
		r = err_set(e, ERR_LIMIT, "the package has more than %u MB without its sources",
			    TARBALL_KEPT_MAX >> 20);
	return r;
}

static int
read_source(struct files *f, const struct tarball_spec *spec, struct err *e)
{
	const struct tar_limits limits = {.bytes = TARBALL_SOURCE_MAX, .entries = ENTRIES_MAX};
	struct tar_reader *tar = NULL;
	struct tar_entry entry;
	struct buf name = {0};
	char path[32];
	int r;

	snprintf(path, sizeof path, "/proc/self/fd/%d", spec->bundle);
	r = tar_reader_open_file(path, &limits, &tar, e);
	while (r == 0 && (r = tar_reader_next(tar, &entry, e)) > 0) {
		r = entry_name_clean(entry.name, 1, DEPTH_MAX, &name, e);
		if (r == 0)
			r = take_entry(f, tar, &entry, name.data, spec->target == NULL, e);
	}
	tar_reader_close(tar);
	buf_fini(&name);
	if (r == 0 && f->upstream == NULL)
		r = err_set(e, ERR_MALFORMED, "the source has no package.json");
	return r;
}

/* ---- the main package ---- */

/* A folder in the place of the addon. */
static void
add_loader(struct files *f, const char *path, const char *loader)
{
	char *name = xasprintf("%s/index.js", path);

	for (size_t i = 0; i < f->count; i++) {
		if (strcmp(f->at[i].name + strlen(PREFIX), name) == 0) {
			free(name);
			return;
		}
	}
	add_text(f, name, loader);
	free(name);
}

/* The places in which node-pre-gyp looks, one for each platform. */
static void
add_pre_gyp_loaders(struct files *f, const struct tarball_spec *spec, const char *loader)
{
	char *folder = manifest_binding_folder(f->upstream);

	for (size_t i = 0; folder != NULL && i < target_count(); i++) {
		for (int layout = NAME_PRE_GYP_LIBC; layout <= NAME_MODULE; layout++) {
			struct buf path = {0};
			struct name n;

			if (!name_of((enum name_layout)layout, spec->package, spec->version,
				     spec->abi, target_at(i), &n))
				continue;
			buf_addf(&path, "%s/", folder);
			name_addon_path(&n, spec->addon_file, &path);
			add_loader(f, path.data, loader);
			buf_fini(&path);
		}
	}
	free(folder);
}

static char *
loader_for(const char *package)
{
	static const char mark[] = "__BASE__";
	const char *at = strstr(embed_loader_js, mark);
	struct buf name = {0}, text = {0};

	release_name(package, NULL, &name);
	buf_add(&text, embed_loader_js, (size_t)(at - embed_loader_js));
	buf_adds(&text, name.data);
	buf_adds(&text, at + sizeof mark - 1);
	buf_fini(&name);
	return buf_take(&text);
}

static int
make_main(struct files *f, const struct tarball_spec *spec, struct json **manifest, struct err *e)
{
	char *loader, *path;
	int r = manifest_main(f->upstream, spec->package, spec->version, manifest, e);

	if (r != 0)
		return r;
	loader = loader_for(spec->package);
	path = xasprintf("build/Release/%s", spec->addon_file);
	add_loader(f, path, loader);
	add_pre_gyp_loaders(f, spec, loader);
	free(path);
	free(loader);
	return 0;
}

/* ---- a target's package ---- */

static void
make_platform(struct files *f, const struct tarball_spec *spec, struct json **manifest)
{
	struct json *abis = json_array(), *about = json_object();
	struct buf name = {0};
	char *text;

	for (size_t i = 0; i < spec->addon_count; i++) {
		const struct tarball_addon *a = &spec->addons[i];
		char file[ABI_TEXT_SIZE + 32];

		json_add_str(abis, a->abi);
		snprintf(file, sizeof file, "%s.node", a->abi);
		add_file(f, file, a->data, a->len, true);
		snprintf(file, sizeof file, "%s.provenance.json", a->abi);
		if (a->provenance != NULL)
			add_text(f, file, a->provenance);
	}
	*manifest = manifest_platform(f->upstream, spec->package, spec->version, spec->target,
				      spec->revision, abis);
	release_name(spec->package, spec->target, &name);
	json_set_str(about, "name", name.data);
	json_set_str(about, "version", spec->version);
	json_set(about, "abis", abis);
	text = json_pretty(about);
	add_text(f, "prebuildd.json", text);
	add_text(f, "index.js", embed_platform_js);
	free(text);
	json_free(about);
	buf_fini(&name);
}

int
tarball_make(const struct tarball_spec *spec, const char *to, struct json **manifest, struct err *e)
{
	struct files f = {0};
	char *text;
	int r = read_source(&f, spec, e);

	*manifest = NULL;
	if (r == 0 && spec->target == NULL)
		r = make_main(&f, spec, manifest, e);
	else if (r == 0)
		make_platform(&f, spec, manifest);
	if (r == 0) {
		text = json_pretty(*manifest);
		add_text(&f, MANIFEST_NAME, text);
		free(text);
		r = pack_files(f.at, f.count, to, e);
	}
	if (r != 0) {
		json_free(*manifest);
		*manifest = NULL;
	}
	files_fini(&f);
	return r;
}
