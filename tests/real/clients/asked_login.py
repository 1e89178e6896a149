"""The MCP SDK for Python over a bridge without a login, as a client that opens addresses for a person: it agrees, opens the
page, presses its button and has $BROWSER log alice in where that leads; the current SDK or the generation before, by whose
`python` runs this.
usage: asked_login.py MODE TOOL COMMAND [ARGUMENT...]      MODE is auto, legacy or a revision, the current SDK's alone
Prints one line of JSON: sdk, protocol, asked (how often), tools, call (text) and error. With a revision nothing is listed
first: such a client asks nothing before the call.
"""

import os
import subprocess
import sys
import urllib.error
import urllib.request
from importlib.metadata import version
from urllib.parse import urlsplit

import mcp
from mcp.client.stdio import StdioServerParameters, stdio_client

sys.dont_write_bytecode = True  # this folder is a checkout
from outcome import report  # noqa: E402

mode, tool, command, *arguments = sys.argv[1:]
server = StdioServerParameters(command=command, args=arguments, env=dict(os.environ))
current = version("mcp").startswith("2.")
types = mcp.types if hasattr(mcp, "types") else __import__("mcp_types")
asked = []


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def press(page):
    """Looks at the page and presses its button; where the browser is sent."""
    opener = urllib.request.build_opener(Stay, urllib.request.ProxyHandler({}))
    assert b"<form" in opener.open(page).read()
    origin = "http://" + urlsplit(page).netloc
    try:
        opener.open(urllib.request.Request(page, data=b"", headers={"Origin": origin}))
    except urllib.error.HTTPError as answer:
        return answer.headers["location"]


async def elicit(context, params):
    asked.append(params.mode)
    place = press(params.url)
    subprocess.Popen([os.environ["BROWSER"], place], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return types.ElicitResult(action="accept")


def text(answer):
    return "".join(getattr(part, "text", "") for part in answer.content)


async def work(result):
    result["sdk"] = version("mcp")
    if current:
        async with mcp.Client(stdio_client(server), mode=mode, elicitation_callback=elicit) as client:
            result["protocol"] = client.protocol_version
            if mode in ("auto", "legacy"):
                result["tools"] = [each.name for each in (await client.list_tools()).tools]
            result["call"] = text(await client.call_tool(tool, {}))
    else:
        async with stdio_client(server) as pipes:
            async with mcp.ClientSession(*pipes, elicitation_callback=elicit) as client:
                result["protocol"] = (await client.initialize()).protocolVersion
                result["tools"] = [each.name for each in (await client.list_tools()).tools]
                result["call"] = text(await client.call_tool(tool, {}))
    result["asked"] = len(asked)


report(work)
