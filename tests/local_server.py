"""A server of files on this machine, with faults on request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit


@dataclass
class Site:
    """What the server has, and what it was asked for.

    Attributes
    ----------
    files : dict of bytes
        By their path.
    redirects : dict of str
        Addresses by path.
    cut : dict of int
        After so many bytes of a path the connection ends, once.
    no_range : bool
        Whether it ignores ranges.
    asked : list of (str, str)
        Paths with their range.
    """

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    cut: dict[str, int] = field(default_factory=dict)
    no_range: bool = False
    asked: list[tuple[str, str]] = field(default_factory=list)

    def put(self, path: str, content: bytes | dict[str, Any]) -> str:
        """Add a file, or JSON; return its address."""
        self.files[path] = content if isinstance(content, bytes) else json.dumps(content).encode()
        return f"{self.address}{path}"


@contextmanager
def serving() -> Iterator[Site]:
    """Run a server while the block runs."""
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            wanted = self.headers.get("Range", "")
            site.asked.append((path, wanted))
            if path in site.redirects:
                self.send_response(302)
                self.send_header("Location", site.redirects[path])
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            if path not in site.files:
                self.send_error(404)
                return
            self._send(path, site.files[path], wanted)

        def _send(self, path: str, content: bytes, wanted: str) -> None:
            tag = f'"{hash(content)}"'
            start, stop = 0, len(content)
            same = self.headers.get("If-Range", tag) == tag
            if wanted and same and not site.no_range:
                first, _, last = wanted.removeprefix("bytes=").partition("-")
                start, stop = int(first), int(last) + 1 if last else stop
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(content)}")
            else:
                self.send_response(200)
            self.send_header("ETag", tag)
            self.send_header("Content-Length", str(stop - start))
            self.end_headers()
            part = content[start:stop]
            if path in site.cut and len(part) > 1:
                part = part[: site.cut.pop(path)]
                self.close_connection = True
            self.wfile.write(part)

        def log_message(self, *_: Any) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    site.address = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
