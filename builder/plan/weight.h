/*
 * weight.h - how large the commands of a plan would be, told before they are made. Every source has all of
 * its target's flags, so that a small text can stand for very much: a binding.gyp may be hostile.
 */
#ifndef BUILDER_PLAN_WEIGHT_H
#define BUILDER_PLAN_WEIGHT_H

#include "builder/base/err.h"

struct json;

/* Values in plan.py's JSON, of any kind; bytes of all commands, roughly. Packages with hundreds of sources
 * have a tenth of that. */
#define PLAN_VALUES_MAX 50000
#define PLAN_BYTES_MAX  (64u << 20)

/* ERR_LIMIT says which of the two was passed. */
int plan_weigh(const struct json *gyp, struct err *e);

#endif
