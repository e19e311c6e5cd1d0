# Writes the C source of a Node-API host without JavaScript, from Node's own headers: the load test
# of targets for which there is no JavaScript runtime.
#
# usage: host.py INCLUDE-FOLDER >host.c
#
# Every Node-API function is there with its own type. It counts its call, says napi_ok, and fills
# its result with a handle, false, or zero, so that an addon's registration runs as far as it would
# in Node. It is no engine: no function of the addon is called after that.
import re
import sys

HEADERS = ("js_native_api.h", "node_api.h")
HANDLES = (
    "napi_value", "napi_ref", "napi_deferred", "napi_handle_scope", "napi_escapable_handle_scope",
    "napi_callback_scope", "napi_async_context", "napi_async_work", "napi_threadsafe_function",
    "napi_async_cleanup_hook_handle",
)
# What the host itself defines.
OWN = ("napi_module_register", "napi_fatal_error", "napi_throw", "napi_throw_error",
       "napi_throw_type_error", "napi_throw_range_error", "node_api_throw_syntax_error",
       "napi_get_node_version", "napi_get_version", "napi_get_last_error_info", "napi_typeof",
       "napi_get_uv_event_loop")


def declarations(path):
    text = open(path).read()
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    text = re.sub(r"//[^\n]*", "", text)
    text = re.sub(r"^\s*#.*$", "", text.replace("\\\n", " "), flags=re.M)
    for found in re.finditer(r"NAPI_EXTERN\s+([\w\s]*?)\s*NAPI_CDECL\s+(\w+)\s*\(([^;]*)\)\s*;", text):
        returns, name, parameters = (" ".join(part.split()) for part in found.groups())
        yield returns, name, [p.strip() for p in parameters.split(",")]


def fill(parameters):
    """The statements that give an addon what it asked for."""
    out = []
    length = next((p.split()[-1] for p in parameters if re.search(r"size_t (byte_)?length$", p)), None)
    for parameter in parameters:
        found = re.fullmatch(r"(.*?)\s*(\*+)\s*(\w+)", parameter)
        if not found or "const" in found[1]:
            continue
        kind, stars, name = found.groups()
        if name == "data" and stars == "**" and length:
            out.append(f"if ({name}) *{name} = calloc({length} + 1, 1);")
        elif name != "result":
            continue
        elif stars == "*" and kind in HANDLES:
            out.append(f"if ({name}) *{name} = ({kind})handle();")
        else:
            out.append(f"if ({name}) *{name} = 0;")
    return " ".join(out)


def main(include):
    print('#include "host.h"')
    version = re.search(r"#define\s+NODE_API_SUPPORTED_VERSION_MAX\s+(\d+)|#define\s+NAPI_VERSION\s+(\d+)",
                        open(f"{include}/node_version.h").read())
    print(f"const uint32_t host_node_api = {version[1] or version[2]};")
    for header in HEADERS:
        for returns, name, parameters in declarations(f"{include}/{header}"):
            if name in OWN:
                continue
            body = fill(parameters)
            print(f"{returns} NAPI_CDECL {name}({', '.join(parameters)}) {{ called(); {body} return napi_ok; }}")
    uv = re.sub(r"/\*.*?\*/", "", open(f"{include}/uv.h").read(), flags=re.S)
    for name in sorted(set(re.findall(r"UV_EXTERN[^;(]*?\b(uv_\w+)\s*\(", uv))):
        # An addon may need any of them; none is called while it registers itself.
        print(f"__attribute__((visibility(\"default\"))) long {name}(void) {{ called(); return 0; }}")


main(sys.argv[1])
