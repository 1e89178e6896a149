#!/usr/bin/env bash
# The command line's speed, as medians and ratios against named peers in one run: start-up against `bash -c true`, a
# token to the written file against curl fetching the same token, ten flows against one. Needs hyperfine, curl, python3.
# usage: benches/cli.sh [BINARY]      default: target/release/mcpauth
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
binary=$(realpath "${1:-$here/../target/release/mcpauth}")
work=$(mktemp -d)
servers=()
trap 'kill "${servers[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT

# A token endpoint that answers after $1 seconds; its port is in $port.
server() {
  python3 "$here/token_server.py" "$1" >"$work/port.$1" & servers+=($!)
  until [ -s "$work/port.$1" ]; do sleep 0.05; done
  port=$(cat "$work/port.$1")
}

# One run of hyperfine over all its arguments; prints medians, and ratios to the last command.
compare() {
  hyperfine -N --warmup 3 --runs 30 --export-json "$work/result.json" "$@" >/dev/null 2>"$work/noise" || { cat "$work/noise"; exit 1; }
  python3 - "$work/result.json" <<'P'
import json, sys
rows = [(r["command"].split("/")[-1][:60], r["median"] * 1000) for r in json.load(open(sys.argv[1]))["results"]]
for name, ms in rows:
    print(f"  {ms:8.2f} ms  {ms / rows[-1][1]:6.2f} x  {name}")
P
}

cd "$work"
export HOME=$work MCPAUTH_CONFIG_DIR=$work MCPAUTH_STATE_DIR=$work
echo "start-up (x = to bash -c true)"
compare "$binary --version" "$binary config show" "bash -c true"

server 0
export INGRESS_OAUTH_USER_POOL_ID=us-east-1_Bench INGRESS_OAUTH_CLIENT_ID=id INGRESS_OAUTH_CLIENT_SECRET=bench-secret
export INGRESS_OAUTH_TOKEN_URL=http://127.0.0.1:$port/token
echo "a token from loopback to a synced 0600 file (x = to curl fetching it)"
compare "$binary ingress --force" "$binary ingress" "curl -s -o curl.json -d grant_type=client_credentials $INGRESS_OAUTH_TOKEN_URL"

server 0.2
export AGENTCORE_TOKEN_REQUEST=form COGNITO_DOMAIN=http://127.0.0.1:$port
for n in $(seq 10); do
  export "AGENTCORE_CLIENT_ID_$n=id" "AGENTCORE_CLIENT_SECRET_$n=bench-secret" "AGENTCORE_SERVER_NAME_$n=gateway-$n"
done
echo "ten flows of 200 ms each (x = to one such flow)"
compare "$binary agentcore --force" "$binary agentcore --gateway-index 1 --force"
