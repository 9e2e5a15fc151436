"""A small server of static files for a browser on the same machine: reading only, one folder only, any origin may ask."""

from __future__ import annotations

import io
from functools import partial
from html import escape
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO

from cellml.errors import CellmlError, FileError
from cellml.viewing.folder import served_state
from cellml.viewing.state import link


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
        if self.path.partition("?")[0] == "/":
            return self._front_page()
        path, root = Path(self.translate_path(self.path)).resolve(), Path(self.directory).resolve()
        if not path.is_relative_to(root) or path.is_dir():
            self.send_error(HTTPStatus.NOT_FOUND)
            return None
        return super().send_head()

    def _front_page(self) -> BinaryIO | None:
        """A page with the link that opens the view, for whoever types the server's address; 404 where the folder holds no view."""
        try:
            content = front_page(Path(self.directory), f"http://127.0.0.1:{self.connection.getsockname()[1]}").encode()
        except FileError:
            self.send_error(HTTPStatus.NOT_FOUND)
            return None
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        return io.BytesIO(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the terminal clear: a viewer asks for hundreds of chunks."""


def front_page(folder: Path, url: str) -> str:
    """HTML with the link that opens the view of a folder, served from `url`, and its layers. Raises FileError where it holds no view."""
    state = served_state(folder, url)
    layers = "".join(f"<li>{escape(str(layer.get('name', '')))}</li>" for layer in state["layers"])
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>A view of cellml</title><h1>A view of cellml</h1><ul>{layers}</ul>'
        f'<p><a href="{escape(link(state))}">Open it in Neuroglancer</a> (a browser with WebGL 2). '
        'The state alone: <a href="/state.json">state.json</a>.</p></html>'
    )


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
