#!/usr/bin/env bash
# Builds the browser libraries of the pages into web/pages/static/vendor, which is committed: nobody who installs or runs
# Sonorize needs Node. Versions and their digests are pinned by web/frontend/package-lock.json; needs Node 20 and npm.
# `build_frontend.sh --check` builds into a temporary folder and says whether the committed files are the same.
set -euo pipefail
cd "$(dirname "$0")/.."

committed=web/pages/static/vendor target=$committed
[ "${1:-}" = --check ] && target=$(mktemp -d)
work=$(mktemp -d)
trap 'rm -rf "$work"; [ "$target" = "$committed" ] || rm -rf "$target"' EXIT

cp web/frontend/package.json web/frontend/package-lock.json "$work"
(cd "$work" && npm ci --ignore-scripts --no-audit --no-fund --silent)
mkdir -p "$target"
"$work/node_modules/.bin/esbuild" "$work/node_modules/wavesurfer.js/dist/wavesurfer.esm.js" \
  --bundle --minify --format=esm --target=es2022 --legal-comments=none --log-level=warning --outfile="$target/wavesurfer.js"
cp "$work/node_modules/wavesurfer.js/LICENSE" "$target/wavesurfer.LICENSE.txt"
(
  lock=$(sha256sum web/frontend/package-lock.json | cut -d' ' -f1)
  cd "$target"
  { echo "$lock  package-lock.json"; sha256sum wavesurfer.LICENSE.txt wavesurfer.js; } >SHA256SUMS
)
if [ "$target" != "$committed" ]; then
  diff -r "$target" "$committed" && echo "$committed is what the lock file says"
fi
