#!/usr/bin/env bash
# The MCP Inspector's command line (npm @modelcontextprotocol/inspector), as a client.
# usage: inspector.sh URL METHOD [OPTION...]              HEADERS in the environment: a JSON object of headers
#        inspector.sh CONFIG:SERVER METHOD [OPTION...]    a client's configuration file with `mcpServers`
# METHOD is tools/list, tools/call, ...; OPTIONs are the Inspector's: --tool-name add --tool-arg a=2,
# --protocol-era legacy|auto|modern, --transport sse|http. Prints the Inspector's JSON, {"result":..} or
# {"error":..}, and ends as it does. Its HOME is a folder that goes away.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"
main=$parts/node/node_modules/.bin/mcp-inspector
need "$node22" "$main"
[ "$#" -ge 2 ] || die "usage: inspector.sh URL|CONFIG:SERVER METHOD [OPTION...]"
target=$1 method=$2; shift 2

home=$(mktemp -d "${TMPDIR:-/tmp}/mcpauth-real.XXXXXX"); trap 'rm -rf "$home"' EXIT
case $target in
  http://* | https://*)
    # By a file, so that no header shows in the list of processes.
    (umask 077; python3 - "$target" >"$home/servers.json" <<'FILE'
import json, os, sys
url = sys.argv[1]
kind = "sse" if url.rstrip("/").endswith("/sse") else "streamable-http"
server = {"type": kind, "url": url, "headers": json.loads(os.environ.get("HEADERS") or "{}")}
print(json.dumps({"mcpServers": {"server": server}}))
FILE
    )
    config=$home/servers.json server=server ;;
  *) config=${target%:*} server=${target##*:} ;;
esac
HOME=$home "$node22" "$main" --cli --config "$config" --server "$server" --method "$method" --format json -q "$@"
