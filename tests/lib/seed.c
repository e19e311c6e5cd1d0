#include "tests/lib/seed.h"

#include <stdio.h>
#include <stdlib.h>

#include "builder/base/buf.h"
#include "builder/base/digest.h"
#include "builder/base/file.h"
#include "builder/base/mem.h"

#define SEED_MAX (32u * 1024)

void
seed_keep(const char *harness, const void *head, size_t head_len, const void *data, size_t len)
{
	const char *folder = getenv("SEEDS");
	struct buf bytes = {0};
	char hex[DIGEST_HEX_SIZE], *dir, *path;
	struct digest digest;
	FILE *file;

	if (folder == NULL || head_len > SEED_MAX || len > SEED_MAX - head_len)
		return;
	buf_add(&bytes, head, head_len);
	buf_add(&bytes, data, len);
	digest_bytes(bytes.data, bytes.len, &digest);
	digest_hex(&digest, hex);
	dir = xasprintf("%s/%s", folder, harness);
	path = xasprintf("%s/%.16s", dir, hex);
	if (file_mkdirs(dir, 0755, NULL) != 0 || (file = fopen(path, "we")) == NULL ||
	    fwrite(bytes.data, 1, bytes.len, file) != bytes.len || fclose(file) != 0) {
		perror(path);
		abort();
	}
	buf_fini(&bytes);
	free(dir);
	free(path);
}
