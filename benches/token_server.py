"""A token endpoint on loopback for the benchmarks: answers every POST after DELAY seconds with a token of LIFE seconds,
many at once."""

import asyncio
import json
import sys

DELAY = float(sys.argv[1]) if len(sys.argv) > 1 else 0.0
LIFE = int(sys.argv[2]) if len(sys.argv) > 2 else 3600
BODY = json.dumps({"access_token": "x" * 900, "token_type": "Bearer", "expires_in": LIFE}).encode()
REPLY = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(BODY) + BODY


async def serve(reader, writer):
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = [int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
            await reader.readexactly(length[0] if length else 0)
            await asyncio.sleep(DELAY)
            writer.write(REPLY)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
