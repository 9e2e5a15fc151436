"""A small server of static files for a browser on the same machine: reading only, one folder only, any origin may ask."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cellml.errors import CellmlError


class ViewHandler(SimpleHTTPRequestHandler):
    """GET and HEAD of files below one folder, with the headers that let a page from elsewhere read them (CORS).

    Folders are not listed, and links that lead out of the folder are not followed.
    """

    protocol_version = "HTTP/1.1"

    def end_headers(self) -> None:
        """Add the permission for pages of other origins, also for those that come by https to this machine."""
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Access-Control-Allow-Private-Network", "true")
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def do_OPTIONS(self) -> None:
        """Answer what a browser asks before it asks."""
        self.send_response(HTTPStatus.NO_CONTENT)
        self.send_header("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS")
        self.send_header("Access-Control-Allow-Headers", "*")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def send_head(self) -> Any:
        """Files only, and none outside the folder."""
        path, root = Path(self.translate_path(self.path)).resolve(), Path(self.directory).resolve()
        if not path.is_relative_to(root) or path.is_dir():
            self.send_error(HTTPStatus.NOT_FOUND)
            return None
        return super().send_head()

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the terminal clear: a viewer asks for hundreds of chunks."""


def make_server(folder: Path, port: int) -> ThreadingHTTPServer:
    """A server of one folder on 127.0.0.1, not yet running; port 0 takes any that is free. Raises CellmlError where the port is taken."""
    try:
        return ThreadingHTTPServer(("127.0.0.1", port), partial(ViewHandler, directory=str(folder)))
    except OSError as error:
        raise CellmlError(
            f"Port {port} of this machine cannot be served from ({error}); choose another, such as port={port + 1}."
        ) from error


def serve(folder: Path, port: int) -> None:
    """Serve a folder until Ctrl-C."""
    with make_server(folder, port) as server:
        print(f"Serving {folder} at http://127.0.0.1:{server.server_port} until Ctrl-C.", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print("Stopped.")
