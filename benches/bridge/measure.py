"""Two MCP proxies in front of one server, in turns, over stdio, or over HTTP where a command has `--listen`: how long until `initialize` is answered, how much memory each
holds after ten calls, how long a call takes. Prints medians over the rounds, and ratios, in Markdown.
usage: measure.py ROUNDS CALLS URL NAME THEIRS OURS     NAME: what THEIRS is called; THEIRS and OURS: a JSON list, the command
A wrong answer ends it with an error; a slow one does not.
"""

import http.client
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time
from urllib.parse import urlsplit

INITIALIZE = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}
TICK = os.sysconf("SC_CLK_TCK")


class Proxy:
    """A running proxy and its pipes."""

    def __init__(self, command):
        self.started = time.perf_counter()
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.next = 0

    def send(self, message):
        self.child.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        self.child.stdin.flush()

    def ask(self, method, params):
        self.next += 1
        self.send({"id": self.next, "method": method, "params": params})
        while True:
            line = self.child.stdout.readline()
            assert line, "the proxy ended"
            message = json.loads(line)
            if message.get("id") == self.next:
                return message["result"]

    def call(self):
        text = f"hello {self.next}"
        begun = time.perf_counter()
        answer = self.ask("tools/call", {"name": "echo", "arguments": {"message": text}})
        took = time.perf_counter() - begun
        assert answer["content"][0]["text"] == text, answer
        return took

    def resident(self):
        """MiB."""
        with open(f"/proc/{self.child.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:")) / 1024

    def busy(self):
        """Seconds of CPU so far."""
        with open(f"/proc/{self.child.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def end(self):
        self.child.stdin.close()
        try:
            self.child.wait(10)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


class Listener(Proxy):
    """A bridge that listens, and one connection to it. `bench` is the server's name there."""

    def __init__(self, command):
        self.started = time.perf_counter()
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.next = 0
        for line in self.child.stderr:
            if where := re.search(r"ready.*http://([^/\s]+)", line):
                break
        assert where, "the bridge ended"
        self.connection = http.client.HTTPConnection(where[1])
        secret = next(pathlib.Path(".").rglob(".bridge-secret")).read_text().strip()
        self.headers = {"content-type": "application/json", "accept": "application/json, text/event-stream", "x-mcpauth-bridge": secret}

    def send(self, message):
        self.connection.request("POST", "/bench/mcp", json.dumps({"jsonrpc": "2.0", **message}), self.headers)
        answer = self.connection.getresponse()
        body = answer.read().decode()
        assert answer.status in (200, 202), (answer.status, body)
        if session := answer.headers.get("mcp-session-id"):
            self.headers["mcp-session-id"] = session
        events = [line.removeprefix("data:") for line in body.splitlines() if line.startswith("data:")]
        return [json.loads(text) for text in events or [body] if text.strip()]

    def ask(self, method, params):
        self.next += 1
        answers = self.send({"id": self.next, "method": method, "params": params})
        return next(message["result"] for message in answers if message.get("id") == self.next)

    def end(self):
        self.connection.close()
        self.child.terminate()
        self.child.wait(10)
        self.child.stderr.close()


def one(command, calls):
    """What one process shows."""
    proxy = (Listener if "--listen" in command else Proxy)(command)
    try:
        assert proxy.ask("initialize", INITIALIZE)["serverInfo"]["name"] == "bench"
        start = time.perf_counter() - proxy.started
        proxy.send({"method": "notifications/initialized"})
        assert [tool["name"] for tool in proxy.ask("tools/list", {})["tools"]] == ["echo"]
        for _ in range(10):
            proxy.call()
        resident, since = proxy.resident(), proxy.busy()
        times = sorted(proxy.call() for _ in range(calls))
        busy = proxy.busy() - since
    finally:
        proxy.end()
    return {"start": start * 1e3, "resident": resident, "busy": busy / calls * 1e6, **spread(times)}


def direct(url, calls):
    """The same calls without a proxy, on one connection."""
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.netloc)
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "echo", "arguments": {"message": "m"}}})
    headers = {"content-type": "application/json", "accept": "application/json, text/event-stream", "x-authorization": f"Bearer {'x' * 900}"}
    times = []
    for _ in range(calls):
        begun = time.perf_counter()
        connection.request("POST", where.path, body, headers)
        answer = connection.getresponse()
        assert answer.status == 200 and answer.read()
        times.append(time.perf_counter() - begun)
    connection.close()
    return spread(sorted(times))


def spread(times):
    return {"p50": times[len(times) // 2] * 1e3, "p99": times[len(times) * 99 // 100] * 1e3}


ROWS = [("start", "spawn to `initialize` answered, ms"), ("resident", "resident after 10 calls, MiB"), ("p50", "`tools/call` p50, ms"),
        ("p99", "`tools/call` p99, ms"), ("busy", "CPU a call, µs")]


def main():
    rounds, calls, url, peer = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
    commands = {peer: json.loads(sys.argv[5]), "mcpauth": json.loads(sys.argv[6])}
    seen = {name: [] for name in (*commands, "none")}
    for turn in range(rounds + 1):
        order = list(commands) if turn % 2 else list(commands)[::-1]
        results = {name: one(commands[name], calls) for name in order} | {"none": direct(url, calls)}
        if turn:  # the first warms the caches
            for name, result in results.items():
                seen[name].append(result)
    medians = {name: {key: statistics.median(one[key] for one in all_of) for key in all_of[0]} for name, all_of in seen.items()}
    print("| median of", rounds, "rounds |", peer, "| mcpauth | ratio | no proxy |")
    print("|---|---:|---:|---:|---:|")
    for key, label in ROWS:
        theirs, ours = medians[peer][key], medians["mcpauth"][key]
        none = f"{medians['none'][key]:.2f}" if key in medians["none"] else ""
        print(f"| {label} | {theirs:.2f} | {ours:.2f} | {theirs / max(ours, 1e-9):.2f} | {none} |")


main()
