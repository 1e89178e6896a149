#!/usr/bin/env bash
# What the conformance suite's client scenarios ask for, by mcpauth's own verbs.
# usage: verbs_conformance.sh URL   (MCPAUTH names the binary, MCP_CONFORMANCE_SCENARIO and _CONTEXT the scenario)
url=${*: -1}
tools() { "$MCPAUTH" list --url "$url" | cut -f1; }
call() { "$MCPAUTH" call "$1" "$2" --url "$url" </dev/null; }
# The suite's authorization servers approve by themselves: their page is read, and nobody looks at it.
login() { BROWSER='curl -sL -o /dev/null' "$MCPAUTH" login "$url" --browser --tokens-dir "$tokens" "$@" </dev/null; }
case $MCP_CONFORMANCE_SCENARIO in
  auth/*)
    tokens=$(mktemp -d); trap 'rm -rf "$tokens"' EXIT
    # The server changed its issuer, and says so by refusing the old one's token.
    anew() {
      [ "$MCP_CONFORMANCE_SCENARIO" = auth/authorization-server-migration ] && login --force &&
        "$MCPAUTH" basic --url "$url" --tokens-dir "$tokens"
    }
    client() { python3 -c 'import json, os, sys; print(json.loads(os.environ["MCP_CONFORMANCE_CONTEXT"])[sys.argv[1]])' "$1"; }
    case $MCP_CONFORMANCE_SCENARIO in
      auth/pre-registration) client client_secret >"$tokens/s"; chmod 600 "$tokens/s"
        login --client-id "$(client client_id)" --client-secret-file "$tokens/s" ;;
      *) login ;;
    esac && { "$MCPAUTH" basic --url "$url" --tokens-dir "$tokens" || anew; } ;;
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
