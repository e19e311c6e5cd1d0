/*
 * trim.h - keeps a folder of things that can be had again below a size: what was not used for longest goes.
 */
#ifndef BUILDER_BASE_TRIM_H
#define BUILDER_BASE_TRIM_H

#include <stdint.h>

/* Removes files of `dir` and of up to `depth` levels of folders in it, by the times of their last
 * modification, which who uses one sets, until `bytes` are left; what is younger than `seconds` stays, as does
 * what begins with a dot. Folders stay, links are not followed. What cannot be removed is no error. Blocks. */
void trim_oldest(const char *dir, unsigned depth, uint64_t bytes, unsigned seconds);

#endif
