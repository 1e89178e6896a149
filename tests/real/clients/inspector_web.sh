#!/usr/bin/env bash
# The MCP Inspector's web page in Chromium, told a server's address and nothing else: it finds out whom to ask, registers,
# has alice log in in its own window, and calls a tool.
# usage: inspector_web.sh KIND URL TOOL     KIND is browser.mjs's
# Prints one line of JSON: sdk (the Inspector's name and version), tools, call (what the page shows of it) and error.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"
main=$parts/node/node_modules/.bin/mcp-inspector
need "$node22" "$main" curl setpriv
[ "$#" = 3 ] || die "usage: inspector_web.sh KIND URL TOOL"
begin
port=$(free_port)
# It keeps nothing outside of a folder that goes away, and no keyring is asked for.
HOME=$work MCP_STORAGE_DIR=$work/kept MCP_INSPECTOR_SECRET_STORE=memory MCP_AUTO_OPEN_ENABLED=false DANGEROUSLY_OMIT_AUTH=true \
  CLIENT_PORT=$port MCP_SANDBOX_PORT=0 MCP_APP_ORIGIN_PORT=0 serve "$node22" "$main" --web --transport http --server-url "$2"
await 60 answers "http://127.0.0.1:$port/"
node "$real/clients/inspector_web.mjs" "$1" "http://127.0.0.1:$port/" "$3"
