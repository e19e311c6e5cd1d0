# A gyp generator that writes the fully evaluated targets as JSON instead of makefiles.
#
# gyp loads a generator by file name: node-gyp configure -- -f PATH/plan.py. The result goes to
# $PLAN_OUT; builder/plan/plan.c turns it into steps.
import json
import os

import gyp.common

# Paths of generated files. They are fixed, so that they are the same in every build; the sandbox
# mounts its scratch folder at /work.
generator_default_variables = {
    "EXECUTABLE_PREFIX": "",
    "EXECUTABLE_SUFFIX": "",
    "STATIC_LIB_PREFIX": "lib",
    "STATIC_LIB_SUFFIX": ".a",
    "SHARED_LIB_PREFIX": "lib",
    "SHARED_LIB_SUFFIX": ".so",
    "INTERMEDIATE_DIR": "/work/gen",
    "SHARED_INTERMEDIATE_DIR": "/work/gen",
    "PRODUCT_DIR": "/work/src/build/Release",
    "LIB_DIR": "/work/obj",
    "SHARED_LIB_DIR": "/work/obj",
    "CONFIGURATION_NAME": "Release",
    "RULE_INPUT_ROOT": "<RULE_INPUT_ROOT>",
    "RULE_INPUT_DIRNAME": "<RULE_INPUT_DIRNAME>",
    "RULE_INPUT_PATH": "<RULE_INPUT_PATH>",
    "RULE_INPUT_EXT": "<RULE_INPUT_EXT>",
    "RULE_INPUT_NAME": "<RULE_INPUT_NAME>",
}
generator_supports_multiple_toolsets = False
generator_wants_static_library_dependencies_adjusted = True


def CalculateVariables(default_variables, params):
    default_variables.setdefault("OS", gyp.common.GetFlavor(params))


# What a target says of itself, and what its Release configuration says.
TARGET_KEYS = (
    "target_name", "type", "toolset", "sources", "dependencies", "actions", "copies", "rules",
    "libraries", "product_name", "product_prefix", "product_extension",
)
CONFIGURATION_KEYS = (
    "defines", "include_dirs", "cflags", "cflags_c", "cflags_cc", "ldflags", "libraries",
    "msvs_settings", "xcode_settings",
)


def GenerateOutput(target_list, target_dicts, data, params):
    # In the order in which the package's own file has them, which says what matters: gyp's list has
    # an addon for the package's tests before the addon itself.
    def position(name):
        build_file, target = gyp.common.ParseQualifiedTarget(name)[:2]
        names = [t.get("target_name") for t in data[build_file].get("targets", [])]
        return (build_file not in params["build_files"], build_file,
                names.index(target) if target in names else len(names))

    out = []
    for name in sorted(target_list, key=position):
        target = target_dicts[name]
        one = {key: target[key] for key in TARGET_KEYS if key in target}
        build_file = gyp.common.ParseQualifiedTarget(name)[0]
        one["id"] = name
        one["dir"] = os.path.normpath(os.path.join("/work/src", os.path.dirname(build_file)))
        release = target.get("configurations", {}).get("Release", {})
        one["release"] = {key: release[key] for key in CONFIGURATION_KEYS if key in release}
        out.append(one)
    with open(os.environ["PLAN_OUT"], "w") as f:
        json.dump({"targets": out}, f, indent=1, sort_keys=True)
