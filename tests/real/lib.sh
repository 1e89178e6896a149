# Shared by the scripts in this folder (sourced, never run): where the installed parts are, how a
# part that is missing is reported, and how a server is started, announced and stopped without orphans.

real=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
parts=${MCPAUTH_REAL_PARTS:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/mcpauth-real-parts}
keycloak_version=26.7.5
node22=$parts/node/node_modules/.bin/node # from npm: some packages want a newer Node than the system's

die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

# need PATH_OR_COMMAND...: all there, or an error that names the cure.
need() {
  local tool
  for tool in "$@"; do
    command -v "$tool" >/dev/null || die "$tool is missing: run tests/real/setup.sh"
  done
}

# A loopback port that was free a moment ago, for servers that cannot choose one themselves.
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# answers URL: true once a server there speaks HTTP, whatever it says.
answers() { curl -s --noproxy '*' --max-time 2 -o /dev/null "$1"; }

# announce BASE [KEY=VALUE...]: what a guard in mod.rs reads.
announce() { printf 'READY %s\n' "$1"; shift; [ "$#" = 0 ] || printf '%s\n' "$@"; echo END; }

# begin "$@": reads the common option and prepares the clean-up. Sets $work, a private folder that
# goes away with the script. With --watch-stdin the script ends when its standard input does: a
# parent that holds the other end of that pipe cannot leave it behind, however it dies.
begin() {
  work=$(mktemp -d "${TMPDIR:-/tmp}/mcpauth-real.XXXXXX")
  server='' watcher='' helpers=()
  : >"$work/log"
  trap finish EXIT
  trap 'exit 143' TERM
  trap 'exit 130' INT
  if [ "${1:-}" = --watch-stdin ]; then
    { while read -r _; do :; done; kill -TERM $$; } <&0 >/dev/null 2>&1 &
    watcher=$!
  fi
}

finish() {
  trap - EXIT; trap '' TERM INT # a second signal does not stop the clean-up half-way
  if [ -n "$server" ]; then
    kill -TERM "$server" 2>/dev/null || true
    for _ in $(seq 100); do kill -0 "$server" 2>/dev/null || break; sleep 0.1; done
    kill -KILL "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  for helper in "${helpers[@]}"; do kill -KILL "$helper" 2>/dev/null && wait "$helper" 2>/dev/null || true; done
  [ -z "$watcher" ] || kill "$watcher" 2>/dev/null || true
  rm -rf "$work"
}

# serve CMD...: the server in the background, its output in $work/log; dies with this script even by SIGKILL.
serve() {
  setpriv --pdeathsig KILL -- "$@" </dev/null >>"$work/log" 2>&1 &
  server=$!
}

# await SECONDS CMD...: polls until CMD succeeds; ends with the server's log if it dies or time is up.
await() {
  local end=$((SECONDS + $1)); shift
  until "$@" >/dev/null 2>&1; do
    kill -0 "$server" 2>/dev/null || { tail -n 40 "$work/log" >&2; die "the server ended before it was ready"; }
    [ "$SECONDS" -lt "$end" ] || { tail -n 40 "$work/log" >&2; die "the server was not ready in time"; }
    sleep 0.1
  done
}

# beside NAME CMD...: a helper of the server that announces itself as these scripts do; $NAME becomes its address.
# It dies with this script, even by SIGKILL.
beside() {
  local name=$1 end=$((SECONDS + 20)); shift
  setpriv --pdeathsig KILL -- "$@" </dev/null >"$work/$name.out" 2>>"$work/log" &
  helpers+=("$!")
  until grep -qx END "$work/$name.out"; do
    [ "$SECONDS" -lt "$end" ] || { tail -n 40 "$work/log" >&2; die "$name did not get ready"; }
    sleep 0.05
  done
  printf -v "$name" %s "$(sed -n 's/^READY //p' "$work/$name.out")"
}

# Stay until the server ends (then fail) or a signal comes.
stay() { wait "$server" || true; tail -n 40 "$work/log" >&2; die "the server ended by itself"; }
