"""The MCP SDK for Python as a client, the current one or the generation before, by whose `python` runs this.
usage: pysdk.py URL [--transport http|sse] [--mode auto|legacy|2026-07-28] [--call TOOL ARGUMENTS]
HEADERS in the environment: a JSON object of headers to send with every request. --mode is the current SDK's alone.
Prints one line of JSON: sdk, protocol (what was agreed), tools (names in order), call (text, is_error) and error
(type, message, status of HTTP, code of JSON-RPC), which is null if all went well.
"""

import argparse
import json
import os
import sys
from contextlib import asynccontextmanager
from importlib.metadata import version

sys.dont_write_bytecode = True  # this folder is a checkout
from outcome import report  # noqa: E402

options = argparse.ArgumentParser()
options.add_argument("url")
options.add_argument("--transport", choices=["http", "sse"], default="http")
options.add_argument("--mode", default="auto")
options.add_argument("--call", nargs=2, metavar=("TOOL", "ARGUMENTS"))
options = options.parse_args()
headers = json.loads(os.environ.get("HEADERS") or "{}")


@asynccontextmanager
async def current():
    import httpx2
    from mcp import Client
    from mcp.client.sse import sse_client
    from mcp.client.streamable_http import streamable_http_client

    async with httpx2.AsyncClient(headers=headers, timeout=30, trust_env=False) as http:
        if options.transport == "sse":
            connection, mode = sse_client(options.url, headers=headers), "legacy"
        else:
            connection, mode = streamable_http_client(options.url, http_client=http), options.mode
        async with Client(connection, mode=mode) as client:
            yield client, client.protocol_version


@asynccontextmanager
async def legacy():
    from mcp import ClientSession
    from mcp.client.sse import sse_client
    from mcp.client.streamable_http import streamablehttp_client

    connect = sse_client if options.transport == "sse" else streamablehttp_client
    async with connect(options.url, headers=headers) as streams:
        async with ClientSession(*streams[:2]) as session:
            yield session, (await session.initialize()).protocolVersion


async def work(result):
    result["sdk"] = version("mcp")
    async with (current if result["sdk"].startswith("2.") else legacy)() as (client, protocol):
        result["protocol"] = protocol
        result["tools"] = [tool.name for tool in (await client.list_tools()).tools]
        if options.call:
            name, arguments = options.call
            answer = (await client.call_tool(name, json.loads(arguments))).model_dump(by_alias=True, mode="json")
            words = "".join(part.get("text", "") for part in answer["content"])
            result["call"] = {"text": words, "is_error": bool(answer.get("isError"))}


report(work)
