#!/usr/bin/env python3
"""Prints the shell commands of a job in a CI file of docs/examples/ci, as its runner would run them.

usage: ci_steps.py FILE JOB [EXPRESSION=VALUE…]

GitHub's expressions (${{ … }}) in env are replaced by the values given; one without is an error, and
so is one in a command. "uses" steps are left to the caller.
"""
import re
import shlex
import sys

import yaml

path, job_name, *given = sys.argv[1:]
values = dict(v.split("=", 1) for v in given)
with open(path, encoding="utf-8") as file:
    document = yaml.safe_load(file)


def replace(text):
    return re.sub(r"\$\{\{ *(.*?) *\}\}", lambda m: values[m.group(1)], str(text))


def export(env):
    return "".join(f"export {name}={shlex.quote(replace(v))}\n" for name, v in (env or {}).items())


if "jobs" in document:
    job = document["jobs"][job_name]
    out = ""
    for step in job["steps"]:
        if "run" not in step:
            continue
        if "${{" in step["run"]:
            sys.exit(f"{path}: {job_name}: an expression in a command")
        # Each step is a shell of its own.
        out += f"(set -e\n{export(document.get('env'))}{export(step.get('env'))}{step['run']}\n)\n"
else:
    job = document[job_name]
    out = "\n".join(job["script"])
if not out.strip():
    sys.exit(f"{path}: {job_name} has no commands")
print(out)
