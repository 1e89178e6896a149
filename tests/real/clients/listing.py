"""What a real MCP client makes of its own configuration file: it is started in the HOME and folder we are in, reads the
file, connects to what stands there, and says so. No account, no model, and no network but loopback.
usage: listing.py claude-code|codex|gemini|opencode|continue
Prints one line of JSON: servers (by name: `connected`, and `tools`, names in order or null where the client does not
say them), and error, which is null if the client did its work. `continue` says which tools it has, not whose: its one
server has no name.
"""

import http.server
import json
import os
import platform
import re
import subprocess
import sys
import threading
from pathlib import Path

PARTS = Path(os.environ.get("MCPAUTH_REAL_PARTS") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mcpauth-real-parts")
MODULES = PARTS / "clients/node_modules"
ARM = platform.machine() in ("aarch64", "arm64")
CPU = "arm64" if ARM else "x64"
CLAUDE = [MODULES / f"@anthropic-ai/claude-code-linux-{CPU}/claude"]
CODEX = [*MODULES.glob(f"@openai/codex-linux-{CPU}/vendor/*/bin/codex")]
GEMINI = ["node", MODULES / "@google/gemini-cli/bundle/gemini.js"]
OPENCODE = [MODULES / ("opencode-linux-arm64" if ARM else "opencode-linux-x64-baseline") / "bin/opencode"]
CONTINUE = ["node", MODULES / "@continuedev/cli/dist/cn.js"]

# Whatever else they would ask, at home or of each other's registries, ends at a closed port of this machine.
NOWHERE = "http://127.0.0.1:9"
QUIET = {
    "HTTP_PROXY": NOWHERE, "HTTPS_PROXY": NOWHERE, "NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost", "NO_COLOR": "1", "CI": "1",
    "npm_config_offline": "true", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1",
    "GEMINI_CLI_TRUST_WORKSPACE": "true", "OPENCODE_DISABLE_AUTOUPDATE": "1", "OPENCODE_DISABLE_MODELS_FETCH": "1",
    "OPENCODE_DISABLE_DEFAULT_PLUGINS": "1", "CONTINUE_TELEMETRY_ENABLED": "0",
}
LIMIT = 90


def run(command, *arguments):
    done = subprocess.run([*command, *arguments], env=os.environ | QUIET, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT)
    # What a list is told on differs, and so do the colours some leave in.
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", done.stdout + done.stderr)


def listed(text, pattern):
    """Servers by the lines of a list: the pattern has a `name` and says in `up` whether it is connected."""
    found = {row["name"]: {"connected": bool(row["up"]), "tools": None} for row in re.finditer(pattern, text, re.M)}
    if not found:
        raise RuntimeError(f"no servers in: {text}")
    return found


def claude_code():
    return listed(run(CLAUDE, "mcp", "list"), r"^(?P<name>[\w-]+): .* - (?:(?P<up>✔ Connected)|\S .*)$")


def gemini():
    return listed(run(GEMINI, "mcp", "list"), r"^(?:(?P<up>✓)|\S) (?P<name>[\w-]+)[: ].* - \w+")


def opencode():
    return listed(run(OPENCODE, "mcp", "list"), r"^●\s+(?:(?P<up>✓)|\S)\s+(?P<name>[\w-]+) ")


def codex():
    """Its server for editors connects to every server and lists what they have."""
    child = subprocess.Popen([*CODEX, "app-server"], env=os.environ | QUIET, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    watch = threading.Timer(LIMIT, child.kill)
    watch.start()

    def ask(number, method, params):
        child.stdin.write(json.dumps({"id": number, "method": method, "params": params}) + "\n")
        child.stdin.flush()
        for line in child.stdout:
            message = json.loads(line)
            if message.get("id") == number:
                return message["result"]
        raise RuntimeError(child.stderr.read())

    try:
        ask(1, "initialize", {"clientInfo": {"name": "mcpauth-tests", "title": "tests", "version": "0"}})
        found = ask(2, "mcpServerStatus/list", {"detail": "toolsAndAuthOnly"})["data"]
    finally:
        child.kill()
        child.wait()
        watch.cancel()
    return {server["name"]: {"connected": bool(server["tools"]), "tools": sorted(server["tools"])} for server in found}


class Model(http.server.BaseHTTPRequestHandler):
    """A model that says hi, and remembers which tools it was offered."""

    offered = []

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        Model.offered = sorted(tool["function"]["name"] for tool in body.get("tools", []))
        said = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        deltas = [({"role": "assistant", "content": "hi"}, None), ({}, "stop")]
        rows = [json.dumps(said | {"choices": [{"index": 0, "delta": delta, "finish_reason": end}]}) for delta, end in deltas]
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        self.wfile.write("".join(f"data: {row}\n\n" for row in [*rows, "[DONE]"]).encode())

    def log_message(self, *_):
        pass


def continue_cli():
    """It has no list: its one session with a stand-in for a model shows which servers' tools it found."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Model)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    ours = Path.home() / ".continue/config.yaml"
    model = f'models:\n  - {{name: m, provider: openai, model: m, apiBase: "http://127.0.0.1:{server.server_port}/v1", apiKey: k, roles: [chat]}}\n'
    session = ours.with_name("with-a-model.yaml")
    session.write_text(ours.read_text() + "\n" + model)
    said = run(CONTINUE, "--config", session, "-p", "hello")
    session.unlink()
    if not Model.offered:
        raise RuntimeError(said)
    return {"": {"connected": True, "tools": Model.offered}}


CLIENTS = {"claude-code": claude_code, "codex": codex, "gemini": gemini, "opencode": opencode, "continue": continue_cli}

result = {"servers": {}, "error": None}
try:
    result["servers"] = CLIENTS[sys.argv[1]]()
except Exception as error:
    result["error"] = f"{type(error).__name__}: {error}"
print(json.dumps(result))
