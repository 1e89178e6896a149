#!/usr/bin/env bash
# The official conformance suite's client part against mcpauth as a client, but for authorization
# (person-conformance.sh): `bridge`, through which a client of raw
# messages reaches the suite's servers, or the `verbs` basic, list and call. Prints one line a scenario,
# `<scenario> <passed>/<all>, <failed> failed`, sorted.
# usage: client-conformance.sh MCPAUTH OUT_DIR bridge|verbs
set -euo pipefail
. "$(dirname "$0")/lib.sh"
[ "$#" = 3 ] || die "usage: client-conformance.sh MCPAUTH OUT_DIR bridge|verbs"
mcpauth=$1 out=$2
suite=$parts/node/node_modules/@modelcontextprotocol/conformance/dist/index.js
need "$node22"; [ -f "$suite" ] || die "the conformance suite is missing: run tests/real/setup.sh"
mkdir -p "$out"
case $3 in
  bridge)
    client="$node22 $real/clients/bridge_conformance.mjs"
    scenarios="initialize tools_call elicitation-sep1034-client-defaults sse-retry request-metadata
      http-standard-headers http-custom-headers http-invalid-tool-headers sep-2322-client-request-state
      json-schema-ref-no-deref json-schema-2020-12-preservation" ;;
  verbs)
    client="bash $real/clients/verbs_conformance.sh"
    # They answer no form and repeat no call, so what asks for that is not theirs.
    scenarios="initialize tools_call sse-retry request-metadata http-standard-headers http-custom-headers
      http-invalid-tool-headers json-schema-ref-no-deref" ;;
  *) die "bridge or verbs?" ;;
esac
one() {
  MCPAUTH=$mcpauth "$node22" "$suite" client --scenario "$1" --output-dir "$out" --command "$client" \
    >"$out/${1/\//-}.log" 2>&1 || true
  printf '%s %s\n' "$1" "$(sed -n 's/^Passed: \([0-9/]*, [0-9]* failed\).*/\1/p' "$out/${1/\//-}.log")"
}
export -f one; export mcpauth out node22 suite client
# Two at once: most of a scenario is starting Node.
printf '%s\n' $scenarios | xargs -P 2 -I {} bash -c 'one {}' | sort
