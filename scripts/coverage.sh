#!/usr/bin/env bash
# Prints the line coverage of the rooms that everything rests on, and fails below a limit.
#   scripts/coverage.sh build/coverage 90
# Run by ./test --coverage, after the tests have run. A report to look into is written to
# build/coverage/report/index.html.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

build=$1 limit=$2 status=0
mkdir -p build/logs "$build/report"
gcovr --root . --exclude-throw-branches --exclude-unreachable-branches \
  --filter 'src/' --exclude '.*_test\.cpp' --json "$build/coverage.json" -j "$(nproc)" "$build"
gcovr --root . --add-tracefile "$build/coverage.json" --html-details "$build/report/index.html"
: >build/logs/coverage.txt
for room in base sale engine; do
  summary=$(gcovr --root . --add-tracefile "$build/coverage.json" --filter "src/$room/" \
    --print-summary --fail-under-line "$limit" --output "$build/report/$room.txt") || status=1
  printf '%s %s\n' "$room" "$(sed -n 's/^lines: //p' <<<"$summary")" | tee -a build/logs/coverage.txt
done
if [ $status != 0 ]; then
  echo "coverage: a room is below $limit % of its lines; the lines not run are in" \
    "$build/report/index.html" >&2
fi
exit $status
