"""What the official conformance suite asks of a server, on the Python SDK (PyPI mcp 2.3): tools, resources,
prompts and the odd hooks under the names the suite looks for. One endpoint speaks both eras: the handshake up
to 2025-11-25 and the stateless 2026-07-28. The suite's verdict on it is judged against the same run through the
gateway, so a check it does not pass is no fault of this file, as long as it stays the same.
usage: fixture.py PORT
"""

import asyncio
import sys
import warnings

import uvicorn
from mcp.server import NotificationOptions, Server
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.server.streamable_http import EventMessage, EventStore
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler
from mcp.shared.exceptions import MCPError
from mcp.shared.subscriptions import PromptsListChanged, ToolsListChanged
from mcp_types import (
    INVALID_PARAMS,
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    CallToolResult,
    CompleteResult,
    EmptyResult,
    GetPromptResult,
    InputRequiredResult,
    ListPromptsResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ListToolsResult,
    ReadResourceResult,
    SamplingMessage,
    TextContent,
)

NAME = "mcpauth-conformance-fixture"
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
WAV = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA="
bus = InMemorySubscriptionBus()
tools, prompts = {}, {}  # name -> (what the list says, the handler)


def text(words):
    return {"type": "text", "text": words}


def image():
    return {"type": "image", "data": PNG, "mimeType": "image/png"}


def embedded(uri, words, kind="text/plain"):
    return {"type": "resource", "resource": {"uri": uri, "mimeType": kind, "text": words}}


def schema(required=(), **properties):
    return {"type": "object", "properties": properties, "required": list(required)}


STRING, BOOLEAN = {"type": "string"}, {"type": "boolean"}


def tool(name, input_schema=None):
    def register(handler):
        listed = {"name": name, "description": name, "inputSchema": input_schema or schema()}
        tools[name] = (listed, handler)
        return handler

    return register


def prompt(name, *arguments):
    def register(handler):
        asked = [{"name": argument, "description": argument, "required": True} for argument in arguments]
        listed = {"name": name, "description": name, "arguments": asked}
        prompts[name] = (listed, handler)
        return handler

    return register


# --- plain results: the content itself, whatever the arguments

PLAIN = {
    "test_simple_text": [text("This is a simple text response for testing.")],
    "test_image_content": [image()],
    "test_audio_content": [{"type": "audio", "data": WAV, "mimeType": "audio/wav"}],
    "test_embedded_resource": [embedded("test://embedded-resource", "This is an embedded resource content.")],
    "test_multiple_content_types": [
        text("Multiple content types test:"),
        image(),
        embedded("test://mixed-content-resource", '{"test":"data","value":123}', "application/json"),
    ],
    "test_logging_tool": [text("Nothing was logged: nobody asked")],
    "test_streaming_elicitation": [text("Nothing had to be asked")],
}
for plain, content in PLAIN.items():
    tool(plain)(lambda *_, content=content: content)

# A list filter that normalises what it passes on loses some of these keywords.
tool(
    "json_schema_2020_12_tool",
    {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {"$anchor": "addressDef", "type": "object", "properties": {"street": STRING, "city": STRING}}
        },
        "properties": {
            "name": STRING,
            "address": {"$ref": "#/$defs/address"},
            "contactMethod": {"type": "string", "enum": ["phone", "email"]},
            "phone": STRING,
            "email": STRING,
        },
        "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
        "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
        "then": {"required": ["phone"]},
        "else": {"required": ["email"]},
        "additionalProperties": False,
    },
)(lambda *_: [text("schema kept")])

tool(
    "test_x_mcp_header",
    schema(["region"], region={"type": "string", "x-mcp-header": "Region"}, query=STRING),
)(lambda ctx, arguments, params: [text(f"region={arguments['region']}")])


@tool("test_error_handling")
def fails(ctx, arguments, params):
    words = "This tool intentionally returns an error for testing"
    return CallToolResult.model_validate({"content": [text(words)], "isError": True})


# --- while a call runs: these fail behind a proxy that buffers


@tool("test_tool_with_logging")
async def logs(ctx, arguments, params):
    for words in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await ctx.session.send_log_message("info", words, related_request_id=ctx.request_id)
        await asyncio.sleep(0.05)
    return [text("logged")]


@tool("test_tool_with_progress")
async def progresses(ctx, arguments, params):
    for done in (0, 50, 100):
        await ctx.session.report_progress(done, 100)
        await asyncio.sleep(0.05)
    return [text("progressed")]


@tool("test_reconnection")
async def reconnects(ctx, arguments, params):
    if ctx.close_sse_stream:
        await ctx.close_sse_stream()
    await asyncio.sleep(0.2)
    return [text("Reconnection test completed")]


@tool("test_sampling", schema(["prompt"], prompt=STRING))
async def samples(ctx, arguments, params):
    asked = SamplingMessage(role="user", content=TextContent(type="text", text=arguments["prompt"]))
    answer = await ctx.session.create_message([asked], max_tokens=100, related_request_id=ctx.request_id)
    return [text(f"LLM response: {answer.content.text}")]


async def elicit(ctx, message, wanted):
    answer = await ctx.session.elicit_form(message, wanted, related_request_id=ctx.request_id)
    return [text(f"Elicitation completed: action={answer.action}, content={answer.content}")]


@tool("test_elicitation", schema(["message"], message=STRING))
async def elicits(ctx, arguments, params):
    return await elicit(ctx, arguments["message"], schema(["username", "email"], username=STRING, email=STRING))


@tool("test_elicitation_sep1034_defaults")
async def elicits_with_defaults(ctx, arguments, params):
    wanted = schema(
        name={"type": "string", "default": "John Doe"},
        age={"type": "integer", "default": 30},
        score={"type": "number", "default": 95.5},
        status={"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
        verified={"type": "boolean", "default": True},
    )
    return await elicit(ctx, "Who are you?", wanted)


@tool("test_elicitation_sep1330_enums")
async def elicits_enums(ctx, arguments, params):
    names, titled = ["one", "two", "three"], [{"const": "1", "title": "One"}, {"const": "2", "title": "Two"}]
    wanted = schema(
        untitledSingle={"type": "string", "enum": names},
        titledSingle={"type": "string", "oneOf": titled},
        legacyEnum={"type": "string", "enum": names, "enumNames": ["One", "Two", "Three"]},
        untitledMulti={"type": "array", "items": {"type": "string", "enum": names}},
        titledMulti={"type": "array", "items": {"anyOf": titled}},
    )
    return await elicit(ctx, "Which ones?", wanted)


# --- 2026-07-28: a result that asks first (SEP-2322)


def ask_form(message, **properties):
    params = {"mode": "form", "message": message, "requestedSchema": schema(list(properties), **properties)}
    return {"method": "elicitation/create", "params": params}


def ask_model(words, tokens):
    params = {"messages": [{"role": "user", "content": text(words)}], "maxTokens": tokens}
    return {"method": "sampling/createMessage", "params": params}


ASK_ROOTS = {"method": "roots/list", "params": {}}
CAPABILITY = {"elicitation/create": "elicitation", "sampling/createMessage": "sampling", "roots/list": "roots"}


def required(requests, state=None):
    asked = {"resultType": "input_required", "inputRequests": requests}
    return InputRequiredResult.model_validate(asked if state is None else {**asked, "requestState": state})


def answers(params, *keys):
    """The answers under these keys, if each is there and was accepted."""
    given = [(params.input_responses or {}).get(key) for key in keys]
    return None if any(g is None or getattr(g, "action", "accept") != "accept" for g in given) else given


def asking(name, requests, done, state=None, register=tool):
    """A tool, or prompt, that asks for all of `requests` and is done once they are answered."""

    def handler(ctx, arguments, params):
        given = answers(params, *requests)
        if given is None or (state is not None and params.request_state != state):
            return required(requests, state)
        return done(*given)

    register(name)(handler)


def says(words):
    return lambda *given: [text(words)]


USER = {"user_name": ask_form("What is your name?", name=STRING)}
CONFIRM = {"confirm": ask_form("Please confirm", ok=BOOLEAN)}


def greet(given):
    name = (given.content or {}).get("name")
    return [text(f"Hello, {name}!")] if isinstance(name, str) else required(USER)


asking("test_input_required_result_elicitation", USER, greet)
asking(
    "test_input_required_result_sampling",
    {"capital_question": ask_model("What is the capital of France?", 100)},
    lambda given: [text(given.content.text)],
)
asking(
    "test_input_required_result_list_roots",
    {"client_roots": ASK_ROOTS},
    lambda given: [text(", ".join(str(root.uri) for root in given.roots))],
)
asking("test_input_required_result_request_state", CONFIRM, says("state-ok"), "one")
asking("test_input_required_result_tampered_state", CONFIRM, says("untouched"), "one")
asking(
    "test_input_required_result_multiple_inputs",
    {**USER, "greeting": ask_model("Generate a greeting", 50), "client_roots": ASK_ROOTS},
    says("all answered"),
    "one",
)
asking(
    "test_input_required_result_prompt",
    {"user_context": ask_form("What context should the prompt use?", context=STRING)},
    lambda given: [text(f"Context: {given.content['context']}")],
    register=prompt,
)


@tool("test_input_required_result_multi_round")
def asks_twice(ctx, arguments, params):
    if params.request_state == "two" and answers(params, "step2"):
        return [text("two rounds")]
    if params.request_state == "one" and answers(params, "step1"):
        return required({"step2": ask_form("Step 2: What is your favorite color?", color=STRING)}, "two")
    return required({"step1": ask_form("Step 1: What is your name?", name=STRING)}, "one")


@tool("test_input_required_result_capabilities")
def asks_what_can_be_answered(ctx, arguments, params):
    requests = {**USER, "capital_question": ask_model("What is the capital of France?", 100)}
    able = {key: r for key, r in requests.items() if getattr(ctx.session.client_capabilities, CAPABILITY[r["method"]])}
    given = answers(params, *able)
    return [text("answered")] if given is not None else required(able)


@tool("test_missing_capability")
def needs_sampling(ctx, arguments, params):
    if not ctx.session.client_capabilities.sampling:
        needed = {"requiredCapabilities": {"sampling": {}}}
        raise MCPError(MISSING_REQUIRED_CLIENT_CAPABILITY, "This tool needs sampling", needed)
    return [text("able")]


@tool("test_trigger_tool_change")
async def changes_tools(ctx, arguments, params):
    await bus.publish(ToolsListChanged())
    return [text("changed")]


@tool("test_trigger_prompt_change")
async def changes_prompts(ctx, arguments, params):
    await bus.publish(PromptsListChanged())
    return [text("changed")]


# --- prompts and resources

prompt("test_simple_prompt")(lambda ctx, arguments, params: [text("This is a simple prompt for testing.")])
prompt("test_prompt_with_arguments", "arg1", "arg2")(
    lambda ctx, a, params: [text(f"Prompt with arguments: arg1='{a['arg1']}', arg2='{a['arg2']}'")]
)
prompt("test_prompt_with_embedded_resource", "resourceUri")(
    lambda ctx, a, params: [
        embedded(a["resourceUri"], "Embedded resource content for testing."),
        text("Please process the embedded resource above."),
    ]
)
prompt("test_prompt_with_image")(lambda ctx, a, params: [image(), text("Please analyze the image above.")])

TEMPLATE = "test://template/"
RESOURCES = {
    "test://static-text": {"mimeType": "text/plain", "text": "This is the content of the static text resource."},
    "test://static-binary": {"mimeType": "image/png", "blob": PNG},
    "test://watched-resource": {"mimeType": "text/plain", "text": "Watched resource content"},
}


async def read_resource(ctx, params):
    uri = str(params.uri)
    found = RESOURCES.get(uri)
    if uri.startswith(TEMPLATE):
        key = uri.removeprefix(TEMPLATE).removesuffix("/data")
        words = f'{{"id":"{key}","templateTest":true,"data":"Data for ID: {key}"}}'
        found = {"mimeType": "application/json", "text": words}
    if found is None:
        raise MCPError(INVALID_PARAMS, "Resource not found", {"uri": uri})
    return ReadResourceResult.model_validate({"contents": [{"uri": uri, **found}]})


async def call(table, ctx, params):
    if params.name not in table:
        raise MCPError(INVALID_PARAMS, f"Unknown: {params.name}")
    result = table[params.name][1](ctx, params.arguments or {}, params)
    return await result if asyncio.iscoroutine(result) else result


async def call_tool(ctx, params):
    result = await call(tools, ctx, params)
    return CallToolResult.model_validate({"content": result}) if isinstance(result, list) else result


async def get_prompt(ctx, params):
    result = await call(prompts, ctx, params)
    if not isinstance(result, list):
        return result
    return GetPromptResult.model_validate({"messages": [{"role": "user", "content": one} for one in result]})


async def complete(ctx, params):
    values = [word for word in ("paris", "park", "party") if word.startswith(params.argument.value)]
    return CompleteResult.model_validate({"completion": {"values": values, "total": len(values), "hasMore": False}})


async def empty(ctx, params):
    return EmptyResult()


def listing(model, field, items):
    async def handler(ctx, params):
        return model.model_validate({field: items, "ttlMs": 0, "cacheScope": "public"})

    return handler


class Events(EventStore):
    """What was sent on which stream, so that a client may come back for the rest."""

    def __init__(self):
        self.sent = []

    async def store_event(self, stream_id, message):
        self.sent.append((stream_id, message))
        return str(len(self.sent))

    async def replay_events_after(self, last_event_id, send_callback):
        last = int(last_event_id) if last_event_id.isdigit() else 0
        if not 0 < last <= len(self.sent):
            return None
        stream = self.sent[last - 1][0]
        for number, (owner, message) in enumerate(self.sent[last:], last + 1):
            if owner == stream and message is not None:
                await send_callback(EventMessage(message, str(number)))
        return stream


class Announcing(Server):
    """Says in the old handshake, too, that its lists may change."""

    def create_initialization_options(self, notification_options=None, *more, **options):
        changes = NotificationOptions(prompts_changed=True, resources_changed=True, tools_changed=True)
        return super().create_initialization_options(notification_options or changes, *more, **options)


warnings.simplefilter("ignore")  # the old revision's features are deprecated, and wanted here
server = Announcing(
    NAME,
    version="1.0.0",
    get_tool_input_schema=lambda name: tools[name][0]["inputSchema"] if name in tools else None,
    on_list_tools=listing(ListToolsResult, "tools", [listed for listed, _ in tools.values()]),
    on_call_tool=call_tool,
    on_list_prompts=listing(ListPromptsResult, "prompts", [listed for listed, _ in prompts.values()]),
    on_get_prompt=get_prompt,
    on_list_resources=listing(
        ListResourcesResult,
        "resources",
        [{"uri": uri, "name": uri, "mimeType": found["mimeType"]} for uri, found in RESOURCES.items()],
    ),
    on_list_resource_templates=listing(
        ListResourceTemplatesResult,
        "resourceTemplates",
        [{"uriTemplate": f"{TEMPLATE}{{id}}/data", "name": "template"}],
    ),
    on_read_resource=read_resource,
    on_subscribe_resource=empty,
    on_unsubscribe_resource=empty,
    on_subscriptions_listen=ListenHandler(bus),
    on_completion=complete,
    on_set_logging_level=empty,
)
# Seals requestState, and refuses one that came back altered.
server.middleware.append(RequestStateBoundary(RequestStateSecurity.ephemeral(), default_audience=NAME))
app = server.streamable_http_app(event_store=Events(), retry_interval=100)
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
