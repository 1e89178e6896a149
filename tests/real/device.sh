#!/usr/bin/env bash
# The person with the other device: opens the certified provider's page for codes, enters one, logs in as alice and
# consents, or turns the request down. By plain requests with a cookie jar; prints what the last page says.
# usage: device.sh PAGE CODE allow|deny
set -euo pipefail
. "$(dirname "$0")/lib.sh"
[ "$#" = 3 ] || die "usage: device.sh PAGE CODE allow|deny"
page=$1 code=$2 decision=$3
jar=$(mktemp "${TMPDIR:-/tmp}/mcpauth-real.XXXXXX"); trap 'rm -f "$jar"' EXIT

ask() { curl -sS --noproxy '*' --max-time 30 -b "$jar" -c "$jar" "$@"; }
# The form's token, which every page makes anew.
xsrf() { grep -oE 'name="xsrf" value="[^"]*"' | cut -d'"' -f4; }
goes_to() { ask -o /dev/null -w '%{redirect_url}' "$@"; }

token=$(ask "$page" | xsrf)
confirm=$(ask "$page" --data-urlencode "xsrf=$token" --data-urlencode "user_code=$code")
grep -q 'name="confirm"' <<<"$confirm" || die "the code was not accepted: $confirm"
next=$(goes_to "$page" --data-urlencode "xsrf=$(xsrf <<<"$confirm")" --data-urlencode "user_code=$code" -d confirm=yes)
for _ in 1 2 3 4 5 6; do
  case $next in
    */interaction/*)
      if [ "$decision" = deny ]; then
        next=$(goes_to "$next/abort")
      elif grep -q 'name="login"' <<<"$(ask "$next")"; then
        next=$(goes_to "$next" -d prompt=login -d login=alice -d password=any)
      else
        next=$(goes_to "$next" -d prompt=consent)
      fi ;;
    *)
      said=$(ask -w '>%{redirect_url}' "$next")
      next=${said##*>}
      [ -n "$next" ] || { sed 's/<[^>]*>//g' <<<"$said"; exit 0; } ;;
  esac
done
die "the login did not come to an end: $next"
