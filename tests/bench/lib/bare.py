# The compiler commands of a job without the job: runs in a sandbox like the job's, on its sources.
#
#   bare.py prepare         runs what generates sources (the package's actions)
#   bare.py build JOBS      compiles, JOBS at a time in the job's order, then archives, links, strips;
#                           prints "WALL-SECONDS CPU-SECONDS" of these commands
#
# /work/job.log is the job's log: a line "==> [n/m] KIND …" and then "+ COMMAND" for each step.
# Words of a command are separated by single spaces there: no compiler command of a plan has words
# with spaces (and if one had, the result would not have the digest that it is compared with).
# Actions are looked up in /work/plan.json, because the log does not say in which folder they run.
import json
import os
import re
import resource
import subprocess
import sys
import time

LABEL = re.compile(r"==> \[\d+/\d+\] (\w+) ")
COMPILER = ("compile", "archive", "link", "strip")


def steps():
    kind = None
    with open("/work/job.log", encoding="utf-8", errors="replace") as log:
        for line in log:
            if kind and line.startswith("+ "):
                yield kind, line[2:].rstrip("\n")
            match = LABEL.match(line)
            kind = match.group(1) if match else None


def prepare():
    with open("/work/plan.json") as f:
        targets = json.load(f)["targets"]
    actions = {" ".join(action["action"]): (target["dir"], action["action"])
               for target in targets for action in target.get("actions", [])}
    for kind, text in steps():
        if kind == "action":
            folder, argv = actions[text]
            subprocess.run(argv, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        elif kind == "folders":
            subprocess.run(text.split(" "), check=True)
        elif kind not in COMPILER:
            sys.exit("a step of kind \"%s\" cannot be repeated here: %s" % (kind, text))


def wait(running):
    pid, status = os.wait()
    if status != 0:
        sys.exit("failed: %s" % running[pid])
    del running[pid]


def build(jobs):
    commands = [(kind, text) for kind, text in steps() if kind in COMPILER]
    compiles = [text for kind, text in commands if kind == "compile"]
    if not compiles:
        sys.exit("the job's log names no compiler command")
    running = {}
    start = time.monotonic()
    for text in compiles:
        if len(running) == jobs:
            wait(running)
        running[subprocess.Popen(text.split(" ")).pid] = text
    while running:
        wait(running)
    for wanted in COMPILER[1:]:
        for kind, text in commands:
            if kind == wanted:
                subprocess.run(text.split(" "), check=True)
    wall = time.monotonic() - start
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print("%.6f %.6f" % (wall, used.ru_utime + used.ru_stime))


if sys.argv[1] == "prepare":
    prepare()
else:
    build(int(sys.argv[2]))
