"""The examples do what their words say."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, HTTPServer

from gorgon import _wire
from gorgon.examples import progress
from jvm import Link


def test_streams(worker: Link) -> None:
    worker.stream(9, "gorgon.examples.streams:count_down", 3)
    assert [worker.hear(_wire.CHUNK) for _ in range(3)] == [3, 2, 1]
    worker.hear(_wire.END)
    worker.stream(9, "gorgon.examples.streams:ticks", 0.001, 2)
    assert [worker.hear(_wire.CHUNK) for _ in range(2)] == [1, 2]
    worker.hear(_wire.END)
    worker.stream(9, "gorgon.examples.streams:running_totals", {"$": "source", "n": 0})
    worker.hear(_wire.PULL)
    for word, counts in (("a", {"a": 1}), ("b", {"a": 1, "b": 1}), ("a", {"a": 2, "b": 1})):
        worker.say(_wire.ITEM, source=0, values=[word])
        assert worker.hear(_wire.CHUNK) == counts
    worker.say(_wire.ITEM, source=0, end=True)
    worker.hear(_wire.END)


def test_tools(worker: Link) -> None:
    for target in ("trip", "trip_at_once"):
        worker.begin(f"gorgon.examples.tools:{target}", ["Rome", "Oslo"])
        for _ in range(2):
            body = worker.hear(_wire.HOST_CALL)
            worker.say(_wire.HOST_REPLY, host=body["host"], value=len(body["args"][0]))
        assert worker.hear(_wire.RESULT) == {"Rome": 4, "Oslo": 4}
    worker.begin("gorgon.examples.tools:trip", ["Rome"])
    worker.say(_wire.HOST_REPLY, host=worker.asked("weather"), failure={"kind": "unknown"})
    assert worker.hear(_wire.RESULT) == {"Rome": None}


def test_progress(worker: Link) -> None:
    assert progress.mean_length(["a", "abc"]) == 2.0  # outside a worker, too
    worker.begin("gorgon.examples.progress:mean_length", ["a", "abc"])
    assert worker.hear(_wire.PROGRESS) == {"done": 1, "total": 2, "note": "lines"}
    assert worker.hear(_wire.PROGRESS) == {"done": 2, "total": 2, "note": "lines"}
    assert worker.hear(_wire.RESULT) == 2.0


def test_shop(worker: Link) -> None:
    assert worker.call("gorgon.examples.shop:sell", "tea", 2) == 1
    failure = worker.fail("gorgon.examples.shop:sell", "tea", 5)
    assert failure["message"] == "2 tea too few"
    assert failure["mro"][:2] == ["gorgon.examples.shop.OutOfStock", "builtins.LookupError"]


class Advisor(BaseHTTPRequestHandler):
    """Answers with the question itself."""

    def do_POST(self) -> None:
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["messages"][0]["content"]
        body = json.dumps({"choices": [{"message": {"content": f"{self.path} {question}"}}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_advice(worker: Link) -> None:
    with HTTPServer(("127.0.0.1", 0), Advisor) as server:
        worker.begin("gorgon.examples.advice:ask", f"http://127.0.0.1:{server.server_port}/v1", "why?")
        server.handle_request()
        assert worker.outcome() == (_wire.RESULT, "/v1/chat/completions why?")
