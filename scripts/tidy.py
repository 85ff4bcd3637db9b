#!/usr/bin/env python3
"""Runs clang-tidy over every source of build/tidy/compile_commands.json, several at once.

A source that was clean before is skipped while its preprocessed text, the rules and the version of
clang-tidy are the same, so a second run is quick. Exit status 0: clean, 1: findings.

    scripts/tidy.py [--jobs N] [PATH-PART…]      for example: scripts/tidy.py src/sale
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "tidy"
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "sluice-tidy"
CACHE_DAYS = 30
CLANG_TIDY = "clang-tidy-22"

# The static analyzer follows every path of GoogleTest's macros, for minutes, and the sanitizers run
# the tests anyway; fixtures, constants and long literals are what they have to be. JSON bodies and
# escapes are read as they are sent, and C interfaces want argv without const.
NOT_IN_TESTS = ("-clang-analyzer-*,-bugprone-return-const-ref-from-parameter,"
                "-bugprone-suspicious-missing-comma,"
                "-bugprone-throwing-static-initialization,"
                "-cppcoreguidelines-pro-type-const-cast,"
                "-cppcoreguidelines-virtual-class-destructor,"
                "-modernize-raw-string-literal,"
                "-performance-inefficient-vector-operation")


def is_test(name):
    return name.startswith("tests/") or name.endswith("_test.cpp")


def fingerprint(command, rules):
    """A hash of all that the verdict depends on, or None where the source does not compile."""
    words = shlex.split(command["command"])
    out = words.index("-o")
    words = [word for i, word in enumerate(words) if i not in (out, out + 1) and word != "-c"]
    words = [word for word in words if not word.endswith("ccache")]
    done = subprocess.run([*words, "-E"], cwd=command["directory"], capture_output=True, check=False)
    if done.returncode != 0:
        return None
    text = done.stdout.replace(str(ROOT).encode(), b"")
    options = " ".join(words).replace(str(ROOT), "").encode()
    return hashlib.sha256(b"\0".join([rules, options, text])).hexdigest()


def check(command, rules):
    """Returns (file, seconds, output, clean); the time of a skipped file is 0."""
    started = time.monotonic()
    name = os.path.relpath(command["file"], ROOT)
    extra = ["--checks=" + NOT_IN_TESTS] if is_test(name) else []
    key = fingerprint(command, rules + "".join(extra).encode())
    stamp = CACHE / key if key else None
    if stamp and stamp.exists():
        stamp.touch()
        return name, 0.0, "", True
    done = subprocess.run([CLANG_TIDY, "--quiet", "-p", str(BUILD), *extra, command["file"]], cwd=ROOT,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    clean = done.returncode == 0
    if clean and stamp:
        stamp.touch()
    output = done.stdout + ("" if clean else done.stderr)
    return name, time.monotonic() - started, output.strip(), clean


def forget_old_stamps():
    oldest = time.time() - CACHE_DAYS * 86400
    for stamp in CACHE.iterdir():
        if stamp.stat().st_mtime < oldest:
            stamp.unlink()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("parts", nargs="*", metavar="PATH-PART")
    args = parser.parse_args()

    version = subprocess.run([CLANG_TIDY, "--version"], capture_output=True, check=True).stdout
    rules = version + (ROOT / ".clang-tidy").read_bytes()
    commands = json.loads((BUILD / "compile_commands.json").read_text())
    commands = [c for c in commands if not args.parts or any(p in c["file"] for p in args.parts)]
    if not commands:
        sys.exit("tidy: no source matches " + " ".join(args.parts))
    CACHE.mkdir(parents=True, exist_ok=True)
    forget_old_stamps()

    bad, skipped = [], 0
    with concurrent.futures.ThreadPoolExecutor(max(1, args.jobs)) as pool:
        work = [pool.submit(check, command, rules) for command in commands]
        for done, future in enumerate(concurrent.futures.as_completed(work), 1):
            name, seconds, output, clean = future.result()
            if seconds == 0.0:
                skipped += 1
                continue
            print(f"    [{done}/{len(work)}] {name} {seconds:.0f} s{'' if clean else ' FINDINGS'}",
                  flush=True)
            if not clean:
                bad.append(name)
                print(output, flush=True)
    print(f"    {len(commands)} sources, {skipped} unchanged since they were clean, {len(bad)} with findings")
    for name in sorted(bad):
        print(f"    findings in {name}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
