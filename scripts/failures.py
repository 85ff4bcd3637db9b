#!/usr/bin/env python3
"""Says of each failed test of a ctest run (its --output-junit file) what went wrong, in few lines.

A whole output can be thousands of lines of a server's log; what a reader needs first is the name of
every test that failed, how it ended, and the lines around the first complaint and at the end.

  scripts/failures.py REPORT.xml        exit 0; 2: the report cannot be read
"""
import re
import sys
import xml.etree.ElementTree as ElementTree

AROUND = 16  # lines from the first complaint on, and lines at the end
COMPLAINT = re.compile(
    r": Failure$|\[  FAILED  \]|Sanitizer|runtime error:|^not ok|Error:|what\(\)|Assertion|Falsifiable")


def excerpt(text):
    """The lines from the first complaint on and the last ones, without what was left out twice."""
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    first = next((at for at, line in enumerate(lines) if COMPLAINT.search(line)), len(lines))
    tail = max(first + AROUND, len(lines) - AROUND)
    shown = lines[first:first + AROUND]
    if tail > first + AROUND:
        shown.append(f"… {tail - first - AROUND} lines …")
    return shown + lines[tail:]


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        cases = ElementTree.parse(sys.argv[1]).getroot().iter("testcase")
    except (OSError, ElementTree.ParseError) as error:
        print(f"failures.py: {sys.argv[1]}: {error}", file=sys.stderr)
        return 2
    for case in cases:
        failure = case.find("failure")
        if failure is None and case.get("status") not in ("fail", "notrun"):
            continue
        how = failure.get("message", "") if failure is not None else case.get("status")
        print(f"--- {case.get('name')} ({case.get('time')} s) {how}".rstrip())
        for line in excerpt(case.findtext("system-out") or ""):
            print(f"    {line}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
