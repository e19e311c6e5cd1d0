#include "builder/pack/pack.h"

#include <stdlib.h>
#include <string.h>

#include "builder/base/buf.h"
#include "builder/base/mem.h"
#include "builder/pack/entry_name.h"
#include "builder/pack/tar_reader.h"

/* What a client's tarball may hold beside its addon: licences, headers, debug files. */
#define OTHER_BYTES_MAX (64 * 1024 * 1024)
#define ENTRIES_MAX     4096
#define DEPTH_MAX       32

struct find {
	struct tar_reader *tar;
	size_t limit;
	char *name;
	struct buf bytes;
};

static bool
is_addon(const char *name)
{
	static const char ending[] = ".node";
	size_t len = strlen(name), end = sizeof ending - 1;

	return len >= end && strcmp(name + len - end, ending) == 0;
}

static int
take_addon(struct find *f, const struct tar_entry *entry, const char *name, struct err *e)
{
	const void *data;
	size_t len;
	int r;

	if (f->name != NULL)
		return err_set(e, ERR_MALFORMED, "the tarball has more than one .node file");
	if (entry->size > f->limit)
		return err_set(e, ERR_TOO_LARGE, "the .node file has more than %zu bytes",
			       f->limit);
	f->name = xstrdup(name);
	buf_reserve(&f->bytes, (size_t)entry->size);
	do {
		r = tar_reader_data(f->tar, &data, &len, e);
		if (r == 0)
			buf_add(&f->bytes, data, len);
	} while (r == 0 && len > 0);
	return r;
}

/* Every entry is judged, not only the addon: clients unpack them all. */
static int
look_at(struct find *f, const struct tar_entry *entry, struct buf *name, struct err *e)
{
	int r = entry_name_clean(entry->name, 0, DEPTH_MAX, name, e);

	if (r != 0)
		return r;
	if (entry->type == TAR_LINK)
		return err_set(e, ERR_MALFORMED, "the tarball has a symbolic link, \"%s\"",
			       name->data);
	if (entry->type == TAR_FILE && is_addon(name->data))
		return take_addon(f, entry, name->data, e);
	return 0;
}

int
pack_find_addon(const void *tarball, size_t len, size_t limit, char **name, void **data,
		size_t *size, struct err *e)
{
	struct tar_limits limits = {.entries = ENTRIES_MAX};
	struct find f = {.limit = limit};
	struct tar_entry entry;
	struct buf clean = {0};
	int r;

	*name = NULL;
	*data = NULL;
	*size = 0;
	if (__builtin_add_overflow((uint64_t)limit, (uint64_t)OTHER_BYTES_MAX, &limits.bytes))
		limits.bytes = UINT64_MAX;
	r = tar_reader_open_memory(tarball, len, &limits, &f.tar, e);
	if (r != 0)
		goto out;
	while ((r = tar_reader_next(f.tar, &entry, e)) > 0) {
		r = look_at(&f, &entry, &clean, e);
		if (r != 0)
			goto out;
	}
	if (r == 0 && f.name == NULL)
		r = err_set(e, ERR_MALFORMED, "the tarball has no .node file");
	if (r == 0) {
		*size = f.bytes.len;
		*data = buf_take(&f.bytes);
		*name = f.name;
		f.name = NULL;
	}
out:
	free(f.name);
	buf_fini(&f.bytes);
	buf_fini(&clean);
	tar_reader_close(f.tar);
	return r;
}
