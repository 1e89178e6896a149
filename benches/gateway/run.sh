#!/usr/bin/env bash
# `mcpauth gateway serve` against Debian's HAProxy (RS256, method and tool rules), plain HAProxy and plain nginx, all in
# front of one fast upstream and in turns (A B C, then C B A). Prints medians and ratios in Markdown, and how they stand
# to the aims; a missed aim is not a failure, an answer that is wrong or lost is one.
# usage: benches/gateway/run.sh [--pinned] [--peers] [--before OLD] [BINARY]      default: target/release/mcpauth
#   --pinned      the proxy alone on core 0 with one worker, load and upstream on core 1; else nothing is pinned
#   --peers       without ours
#   --before OLD  with an older build of ours in the same turns, and the ratio of the two in every row
# ROUNDS=5 SECONDS_EACH=3 STREAMS=5000; QUICK=1 for a smoke run. Load: wrk. Work folder: target/bench-gateway.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
pinned=0 peers=0 before= binary=$here/../../target/release/mcpauth
while [ "$#" -gt 0 ]; do
  case $1 in
    --pinned) pinned=1 ;;
    --peers) peers=1 ;;
    --before) before=$(realpath "${2:?--before names a binary}"); shift ;;
    -*) sed -n '2,10s/^# //p' "$0" >&2; exit 2 ;;
    *) binary=$1 ;;
  esac
  shift
done
if [ "${QUICK:-}" ]; then default=(1 1 200); else default=(5 3 5000); fi
rounds=${ROUNDS:-${default[0]}} seconds=${SECONDS_EACH:-${default[1]}} streams=${STREAMS:-${default[2]}}
workers=$(nproc) on_proxy=() on_load=()
if [ "$pinned" = 1 ]; then workers=1 on_proxy=(taskset -c 0) on_load=(taskset -c 1); fi
issuer=http://127.0.0.1:18080/bench
work=$here/../../target/bench-gateway
mkdir -p "$work"
work=$(realpath "$work")
declare -A pid port
trap 'kill "${pid[@]}" 2>/dev/null || true; wait 2>/dev/null || true; rm -f "$work"/*audit.log' EXIT
trap 'exit 130' INT TERM
ulimit -n "$(ulimit -Hn)"
export PYTHONDONTWRITEBYTECODE=1

missing=()
for tool in nginx:nginx-light haproxy:haproxy wrk:wrk; do
  PATH=$PATH:/usr/sbin command -v "${tool%:*}" >/dev/null || missing+=("${tool#*:}")
done
if [ "${#missing[@]}" -gt 0 ]; then
  as_root=(); [ "$(id -u)" = 0 ] || as_root=(sudo)
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
PATH=$PATH:/usr/sbin
python=python3
if ! python3 -c 'import cryptography' 2>/dev/null; then
  python=$work/venv/bin/python
  [ -x "$python" ] || { python3 -m venv "$work/venv" && "$python" -m pip install -q cryptography; }
fi

fill() { # fill TEMPLATE KEY=VALUE...
  local template=$1 script=() pair; shift
  for pair; do script+=(-e "s|{${pair%%=*}}|${pair#*=}|g"); done
  sed "${script[@]}" "$here/$template"
}
spawn() { # spawn NAME COMMAND...: in the background, its output in NAME.log
  local name=$1; shift
  "$@" >"$work/$name.log" 2>&1 & pid[$name]=$!
}
nginx_as() { # nginx_as NAME TEMPLATE KEY=VALUE...: as whoever we are, or the work folder might be closed to it
  local name=$1 user=; mkdir -p "$work/$name"
  [ "$(id -u)" != 0 ] || user='user root;'
  fill "$2" "${@:3}" >"$work/$name/nginx.conf"
  local pin=("${on_proxy[@]}"); [ "$name" != direct ] || pin=("${on_load[@]}")
  spawn "$name" "${pin[@]}" nginx -p "$work/$name/" -c nginx.conf -e stderr -g "daemon off; $user"
}
haproxy_as() { # haproxy_as NAME VARIABLE=VALUE...
  spawn "$1" env "${@:2}" PORT="${port[$1]}" UPSTREAM="${port[direct]}" IDLE="${port[idle]}" WORKERS="$workers" \
    "${on_proxy[@]}" haproxy -db -f "$here/haproxy.cfg"
}
ours_as() { # ours_as NAME POLICY AUDIT TOKENS [BINARY]
  fill gateway.yaml PORT="${port[$1]}" UPSTREAM="${port[direct]}" ISSUER="$issuer" WORKERS="$workers" \
    POLICY="$2" AUDIT="$3" TOKENS="$4" >"$work/$1.yaml"
  # The limit's name in builds up to 4f3814d.
  "${5:-$binary}" gateway schema | grep -q token_cache_size || sed -i s/token_cache_size/tokens/ "$work/$1.yaml"
  spawn "$1" "${on_proxy[@]}" "${5:-$binary}" gateway serve --config "$work/$1.yaml"
}

# One request; prints its status, leaves the answer in answer.
ask() { # ask NAME PATH BODY TOKEN
  : >"$work/answer"
  curl -s -m 10 -o "$work/answer" -w '%{http_code}' -H "X-Authorization: Bearer $4" -H 'Content-Type: application/json' \
    -H 'Accept: application/json, text/event-stream' -H 'MCP-Protocol-Version: 2025-11-25' \
    --data-binary "@$work/$3.json" "http://127.0.0.1:${port[$1]}/$2/mcp" || true
}
expect() { # expect STATUS NAME PATH BODY TOKEN: at once, but for what is still starting
  local status tries=0
  until status=$(ask "${@:2}"); [ "$status" = "$1" ]; do
    case $status in
      000 | 503) if [ "$((tries += 1))" -lt 50 ] && kill -0 "${pid[$2]}" 2>/dev/null; then sleep 0.2; continue; fi ;;
    esac
    echo "$2 answered $status to $3/$4, not $1:" >&2
    cat "$work/answer" "$work/$2.log" >&2
    exit 1
  done
}

names=(direct idle nginx haproxy checks)
checking=(checks)
if [ "$peers" = 0 ]; then
  binary=$(realpath "$binary")
  names+=(ours cold audited wide) checking+=(ours cold audited wide)
  [ -z "$before" ] || { names+=(before before_cold before_audited); checking+=(before before_cold before_audited); }
fi
mapfile -t free < <(python3 -c 'import socket
for s in [socket.socket() for _ in range(12)]:
    s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
for at in "${!names[@]}"; do port[${names[at]}]=${free[at]}; done
"$python" "$here/fixtures.py" "$work" "$issuer" "${port[direct]}" "${port[idle]}" 60000
tokens=$work/tokens.60000
token=$(head -n 1 "$tokens")

nginx_as direct upstream.conf PORT="${port[direct]}" WORKERS="$workers"
expect 200 direct call call "$token"
nginx_as nginx nginx.conf PORT="${port[nginx]}" UPSTREAM="${port[direct]}" IDLE="${port[idle]}" WORKERS="$workers"
haproxy_as haproxy
haproxy_as checks CHECKS=1 ISSUER="$issuer" KEY="$work/key.pem"
if [ "$peers" = 0 ]; then
  ours_as ours scopes.yml off 32768
  ours_as cold scopes.yml off 1000
  ours_as audited scopes.yml "$work/audit.log" 32768
  ours_as wide wide.yml off 32768
  if [ "$before" ]; then
    ours_as before scopes.yml off 32768 "$before"
    ours_as before_cold scopes.yml off 1000 "$before"
    ours_as before_audited scopes.yml "$work/before-audit.log" 32768 "$before"
  fi
fi
for name in "${!pid[@]}"; do
  for path in call events; do expect 200 "$name" "$path" call "$token"; done
done
for name in "${checking[@]}"; do
  expect 401 "$name" call call "${token%?????}AAAAA"
  expect 403 "$name" call forbidden "$token"
done
for name in "${!pid[@]}"; do expect 200 "$name" list20 list "$token"; done
if [ "$peers" = 0 ]; then
  expect 200 ours list20 list "$token"
  [ "$(grep -o '"title"' "$work/answer" | wc -l)" = 10 ] || { echo "ours did not filter the list" >&2; exit 1; }
fi

rest=(nginx haproxy checks); [ "$peers" = 1 ] || rest+=(ours wide)
[ -z "${pid[before]:-}" ] || rest+=(before)
for name in "${rest[@]}"; do echo "$name $(python3 "$here/procs.py" "${pid[$name]}")"; done >"$work/rest"
idle=(); for name in nginx checks; do idle+=("$name:${pid[$name]}:${port[$name]}"); done
[ "$peers" = 1 ] || idle+=("ours:${pid[ours]}:${port[ours]}")
[ -z "${pid[before]:-}" ] || idle+=("before:${pid[before]}:${port[before]}")
python3 "$here/streams.py" "${port[idle]}" "$streams" "$tokens" "$work/call.json" "${idle[@]}" >"$work/streams"

measure() { # measure WORKLOAD CONNECTIONS TOKENS PATH BODY CONTENDER
  local threads=1; [ "$pinned" = 1 ] || [ "$2" = 1 ] || threads=$workers
  python3 "$here/sample.py" "$1" "$6" "${pid[$6]}" "${pid[direct]}" "$pinned" "${on_load[@]}" \
    wrk -t "$threads" -c "$2" -d "$seconds" --timeout 10s -s "$here/load.lua" "http://127.0.0.1:${port[$6]}/$4/mcp" -- \
    "$tokens" "$3" "$work/$5.json" >>"$work/samples"
}
: >"$work/samples"
for round in $(seq "$rounds"); do
  echo "round $round of $rounds" >&2
  while read -r workload connections count path body contenders; do
    read -ra turn <<<"$contenders"
    [ "$((round % 2))" = 1 ] || mapfile -t turn < <(printf '%s\n' "${turn[@]}" | tac)
    for name in "${turn[@]}"; do
      [ "${pid[$name]:-}" ] || continue
      measure "$workload" "$connections" "$count" "$path" "$body" "$name" </dev/null
      for log in "$work"/*audit.log; do ! [ -e "$log" ] || : >"$log"; done
    done
  done <<'T'
warm     64 1    call     call direct nginx haproxy checks ours before audited before_audited wide
rotating 64 2000 call     call nginx checks ours before
cold     64 0    call     call nginx checks cold before_cold
single   1  1    call     call direct nginx haproxy checks ours before
64KiB    64 1    call     big  direct nginx checks ours before
list20   64 1    list20   list nginx checks ours before
list1000 64 1    list1000 list nginx checks ours before
events   64 1    events   call nginx checks ours before
T
done
python3 "$here/report.py" "$work" "$pinned" "$rounds" "$seconds"
