#include "workers/sources.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builder/base/digest.h"
#include "builder/base/file.h"
#include "builder/base/mem.h"
#include "builder/base/trim.h"
#include "builder/remote/remote.h"

/* One that a thread is busy with; on its stack. */
struct busy {
	struct busy *next;
	const char *hex;
};

struct sources {
	char *dir;
	pthread_mutex_t lock; /* guards busy */
	pthread_cond_t done;
	struct busy *busy;
};

struct sources *
sources_new(const char *dir)
{
	struct sources *s = xcalloc(1, sizeof *s);

	s->dir = xstrdup(dir);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->done, NULL);
	return s;
}

void
sources_free(struct sources *s)
{
	if (s != NULL) {
		pthread_mutex_destroy(&s->lock);
		pthread_cond_destroy(&s->done);
		free(s->dir);
	}
	free(s);
}

static bool
is_busy(const struct sources *s, const char *hex)
{
	const struct busy *b = s->busy;

	while (b != NULL && strcmp(b->hex, hex) != 0)
		b = b->next;
	return b != NULL;
}

static void
begin(struct sources *s, struct busy *mine)
{
	pthread_mutex_lock(&s->lock);
	while (is_busy(s, mine->hex))
		pthread_cond_wait(&s->done, &s->lock);
	mine->next = s->busy;
	s->busy = mine;
	pthread_mutex_unlock(&s->lock);
}

static void
end(struct sources *s, const struct busy *mine)
{
	struct busy **at = &s->busy;

	pthread_mutex_lock(&s->lock);
	while (*at != mine)
		at = &(*at)->next;
	*at = mine->next;
	pthread_cond_broadcast(&s->done);
	pthread_mutex_unlock(&s->lock);
}

static int
fetch(const struct sources *s, const struct remote *remote, const char *hex, const char *path,
      const struct digest *want, struct err *e)
{
	char *route = xasprintf("/v1/worker/sources/%s", hex);
	struct digest have;

	if (file_mkdirs(s->dir, 0755, e) == 0 && !file_exists(path))
		remote_save(remote, route, path, NULL, e);
	free(route);
	if (e->code != 0 || digest_path(path, &have, e) != 0)
		return e->code;
	if (digest_equal(want, &have)) {
		utimensat(AT_FDCWD, path, NULL, 0); /* for sources_trim */
		return 0;
	}
	unlink(path);
	return err_set(e, ERR_DIGEST, "the source bundle does not have its digest");
}

int
sources_get(struct sources *s, const struct remote *remote, const char *hex, char **path,
	    struct err *e)
{
	struct busy mine = {.hex = hex};
	struct digest want;

	if (digest_parse(hex, &want) != 0)
		return err_set(e, ERR_INVALID, "the lease names no source");
	*path = xasprintf("%s/%s.tar.gz", s->dir, hex);
	begin(s, &mine);
	fetch(s, remote, hex, *path, &want, e);
	end(s, &mine);
	if (e->code != 0) {
		free(*path);
		*path = NULL;
	}
	return e->code;
}

void
sources_trim(struct sources *s, uint64_t bytes)
{
	trim_oldest(s->dir, 0, bytes, SOURCES_USE_SECONDS);
}
