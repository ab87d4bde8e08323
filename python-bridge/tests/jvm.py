"""A stand-in for the JVM: starts the real keeper, listens on a unix socket, maps the status pages.

Nothing here waits without a limit, and nothing polls: every wait is a select, on a pipe, a socket or a pidfd.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gorgon import _wire
from gorgon._reader import FrameReader

ROOT = Path(__file__).resolve().parents[2]
BRIDGE = ROOT / "python-bridge" / "src"
TARGETS = ROOT / "src" / "test" / "python"
TESTKIT = ROOT / "python-bridge" / "testkit"
SECONDS = 10.0  # for what should take milliseconds


class Jvm:
    """One pool's worth of JVM."""

    def __init__(self, python: str = sys.executable, **environment: str) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="gorgon-"))
        self.events: list[dict[str, Any]] = []
        self.workers: list[Link] = []
        self._lines = b""
        self.keeper = subprocess.Popen(
            [python, "-X", "utf8", "-u", str(BRIDGE), "keeper", str(self.directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env={**os.environ, "GORGON_RUN": self.directory.name, **environment},
        )
        assert self.keeper.stdin is not None
        assert self.keeper.stdout is not None
        self.control = self.keeper.stdin
        self.reports = self.keeper.stdout
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(str(self.directory / "socket"))
        self.server.listen()
        self.server.settimeout(SECONDS)

    def write(self, text: bytes) -> None:
        """Put raw bytes on the control pipe."""
        self.control.write(text)

    def command(self, op: str, **fields: Any) -> None:
        """Give the keeper a command."""
        self.write(line(op, **fields))

    def report(self, *events: str, **fields: Any) -> dict[str, Any]:
        """Wait for a report of one of those kinds and with those fields; reports are taken in any order."""
        while True:
            for candidate in self.events:
                if candidate["event"] in events and all(candidate.get(name) == fields[name] for name in fields):
                    self.events.remove(candidate)
                    return candidate
            self._read_reports((events, fields))

    def _read_reports(self, wanted: object) -> None:
        if not select.select([self.reports], [], [], SECONDS)[0]:
            raise TimeoutError(f"no report like {wanted}; there are {self.events}")
        part = os.read(self.reports.fileno(), 65536)
        if not part:
            errors = self.keeper.stderr.read() if self.keeper.stderr else b""
            raise EOFError(f"the keeper ended before a report like {wanted}: {errors.decode()}")
        *lines, self._lines = (self._lines + part).split(b"\n")
        self.events += [json.loads(text) for text in lines]

    def spec(self, slot: int = 0, generation: int = 1, **fields: Any) -> dict[str, Any]:
        """What a spawn command says; makes the page."""
        name = f"{slot}.{generation}"
        page = self.directory / f"page-{name}"
        page.write_bytes(bytes(4096))
        return {
            "pool": "test",
            "slot": slot,
            "generation": generation,
            "token": f"token-{name}",
            "socket": str(self.directory / "socket"),
            "page": str(page),
            "stdout": str(self.directory / f"out-{name}"),
            "stderr": str(self.directory / f"err-{name}"),
            "dump": str(self.directory / f"dump-{name}"),
            "path": [str(TARGETS), str(TESTKIT)],
            **fields,
        }

    def spawn(self, slot: int = 0, generation: int = 1, **fields: Any) -> Link:
        """Start a worker and accept its connection, no more."""
        spec = self.spec(slot, generation, **fields)
        self.command("spawn", **spec)
        spawned = self.report("spawned", slot=slot, generation=generation)
        link = Link(self, spec, spawned["pid"])
        self.workers.append(link)
        return link

    def start(self, slot: int = 0, generation: int = 1, **fields: Any) -> Link:
        """Start a worker and wait until it is ready."""
        link = self.spawn(slot, generation, **fields)
        link.accept()
        link.read(_wire.HELLO)
        while link.read().kind != _wire.READY:
            pass
        return link

    def close(self) -> int:
        """Be gone, as the keeper sees it; its exit code."""
        self.control.close()
        return self.keeper.wait(SECONDS)

    def dispose(self) -> None:
        """Leave nothing behind, whatever the test did."""
        if not self.control.closed:
            self.control.close()
        try:
            self.keeper.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self.keeper.kill()
            self.keeper.wait()
            raise
        finally:
            for worker in self.workers:
                worker.dispose()
            self.server.close()
            self.reports.close()
            if self.keeper.stderr:
                self.keeper.stderr.close()
            shutil.rmtree(self.directory, ignore_errors=True)


class Link:
    """One worker, as the JVM sees it."""

    def __init__(self, jvm: Jvm, spec: dict[str, Any], pid: int) -> None:
        self.jvm = jvm
        self.spec = spec
        self.pid = pid
        self.sequence = 0
        self.connection: socket.socket | None = None
        self.page = open(spec["page"], "r+b", buffering=0)  # noqa: SIM115 - closed by dispose
        flags = os.O_RDONLY | os.O_NONBLOCK
        self.stdout = os.open(spec["stdout"], flags)
        self.stderr = os.open(spec["stderr"], flags)

    def accept(self) -> None:
        """Take the worker's connection."""
        self.connection, _ = self.jvm.server.accept()
        self.connection.settimeout(SECONDS)
        self.reader = FrameReader(self.connection)

    def read(self, kind: int | None = None) -> _wire.Frame:
        """The next frame, of that kind if one is named."""
        frame = self.reader.read()
        assert frame is not None, "the worker closed"
        assert kind is None or frame.kind == kind, frame
        return frame

    def send(self, *frames: bytes) -> None:
        """Write frames, all at once."""
        assert self.connection is not None
        self.connection.sendall(b"".join(frames))

    def request(self, target: str, *args: Any, **kwargs: Any) -> bytes:
        """The bytes of the next request; targets without a module are those of targets.py."""
        return self.special({}, target, *args, **kwargs)

    def special(self, fields: dict[str, Any], target: str, *args: Any, **kwargs: Any) -> bytes:
        """The same with more fields in the request; its arguments may have tags."""
        self.sequence += 1
        name = target if ":" in target else f"targets:{target}"
        body = {"target": name, "args": args, "kwargs": kwargs, "call": f"call-{self.sequence}", **fields}
        text = json.dumps(body).encode()
        codec = _wire.TAGGED if b'{"$"' in text else _wire.JSON
        frame = _wire.encode_value(_wire.REQUEST, self.sequence, codec, text, ())
        assert isinstance(frame, bytes)
        return frame

    def stream(self, window: int, target: str, *args: Any, **kwargs: Any) -> int:
        """Send a request for a stream of talking.py's; its sequence."""
        self.send(self.special({"stream": window}, target if ":" in target else f"talking:{target}", *args, **kwargs))
        return self.sequence

    def say(self, kind: int, identity: int | None = None, **body: Any) -> None:
        """Send a frame about a call, by default about the last one."""
        number = self.sequence if identity is None else identity
        self.send(_wire.encode(kind, number, json.dumps(body).encode()))

    def credit(self, n: int) -> None:
        """Let more chunks come."""
        self.say(_wire.CREDIT, n=n)

    def hear(self, kind: int) -> Any:
        """The body of the next frame, which is of that kind and about the last call; log frames are passed over."""
        frame = self.read()
        while frame.kind == _wire.LOG and kind != _wire.LOG:
            frame = self.read()
        assert (frame.kind, frame.id) == (kind, self.sequence), frame
        return json.loads(frame.body) if frame.body else None

    def asked(self, name: str) -> int:
        """The number of the host call that comes next, which is one of that tool."""
        body = self.hear(_wire.HOST_CALL)
        assert body["name"] == name
        return int(body["host"])

    def begin(self, target: str, *args: Any, **kwargs: Any) -> int:
        """Send a request; its sequence."""
        self.send(self.request(target, *args, **kwargs))
        return self.sequence

    def outcome(self) -> tuple[int, Any]:
        """The next reply: result or failure, with its body; it must be for the last request."""
        frame = self.read()
        assert frame.id == self.sequence
        return frame.kind, json.loads(frame.body)

    def call(self, target: str, *args: Any, **kwargs: Any) -> Any:
        """Make a call that succeeds."""
        self.begin(target, *args, **kwargs)
        kind, body = self.outcome()
        assert kind == _wire.RESULT, body
        return body

    def fail(self, target: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Make a call that fails."""
        self.begin(target, *args, **kwargs)
        kind, body = self.outcome()
        assert kind == _wire.FAILURE, body
        assert isinstance(body, dict)
        return body

    def started(self) -> int:
        """The sequence that was started last."""
        return int(struct.unpack("=Q", os.pread(self.page.fileno(), 8, 0))[0])

    def mark_cancelled(self, sequence: int) -> None:
        """Cancel a call on the status page."""
        os.pwrite(self.page.fileno(), struct.pack("=Q", sequence), 8 * (64 + (sequence & 255)))

    def signal(self, name: str) -> None:
        """Have the keeper signal the worker."""
        self.jvm.command("signal", slot=self.spec["slot"], generation=self.spec["generation"], signal=name)

    def exit(self) -> tuple[int | None, int | None]:
        """Wait for the report of its end: code, signal."""
        report = self.jvm.report("exited", slot=self.spec["slot"], generation=self.spec["generation"])
        assert report["pid"] == self.pid
        return report["code"], report["signal"]

    def output(self, descriptor: int, wanted: str) -> str:
        """Read one of the output pipes until the text is there."""
        text = b""
        while wanted.encode() not in text:
            assert select.select([descriptor], [], [], SECONDS)[0], f"no {wanted!r} in {text!r}"
            part = os.read(descriptor, 65536)
            assert part, f"the end, and no {wanted!r} in {text!r}"
            text += part
        return text.decode()

    def dispose(self) -> None:
        """Close everything."""
        if self.connection is not None:
            self.connection.close()
        self.page.close()
        os.close(self.stdout)
        os.close(self.stderr)


def line(op: str, **fields: Any) -> bytes:
    """A command for the control pipe."""
    return json.dumps({"op": op, **fields}).encode() + b"\n"


def ends(pid: int, seconds: float = SECONDS) -> bool:
    """Wait for the end of any process, whoever its parent is."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        return bool(poll.poll(seconds * 1000))
    finally:
        os.close(handle)


def runs(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    return not ends(pid, 0)


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that nothing tells of."""
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end
