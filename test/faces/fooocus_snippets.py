"""Runs snippets of FooocusAPI's documents as they are, and prints one line of JSON for each.

Arguments: the port that answers instead of 7866, then the files.
"""

import contextlib
import io
import json
import socket
import sys
import traceback
import types

port = int(sys.argv[1])
connect = socket.socket.connect


class Redirected(socket.socket):
    """The documents' port may be taken on this machine, so it leads to another one."""

    def connect(self, address):
        if address[1] == 7866:
            address = ("127.0.0.1", port)
        return connect(self, address)


socket.socket = Redirected

import requests  # noqa: E402


def stand_in_for_matplotlib():
    """It only shows the picture that Pillow has read."""
    try:
        import matplotlib

        matplotlib.use("Agg")
    except ImportError:
        pyplot = types.ModuleType("matplotlib.pyplot")
        pyplot.imshow = lambda image: image.load()
        pyplot.show = lambda: None
        package = types.ModuleType("matplotlib")
        package.pyplot = pyplot
        sys.modules.update({"matplotlib": package, "matplotlib.pyplot": pyplot})


def context(name):
    """One snippet is a fragment, which goes on with the answer of the one before it."""
    if name != "asynctask_4_stream_parse":
        return {}
    body = {"prompt": "a dog playing with a ball", "stream_output": "true"}
    url = "http://localhost:7866/v1/engine/generate"
    return {"json": json, "res": requests.post(url, json=body, stream=True)}


stand_in_for_matplotlib()
for path in sys.argv[2:]:
    name = path.rsplit("/", 1)[-1].removesuffix(".py")
    variables = context(name)
    said = io.StringIO()
    report = {"name": name}
    try:
        with contextlib.redirect_stdout(said):
            exec(compile(open(path, encoding="utf-8").read(), path, "exec"), variables)
    except Exception:
        report["error"] = traceback.format_exc()
    answer = variables.get("response") or variables.get("res")
    report["stdout"] = said.getvalue()
    if answer is not None:
        report["status"] = answer.status_code
        report["type"] = answer.headers.get("content-type")
        report["head"] = answer.content[:16].hex() if not report["stdout"] else ""
        report["json"] = answer.json() if "json" in (report["type"] or "") else None
    print(json.dumps(report), flush=True)
