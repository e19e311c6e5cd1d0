/*
 * documents.h - what is published beside each name of an addon: its signature and its provenance. Part
 * of publish.c.
 */
#ifndef API_PUBLISH_DOCUMENTS_H
#define API_PUBLISH_DOCUMENTS_H

#include "api/publish/publish.h"

/* The layouts of their names in the catalog. */
#define DOCUMENT_SIGNATURE  "signature"
#define DOCUMENT_PROVENANCE "provenance"

/* Makes them for all names that p has, puts them into the store and adds their names. Blocks. */
int documents_add(struct publication *p, struct store *store, const struct signing_key *key,
		  struct err *e);

/* A document says when it was made and by which key, so a second one would differ: those that the
 * catalog has stay. On the catalog's thread, before the names are recorded. */
int documents_keep(struct publication *p, struct db *db, struct err *e);

#endif
