#!/usr/bin/env bash
# A real Keycloak with realm.json on a free loopback port, everything in memory, for as long as this script
# runs (SIGTERM ends both). Prints `READY <issuer>` and what the realm holds as KEY=VALUE lines, then END.
# usage: keycloak.sh [--watch-stdin]
# The machine clients' tokens have no audience (M2M, AGENT), AUDIENCE, `account` alone (ACCOUNT) or both (BOTH).
# Alice's password is taken (grant_type=password, no secret) by PATHS, her groups as paths, and FLAT, by bare name.
# keycloak-keys.py changes the realm's signing keys while it runs.
# PORT                     a port to listen on, else a free one
# MCPAUTH_REAL_JWKS_URL    where Keycloak fetches the public keys of the client `agent-jwt`
#                          (private_key_jwt, ES256); asked only when that client authenticates
set -euo pipefail
. "$(dirname "$0")/lib.sh"
dist=$parts/keycloak-$keycloak_version
need java curl setpriv "$dist/bin/kc.sh"
begin "$@"

# A home of its own, so that several may run side by side from one installation.
home=$work/keycloak
mkdir -p "$home/bin" "$home/data/import" "$home/tmp"
cp "$dist/bin/kc.sh" "$home/bin/"
ln -s "$dist/lib" "$dist/conf" "$dist/providers" "$dist/themes" "$dist/version.txt" "$home/"
cp "$real/realm.json" "$home/data/import/"
# kc.sh keeps java as its child; this one does not outlive it.
printf '#!/bin/sh\nexec setpriv --pdeathsig KILL -- %s "$@"\n' "$(command -v java)" >"$home/bin/java"
chmod +x "$home/bin/java"

port=${PORT:-0}; [ "$port" != 0 ] || port=$(free_port)
export JAVA="$home/bin/java" JAVA_OPTS_KC_HEAP='-Xms64m -Xmx512m' JAVA_OPTS_APPEND="-Djava.io.tmpdir=$home/tmp"
export KC_BOOTSTRAP_ADMIN_USERNAME=admin KC_BOOTSTRAP_ADMIN_PASSWORD=admin
export MCPAUTH_REAL_JWKS_URL="${MCPAUTH_REAL_JWKS_URL:-http://127.0.0.1:9/jwks.json}"
# cache=local: without it the cluster transport listens on every interface.
serve "$home/bin/kc.sh" start --optimized --import-realm --cache=local \
  --http-enabled=true --http-host=127.0.0.1 --http-port="$port" --hostname="http://127.0.0.1:$port"
issuer=http://127.0.0.1:$port/realms/mcp-gateway
await 240 curl -sf --max-time 5 "$issuer/.well-known/openid-configuration"
cat <<VALUES
READY $issuer
REALM=mcp-gateway
KEYCLOAK_URL=http://127.0.0.1:$port
M2M_CLIENT_ID=mcp-gateway-m2m
M2M_CLIENT_SECRET=s3cr+t/%&=
AGENT_CLIENT_ID=agent-restricted-m2m
AGENT_CLIENT_SECRET=agent-secret
AUDIENCE_CLIENT_ID=agent-audience
AUDIENCE_CLIENT_SECRET=agent-secret
AUDIENCE=https://mcp.example.test
ACCOUNT_CLIENT_ID=agent-account
ACCOUNT_CLIENT_SECRET=agent-secret
BOTH_CLIENT_ID=agent-both
BOTH_CLIENT_SECRET=agent-secret
PATHS_CLIENT_ID=direct-paths
FLAT_CLIENT_ID=direct-flat
JWT_CLIENT_ID=agent-jwt
WEB_CLIENT_ID=mcp-gateway-web
FACE_CLIENT_ID=mcp-gateway-face
FACE_CLIENT_SECRET=face-s3cr+t/%&=
CONSENT_CLIENT_ID=mcp-gateway-consent
USERNAME=alice
PASSWORD=alice
END
VALUES
stay
