/*
 * macho_check.h - what a macOS addon is and needs. No target here is macOS, so none of them fits; the
 * report says what the file is, what it needs, and what would keep macOS from loading it.
 */
#ifndef BUILDER_AUDIT_MACHO_CHECK_H
#define BUILDER_AUDIT_MACHO_CHECK_H

#include "builder/audit/report.h"

/* Fills format (with what is wrong, if it cannot be read), libs and abi of the report, and adds findings. Of a universal file every slice is looked
 * at; libs and abi are the first one's. */
void macho_check(const void *data, size_t len, struct audit_report *r);

#endif
