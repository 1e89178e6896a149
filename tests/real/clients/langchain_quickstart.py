"""The guide's quick start for agents, step 4, with LangChain's MCP adapters: its functions as they stand there, but
for the address, which it spells out.
usage: langchain_quickstart.py file [CALL]                  reads ~/.vscode/mcp.json, else ./.oauth-tokens/vscode_mcp.json
       langchain_quickstart.py direct URL TRANSPORT [CALL]  TRANSPORT is sse, as in the guide, or streamable_http
CALL is a tool's name and its arguments as JSON, two words. For `direct` the environment has TOKEN, POOL_ID,
CLIENT_ID, REGION; the guide sends them as X-Authorization and the X- headers next to it.
Prints one line of JSON: tools (names in order), call (text) and error (type, message, status, code) or null.
"""

import json
import os
import sys
from pathlib import Path

from langchain_mcp_adapters.client import MultiServerMCPClient
sys.dont_write_bytecode = True  # this folder is a checkout
from outcome import report  # noqa: E402


def load_mcp_config_from_file():
    config_path = Path.home() / ".vscode" / "mcp.json"
    if not config_path.exists():
        config_path = Path.cwd() / ".oauth-tokens" / "vscode_mcp.json"
    if config_path.exists():
        with open(config_path, "r") as f:
            config = json.load(f)
            return config.get("mcp", {}).get("servers", {})
    else:
        raise FileNotFoundError(f"MCP configuration not found at {config_path}")


def create_mcp_client_direct(auth_token, user_pool_id, client_id, region, url, transport):
    auth_headers = {
        "X-Authorization": f"Bearer {auth_token}",
        "X-User-Pool-Id": user_pool_id,
        "X-Client-Id": client_id,
        "X-Region": region,
    }
    return MultiServerMCPClient({"mcp_gateway": {"url": url, "transport": transport, "headers": auth_headers}})


def client(words):
    if words.pop(0) == "file":
        return MultiServerMCPClient(load_mcp_config_from_file())
    env = [os.environ.get(name, "") for name in ("TOKEN", "POOL_ID", "CLIENT_ID")]
    return create_mcp_client_direct(*env, os.environ.get("REGION", "us-east-1"), words.pop(0), words.pop(0))


async def work(result):
    words = sys.argv[1:]
    tools = await client(words).get_tools()
    result["tools"] = [tool.name for tool in tools]
    if words:
        name, arguments = words
        tool = next(tool for tool in tools if tool.name == name)
        answer = await tool.ainvoke(json.loads(arguments))
        result["call"] = {"text": answer if isinstance(answer, str) else "".join(part.get("text", "") for part in answer)}


report(work)
