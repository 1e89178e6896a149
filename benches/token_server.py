#!/usr/bin/env python3
"""A token endpoint on a free port of 127.0.0.1 that answers each request after a pause.

Usage: token_server.py DELAY_MS. Prints its port. Answers every path alike; it is for measuring, not for checking.
"""
import asyncio
import json
import sys

DELAY = float(sys.argv[1]) / 1000
BODY = json.dumps({"access_token": "a" * 800, "token_type": "Bearer", "expires_in": 3600}).encode()
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(BODY)
) + BODY


async def serve(reader, writer):
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = 0
            for line in head.split(b"\r\n"):
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            await reader.readexactly(length)
            await asyncio.sleep(DELAY)
            writer.write(ANSWER)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


asyncio.run(main())
