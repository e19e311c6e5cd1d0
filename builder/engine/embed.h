/*
 * embed.h - files that are part of the program: made from their sources at build time.
 */
#ifndef BUILDER_ENGINE_EMBED_H
#define BUILDER_ENGINE_EMBED_H

extern const char embed_plan_py[];     /* builder/plan/plan.py */
extern const char embed_loadtest_js[]; /* builder/engine/loadtest.js */

#endif
