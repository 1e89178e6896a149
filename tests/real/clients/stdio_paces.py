"""The MCP SDK for Python over a server that is a command, through all that a client may see; the current SDK or the
generation before, by whose `python` runs this.
usage: stdio_paces.py add|everything MODE COMMAND [ARGUMENT...]
`add` wants a server with that tool, `everything` wants server-everything. MODE is auto or legacy, the current SDK's
alone; the older one takes no notice of it.
Prints one line of JSON: sdk, protocol, server, tools, call (text), error, and for `everything` also: progress (steps
seen), cancelled (the call ended, and the connection still answers), sampled and elicited (what the server made of our
answers), roots, together (answers to calls under way at once), log and updated (what was sent unasked).
"""

import json
import os
import sys
from contextlib import asynccontextmanager
from importlib.metadata import version

import anyio
import mcp
from mcp.client.stdio import StdioServerParameters, stdio_client

sys.dont_write_bytecode = True  # this folder is a checkout
from outcome import report  # noqa: E402

paces, mode, command, *arguments = sys.argv[1:]
server = StdioServerParameters(command=command, args=arguments, env=dict(os.environ))
current = version("mcp").startswith("2.")
types = mcp.types if hasattr(mcp, "types") else __import__("mcp_types")
RESOURCE = "demo://resource/static/document/features.md"


class Seen:
    """What the server sent unasked."""

    def __init__(self):
        self.log, self.updated = anyio.Event(), anyio.Event()

    async def logged(self, params):
        self.log.set()

    async def message(self, message):
        message = getattr(message, "root", message)
        if getattr(message, "method", "") == "notifications/resources/updated":
            self.updated.set()


async def sample(context, params):
    text = f"heard: {params.messages[0].content.text}"
    content = types.TextContent(type="text", text=text)
    return types.CreateMessageResult(role="assistant", content=content, model="nobody")


async def elicit(context, params):
    return types.ElicitResult(action="accept", content={"name": "Alice", "check": True})


async def roots(context):
    return types.ListRootsResult(roots=[types.Root(uri="file:///tmp/root-of-alice", name="alice")])


@asynccontextmanager
async def connect(seen):
    answers = {} if paces == "add" else dict(sampling_callback=sample, elicitation_callback=elicit,
                                             list_roots_callback=roots)
    answers |= dict(logging_callback=seen.logged, message_handler=seen.message)
    if current:
        async with mcp.Client(server, mode=mode, **answers) as client:
            yield client, client.protocol_version, client.server_info
    else:
        async with stdio_client(server) as streams, mcp.ClientSession(*streams, **answers) as session:
            said = await session.initialize()
            yield session, said.protocolVersion, said.serverInfo


async def call(client, name, arguments=None, **options):
    answer = await client.call_tool(name, arguments or {}, **options)
    return "".join(getattr(part, "text", "") for part in answer.content)


async def cancel(client):
    """Gives a long call up once it is seen to run; what was asked of the server then must be said by the SDK."""
    started, ended = anyio.Event(), anyio.Event()

    async def progress(*_):
        started.set()

    async def work():
        await call(client, "trigger-long-running-operation", {"duration": 90, "steps": 900}, progress_callback=progress)
        ended.set()

    async with anyio.create_task_group() as group:
        group.start_soon(work)
        await started.wait()
        if not current:  # it sends nothing unasked
            params = types.CancelledNotificationParams(requestId=client._request_id - 1, reason="enough")
            note = types.CancelledNotification(method="notifications/cancelled", params=params)
            await client.send_notification(types.ClientNotification(note))
        group.cancel_scope.cancel()
    return not ended.is_set() and await call(client, "echo", {"message": "after"}) == "Echo: after"


async def everything(client, seen, result):
    steps = []

    async def progress(done, total, message):
        steps.append([done, total])

    await call(client, "trigger-long-running-operation", {"duration": 0.3, "steps": 3}, progress_callback=progress)
    result["progress"] = steps
    result["cancelled"] = await cancel(client)
    result["sampled"] = await call(client, "trigger-sampling-request", {"prompt": "what?"})
    result["elicited"] = await call(client, "trigger-elicitation-request")
    result["roots"] = await call(client, "get-roots-list")

    together = {}

    async def one(name):
        together[name] = await call(client, "echo", {"message": name})

    async with anyio.create_task_group() as group:
        for name in ("a", "b", "c"):
            group.start_soon(one, name)
    result["together"] = together

    await call(client, "toggle-simulated-logging")
    await seen.log.wait()
    result["log"] = True
    await client.subscribe_resource(RESOURCE)
    await call(client, "toggle-subscriber-updates")
    await seen.updated.wait()
    result["updated"] = True


async def work(result):
    result["sdk"] = version("mcp")
    seen = Seen()
    async with connect(seen) as (client, protocol, info):
        result |= {"protocol": protocol, "server": info.name}
        result["tools"] = [tool.name for tool in (await client.list_tools()).tools]
        if paces == "add":
            result["call"] = await call(client, "add", {"a": 2, "b": 3})
        else:
            result["call"] = await call(client, "echo", {"message": "hello"})
            await everything(client, seen, result)


report(work)
