"""The link: the worker's socket to the JVM. Values become frames here, and frames values."""

from __future__ import annotations

import socket
from collections import deque
from threading import Lock, get_ident
from typing import Any

from gorgon._values import decode, encode
from gorgon._wire import COUNTED, Frame, FrameReader
from gorgon._wire import encode as encode_frame


class TooLarge(Exception):
    """A frame that the limit forbids. ``size`` and ``limit`` in bytes, as `length` counts them."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"it makes a frame of {size} bytes, and the limit is {limit}")
        self.size = size
        self.limit = limit


class Link:
    """Writes whole frames, from any thread. Only one thread at a time reads; who, is for the `Inbox` to say."""

    def __init__(self, path: str, limit: int) -> None:
        """Connect to the socket at ``path``. Raises OSError."""
        self.limit = limit
        self._most = limit - COUNTED  # bytes of a body
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(path)
        self.reader = FrameReader(self.socket, limit)
        self.broken: Exception | None = None  # why nothing can be sent or received any more
        self._write = self.socket.sendall
        self._lock = Lock()
        self._writer = 0  # the thread that is writing
        self._later: deque[bytes] = deque()

    def pack(self, kind: int, identity: int, value: Any) -> bytes:
        """The bytes of a frame with a value. Raises NotSerializable or TooLarge."""
        body = encode(value)
        if len(body) > self._most:
            raise TooLarge(COUNTED + len(body), self.limit)
        return encode_frame(kind, identity, body)

    def unpack(self, frame: Frame) -> Any:
        """The value of a frame. Raises ValueError or RecursionError."""
        if frame.attachments:
            raise ValueError("this worker takes no attachments")
        return decode(frame.body)

    def send(self, frame: bytes) -> None:
        """Write the bytes of a frame; those of another thread wait. In user code, only with the shield up.

        Should code that runs in the middle of our own write (a finaliser, a signal handler) send something, it goes
        out right behind. Raises OSError when the JVM is gone.
        """
        if self._writer and self._writer == get_ident():
            self._later.append(frame)
            return
        with self._lock:
            if self.broken is not None:
                raise self.broken
            self._writer = get_ident()
            try:
                self._write(frame)
                while self._later:
                    self._write(self._later.popleft())
            except OSError as error:
                self.broken = error
                raise
            except BaseException as error:  # a signal handler of the user's: half a frame may be out
                self.broken = ConnectionAbortedError(f"{type(error).__name__} was raised in the middle of a frame")
                raise
            finally:
                self._writer = 0

    def abandon(self) -> None:
        """In a forked child: close, and refuse to send. The lock is a new one, for somebody may have held the other."""
        self._lock = Lock()
        self._writer = 0
        self.broken = OSError("the connection belongs to the parent process")
        self.socket.close()
