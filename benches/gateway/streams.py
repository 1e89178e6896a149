"""Opens event streams through each contender, leaves them idle and prints what each costs it: contender, streams,
growth of its proportional set in bytes a stream. This process is the upstream too: one event, then silence.
usage: streams.py UPSTREAM_PORT STREAMS TOKENS BODY CONTENDER:PID:PORT..."""
import asyncio, itertools, sys
import procs

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
EVENT = b'data: {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}\n\n'

serving = set()


async def upstream(reader, writer):
    serving.add(writer)
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(l.split(b":")[1]) for l in head.split(b"\r\n") if l.lower().startswith(b"content-length:"))
        await reader.readexactly(length)
        writer.write(HEAD + b"%x\r\n%s\r\n" % (len(EVENT), EVENT))
        await reader.read()
    except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
        pass
    finally:
        serving.discard(writer)
        writer.close()


async def open_stream(port, request):
    """The connection, once its event has come."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=4096)
    writer.write(request)
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
    if not head.startswith(b"HTTP/1.1 200"):
        raise SystemExit(f"port {port}: {head[:60]!r}")
    await asyncio.wait_for(reader.readuntil(b"\n\n"), 30)
    return reader, writer


async def main(port, count, tokens, body, *contenders):
    server = await asyncio.start_server(upstream, "127.0.0.1", int(port), backlog=1024)
    # In turn, as one caller may not have all streams.
    tokens, body = itertools.cycle(open(tokens).read().split()[:16]), open(body, "rb").read()
    for contender in contenders:
        name, pid, to = contender.split(":")
        def request():
            return (f"POST /idle/mcp HTTP/1.1\r\nHost: 127.0.0.1:{to}\r\nX-Authorization: Bearer {next(tokens)}\r\n"
                    "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
                    f"MCP-Protocol-Version: 2025-11-25\r\nContent-Length: {len(body)}\r\n\r\n").encode() + body

        before = procs.memory(pid)[1]
        streams = []
        while len(streams) < int(count):
            batch = min(100, int(count) - len(streams))
            streams += await asyncio.gather(*(open_stream(int(to), request()) for _ in range(batch)))
        await asyncio.sleep(1)
        ended = sum(reader.at_eof() for reader, _ in streams)
        if ended:
            raise SystemExit(f"{name}: {ended} of {count} streams ended")
        print(name, count, round((procs.memory(pid)[1] - before) * 1024 / int(count)), flush=True)
        # Both sides: HAProxy does not pass the client's end on.
        for writer in [writer for _, writer in streams] + list(serving):
            writer.close()
        await asyncio.sleep(1)
    server.close()


asyncio.run(main(*sys.argv[1:]))
