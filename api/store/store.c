#include "api/store/store.h"

#include <stdlib.h>
#include <string.h>

#include "api/store/fs.h"
#include "api/store/s3.h"
#include "builder/base/file.h"
#include "builder/base/mem.h"

static const struct store_ops *const backends[] = {&store_fs, &store_s3};

struct store {
	const struct store_ops *ops;
	void *backend;
	char *temp_dir;
};

int
store_open(const struct store_config *config, struct store **out, struct err *e)
{
	const char *url = config->url, *colon = strchr(url, ':');

	for (size_t i = 0; colon != NULL && i < ARRAY_SIZE(backends); i++) {
		const struct store_ops *ops = backends[i];
		struct store *s;

		if (strlen(ops->scheme) != (size_t)(colon - url) ||
		    strncmp(ops->scheme, url, (size_t)(colon - url)) != 0)
			continue;
		s = xcalloc(1, sizeof *s);
		s->ops = ops;
		s->temp_dir = xasprintf("%s/tmp", ops->fetch != NULL ? config->dir : colon + 1);
		if ((!config->shared && file_remove_tree(s->temp_dir, e) != 0) ||
		    file_mkdirs(s->temp_dir, 0755, e) != 0 ||
		    ops->open(colon + 1, config, &s->backend, e) != 0) {
			free(s->temp_dir);
			free(s);
			return err_context(e, "store %s", url);
		}
		*out = s;
		return 0;
	}
	return err_set(e, ERR_USAGE,
		       "no store backend for \"%s\"; use file:DIR or s3://BUCKET/PREFIX", url);
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	s->ops->close(s->backend);
	free(s->temp_dir);
	free(s);
}

int
store_put(struct store *s, const char *path, struct digest *digest, struct err *e)
{
	char hex[DIGEST_HEX_SIZE];

	if (digest_path(path, digest, e) != 0)
		return e != NULL ? e->code : ERR_INTERNAL;
	digest_hex(digest, hex);
	return s->ops->put(s->backend, path, hex, e);
}

int
store_link(struct store *s, const char *name, const char *hex, struct err *e)
{
	return s->ops->link(s->backend, name, hex, e);
}

int
store_resolve(struct store *s, const char *name, char hex[DIGEST_HEX_SIZE], struct err *e)
{
	return s->ops->resolve(s->backend, name, hex, e);
}

int
store_open_blob(struct store *s, const char *hex, struct store_file *out, struct err *e)
{
	if (s->ops->fetch == NULL)
		return s->ops->open_here(s->backend, hex, out, e);
	if (s->ops->open_here(s->backend, hex, out, NULL) == 0)
		return 0;
	return s->ops->fetch(s->backend, hex, out, e);
}

int
store_open_here(struct store *s, const char *hex, struct store_file *out, struct err *e)
{
	return s->ops->open_here(s->backend, hex, out, e);
}

bool
store_is_remote(const struct store *s)
{
	return s->ops->fetch != NULL;
}

int
store_each(struct store *s, const char *prefix, store_on_content on_content, void *arg,
	   struct err *e)
{
	return s->ops->each(s->backend, prefix, on_content, arg, e);
}

int
store_remove(struct store *s, const char *hex, int64_t before, bool *removed, struct err *e)
{
	return s->ops->remove(s->backend, hex, before, removed, e);
}

int
store_unlink(struct store *s, const char *const *names, size_t count, struct err *e)
{
	return s->ops->unlink(s->backend, names, count, e);
}

const char *
store_temp_dir(const struct store *s)
{
	return s->temp_dir;
}
