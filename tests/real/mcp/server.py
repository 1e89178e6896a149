"""An everyday server on the Python SDK (PyPI mcp 2.3), as its users write one: three tools with results that are
easy to check. It speaks every revision; over SSE the old transport alone.
usage: server.py PORT streamable-http|sse
"""

import sys

from mcp.server import MCPServer

server = MCPServer("mcpauth-pyserver", version="1.0.0", log_level="WARNING")


@server.tool()
def add(a: int, b: int) -> int:
    """The sum of two numbers"""
    return a + b


@server.tool()
def greet(name: str) -> str:
    """A greeting"""
    return f"Hello, {name}!"


@server.tool()
def wipe(target: str) -> str:
    """What a policy should keep from most callers"""
    return f"{target} is gone"


@server.resource("note://one")
def note() -> str:
    """A note to read"""
    return "one note"


@server.prompt()
def ask(topic: str) -> str:
    """A question about a topic"""
    return f"What about {topic}?"


server.run(sys.argv[2], host="127.0.0.1", port=int(sys.argv[1]))
