#!/usr/bin/env python3
"""A person at a terminal before one of the conformance suite's servers: logs in, lists the tools, calls the first one. What
fails is followed by the command that its message names, and is then tried again; nothing else is ever typed. Ends with 1
where a message names no command, or one that has been typed already.

usage: person_conformance.py URL
       MCPAUTH names the binary, MCP_CONFORMANCE_CONTEXT what the person was given beforehand: a client's id and its secret or key
"""
import json
import os
import pty
import re
import shlex
import subprocess
import sys
import tempfile

url, mcpauth = sys.argv[-1], os.environ["MCPAUTH"]
home = tempfile.TemporaryDirectory()
given = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT", "{}"))
# Where the suite believes that our document is; nobody fetches it. Its authorization servers approve by themselves: their
# page is read, and nobody looks at it.
setting = {
    "MCPAUTH_CLIENT_METADATA_URL": "https://conformance-test.local/client-metadata.json",
    "BROWSER": "curl -sL -o /dev/null",
}
environment = {"HOME": home.name, "PATH": os.environ["PATH"], "TERM": "dumb", **setting}


def file_of(secret):
    path = os.path.join(home.name, "given")
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(secret)
    return path


def type_in(words):
    """Runs a command with a terminal; its exit code, its output and its messages."""
    print("$ mcpauth", shlex.join(words), file=sys.stderr)
    screen, terminal = pty.openpty()
    child = subprocess.Popen([mcpauth, *words], cwd=home.name, env=environment, stdin=terminal,
                             stdout=subprocess.PIPE, stderr=terminal, start_new_session=True)
    os.close(terminal)
    shown = b""
    while True:
        try:
            part = os.read(screen, 65536)
        except OSError:  # the last one at the other end has left
            break
        if not part:
            break
        shown += part
    output = child.stdout.read().decode()
    code = child.wait()
    os.close(screen)
    shown = shown.decode(errors="replace").replace("\r\n", "\n")
    print(f"{output}{shown}[{code}]", file=sys.stderr)
    return code, output, output + shown


def named(message):
    """The commands that a message names, with what the person was given in the places of ID and FILE."""
    proof = given.get("client_secret") or given.get("private_key_pem")
    for command in re.findall(r": mcpauth ([^;(\n]+)", message):
        words = shlex.split(command.strip())
        if "ID" in words and "client_id" in given:
            words[words.index("ID")] = given["client_id"]
        if "FILE" in words and proof:
            words[words.index("FILE")] = file_of(proof)
        yield words


def until_done(words, typed):
    """Types a command until it does its work; None if the messages lead nowhere, or round in a circle."""
    while True:
        code, output, message = type_in(words)
        if code == 0:
            return output
        next_one = next((command for command in named(message) if command not in typed), None)
        if next_one is None:
            return None
        typed.append(next_one)
        done = until_done(next_one, typed)
        if done is None or next_one[0] == words[0]:
            return done


def do(*words):
    output = until_done(list(words), [list(words)])
    return sys.exit(1) if output is None else output


do("login", url)
tools = do("list", "--url", url)
do("call", "--url", url, tools.split("\t")[0].split("\n")[0], "{}")
