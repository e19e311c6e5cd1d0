/*
 * key.h - the service's signing key: keys/minisign.key, made at the first start, and what is signed with
 * it. Only the serving process has it; workers never see it.
 *
 * The file is minisign's own, without a password (`minisign -G -W`), so that an operator can make, move
 * and use it with minisign. Source: minisign 0.11, minisign.h (struct SeckeyStruct_).
 */
#ifndef API_SIGN_KEY_H
#define API_SIGN_KEY_H

#include "builder/base/buf.h"
#include "builder/base/err.h"
#include "builder/signature/minisign.h"

struct json;
struct signing_key;

/* Opens DIR/minisign.key, or makes it, with DIR/minisign.pub beside it. Errors say what is wrong with
 * the file; one with a password is ERR_UNSUPPORTED. Free with signing_key_close, which wipes it. */
int signing_key_open(const char *dir, struct signing_key **out, struct err *e);
void signing_key_close(struct signing_key *k);

/* Its public part; lives as long as the key. */
const struct minisign_key *signing_key_public(const struct signing_key *k);

/* The text of a .minisig for the bytes of fd, with that trusted comment (one line). Appends. Blocks. */
int
sign_file(const struct signing_key *k, int fd, const char *comment, struct buf *out, struct err *e);

/* The envelope around a statement; the caller frees it. */
struct json *sign_statement(const struct signing_key *k, const struct json *statement);

#endif
