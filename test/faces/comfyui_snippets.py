"""Runs the snippets of the ComfyUI document against a server, and prints one line of JSON.

Arguments: the URL that answers instead of the document's, and the folder of the snippets.
"""

import json
import sys
import time
import uuid

import httpx
import websocket

url, folder = sys.argv[1], sys.argv[2]
server_address = url.split("//", 1)[1]
context = {"httpx": httpx, "json": json, "websocket": websocket, "url": url}


def snippet(name):
    with open(f"{folder}/{name}.py", encoding="utf8") as file:
        return file.read().replace("https://aigc.cirray.cn/comfyui", url)


exec(snippet("1_post_prompt"), context)
report = {"prompt_id": context["prompt_id"]}
exec(snippet("2_queue"), context)
report["queue"] = context["resp"].json()
deadline = time.monotonic() + 50
while True:
    exec(snippet("3_history"), context)
    if context["outputimg"] or time.monotonic() > deadline:
        break
    time.sleep(0.05)
report["outputimg"] = context["outputimg"]
image = httpx.get(eval(snippet("4_view"), context), verify=False)
report["type"] = image.headers["content-type"]
report["head"] = image.content[:24].hex()

# As printed the last one cannot run: it names "images.output", which is "images_output", and the
# prompt must be posted between connecting and the loop.
printed = snippet("5_websocket")
connect, loop = printed.split("# 通过 POST /prompt 拿到 prompt_id\n")
context.update(server_address=server_address, client_id=str(uuid.uuid4()))
graph = {
    "noise": {
        "class_type": "EmptyImage",
        "inputs": {"width": 64, "height": 48, "batch_size": 2, "color": 255},
    },
    "save_image_websocket_node": {
        "class_type": "SaveImageWebsocket",
        "inputs": {"images": ["noise", 0]},
    },
}
body = {"prompt": graph, "client_id": context["client_id"]}
exec(connect, context)
context["prompt_id"] = httpx.post(f"{url}/prompt", json=body).json()["prompt_id"]
try:
    exec(loop, context)
    report["printed"] = "ran"
except NameError as error:
    report["printed"] = str(error)
context["ws"].close()

exec(connect, context)
graph["noise"]["inputs"]["color"] = 65280
context["prompt_id"] = httpx.post(f"{url}/prompt", json=body).json()["prompt_id"]
exec(loop.replace("images.output.append", "images_output.append"), context)
report["pictures"] = [
    image[:8].hex() for image in context["output_images"]["save_image_websocket_node"]
]
context["ws"].close()
print(json.dumps(report))
