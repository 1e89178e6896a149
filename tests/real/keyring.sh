#!/usr/bin/env bash
# Runs a command where a desktop's secret storage is: a private D-Bus session with an unlocked gnome-keyring,
# and nothing of the user's own. The exit code is the command's. SIGTERM ends the command and all the rest.
# usage: keyring.sh CMD [ARG]...
# MCPAUTH_KEYRING_HOME   HOME for the command and the place of the keyring, kept: a second run with the
#                        same folder finds what the first one stored. Without it: a folder that goes away.
# MCPAUTH_KEYRING=none   the session without a keyring daemon: what a server without a desktop offers
# MCPAUTH_KEYRING=locked a keyring that nobody has unlocked, and nobody is there to: what a login over SSH finds
set -euo pipefail
. "$(dirname "$0")/lib.sh"
need dbus-daemon dbus-send gnome-keyring-daemon setpriv
[ $# -gt 0 ] || die "usage: keyring.sh CMD [ARG]..."
begin

# The installed parts stay where they are, whatever HOME becomes.
export MCPAUTH_REAL_PARTS=$parts
export HOME=${MCPAUTH_KEYRING_HOME:-$work/home}
mkdir -p "$HOME"; mkdir -m 700 "$work/run"
export XDG_DATA_HOME=$HOME/.local/share XDG_CONFIG_HOME=$HOME/.config XDG_CACHE_HOME=$HOME/.cache
export XDG_STATE_HOME=$HOME/.local/state XDG_RUNTIME_DIR=$work/run
unset DBUS_SESSION_BUS_ADDRESS DISPLAY WAYLAND_DISPLAY GNOME_KEYRING_CONTROL

# A bus of our own making: nothing on it starts by activation, so that only the daemon below can answer.
cat >"$work/bus.conf" <<CONF
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:dir=$work/run</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
CONF

# Each part is this script's own child and dies with it, even by SIGKILL.
children=()
quit() {
  trap - EXIT; trap '' TERM INT
  [ "${#children[@]}" = 0 ] || { kill -TERM "${children[@]}" 2>/dev/null || true; wait "${children[@]}" 2>/dev/null || true; }
  finish
}
trap quit EXIT
# poll CMD...: until it succeeds, for ten seconds.
poll() {
  for _ in $(seq 200); do "$@" >/dev/null 2>&1 && return; sleep 0.05; done
  cat "$work/log" >&2; die "no secret storage after ten seconds"
}

setpriv --pdeathsig KILL -- dbus-daemon --nofork --config-file="$work/bus.conf" --print-address=1 >"$work/address" 2>"$work/log" </dev/null &
children+=($!)
poll test -s "$work/address"
DBUS_SESSION_BUS_ADDRESS=$(cat "$work/address"); export DBUS_SESSION_BUS_ADDRESS
if [ "${MCPAUTH_KEYRING:-}" != none ]; then
  unlock=--unlock; [ "${MCPAUTH_KEYRING:-}" != locked ] || unlock=
  setpriv --pdeathsig KILL -- gnome-keyring-daemon --foreground $unlock --components=secrets \
    >>"$work/log" 2>&1 < <(printf only-for-tests) &
  children+=($!)
  owned() { dbus-send --session --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.NameHasOwner string:org.freedesktop.secrets | grep -q 'boolean true'; }
  poll owned
fi

# In the background, so that a signal to this script is passed on at once.
setpriv --pdeathsig TERM -- "$@" <&0 &
children=($! "${children[@]}")
rc=0; wait "${children[0]}" || rc=$?
children=("${children[@]:1}")
exit "$rc"
