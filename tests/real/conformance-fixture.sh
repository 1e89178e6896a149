#!/usr/bin/env bash
# mcp/fixture.py, what the conformance suite asks of a server, on a free loopback port, for as long as this script
# runs. Prints `READY <base>`, KEY=VALUE lines, then END.
# usage: conformance-fixture.sh [--watch-stdin]
set -euo pipefail
. "$(dirname "$0")/lib.sh"
python=$parts/mcp/bin/python
need "$python" curl setpriv
begin "$@"

port=$(free_port); base=http://127.0.0.1:$port
serve "$python" "$real/mcp/fixture.py" "$port"
await 60 answers "$base/nothing-here"
announce "$base" "MCP_URL=$base/mcp"
stay
