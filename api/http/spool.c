#include "api/http/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "builder/base/file.h"
#include "builder/base/mem.h"

int
spool_open(struct spool *s, const char *dir)
{
	char *path = xasprintf("%s/upload-XXXXXX", dir);
	int fd = mkostemp(path, O_CLOEXEC);

	if (fd < 0) {
		int code = -errno;

		free(path);
		return code;
	}
	*s = (struct spool){.path = path, .fd = fd};
	digest_start(&s->stream);
	return 0;
}

void
spool_write(struct spool *s)
{
	if (s->error == 0)
		s->error = file_write_all(s->fd, s->piece.data, s->piece.len);
	if (s->error == 0) {
		digest_add(&s->stream, s->piece.data, s->piece.len);
		s->size += s->piece.len;
	}
	s->piece.len = 0;
}

void
spool_close(struct spool *s)
{
	digest_end(&s->stream, &s->digest);
	/* Some file systems report a full disk only now. */
	if (close(s->fd) != 0 && s->error == 0 && errno != EINTR)
		s->error = -errno;
	s->fd = -1;
}

void
spool_remove(struct spool *s)
{
	if (s->path == NULL)
		return;
	if (s->fd >= 0)
		close(s->fd);
	unlink(s->path);
	free(s->path);
	buf_fini(&s->piece);
	*s = (struct spool){0};
}
