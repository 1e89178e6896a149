#!/usr/bin/env bash
# `mcpauth bridge` against mcp-remote, the proxy in its place today: both over stdio, in front of one cheap server on
# loopback, in turns, with the same header; then `bridge --listen` against `bridge` over stdio.
# Prints medians and ratios in Markdown, for answers in JSON and as event streams.
# mcp-remote is started as node does it once it is installed; by `npx` it takes longer.
# usage: benches/bridge/run.sh [--before OLD] [BINARY]      default: MCPAUTH, else target/release/mcpauth
#   --before OLD  against an older build of ours as well
# ROUNDS=9 CALLS=500; QUICK=1 for a smoke run. Needs tests/real/setup.sh to have been run (node, mcp-remote).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
before=
[ "${1:-}" != --before ] || { before=$(realpath "$2"); shift 2; }
binary=$(realpath "${1:-${MCPAUTH:-$here/../../target/release/mcpauth}}")
parts=$("$here/../../tests/real/setup.sh" --where)
remote=$parts/clients/node_modules/mcp-remote
[ -f "$remote/dist/proxy.js" ] || { echo "run.sh: mcp-remote is missing: run tests/real/setup.sh" >&2; exit 1; }
rounds=${ROUNDS:-9} calls=${CALLS:-500}
[ -z "${QUICK:-}" ] || { rounds=1 calls=50; }
work=$(mktemp -d)
servers=()
trap 'kill "${servers[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT

# start NAME CMD...: a server that prints its port, which is left in $port.
start() {
  local name=$1; shift
  "$@" >"$work/$name" & servers+=($!)
  until [ -s "$work/$name" ]; do sleep 0.05; done
  port=$(cat "$work/$name")
}

words() { python3 -c 'import json, sys; print(json.dumps(sys.argv[1:]))' "$@"; }
against() { # against NAME CMD...: ours and this one in turns
  python3 "$here/measure.py" "$rounds" "$calls" "$url" "$1" "$(words "${@:2}")" "$(words "$binary" bridge "$url")"
}
listening() { # listening NAME CMD...: ours over HTTP and this one in turns
  printf '\n'
  python3 "$here/measure.py" "$rounds" "$calls" "$url" "$1" "$(words "${@:2}")" "$(words "$binary" bridge --listen 127.0.0.1:0)"
}

cd "$work"
mkdir servers
printf '{"path": "/bench", "auth_type": "none"}' >servers/bench.json
export HOME=$work MCPAUTH_CONFIG_DIR=$work MCPAUTH_STATE_DIR=$work NO_PROXY=127.0.0.1 PYTHONDONTWRITEBYTECODE=1
start token python3 "$here/../token_server.py"
export INGRESS_OAUTH_TOKEN_URL=http://127.0.0.1:$port/token INGRESS_OAUTH_USER_POOL_ID=us-east-1_Bench
export INGRESS_OAUTH_CLIENT_ID=id INGRESS_OAUTH_CLIENT_SECRET=bench-secret
"$binary" ingress >"$work/ingress.log" 2>&1 || { cat "$work/ingress.log" >&2; exit 1; }

printf 'mcpauth %s, mcp-remote %s, node %s, %s cores\n' "$("$binary" --version | cut -d' ' -f2)" \
  "$(node -p 'require(process.argv[1]).version' "$remote/package.json")" "$(node --version)" "$(nproc)"
header="X-Authorization: Bearer $(printf 'x%.0s' $(seq 900))"
for kind in json sse; do
  start "$kind" node "$here/upstream.mjs" "$kind"
  url=http://127.0.0.1:$port/mcp
  printf '\nanswers as %s\n\n' "$kind"
  # Our identity goes to what lies below the gateway's address, and nowhere else.
  export REGISTRY_URL=http://127.0.0.1:$port
  against mcp-remote node "$remote/dist/proxy.js" "$url" --allow-http --header "$header"
  [ -z "$before" ] || { printf '\n'; against 'mcpauth before' "$before" bridge "$url"; }
  listening 'over stdio; mcpauth listens' "$binary" bridge "$url"
  [ -z "$before" ] || listening 'mcpauth before, listening' "$before" bridge --listen 127.0.0.1:0
done
