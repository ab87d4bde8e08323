"""The shelf: what this worker has in memory of the sessions that it served last."""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Any, Union

from gorgon._values import decode, encode
from gorgon._wire import Frame, ProtocolError

MOST_SESSIONS = 1_000
MOST_BYTES = 64 << 20
_HEAD = struct.Struct(">BHI")
_SIZE = struct.Struct(">I")


class StateNeeded(Exception):
    """The state of a request's session is not here, and was not sent."""


def pack_value(value: Any) -> bytes:
    """The bytes that a value is kept as: codec, attachments, length of the body, body, sized attachments.

    Raises NotSerializable.
    """
    codec, body, attachments = encode(value)
    if not attachments:
        return _HEAD.pack(codec, 0, len(body)) + body
    pieces = [_HEAD.pack(codec, len(attachments), len(body)), body]
    for attachment in attachments:
        pieces += (_SIZE.pack(len(attachment)), bytes(attachment))
    return b"".join(pieces)


def unpack_value(packed: bytes) -> Any:
    """The value of such bytes, made anew each time. Raises ValueError."""
    codec, count, size = _HEAD.unpack_from(packed)
    at = _HEAD.size + size
    body = packed[_HEAD.size : at]
    attachments = []
    for _ in range(count):
        size = _SIZE.unpack_from(packed, at)[0]
        at += _SIZE.size
        attachments.append(memoryview(bytearray(packed[at : at + size])))
        at += size
    return decode(codec, body, attachments)


class Copy:
    """What this worker has of a session. ``version`` is the one that the values will have if the JVM keeps them."""

    __slots__ = ("birth", "cache", "size", "values", "version")

    def __init__(self, birth: int, version: int, values: dict[str, bytes]) -> None:
        self.birth = birth
        self.cache: dict[Any, Any] = {}
        self.replace(version, values)

    def replace(self, version: int, values: dict[str, bytes]) -> None:
        """Take other values in; the cache stays."""
        self.version = version
        self.values = values
        self.size = sum(map(len, values.values()))


Opening = tuple[str, int, int, Union[dict[str, bytes], None]]  # key, birth, version, values if they were sent


def _opening(frame: Frame, body: Any) -> Opening:
    if type(body) is not dict:
        raise ProtocolError("body", "a session that is no object")
    key, birth, version, names = (body.get(name) for name in ("session", "birth", "version", "names"))
    if type(key) is not str or type(birth) is not int or type(version) is not int:
        raise ProtocolError("body", "a session without key, birth or version")
    values = None
    if names is not None:
        if type(names) is not list or len(names) != len(frame.attachments):
            raise ProtocolError("body", f"a session with {len(frame.attachments)} values for other names")
        values = {str(name): bytes(value) for name, value in zip(names, frame.attachments)}
    return key, birth, version, values


class Shelf:
    """The copies of sessions, and the openings of requests that are on their way. For any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._copies: OrderedDict[str, Copy] = OrderedDict()
        self._size = 0
        self._last: tuple[bytes | None, Opening] = (None, ("", 0, 0, None))
        self.openings: dict[int, Opening] = {}

    def receive(self, frame: Frame, unpack: Callable[[Frame], Any]) -> None:
        """Take in the frame that tells which session a request belongs to.

        ``unpack`` makes its value. Raises what that raises, and ProtocolError.
        """
        last, opening = self._last
        if frame.body != last or frame.attachments:  # it says the same until the state changes
            opening = _opening(frame, unpack(frame))
            if opening[3] is None:
                self._last = frame.body, opening
        self.openings[frame.id] = opening

    def open(self, request: int) -> tuple[str, Copy] | None:
        """The key and the copy of the session that a request belongs to; None if it belongs to none.

        Raises StateNeeded if the JVM has to send the state.
        """
        opening = self.openings.pop(request, None)
        if opening is None:
            return None
        key, birth, version, values = opening
        with self._lock:
            copy = self._copies.get(key)
            if values is None and copy is not None and copy.version == version and copy.birth == birth:
                self._copies.move_to_end(key)
                return key, copy
            if copy is not None:
                del self._copies[key]
                self._size -= copy.size
                if copy.birth != birth:
                    copy = None
            if values is not None:
                if copy is None:
                    copy = Copy(birth, version, values)
                else:
                    copy.replace(version, values)
            else:
                raise StateNeeded
            self._copies[key] = copy
            self._size += copy.size
            self._evict()
        return key, copy

    def change(self, copy: Copy, values: dict[str, bytes]) -> None:
        """A copy goes on to its next version."""
        with self._lock:
            before = copy.size
            copy.replace(copy.version + 1, values)
            self._size += copy.size - before
            self._evict()

    def _evict(self) -> None:
        while len(self._copies) > 1 and (len(self._copies) > MOST_SESSIONS or self._size > MOST_BYTES):
            _, old = self._copies.popitem(last=False)
            self._size -= old.size
