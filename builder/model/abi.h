/*
 * abi.h - what an addon is compiled against: Node-API ("napi-v6"), or V8 and Node directly
 * ("node-v127": NODE_MODULE_VERSION).
 */
#ifndef BUILDER_MODEL_ABI_H
#define BUILDER_MODEL_ABI_H

enum abi_kind { ABI_NONE, ABI_NAPI, ABI_NODE, ABI_ELECTRON };

struct abi {
	enum abi_kind kind;
	unsigned version;
};

#define ABI_TEXT_SIZE 32

/* Highest Node-API version that released Node versions have. */
#define ABI_NAPI_MAX 10

/* "napi-v6" | "node-v127" | "electron-v133", exactly; 0 or ERR_INVALID. ABI_NONE has
 * the text "none", which is not parsed. */
int abi_parse(const char *text, struct abi *out);
void abi_text(struct abi abi, char out[ABI_TEXT_SIZE]);

/* The highest Node-API version that a release of Node has, "22.14.0" (Node's documentation, "Node-API
 * version matrix"); 0 if it is no version. */
unsigned abi_napi_of_node(const char *version);

#endif
