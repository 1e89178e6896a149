#!/usr/bin/env bash
# The protocol's own demonstration server (npm server-everything) on a free loopback port, for as long as this
# script runs. It speaks the handshake revisions only. Prints `READY <base>`, KEY=VALUE lines, then END.
# usage: everything.sh [streamableHttp|sse] [--watch-stdin]
# MCP_URL is where a client goes: /mcp, or /sse for the old transport (2024-11-05).
set -euo pipefail
. "$(dirname "$0")/lib.sh"
main=$parts/node/node_modules/@modelcontextprotocol/server-everything/dist/index.js
need node curl setpriv; [ -f "$main" ] || die "server-everything is missing: run tests/real/setup.sh"
kind=streamableHttp
case ${1:-} in streamableHttp | sse) kind=$1; shift ;; esac
path=/mcp; [ "$kind" != sse ] || path=/sse
begin "$@"

port=$(free_port); base=http://127.0.0.1:$port
PORT=$port serve node --import "$real/loopback.mjs" "$main" "$kind"
await 60 answers "$base/nothing-here"
announce "$base" "MCP_URL=$base$path" TOOL=echo
stay
