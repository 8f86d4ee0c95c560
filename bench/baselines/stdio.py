"""Answers calls of bench/harness.ts over stdio: one JSON object a line in, one a line out.

A baseline script ends with `serve(name=function, ...)`; each function takes the call's parameters as keyword
arguments and returns something that JSON can hold.
"""

import json
import sys
import traceback


def serve(**functions):
    out = sys.stdout
    for line in sys.stdin:
        if not line.strip():
            continue
        call = json.loads(line)
        reply = {"id": call["id"]}
        try:
            reply["result"] = functions[call["method"]](**call.get("params", {}))
        except Exception:  # the caller gets the traceback; the process goes on
            reply["error"] = traceback.format_exc()
        # "id" first and no spaces: that is how the reader tells a reply from what libraries print.
        out.write(json.dumps(reply, separators=(",", ":")) + "\n")
        out.flush()
