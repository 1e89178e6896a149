#!/usr/bin/env bash
# ministack, the stand-in for Amazon Cognito, on a free loopback port and freshly seeded, for as long as this
# script runs (SIGTERM ends it). Prints `READY <base>`, the seeded values as KEY=VALUE lines, then END.
# PROXY and CA are a way to reach it under Cognito's own https addresses: see ministack/front.py.
# usage: ministack.sh [--watch-stdin]
# MCPAUTH_REAL_CALLBACKS   the browser clients' callback URLs (compared exactly, as Cognito does), separated
#                          by blanks; else /callback on four ports free at the time, by 127.0.0.1 and localhost
set -euo pipefail
. "$(dirname "$0")/lib.sh"
python=$parts/python/bin/python
need "$python" "$parts/python/bin/ministack" curl setpriv python3
begin "$@"

callbacks=${MCPAUTH_REAL_CALLBACKS:-}
if [ -z "$callbacks" ]; then
  for _ in 1 2 3 4; do
    port=$(free_port)
    callbacks+=" http://127.0.0.1:$port/callback http://localhost:$port/callback"
  done
fi

port=${PORT:-0}; [ "$port" != 0 ] || port=$(free_port)
base=http://127.0.0.1:$port
mkdir -p "$work/state/s3"
# Left alone it listens on every interface, and for MQTT and SFTP as well.
export BIND_HOST=127.0.0.1 GATEWAY_PORT=$port MINISTACK_HOST=127.0.0.1 SERVICES=cognito-idp AUTH=false
export IOT_MTLS_ENABLED=0 SFTP_ENABLED=0 STATE_DIR=$work/state S3_DATA_DIR=$work/state/s3 TMPDIR=$work/state
serve "$parts/python/bin/ministack"
await 60 curl -sf --max-time 2 "$base/_ministack/health"

setpriv --pdeathsig KILL -- "$python" "$real/ministack/front.py" "$port" "$work" </dev/null >"$work/front" 2>>"$work/log" &
await 20 grep -q '^PROXY' "$work/front"

# shellcheck disable=SC2086 # the URLs are words
seeded=$("$python" "$real/ministack/seed.py" "$base" $callbacks) || { tail -n 40 "$work/log" >&2; die "ministack could not be seeded"; }
printf 'READY %s\n%s\nPROXY=%s\nCA=%s\nEND\n' "$base" "$seeded" "$(sed -n 's/^PROXY //p' "$work/front")" "$work/ca.pem"
stay
