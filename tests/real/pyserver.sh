#!/usr/bin/env bash
# mcp/server.py, a server on the current Python SDK, on a free loopback port, for as long as this script runs.
# Prints `READY <base>`, KEY=VALUE lines, then END.
# usage: pyserver.sh [streamable-http|sse] [--watch-stdin]
# TOOLS are the names it lists: add(a, b), greet(name), wipe(target).
set -euo pipefail
. "$(dirname "$0")/lib.sh"
python=$parts/mcp/bin/python
need "$python" curl setpriv
kind=streamable-http
case ${1:-} in streamable-http | sse) kind=$1; shift ;; esac
path=/mcp; [ "$kind" != sse ] || path=/sse
begin "$@"

port=$(free_port); base=http://127.0.0.1:$port
serve "$python" "$real/mcp/server.py" "$port" "$kind"
await 60 answers "$base/nothing-here"
announce "$base" "MCP_URL=$base$path" 'TOOLS=add greet wipe'
stay
