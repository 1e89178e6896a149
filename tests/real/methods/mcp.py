"""Prints what MCP's published schemas let a client send, one JSON array a line: revision, method, members of params.

The official Python SDK has the methods of every revision, and the types generated from the schemas of two: 2025-11-25,
which has everything that the revisions before it have, and 2026-07-28.
"""

import json
from typing import get_args

import mcp_types._v2025_11_25 as v2025
import mcp_types._v2026_07_28 as v2026
from mcp_types import methods


def members(schema, definitions, path=""):
    """The members of a schema, and those of `ref` and `notifications`, which hold names, as `ref.uri`."""
    if "$ref" in schema:
        return members(definitions[schema["$ref"].rsplit("/", 1)[-1]], definitions, path)
    found = set()
    for name, inner in schema.get("properties", {}).items():
        found.add(path + name)
        if not path and name in ("ref", "notifications"):
            found |= members(inner, definitions, name + ".")
    for kind in ("anyOf", "allOf", "oneOf"):
        for arm in schema.get(kind, []):
            found |= members(arm, definitions, path)
    return found


def row(revision, method, model):
    schema = model.model_json_schema()
    params = schema["properties"].get("params", {})
    print(json.dumps([revision, method, sorted(members(params, schema.get("$defs", {})))]))


for sent in (methods.CLIENT_REQUESTS, methods.CLIENT_NOTIFICATIONS):
    for (method, revision), model in sent.items():
        row(revision, method, model)
# The SDK leaves out methods that it does not serve; the schemas have them.
for revision, types in (("2025-11-25", v2025), ("2026-07-28", v2026)):
    for union in (types.ClientRequest, types.ClientNotification):
        root = getattr(union, "model_fields", {}).get("root")
        for model in get_args(root.annotation if root else union):
            row(revision, get_args(model.model_fields["method"].annotation)[0], model)
