#!/usr/bin/env bash
# The official conformance suite's client part against the bridge: a client of raw messages reaches the suite's servers
# through it. Prints one line a scenario, `<scenario> <passed>/<all>, <failed> failed`, sorted.
# usage: bridge-conformance.sh MCPAUTH OUT_DIR
set -euo pipefail
. "$(dirname "$0")/lib.sh"
[ "$#" = 2 ] || die "usage: bridge-conformance.sh MCPAUTH OUT_DIR"
mcpauth=$1 out=$2
suite=$parts/node/node_modules/@modelcontextprotocol/conformance/dist/index.js
need "$node22"; [ -f "$suite" ] || die "the conformance suite is missing: run tests/real/setup.sh"
mkdir -p "$out"
one() {
  MCPAUTH=$mcpauth "$node22" "$suite" client --scenario "$1" --output-dir "$out" \
    --command "$node22 $real/clients/bridge_conformance.mjs" >"$out/$1.log" 2>&1 || true
  printf '%s %s\n' "$1" "$(sed -n 's/^Passed: \([0-9/]*, [0-9]* failed\).*/\1/p' "$out/$1.log")"
}
# What asks for a login by the server's address alone is another verb's matter; these are what a bridge says.
for scenario in initialize tools_call elicitation-sep1034-client-defaults sse-retry request-metadata \
  http-standard-headers http-custom-headers http-invalid-tool-headers sep-2322-client-request-state \
  json-schema-ref-no-deref json-schema-2020-12-preservation; do
  one "$scenario"
done | sort
