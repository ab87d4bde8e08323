"""A template process, as the keeper sees it, and the orders that it is given."""

from __future__ import annotations

import os
import socket
import time
from typing import Any

from gorgon import _birth
from gorgon._commands import Commands
from gorgon._kin import Kin
from gorgon._offspring import Offspring
from gorgon._template import GO, ORDER

_PATIENCE = 30.0  # seconds for the imports, if the JVM names none
_TAIL = 8192  # bytes of a template's output that are kept
_CONTENT = ("pool", "preload", "path", "environment", "directory", "threads")  # what templates differ in


class Order:
    """A worker that is to be forked from a template."""

    def __init__(self, offspring: Offspring, spec: dict[str, Any]) -> None:
        """Raises ValueError for a spec that makes no sense."""
        preload = spec["preload"]
        if not isinstance(preload, list) or not all(isinstance(module, str) for module in preload):
            raise ValueError("'preload' is no list of modules")
        self.offspring = offspring
        self.spec = spec
        self.tries = 0
        self.version: int = spec.get("template") or 0
        if type(self.version) is not int:
            raise ValueError("'template' is no integer")
        self.patience = float(spec.get("start_timeout") or _PATIENCE)
        self.content = {name: spec.get(name) for name in _CONTENT}


class TemplateProcess(Kin):
    """A process that imports the modules, and then is forked."""

    def __init__(self, number: int, order: Order, keeper: int) -> None:
        """Make its channel and its output pipe. Raises OSError."""
        self.number = number
        self.content = order.content
        self.version = order.version
        self.spec: dict[str, Any] = {**order.content, "slot": "template", "generation": number, "keeper": keeper}
        super().__init__(_birth.process_name(self.spec), _birth.mark(self.spec))
        self.patience = order.patience
        self.deadline: float | None = time.monotonic() + order.patience
        self.order: Order | None = None  # the one that it works on
        self.orders = 0
        self.tail = b""
        self.gone = False  # reaped: its pid may be anybody's
        # Plain descriptors, not sockets: in a fork of the keeper they are closed by number.
        channel, end = socket.socketpair()
        self._channel, self._end = channel.detach(), end.detach()
        self._output, self._printed = os.pipe()
        os.set_blocking(self._channel, False)
        os.set_blocking(self._output, False)
        self._silent = False
        self.messages = Commands(self._channel)

    def start(self) -> _birth.Newborn | None:
        """Fork the keeper; in the copy, what it needs next. Raises OSError."""
        if self.copy():
            return _birth.Newborn(self.spec, self._printed, self._printed, self._end)
        os.close(self._end)
        os.close(self._printed)
        return None

    def fits(self, order: Order) -> bool:
        """Whether it has imported what the order wants, no earlier than the order wants it."""
        return order.content == self.content and order.version <= self.version

    @property
    def modules(self) -> str:
        """What it imports, in words."""
        return ", ".join(self.spec["preload"])

    @property
    def printed(self) -> str:
        """The end of what it has printed."""
        return self.tail.decode(errors="replace")

    @property
    def ready(self) -> bool:
        """Whether it has imported everything."""
        return self.deadline is None

    @property
    def descriptors(self) -> list[int]:
        """What is worth reading."""
        found = [] if self.messages.ended else [self.messages.descriptor]
        return found if self._silent else [*found, self._output]

    def read(self) -> list[dict[str, Any] | str]:
        """What it has said since."""
        self._read_output()
        try:
            return [] if self.messages.ended else list(self.messages.read())
        except BlockingIOError:
            return []
        except OSError:
            self.messages.ended = True
            return []

    def _read_output(self) -> None:
        try:
            part = b"" if self._silent else os.read(self._output, 65536)
            self._silent = not part
            self.tail = (self.tail + part)[-_TAIL:]
        except BlockingIOError:
            pass

    def give(self, order: Order, run_directory: str) -> bool:
        """Have a worker forked; False if nobody listens. Raises OSError if the order cannot be written down."""
        descriptor = order.offspring.write_down(order.spec, run_directory)
        channel = socket.socket(fileno=self._channel)
        try:
            socket.send_fds(channel, [ORDER], [descriptor, *order.offspring.ends])
        except OSError:
            return False
        finally:
            channel.detach()
            os.close(descriptor)
        self.orders += 1
        self.order = order
        return True

    def let_go(self) -> None:
        """Tell the process between template and worker that the worker is known."""
        try:
            os.write(self._channel, GO)
        except OSError:
            pass  # it is dead, and the worker ends by itself

    def close(self) -> None:
        """Forget what ties us to it."""
        os.close(self._channel)
        os.close(self._output)
