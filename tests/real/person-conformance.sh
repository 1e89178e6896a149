#!/usr/bin/env bash
# The official conformance suite's authorization scenarios for clients, all that it has for a revision of the protocol, with
# mcpauth in the hands of a person (clients/person_conformance.py). Prints one line a scenario, `<revision> <scenario>
# <passed|failed> <checks>`, sorted: a warning counts as a failure. `extension` in the place of a revision means what the
# suite keeps outside all of them. What was typed and what came of it stays in OUT_DIR.
# usage: person-conformance.sh MCPAUTH OUT_DIR REVISION...
set -euo pipefail
. "$(dirname "$0")/lib.sh"
[ "$#" -ge 3 ] || die "usage: person-conformance.sh MCPAUTH OUT_DIR REVISION..."
mcpauth=$1 out=$2; shift 2
suite=$parts/node/node_modules/@modelcontextprotocol/conformance/dist/index.js
need "$node22" curl python3; [ -f "$suite" ] || die "the conformance suite is missing: run tests/real/setup.sh"
mkdir -p "$out"
scenarios() {
  local filter=()
  [ "$1" = extension ] || filter=(--spec-version "$1")
  "$node22" "$suite" list --client "${filter[@]}" | sed -n "s,^  - \(auth/[^ ]*\) \[.*$2.*\],\1,p"
}
one() {
  local log=$out/$1-${2/\//-}.log at=(--spec-version "$1") verdict=failed
  [ "$1" != extension ] || at=()
  MCPAUTH=$mcpauth "$node22" "$suite" client --scenario "$2" "${at[@]}" --output-dir "$out" \
    --command "python3 $real/clients/person_conformance.py" >"$log" 2>&1 && verdict=passed
  printf '%s %s %s %s\n' "$1" "$2" "$verdict" "$(sed -n 's/^Passed: \([0-9/]*\),.*/\1/p' "$log")"
}
export -f one; export mcpauth out node22 suite real
for revision; do
  scenarios "$revision" "$revision" | sed "s/^/$revision /"
done | xargs -P 2 -L 1 bash -c 'one "$0" "$1"' | sort
