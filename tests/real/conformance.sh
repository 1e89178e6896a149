#!/usr/bin/env bash
# The official conformance suite (npm @modelcontextprotocol/conformance), its server part, against one endpoint, at
# the wire of one revision of the protocol. Prints one line a check, `<scenario> <check> <verdict>`, sorted and free
# of times and identifiers: two runs compare by diff. The suite's own notes, with reasons, stay in OUT_DIR.
# usage: conformance.sh URL OUT_DIR 2025-11-25|2026-07-28
# URL by the name localhost, else the check for DNS rebinding refuses to run. The suite can send no header: put
# relay.mjs with a TOKEN in front of what asks for one. Ends 0 if the suite ran, whatever its verdicts.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
[ "$#" = 3 ] || die "usage: conformance.sh URL OUT_DIR VERSION"
url=$1 out=$2 version=$3
suite=$parts/node/node_modules/@modelcontextprotocol/conformance/dist/index.js
need "$node22"; [ -f "$suite" ] || die "the conformance suite is missing: run tests/real/setup.sh"

rm -rf "$out"; mkdir -p "$out"
# 1 is a verdict, not an accident; that it ran to its end shows in the summary.
"$node22" "$suite" server --url "$url" --requirements "$version" --output-dir "$out" >"$out/log" 2>&1 || [ "$?" = 1 ]
grep -q '^Total: ' "$out/log" || { tail -n 20 "$out/log" >&2; die "the suite did not finish"; }
"$node22" - "$out" <<'LIST'
const fs = require('node:fs'), path = require('node:path');
const out = process.argv[2], lines = [];
for (const folder of fs.readdirSync(out)) {
  const found = /^server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z$/.exec(folder);
  if (!found) continue;
  const checks = JSON.parse(fs.readFileSync(path.join(out, folder, 'checks.json'), 'utf8'));
  // That an event arrived is no verdict, and how many do before a stream is cut is a matter of moments.
  for (const check of checks.filter(({ id, status }) => id !== 'incoming-sse-event' || status !== 'INFO')) lines.push(`${found[1]} ${check.id} ${check.status}`);
}
console.log(lines.sort().join('\n'));
LIST
