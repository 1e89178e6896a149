#!/usr/bin/env bash
# mcp-atlassian, the egress server of the dual-header set-up, on a free loopback port, for as long as this script
# runs. Prints `READY <base>`, KEY=VALUE lines, then END.
# usage: atlassian.sh [--watch-stdin]
# RECORDED is the file with the head of every request it got, in the order they came, read in front of it.
# It wants `Authorization: Bearer` and `X-Atlassian-Cloud-Id` on every request, else it answers 401 itself. A call
# of TOOL goes on to Atlassian with both, by way of a proxy that leads nowhere: the answer is a tool error, and
# REACHED the file with the targets that were asked for.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
server_bin=$parts/atlassian/bin/mcp-atlassian
need "$server_bin" node curl setpriv
begin "$@"

inner=$(free_port)
beside recorder node "$real/relay.mjs" "http://127.0.0.1:$inner" --record "$work/recorded"
beside deadend node "$real/deadend.mjs" "$work/reached"
export ATLASSIAN_OAUTH_ENABLE=true JIRA_URL=https://example.atlassian.net CONFLUENCE_URL=https://example.atlassian.net/wiki
# FASTMCP_..: it would ask PyPI for a newer version of what it is made with.
export FASTMCP_CHECK_FOR_UPDATES=off HTTPS_PROXY=$deadend HTTP_PROXY=$deadend NO_PROXY=127.0.0.1,localhost HOME=$work
serve "$server_bin" --transport streamable-http --host 127.0.0.1 --port "$inner" --path /mcp
await 90 curl -sf --noproxy '*' --max-time 2 "http://127.0.0.1:$inner/healthz"
announce "$recorder" "MCP_URL=$recorder/mcp" "RECORDED=$work/recorded" "REACHED=$work/reached" \
  TOOL=jira_get_all_projects
stay
