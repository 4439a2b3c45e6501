"""A real HTTP server on this machine that speaks as the serving process does, for tests of the try-it box."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, body))
        if body["model"] not in self.server.models:
            self.send_response(404)
            self.end_headers()
            return
        if self.server.refusal is not None:
            status, message = self.server.refusal
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps({"error": {"message": message}}).encode())
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for piece in self.server.pieces:
            if piece is None:  # the process dies in the middle of an answer
                self.wfile.write(b"data: {broken\n\n")
                return
            data = json.dumps({"choices": [{"text": piece, "index": 0}]})
            self.wfile.write(f"data: {data}\n\n".encode())
            self.wfile.flush()
        self.wfile.write(b"data: [DONE]\n\n")

    def log_message(self, *args):
        """Say nothing."""


@contextmanager
def serving(settings, *, models, pieces=("Dear ", "customer", ","), refusal=None):
    """Serve until the block ends; yields the server, whose `asked` lists what it was asked."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.asked, server.models, server.pieces, server.refusal = [], set(models), pieces, refusal
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    settings.SERVING_URL = f"http://127.0.0.1:{server.server_port}"
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
