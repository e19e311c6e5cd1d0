/*
 * minisign.h - signatures of files in minisign's format: what is public about them. Who holds a secret key
 * is api/sign.
 *
 * Source: https://jedisct1.github.io/minisign/, "Minisign format". Only prehashed signatures ("ED": Ed25519
 * over BLAKE2b-512 of the file) are made and accepted, as by minisign since 0.10.
 */
#ifndef BUILDER_SIGNATURE_MINISIGN_H
#define BUILDER_SIGNATURE_MINISIGN_H

#include <stddef.h>

#include "builder/base/buf.h"
#include "builder/base/err.h"

#define MINISIGN_ID_SIZE 8
#define MINISIGN_ID_HEX \
	17 /* 16 upper-case hex digits (minisign leaves out leading zeros) and NUL */
#define MINISIGN_KEY_SIZE    32
#define MINISIGN_SIZE        64
#define MINISIGN_HASH_SIZE   64
#define MINISIGN_COMMENT_MAX 1024
#define MINISIGN_FILE_MAX    4096 /* bytes of a .minisig or a public-key file */

struct minisign_key {
	unsigned char id[MINISIGN_ID_SIZE];
	unsigned char key[MINISIGN_KEY_SIZE];
};

struct minisign {
	unsigned char id[MINISIGN_ID_SIZE]; /* of the key that made it */
	unsigned char signature[MINISIGN_SIZE];
	unsigned char global[MINISIGN_SIZE]; /* over the signature and the trusted comment */
	char comment[MINISIGN_COMMENT_MAX];  /* the trusted one */
};

/* Accepts a public-key file's text, or its base64 line alone. ERR_MALFORMED. */
int minisign_key_parse(const char *text, struct minisign_key *out, struct err *e);

/* The file at `key` if there is one, else `key` itself is the text. */
int minisign_key_open(const char *key, struct minisign_key *out, struct err *e);

/* Appends the text of a public-key file: an untrusted comment and the key, each in a line. */
void minisign_key_text(const struct minisign_key *key, struct buf *out);
void minisign_id_text(const unsigned char id[MINISIGN_ID_SIZE], char out[MINISIGN_ID_HEX]);

/* The text of a .minisig file. ERR_MALFORMED, ERR_UNSUPPORTED for signatures of other kinds. */
int minisign_parse(const char *text, size_t len, struct minisign *out, struct err *e);
void minisign_text(const struct minisign *s, struct buf *out);

/* What is signed of a file, read from fd's beginning; its offset stays. May block. */
int minisign_hash(int fd, unsigned char out[MINISIGN_HASH_SIZE], struct err *e);

/* Appends what the global signature is made over. */
void minisign_global(const struct minisign *s, struct buf *out);

/* Is the signature, and its trusted comment, of that key and for the file? ERR_SIGNATURE says which is
 * not. May block. */
int
minisign_verify(const struct minisign *s, const struct minisign_key *key, int fd, struct err *e);

#endif
