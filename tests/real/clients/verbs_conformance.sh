#!/usr/bin/env bash
# What the conformance suite's client scenarios ask for, by mcpauth's own verbs.
# usage: verbs_conformance.sh URL   (MCPAUTH names the binary, MCP_CONFORMANCE_SCENARIO and _CONTEXT the scenario)
url=${*: -1}
tools() { "$MCPAUTH" list --url "$url" | cut -f1; }
call() { "$MCPAUTH" call "$1" "$2" --url "$url" </dev/null; }
case $MCP_CONFORMANCE_SCENARIO in
  tools_call) tools && call add_numbers '{"a": 5, "b": 3}' ;;
  sse-retry) call test_reconnection '{}' ;;
  http-custom-headers)
    python3 -c 'import json, os
for call in json.loads(os.environ["MCP_CONFORMANCE_CONTEXT"])["toolCalls"]: print(call["name"], json.dumps(call["arguments"]), sep="\t")' |
      while IFS=$'\t' read -r tool arguments; do call "$tool" "$arguments"; done ;;
  http-invalid-tool-headers) tools | while read -r tool; do call "$tool" '{"region": "x"}'; done ;;
  http-standard-headers) tools | while read -r tool; do call "$tool" '{}'; done ;;
  *) "$MCPAUTH" basic --url "$url"; tools ;;
esac
