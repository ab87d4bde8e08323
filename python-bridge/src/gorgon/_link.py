"""The link: the worker's socket to the JVM. Values become frames here, and frames values."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable, Sequence
from threading import Lock, get_ident
from typing import Any

from gorgon._arrays import Buffer, Unreceivable
from gorgon._reader import FrameReader
from gorgon._segments import Segments
from gorgon._values import decode, decode_plain, encode
from gorgon._wire import COUNTED, JSON, SMALL, Frame, Written, encode_value, size_of
from gorgon._wire import encode as encode_plain

_SOCKET_BUFFER = 1 << 20  # bytes; the system may grant less


class TooLarge(Exception):
    """A frame that the limit forbids. ``size`` and ``limit`` in bytes, as `length` counts them."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"it makes a frame of {size} bytes, and the limit is {limit}")
        self.size = size
        self.limit = limit


class Link:
    """Writes whole frames, from any thread. Only one thread at a time reads; who, is for the `Inbox` to say."""

    def __init__(self, path: str, limit: int, segments: Segments) -> None:
        """Connect to the socket at ``path``. Raises OSError."""
        self.limit = limit
        self.segments = segments
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            self.socket.setsockopt(socket.SOL_SOCKET, option, _SOCKET_BUFFER)
        self.socket.connect(path)
        self.reader = FrameReader(self.socket, limit, segments)
        self.broken: Exception | None = None  # why nothing can be sent or received any more
        self._write = self.socket.sendall
        self._lock = Lock()
        self._writer = 0  # the thread that is writing
        self._later: deque[Written] = deque()

    def pack(self, kind: int, identity: int, value: Any, own: Sequence[int] = ()) -> Written:
        """The frame with a value. Raises NotSerializable or TooLarge.

        ``own``: segments of the call that this answers; what lies in them need not be copied.
        """
        codec, body, attachments = encode(value)
        size = size_of(body, attachments) if attachments else COUNTED + len(body)
        if size > self.limit:
            raise TooLarge(size, self.limit)
        if codec == JSON and not attachments:
            return encode_plain(kind, identity, body)
        if attachments and self.segments.works:
            return encode_value(kind, identity, codec, body, self.segments.place(attachments, own))
        return encode_value(kind, identity, codec, body, attachments)

    def unpack(self, frame: Frame, source: Callable[[Any], Any] | None = None) -> Any:
        """The value of a frame, which is empty then; ``source`` makes those of the JVM's sources.

        Raises ValueError or RecursionError.

        Raises Unreceivable, which is a ValueError, if the value makes sense and this Python cannot make it.
        """
        if frame.trouble:
            raise Unreceivable(frame.trouble)
        if frame.tagged:
            try:
                return decode(frame.codec, frame.body, frame.attachments, source)
            finally:
                frame.empty()
        return decode_plain(frame.body)

    def send(self, frame: Written) -> None:
        """Write a frame; those of another thread wait. In user code, only with the shield up.

        Should code that runs in the middle of our own write (a finaliser, a signal handler) send something, it goes
        out right behind. Raises OSError when the JVM is gone.
        """
        me = get_ident()
        if self._writer == me:
            self._later.append(frame)
            return
        with self._lock:
            if self.broken is not None:
                raise self.broken
            self._writer = me
            try:
                if isinstance(frame, bytes):
                    self._write(frame)
                else:
                    send_pieces(self.socket, frame)
                while self._later:
                    later = self._later.popleft()
                    send_pieces(self.socket, [later] if isinstance(later, bytes) else later)
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


def send_pieces(connection: socket.socket, pieces: list[Buffer]) -> None:
    """Write all pieces to a blocking socket, as few writes as it takes; small ones go together."""
    small: list[Buffer] = []
    for piece in pieces:
        if len(piece) <= SMALL:
            small.append(piece)
            continue
        head = b"".join(small)
        small.clear()
        sent = connection.sendmsg((head, piece)) - len(head)
        if sent < 0:
            connection.sendall(head[sent:])
            sent = 0
        if sent < len(piece):
            connection.sendall(memoryview(piece)[sent:])
    if small:
        connection.sendall(b"".join(small))
