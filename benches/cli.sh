#!/usr/bin/env bash
# What a run of the release binary costs, each figure beside a peer's in the same run. Needs hyperfine, python3, curl.
#   cargo build --release && benches/cli.sh [BINARY]        (default: target/release/mcpauth)
# Medians and ratios go to stdout; compare ratios between machines, never milliseconds. curl does less for its figure: it
# takes no lock and does not sync what it writes, so the disk's sync time is printed as well.
set -euo pipefail
cd "$(dirname "$0")/.."

binary=$(realpath "${1:-target/release/mcpauth}")
server=$(realpath benches/token_server.py)
work=$(mktemp -d)
pids=()
cleanup() {
  local pid
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap cleanup EXIT
for tool in hyperfine python3 curl; do
  command -v "$tool" >/dev/null || { echo "$tool is missing; on Debian: apt-get install $tool" >&2; exit 2; }
done

# Starts a token server that answers after $1 ms; its port is in $port.
serve() {
  python3 "$server" "$1" >"$work/port" &
  pids+=("$!")
  local tries=0
  until [ -s "$work/port" ]; do
    sleep 0.05; tries=$((tries + 1))
    [ "$tries" -lt 100 ] || { echo "the token server did not start" >&2; exit 1; }
  done
  port=$(cat "$work/port"); rm "$work/port"
}

# A project whose .env is stdin, with a home and a state folder of its own; in $1.
project() {
  mkdir -p "$work/$1/home"
  (umask 077; cat >"$work/$1/.env")
}

# measure NAME FOLDER HYPERFINE-ARGUMENTS...: the commands' medians are then in $work/NAME.json.
measure() {
  local name=$1 folder=$2; shift 2
  (cd "$work/$folder" && env -i PATH="$PATH" HOME="$work/$folder/home" MCPAUTH_STATE_DIR="$work/$folder/state" \
    hyperfine --shell=none --style=none --export-json "$work/$name.json" "$@" >/dev/null)
}

serve 0; quick=$port
serve 200; slow=$port

project plain <<ENV
INGRESS_OAUTH_USER_POOL_ID=us-east-1_Bench
INGRESS_OAUTH_CLIENT_ID=bench
INGRESS_OAUTH_CLIENT_SECRET=bench-secret
INGRESS_OAUTH_TOKEN_URL=http://127.0.0.1:$quick/oauth2/token
ENV
gateways() {
  local n
  echo "COGNITO_DOMAIN=http://127.0.0.1:$slow"
  for ((n = 1; n <= $1; n++)); do
    printf 'AGENTCORE_CLIENT_ID_%s=bench\nAGENTCORE_CLIENT_SECRET_%s=s\nAGENTCORE_SERVER_NAME_%s=bench-%s\n' "$n" "$n" "$n" "$n"
  done
}
gateways 1 | project one
gateways 10 | project ten

# Once outside the clock: it must work, and write what it says.
(cd "$work/plain" && env -i HOME="$work/plain/home" "$binary" ingress --force --quiet && test -s .oauth-tokens/ingress.json)
(cd "$work/ten" && env -i HOME="$work/ten/home" "$binary" agentcore --force --quiet && test "$(find .oauth-tokens -name '*.json' | wc -l)" = 10)

form='grant_type=client_credentials&client_id=bench&client_secret=bench-secret'
measure start plain --warmup 5 --runs 100 -n bash "bash -c true" -n version "$binary --version" -n show "$binary config show"
measure ingress plain --warmup 5 --runs 50 \
  -n curl "curl -sS -o token.json --data $form http://127.0.0.1:$quick/oauth2/token" \
  -n ingress "$binary ingress --force --quiet"
measure flows one --warmup 1 --runs 10 -n curl "curl -sS -o token.json --data $form http://127.0.0.1:$slow/oauth2/token" \
  -n one "$binary agentcore --force --quiet"
measure many ten --warmup 1 --runs 10 -n ten "$binary agentcore --force --quiet"

python3 - "$work" <<'PYTHON'
import json
import os
import pathlib
import statistics
import sys
import time

work = pathlib.Path(sys.argv[1])
ms = {}
for name in ["start", "ingress", "flows", "many"]:
    for result in json.loads((work / f"{name}.json").read_text())["results"]:
        ms[name, result["command"]] = 1000 * result["median"]

def row(what, mine, peer, theirs):
    print(f"{what:42} {mine:8.1f} ms   {peer:22} {theirs:8.1f} ms   ratio {mine / theirs:5.2f}")

def sync():
    began = time.perf_counter()
    with open(work / "synced", "wb") as file:
        file.write(b"x" * 1500)
        file.flush()
        os.fsync(file.fileno())
    return 1000 * (time.perf_counter() - began)

row("--version", ms["start", "version"], "bash -c true", ms["start", "bash"])
row("config show", ms["start", "show"], "bash -c true", ms["start", "bash"])
row("ingress --force, request to written file", ms["ingress", "ingress"], "curl -o, same request", ms["ingress", "curl"])
row("one flow, answered after 200 ms", ms["flows", "one"], "curl -o, same request", ms["flows", "curl"])
row("ten flows, each answered after 200 ms", ms["many", "ten"], "one flow", ms["flows", "one"])
print(f"{'for comparison: one file written and synced':42} {statistics.median(sync() for _ in range(20)):8.1f} ms")
PYTHON
