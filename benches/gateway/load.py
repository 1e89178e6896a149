#!/usr/bin/env python3
"""The load proof: full speed and open event streams while signing keys rotate and the policy is written every second.
Fails on a wrong verdict, a lost or mixed-up answer, a stream that ended or missed an event, or memory that grows.
usage: benches/gateway/load.py [--seconds 60] [--streams 500] [--grace 3] [--rotate 4] [BINARY]
Needs wrk, nginx and the Python package cryptography; run.sh installs them.

Known verdicts, of 16 callers that check every answer (wrk next to them only ever asks for what is allowed):
| asked | answer |
|---|---|
| `echo`, by a token of the key in use | 200 with the same id |
| `delete`, likewise | 403 |
| `extra`, likewise | as the policy of the last `grace` seconds says: allowed for 6 s, forbidden for 6 s |
| any tool, by a token that names the key in use and is signed by another | 401 |
| any tool, by a token of a key that left the JWKS two rotations ago | 401 |
"""
import argparse, asyncio, collections, contextlib, json, os, pathlib, random, resource, shutil, socket, statistics
import subprocess, sys, time
import fixtures, procs

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
ISSUER = "http://127.0.0.1:18080/bench"
PHASE = 6  # seconds for which `extra` stays allowed, then forbidden
PROBES = 16
HEADERS = ("Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
           "MCP-Protocol-Version: 2025-11-25\r\n")


class Keys:
    """The issuer's keys: a steady one, and one for each rotation, published one rotation early and dropped one late."""

    def __init__(self, rotations):
        self.steady, self.foreign = fixtures.new_key(), fixtures.new_key()
        self.ring = [fixtures.new_key() for _ in range(rotations + 2)]
        self.epoch = 0
        self.tokens = [[fixtures.token(key, f"k{e}", ISSUER, n) for n in range(20)] for e, key in enumerate(self.ring)]
        # A stream ends with the key of its token; this one stays.
        self.lasting = fixtures.token(self.steady, "steady", ISSUER, 0)
        self.forged = [fixtures.token(self.foreign, f"k{e}", ISSUER, 0) for e in range(len(self.ring))]

    def jwks(self):
        shown = range(max(0, self.epoch - 1), min(len(self.ring), self.epoch + 2))
        keys = [fixtures.jwk(self.steady, "steady")] + [fixtures.jwk(self.ring[e], f"k{e}") for e in shown]
        return fixtures.compact({"keys": keys}).encode()


class Policy:
    """`scopes.yml`, and since when it says what."""

    def __init__(self, file):
        self.file, self.changes, self.written = file, [], 0
        self.write(True)

    def write(self, extra):
        """In one of two forms that mean the same; put in place whole, as a half-written policy may mean anything."""
        tools = ["echo", "extra"] if extra else ["echo"]
        methods = ["tools/call", "tools/list"]
        grants = [("call", ["echo"]), ("probe", tools), ("idle", ["echo"])]
        text = "group_mappings: {}\nbench:\n"
        if self.written % 2:
            text += "".join(fixtures.entry(server, methods, tools) for server, tools in grants)
        else:
            text += "".join(fixtures.entry(server, methods, [tool]) for server, tools in reversed(grants) for tool in tools)
        new = self.file.with_suffix(".new")
        new.write_text(text)
        before = time.monotonic()
        new.replace(self.file)
        if not self.changes or self.changes[-1][1] != extra:
            self.changes.append((before, extra))
        self.written += 1

    def verdicts(self, sent, received, grace):
        """What may be answered to `extra`: what any policy said from `grace` before it was sent until it was answered."""
        until = [at for at, _ in self.changes[1:]] + [float("inf")]
        return {200 if extra else 403 for (since, extra), end in zip(self.changes, until)
                if since <= received and end >= sent - grace}


class Upstream:
    """Keys at /jwks.json, streams at /idle/ that get a numbered event each second, elsewhere an answer with the id asked."""

    def __init__(self, keys):
        self.keys, self.streams, self.count, self.fetches = keys, set(), 0, 0

    async def serve(self, reader, writer):
        # Cancelled is what it is at the end of the run.
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                path, body = head.split()[1], await reader.readexactly(length(head))
                if path == "/jwks.json":
                    self.fetches += 1
                    answer = self.keys.jwks()
                elif path.startswith("/idle"):
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
                    self.streams.add(writer)
                    await reader.read()
                    break
                else:
                    answer = fixtures.compact({"jsonrpc": "2.0", "id": json.loads(body)["id"], "result": {}}).encode()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                             % (len(answer), answer))
        self.streams.discard(writer)
        writer.close()

    def tick(self):
        event = b'data: {"jsonrpc":"2.0","method":"notifications/message","params":{"data":%d}}\n\n' % self.count
        for writer in self.streams:
            writer.write(b"%x\r\n%s\r\n" % (len(event), event))
        self.count += 1


class Connection:
    """One kept connection of a caller."""

    def __init__(self, port):
        self.port, self.writer = port, None

    async def ask(self, server, tool, token, id):
        """Status and answer; raises if there is none."""
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writer.write(request(self.port, server, tool, token, id))
        head = (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 30)).decode()
        body = await asyncio.wait_for(self.reader.readexactly(length(head)), 30)
        if "connection: close" in head.lower():
            self.close()
        return int(head.split()[1]), body

    def close(self):
        if self.writer:
            self.writer.close()
        self.writer = None


class Run:
    def __init__(self, options, keys, policy, upstream, port):
        self.options, self.keys, self.policy, self.upstream, self.port = options, keys, policy, upstream, port
        self.asked, self.faults, self.sizes = collections.Counter(), collections.Counter(), []
        self.next_id, self.over = 0, False

    def fault(self, what):
        self.faults[what] += 1

    def question(self):
        """A kind of question, its tool and its token."""
        epoch = self.keys.epoch
        token = random.choice(self.keys.tokens[epoch])
        kind = random.choices(["echo", "delete", "extra", "forged", "retired"], [8, 3, 6, 2, 1])[0]
        if kind == "forged":
            return kind, "echo", self.keys.forged[epoch]
        if kind == "retired":
            return (kind, "echo", random.choice(self.keys.tokens[epoch - 4])) if epoch >= 4 else ("echo", "echo", token)
        return kind, kind, token

    async def caller(self):
        connection = Connection(self.port)
        while not self.over:
            kind, tool, token = self.question()
            self.next_id += 1
            id, sent = self.next_id, time.monotonic()
            self.asked[kind] += 1
            try:
                status, body = await connection.ask("probe", tool, token, id)
            except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError) as error:
                self.fault(f"{kind}: lost ({type(error).__name__})")
                connection.close()
                continue
            right = {"echo": {200}, "delete": {403}, "forged": {401}, "retired": {401}}.get(kind) \
                or self.policy.verdicts(sent, time.monotonic(), self.options.grace)
            if status not in right:
                self.fault(f"{kind}: {status} instead of {'/'.join(map(str, right))}")
            elif status == 200 and json.loads(body)["id"] != id:
                self.fault(f"{kind}: another's answer")
        connection.close()

    async def stream(self, opened):
        """Reads one stream to the end of the run; every event once and in order."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request(self.port, "idle", "echo", self.keys.lasting, 1))
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
        if b" 200 " not in head.split(b"\r\n")[0]:
            self.fault(f"stream: {head[:12]!r}")
        opened.release()
        due = None
        try:
            while not self.over:
                line = await reader.readuntil(b"\n")
                if line == b"0\r\n":
                    self.fault("stream: ended")
                    return
                if line.startswith(b"data: "):
                    got = json.loads(line[6:])["params"]["data"]
                    if due is not None and got != due:
                        self.fault("stream: an event missing or twice")
                    due = got + 1
        except (OSError, asyncio.IncompleteReadError):
            if not self.over:
                self.fault("stream: ended")
        if due is None or due < self.upstream.count - 2:
            self.fault("stream: behind at the end")
        writer.close()

    async def clock(self, pid):
        """Each second an event and the policy, in turn the keys; and the memory."""
        start = time.monotonic()
        for second in range(self.options.seconds):
            self.upstream.tick()
            self.policy.write(second // PHASE % 2 == 0)
            self.keys.epoch = second // self.options.rotate
            self.sizes.append(procs.memory(pid)[0] / 1024)
            await asyncio.sleep(max(0, start + second + 1 - time.monotonic()))
        self.over = True
        # The streams' readers wake up by this one.
        self.upstream.tick()


def length(head):
    for line in head.split("\r\n")[1:]:
        name, _, value = line.partition(":")
        if name.lower() == "content-length":
            return int(value)
    return 0


def request(port, server, tool, token, id):
    body = fixtures.compact({**fixtures.call(tool, "x" * 100), "id": id})
    return (f"POST /{server}/mcp HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX-Authorization: Bearer {token}\r\n{HEADERS}"
            f"Content-Length: {len(body)}\r\n\r\n{body}").encode()


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def filled(template, **values):
    text = (HERE / template).read_text()
    for key, value in values.items():
        text = text.replace(f"{{{key}}}", str(value))
    return text


def prepare(work, keys, listen, fast, own):
    """The work folder: configuration, server files, the policy, tokens for wrk."""
    shutil.rmtree(work, ignore_errors=True)
    (work / "servers").mkdir(parents=True)
    (work / "direct").mkdir()
    for name, port in [("call", fast), ("probe", own), ("idle", own)]:
        (work / "servers" / f"{name}.json").write_text(json.dumps(fixtures.server(name, port)))
    (work / "gateway.yaml").write_text(filled("gateway.yaml", PORT=listen, UPSTREAM=own, ISSUER=ISSUER, AUDIT="off",
                                              POLICY="scopes.yml", WORKERS=os.cpu_count(), TOKENS=32768))
    (work / "direct" / "nginx.conf").write_text(filled("upstream.conf", PORT=fast, WORKERS=1))
    (work / "call.json").write_text(fixtures.compact(fixtures.call("echo", "x" * 100)))
    (work / "tokens").write_text("".join(fixtures.token(keys.steady, "steady", ISSUER, n) + "\n" for n in range(500)))
    return Policy(work / "scopes.yml")


@contextlib.contextmanager
def running(work, name, *command):
    with open(work / f"{name}.log", "wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


async def ready(port, token):
    """Waits until the gateway allows a call: it is up and has the keys."""
    for _ in range(100):
        connection = Connection(port)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            if (await connection.ask("probe", "echo", token, 1))[0] == 200:
                return
        connection.close()
        await asyncio.sleep(0.1)
    sys.exit("the gateway does not start")


async def main(options):
    work = (ROOT / "target" / "bench-gateway-load").resolve()
    keys = Keys(options.seconds // options.rotate + 1)
    upstream = Upstream(keys)
    listen, fast, own = free_ports(3)
    policy = prepare(work, keys, listen, fast, own)
    server = await asyncio.start_server(upstream.serve, "127.0.0.1", own, backlog=1024)
    user = "user root;" if os.geteuid() == 0 else ""
    nginx = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
    with running(work, "nginx", nginx, "-p", f"{work}/direct/", "-c", "nginx.conf", "-e", "stderr", "-g", f"daemon off; {user}"), \
            running(work, "gateway", options.binary, "gateway", "serve", "--config", work / "gateway.yaml") as gateway:
        await ready(listen, keys.tokens[0][0])
        run = Run(options, keys, policy, upstream, listen)
        opened = asyncio.Semaphore(0)
        streams = [asyncio.create_task(run.stream(opened)) for _ in range(options.streams)]
        for _ in streams:
            await asyncio.wait_for(opened.acquire(), 30)
        wrk = await asyncio.create_subprocess_exec(
            "wrk", "-t1", "-c64", f"-d{options.seconds - 1}", "--timeout", "10s", "-s", HERE / "load.lua",
            f"http://127.0.0.1:{listen}/call/mcp", "--", work / "tokens", "0", work / "call.json",
            stdout=asyncio.subprocess.PIPE)
        await asyncio.gather(run.clock(gateway.pid), *(run.caller() for _ in range(PROBES)))
        await asyncio.wait_for(asyncio.gather(*streams), 30)
        out = (await wrk.communicate())[0].decode()
        if gateway.poll() is not None:
            run.fault("the gateway ended")
    server.close()
    return report(run, out)


def report(run, out):
    result = next((line.split()[1:] for line in out.splitlines() if line.startswith("RESULT ")), None)
    if result is None:
        run.fault("wrk gave no result")
    else:
        requests, seconds, p50, p99, refused, broken = map(float, result)
        print(f"full speed: {requests:,.0f} answers, {requests / seconds:,.0f}/s, p50 {p50:.0f} µs, p99 {p99:.0f} µs, "
              f"{refused:.0f} not 2xx, {broken:.0f} broken")
        if refused or broken:
            run.fault("full speed: answers refused or broken")
    print("checked: " + ", ".join(f"{kind} {count:,}" for kind, count in sorted(run.asked.items())))
    print(f"policy written {run.policy.written} times, {len(run.policy.changes) - 1} of them changes; keys rotated "
          f"{run.keys.epoch} times, fetched {run.upstream.fetches} times; {run.options.streams} streams, "
          f"{run.upstream.count} events each")
    for kind in ["echo", "delete", "extra", "forged"]:
        if not run.asked[kind]:
            run.fault(f"{kind}: never asked")
    # The first third fills caches, pools and the allocator.
    third = max(1, len(run.sizes) // 3)
    begin, end = statistics.median(run.sizes[third:2 * third] or run.sizes), statistics.median(run.sizes[-third:])
    print(f"RSS: {run.sizes[0]:.1f} MiB at first, {begin:.1f} in the middle third, {end:.1f} in the last")
    if end > begin * 1.05 + 4:
        run.fault("memory grows")
    for what, count in run.faults.most_common():
        print(f"FAULT {count} x {what}")
    return 1 if run.faults else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--streams", type=int, default=500)
    parser.add_argument("--grace", type=float, default=3)
    parser.add_argument("--rotate", type=int, default=4)
    parser.add_argument("binary", nargs="?", default=ROOT / "target" / "release" / "mcpauth")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    sys.exit(asyncio.run(main(parser.parse_args())))
