"""The MCP SDK for Python as a client that knows a server's address and nothing else: it finds out whom to ask, registers (or
is the client CLIENT_ID), has $BROWSER log alice in, and calls a tool.
usage: discovering.py MODE URL TOOL      MODE is auto or legacy
Prints one line of JSON: sdk, protocol, client (its id), logins (the scopes asked for in each), tools (names in order), call
(its text) and error (type, message, status, code), which is null if all went well.
"""

import asyncio
import os
import subprocess
import sys
from importlib.metadata import version
from urllib.parse import parse_qs, urlsplit

import httpx2
from mcp import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata

sys.dont_write_bytecode = True  # this folder is a checkout
from outcome import report  # noqa: E402

mode, url, tool = sys.argv[1:]


class Memory:
    """What a login leaves behind, as the SDK's own examples keep it."""

    tokens = client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


class Callback:
    """Where the browser ends up."""

    def __init__(self):
        self.answers = asyncio.Queue()

    async def listen(self):
        self.server = await asyncio.start_server(self.answer, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}/callback"

    async def answer(self, reader, writer):
        target = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1].decode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 10\r\nConnection: close\r\n\r\nLogged in.")
        await writer.drain()
        writer.close()
        if urlsplit(target).path == "/callback":
            fields = parse_qs(urlsplit(target).query)
            await self.answers.put({name: values[0] for name, values in fields.items()})

    async def next(self):
        fields = await self.answers.get()
        return AuthorizationCodeResult(code=fields["code"], state=fields.get("state"), iss=fields.get("iss"))


async def work(result):
    callback, memory, logins = Callback(), Memory(), []
    result.update(sdk=version("mcp"), logins=logins)
    address = await callback.listen()
    public = {"client_name": "mcpauth-tests", "redirect_uris": [address], "token_endpoint_auth_method": "none"}
    if known := os.environ.get("CLIENT_ID"):
        memory.client = OAuthClientInformationFull(client_id=known, **public)

    async def open_browser(page):
        logins.append(parse_qs(urlsplit(page).query).get("scope", [None])[0])
        subprocess.Popen([os.environ["BROWSER"], page], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    auth = OAuthClientProvider(url, OAuthClientMetadata(**public), memory, open_browser, callback.next)
    async with httpx2.AsyncClient(auth=auth, timeout=60, trust_env=False) as http:
        async with Client(streamable_http_client(url, http_client=http), mode=mode) as client:
            result["protocol"] = client.protocol_version
            result["tools"] = [each.name for each in (await client.list_tools()).tools]
            answer = await client.call_tool(tool, {})
            result["call"] = "".join(getattr(part, "text", "") for part in answer.content)
    result["client"] = memory.client.client_id


report(work)
