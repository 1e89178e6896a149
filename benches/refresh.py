#!/usr/bin/env python3
"""What a thousand credentials cost: runs `mcpauth refresh` with AGENTS agents whose tokens live LIFE seconds against a token
server on loopback, leaves the first pass aside, and prints the share of one core and the memory while it goes on.

  python3 benches/refresh.py [--binary target/release/mcpauth] [--agents 1000] [--life 300] [--seconds 120]
"""

import argparse
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).parent


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default="target/release/mcpauth")
    parser.add_argument("--agents", type=int, default=1000)
    parser.add_argument("--life", type=int, default=300)
    parser.add_argument("--seconds", type=int, default=120)
    return parser.parse_args()


def lay_out(tokens, agents, life, port):
    """Agents with tokens of every age, as a service that has run for a while finds them."""
    now, realm = int(time.time()), "demo"
    url = f"http://127.0.0.1:{port}"
    for n in range(agents):
        name = f"agent-{n:04}"
        age = random.Random(n).randrange(life * 4 // 5)
        agent = {"client_id": name, "client_secret": "secret", "keycloak_url": url, "keycloak_realm": realm}
        token = {
            "agent_name": name, "access_token": "x" * 900, "token_type": "Bearer", "expires_at": now - age + life,
            "generated_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now - age)), "provider": "keycloak",
            "keycloak_url": url, "keycloak_realm": realm, "client_id": name, "issuer": f"{url}/realms/{realm}",
        }
        for file, value in ((f"{name}.json", agent), (f"{name}-token.json", token)):
            path = tokens / file
            path.touch(mode=0o600)
            path.write_text(json.dumps(value))


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid, name):
    line = next(line for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) / 1024


def main():
    args = arguments()
    server = subprocess.Popen(
        [sys.executable, HERE / "token_server.py", "0", str(args.life)], stdout=subprocess.PIPE, text=True
    )
    with tempfile.TemporaryDirectory() as folder:
        project = pathlib.Path(folder)
        tokens = project / ".oauth-tokens"
        tokens.mkdir(mode=0o700)
        lay_out(tokens, args.agents, args.life, server.stdout.readline().strip())
        env = {"HOME": folder, "PATH": os.environ["PATH"], "MCPAUTH_STATE_DIR": f"{folder}/state"}
        service = subprocess.Popen(
            [os.path.abspath(args.binary), "refresh", "--no-install", "--json"],
            cwd=project, env=env, stderr=subprocess.PIPE, text=True,
        )
        try:
            measure(service, args)
        finally:
            service.send_signal(signal.SIGTERM)
            service.wait()
            server.kill()
            server.wait()


def measure(service, args):
    lines = map(json.loads, service.stderr)
    print(next(line["message"] for line in lines if line["event"] == "ready"))
    events = []
    threading.Thread(target=lambda: events.extend(line["event"] for line in lines), daemon=True).start()
    began, before = time.monotonic(), cpu_seconds(service.pid)
    time.sleep(args.seconds)
    took, used = time.monotonic() - began, cpu_seconds(service.pid) - before
    renewals = events.count("refreshed")
    print(f"{args.agents} credentials of {args.life} s, {took:.0f} s: {renewals} renewals ({renewals / took:.1f} a second), "
          f"{events.count('failed')} failures")
    print(f"CPU    {used:.2f} s = {100 * used / took:.2f} % of a core ({1000 * used / max(renewals, 1):.2f} ms a renewal)")
    print(f"memory {memory(service.pid, 'VmRSS'):.1f} MiB now, {memory(service.pid, 'VmHWM'):.1f} MiB at its highest")


main()
