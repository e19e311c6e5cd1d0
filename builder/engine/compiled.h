/*
 * compiled.h - objects that earlier jobs of the same package have compiled, so that its next version, or
 * the same one for another ABI, compiles only what is new.
 *
 * An object is found by what decides its bytes: the toolchain, the command without what only the
 * preprocessor reads, and the preprocessed source. The same bytes come out with it as without. Each
 * package has a folder of its own: its build scripts run beside its compilations, and what they could
 * smuggle in reaches no other package.
 *
 *   DIR/<package>/<key>     an object
 *
 * All functions block, and may run beside each other.
 */
#ifndef BUILDER_ENGINE_COMPILED_H
#define BUILDER_ENGINE_COMPILED_H

#include <stdbool.h>
#include <stdint.h>

#include "builder/base/digest.h"
#include "builder/base/err.h"
#include "builder/base/strv.h"

#define COMPILED_SOURCE_MAX (256u << 20) /* preprocessed; what is larger is compiled each time */
#define COMPILED_OBJECT_MAX (256u << 20)

/* Can the result of this command be kept? It compiles one file of C or C++ ("-c" and "-o"), without a flag
 * that names more to read. */
bool compiled_can(const struct strv *argv, const char *input);

/* The command that preprocesses to `output` instead. */
void compiled_preprocess(const struct strv *argv, const char *output, struct strv *out);

/* Where the command puts its object; points into argv. */
const char *compiled_object(const struct strv *argv);

/* Files of the job lie below its scratch folder, where the package's own scripts could have made anything
 * of them. */

/* toolchain: its digest. preprocessed: the file that the command above has made. Non-zero if that cannot
 * be read, or does not decide the object, because of ".incbin". */
int compiled_key(const char *toolchain, const struct strv *argv, const char *scratch,
		 const char *preprocessed, char key[DIGEST_HEX_SIZE], struct err *e);

/* Writes the object with that key to `to`; false if there is none. */
bool compiled_take(const char *dir, const char *key, const char *scratch, const char *to);

/* Keeps the object that lies at `from`. What goes wrong is no error: it is compiled again next time. */
void compiled_keep(const char *dir, const char *key, const char *scratch, const char *from);

/* Removes what was not used for longest until `bytes` are left in all packages together. */
void compiled_trim(const char *dir, uint64_t bytes);

#endif
