#!/usr/bin/env bash
# A `$BROWSER` for programs under test: takes the URL as its only argument, returns at once and lets
# browser.mjs log in, detached. Its output goes to SHOTS/browser.log, its exit code to SHOTS/browser.exit
# (written last, so that a test can wait for it). It ends by itself, within 90 seconds at the latest.
# MCPAUTH_BROWSER_KIND    oidc-provider, ministack or keycloak
# MCPAUTH_BROWSER_SHOTS   the folder for screenshots and the log
# MCPAUTH_REAL_PARTS      the cache folder, where HOME is not the user's own
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
kind=${MCPAUTH_BROWSER_KIND:?} shots=${MCPAUTH_BROWSER_SHOTS:?} url=${1:?usage: browser.sh URL}
mkdir -p "$shots"; rm -f "$shots/browser.exit"
# shellcheck disable=SC2016 # expanded by the inner shell
setsid -f bash -c '
  rc=0; timeout --kill-after=5 90 node "$1" --kind "$2" --shots "$3" "$4" || rc=$?
  echo "$rc" >"$3/browser.exit.new"; mv "$3/browser.exit.new" "$3/browser.exit"
' browser "$here/browser.mjs" "$kind" "$shots" "$url" </dev/null >"$shots/browser.log" 2>&1
