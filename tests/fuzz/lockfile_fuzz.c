/*
 * lockfile_fuzz.c - libFuzzer harness for what reads lock files. What is said to come from a registry must have a name and a version
 * that a registry can have, because they become URLs; every entry stands once and can be found.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "builder/lockfile/lockfile.h"
#include "builder/model/package.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lockfile l;
	struct err e = {0};

	if (lockfile_parse((const char *)data, size, &l, &e) != 0) {
		if (e.code == 0 || e.msg[0] == '\0')
			abort();
		lockfile_fini(&l);
		return 0;
	}
	for (size_t i = 0; i < l.count; i++) {
		const struct locked *p = &l.packages[i];

		if ((p->version == NULL) == (p->from == NULL))
			abort();
		if (p->version == NULL)
			continue;
		if (!package_name_valid(p->name) || !package_version_valid(p->version))
			abort();
		if (lockfile_find(&l, p->name, p->version) != p)
			abort();
	}
	lockfile_fini(&l);
	return 0;
}
