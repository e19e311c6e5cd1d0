/*
 * embed.h - the texts of loader.js and platform.js.
 */
#ifndef API_REGISTRY_EMBED_H
#define API_REGISTRY_EMBED_H

extern const char embed_loader_js[];
extern const char embed_platform_js[];

#endif
