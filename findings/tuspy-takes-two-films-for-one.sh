#!/usr/bin/env bash
# Guess: the stored address of an upload is found again for the same file only.
# Truth: the default fingerprint is the length and the MD5 of the first 64 KiB. Two takes of one camera that begin alike
# (a black lead-in, a slate) and are of one length are the same to it: the second is sent as the rest of the first, and
# the server holds a mixture that no checksum of a piece can show. tuspy 1.1.0, 2026-11-30. It matters to tus servers
# and to who sends raw films, whose length goes by their duration alone.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq 'tuspy==1.1.0' 'tinydb==4.9.0'
cd "$work"
cat >look.py <<'PYTHON'
import http.server
import threading
from importlib.metadata import version
from pathlib import Path

from tusclient.client import TusClient
from tusclient.storage.filestorage import FileStorage

stored = {}


class Tus(http.server.BaseHTTPRequestHandler):
    """As much of a tus server as one upload needs."""

    def answer(self, status, **headers):
        self.send_response(status)
        for name, value in {"Tus-Resumable": "1.0.0", "Content-Length": "0", **headers}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def do_POST(self):
        name = f"/files/{len(stored)}"
        stored[name] = b""
        self.answer(201, Location=name)

    def do_HEAD(self):
        self.answer(200, Upload_Offset=len(stored[self.path]))

    def do_PATCH(self):
        stored[self.path] += self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(204, Upload_Offset=len(stored[self.path]))

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Tus)
threading.Thread(target=server.serve_forever, daemon=True).start()
print("tuspy", version("tuspy"))
films = {name: bytes(65536) + letter * 100000 for name, letter in (("first.raw", b"1"), ("second.raw", b"2"))}
for name, content in films.items():
    Path(name).write_bytes(content)
client = TusClient(f"http://127.0.0.1:{server.server_port}/files")
addresses = FileStorage("addresses.json")
for name, stop_at in (("first.raw", 100000), ("second.raw", None)):  # the first is cut off, then the second is sent
    client.uploader(name, chunk_size=50000, store_url=True, url_storage=addresses).upload(stop_at=stop_at)
(held,) = stored.values()
print(f"two films sent, {len(stored)} upload on the server: {held.count(b'1')} bytes of the first, then", end=" ")
print(f"{held.count(b'2')} of the second; it is neither film: {held not in films.values()}")
if len(held) != 165536 or not held.count(b"1") or not held.count(b"2"):
    raise SystemExit("changed: the films are told apart")
PYTHON
"$work/venv/bin/python" look.py
