#!/usr/bin/env bash
# Builds the script and style of the pages and writes them as C++ to the file it is given.
#   scripts/web.sh OUTPUT.cpp
# Called by the build. Packages are installed once per package-lock.json, the bundle is built once
# per change of its sources, whatever the number of build folders.
set -euo pipefail
output=$(readlink -f "$(dirname "$1")")/$(basename "$1")
cd "$(dirname "$(readlink -f "$0")")/../web"
command -v npm >/dev/null || {
  printf 'scripts/web.sh: npm is not installed; ./run installs it, or: apt-get install nodejs npm\n' >&2
  exit 1
}

exec 9>.lock
flock 9

if ! cmp -s package-lock.json node_modules/.sluice-lock; then
  npm ci --ignore-scripts --no-progress --loglevel=error
  cp package-lock.json node_modules/.sluice-lock
fi

stamp=$(find storefront console embed.mjs package-lock.json -type f -not -path '*/dist/*' -print0 |
  LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum)
if [ "$(cat dist/stamp 2>/dev/null)" != "$stamp" ]; then
  rm -rf dist
  npm run --silent check
  npm run --silent build
  node embed.mjs dist dist/asset_files.cpp
  printf '%s' "$stamp" >dist/stamp
fi
cp dist/asset_files.cpp "$output"
