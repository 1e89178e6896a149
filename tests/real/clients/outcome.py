"""How the client programs here report: one line of JSON on standard output, whatever happened."""

import asyncio
import json


def leaves(error):
    """What went wrong in the end: the clients wrap it in groups and in causes."""
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in leaves(inner)]
    return [error]


def failure(error):
    first = leaves(error)[0]
    response = getattr(first, "response", None)
    kind, code = type(first).__name__, getattr(first, "code", None)
    return {"type": kind, "message": str(first), "status": getattr(response, "status_code", None), "code": code}


def report(work):
    """Runs `work(result)`, which fills in `result`, and prints it with `error`: null, or what ended the work."""
    result = {"error": None}
    try:
        asyncio.run(asyncio.wait_for(work(result), 60))
    except Exception as error:
        result["error"] = failure(error)
    print(json.dumps(result, sort_keys=True))
