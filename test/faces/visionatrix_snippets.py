"""Runs snippets of Visionatrix's guide as they are, and prints one line of JSON for each.

Arguments: the port that answers instead of 8288, then the files. What they save lies in the folder they are run in.
"""

import contextlib
import io
import json
import socket
import sys
import traceback

port = int(sys.argv[1])
connect = socket.socket.connect


class Redirected(socket.socket):
    """The guide's port may be taken on this machine, so it leads to another one."""

    def connect(self, address):
        if address[1] == 8288:
            address = ("127.0.0.1", port)
        return connect(self, address)


socket.socket = Redirected

import time  # noqa: E402

# They look every 5 s; here a task takes less.
time.sleep = lambda seconds, sleep=time.sleep: sleep(seconds / 100)

for path in sys.argv[2:]:
    said = io.StringIO()
    report = {"name": path.rsplit("/", 1)[-1].removesuffix(".py")}
    try:
        with contextlib.redirect_stdout(said):
            code = compile(open(path, encoding="utf-8").read(), path, "exec")
            exec(code, {"__name__": "__main__"})
    except Exception:
        report["error"] = traceback.format_exc()
    report["stdout"] = said.getvalue()
    print(json.dumps(report), flush=True)
