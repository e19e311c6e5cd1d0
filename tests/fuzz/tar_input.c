#include "tests/fuzz/tar_input.h"

#include <string.h>

#include "tests/lib/raw_tar.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

size_t
tar_input_mutate(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	size = LLVMFuzzerMutate(data, size, max);
	if (seed % 8 == 0)
		return size;
	for (size_t at = 0; size - at >= RAW_TAR_BLOCK; at += RAW_TAR_BLOCK)
		if (memcmp(data + at + 257, "ustar", 5) == 0)
			raw_tar_checksum((char *)data + at);
	return size;
}
