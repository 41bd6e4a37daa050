"""A small HTTP server on loopback that answers as badly as a test wants."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass(frozen=True)
class Asked:
    """A request that came."""

    path: str
    headers: Mapping[str, str]


@dataclass
class Server:
    """``answers`` by path; a path without one is 404."""

    url: str
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)


def body(data: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """A plain answer."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for key, value in {"Content-Length": str(len(data)), **(headers or {})}.items():
            handler.send_header(key, value)
        handler.end_headers()
        handler.wfile.write(data)

    return answer


def redirect(url: str, status: int = 302) -> Answer:
    """An answer that sends elsewhere."""
    return body(b"", status, {"Location": url})


class Listener(ThreadingHTTPServer):
    """Waits for nobody, and says nothing of clients that hang up."""

    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[Server]:
    """Run a server."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.asked.append(Asked(self.path, dict(self.headers)))
            server.answers.get(self.path, body(b"{}", 404))(self)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with Listener(("127.0.0.1", 0), Handler) as listener:
        server = Server(f"http://127.0.0.1:{listener.server_address[1]}/")
        thread = Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown()
            thread.join()
