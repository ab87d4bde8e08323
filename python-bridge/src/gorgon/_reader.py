"""The reader: takes frames off a socket, and refuses what is none. See `_wire` for what they look like."""

from __future__ import annotations

import socket
import struct
from binascii import crc32

from gorgon._segments import Segments
from gorgon._wire import (
    COUNTED,
    DEFAULT_LIMIT,
    EMPTY,
    JSON,
    KINDS,
    MAGIC,
    PLACE,
    PREFIX_SIZE,
    SHARED,
    SIZE,
    SMALL,
    TAGGED,
    Frame,
    ProtocolError,
)

_BUFFER = 256 << 10
_REUSED = 8 << 20  # memory of frames up to this size is used again
_unpack_prefix = struct.Struct(">IHBBHHQII").unpack_from
_NOWHERE = Segments()
_new = tuple.__new__  # what Frame's own __new__, which is written in Python, comes to


class _Shared:
    """What one frame has in shared memory."""

    def __init__(self, segments: Segments) -> None:
        self._segments = segments
        self.used: tuple[int, ...] = ()
        self.trouble = ""

    def view(self, segment: int, offset: int, size: int) -> memoryview:
        try:
            view = self._segments.view(segment, offset, size)
        except LookupError:
            raise ProtocolError("attachments", f"none of {size} bytes is in segment {segment} at {offset}") from None
        except OSError as error:
            self.trouble = f"the memory of an array cannot be opened ({error}): see limits.open-files"
            return memoryview(b"")
        if segment not in self.used:
            self.used += (segment,)
        return view


class FrameReader:
    """Takes frames off a blocking socket, through one buffer that is made once."""

    def __init__(self, connection: socket.socket, limit: int = DEFAULT_LIMIT, segments: Segments = _NOWHERE) -> None:
        """``limit``: the greatest value of `length`, in bytes; ``segments``: what frames may refer to."""
        self._segments = segments
        self._receive = connection.recv_into
        self._limit = limit
        self._buffer = bytearray(_BUFFER)
        self._view = memoryview(self._buffer)
        self._start = 0  # the unread bytes are buffer[start:end]
        self._end = 0
        # The C library returns freed memory to the system, page by page taken anew by the next big frame, unless it
        # has seen a block of that size freed before (mallopt(3), "dynamic adjustment"). This one touches no page.
        bytes(_REUSED)

    def read(self) -> Frame | None:
        """The next frame, however the bytes were cut; waits for it. None: the other side closed between two frames.

        Raises ProtocolError for anything that is no frame, and OSError when the connection broke.
        """
        while self._end - self._start < PREFIX_SIZE:
            if not self._fill(PREFIX_SIZE):
                if self._start == self._end:
                    return None
                raise ProtocolError("truncated", f"{self._end - self._start} of {PREFIX_SIZE} bytes of a prefix")
        start = self._start
        length, magic, kind, codec, flags, attachments, identity, size, check = _unpack_prefix(self._buffer, start)
        # One test for the frames of every day; `_refuse` finds out what is wrong with the others.
        if (
            magic != MAGIC
            or crc32(self._view[start : start + COUNTED]) != check
            or length > self._limit
            or flags
            or kind not in KINDS
            or codec > TAGGED
            or (codec == EMPTY) is (size != 0)
            or length < COUNTED + size + attachments * SIZE.size
            or (not attachments and length != COUNTED + size)
        ):
            self._refuse(start, length, magic, kind, codec, flags, attachments, size, check)
        total = length + 4
        if total > _BUFFER:
            return self._read_big(kind, identity, codec, size, attachments, length)
        while self._end - self._start < total:
            if not self._fill(total):
                raise ProtocolError("truncated", f"{self._end - self._start} of {total} bytes of a frame")
        start = self._start
        self._start = start + total
        at = start + PREFIX_SIZE
        body = bytes(self._view[at : at + size])
        if not attachments:
            return _new(Frame, (kind, identity, body, (), codec == TAGGED, (), ""))
        # One copy for all: the buffer is read into again, and these belong to the call.
        rest = memoryview(bytearray(self._view[at + size : start + total]))
        shared = _Shared(self._segments)
        views = _split(rest, attachments, shared)
        return Frame(kind, identity, body, views, codec == TAGGED, shared.used, shared.trouble)

    def buffered(self) -> bool:
        """Whether a frame, or its beginning, has been read already: the socket may never become readable for it."""
        return self._end - self._start >= PREFIX_SIZE

    def _fill(self, wanted: int) -> int:
        """Read once, so that at last ``wanted`` bytes of one frame fit; 0 at the end of the stream."""
        if self._start == self._end:
            self._start = self._end = 0
        elif self._start + wanted > _BUFFER:
            rest = self._end - self._start
            self._buffer[:rest] = self._buffer[self._start : self._end]
            self._start, self._end = 0, rest
        got = self._receive(self._view[self._end :])
        self._end += got
        return got

    def _read_big(self, kind: int, identity: int, codec: int, size: int, attachments: int, length: int) -> Frame:
        """Read a frame that is larger than the buffer: body and attachments each into memory of its own.

        So no attachment is copied again, nor keeps another alive, and each is aligned as arrays should be.
        """
        self._start += PREFIX_SIZE
        left = length - COUNTED - size
        body = bytes(self._exactly(size))
        views: list[memoryview] = []
        shared = _Shared(self._segments)
        for position in range(attachments, 0, -1):
            left -= SIZE.size
            if left < (position - 1) * SIZE.size:
                raise ProtocolError("attachments", "the frame ends before the last one")
            wanted = SIZE.unpack(self._exactly(SIZE.size))[0]
            if wanted & SHARED and left >= PLACE.size:
                left -= PLACE.size
                segment, offset = PLACE.unpack(self._exactly(PLACE.size))
                views.append(shared.view(segment, offset, wanted ^ SHARED))
                continue
            if wanted > left:
                raise ProtocolError("attachments", f"one of {wanted} bytes does not fit the frame")
            left -= wanted
            views.append(self._exactly(wanted))
        if left:
            raise ProtocolError("attachments", f"{left} bytes follow the last one")
        return Frame(kind, identity, body, views, codec == TAGGED, shared.used, shared.trouble)

    def _exactly(self, size: int) -> memoryview:
        """The next bytes, in memory of their own; what is in the buffer first, then right off the socket."""
        memory = memoryview(bytearray(size))
        got = min(size, self._end - self._start)
        memory[:got] = self._view[self._start : self._start + got]
        self._start += got
        if size - got < SMALL:  # no read for a few bytes alone: more may be there
            while got < size:
                if not self._fill(1):
                    raise ProtocolError("truncated", f"{got} of {size} bytes of a part of a frame")
                more = min(size - got, self._end - self._start)
                memory[got : got + more] = self._view[self._start : self._start + more]
                self._start += more
                got += more
        while got < size:
            count = self._receive(memory[got:], 0, socket.MSG_WAITALL)  # one wake-up, if it can be
            if not count:
                raise ProtocolError("truncated", f"{got} of {size} bytes of a part of a frame")
            got += count
        return memory

    def _refuse(
        self,
        start: int,
        length: int,
        magic: int,
        kind: int,
        codec: int,
        flags: int,
        attachments: int,
        size: int,
        check: int,
    ) -> None:
        if magic != MAGIC:
            first = bytes(self._view[start : start + PREFIX_SIZE]).hex()
            raise ProtocolError("magic", f"{magic:#06x} is not {MAGIC:#06x}; the frame begins {first}")
        if crc32(self._view[start : start + COUNTED]) != check:
            raise ProtocolError("check", f"{check:#010x} does not fit the prefix")
        if length > self._limit:
            raise ProtocolError("limit", f"{length} bytes are more than the limit of {self._limit}")
        if flags:
            raise ProtocolError("flags", f"{flags:#06x} has no meaning")
        if kind not in KINDS:
            raise ProtocolError("kind", f"{kind} is unknown")
        if codec not in (EMPTY, JSON, TAGGED):
            raise ProtocolError("codec", f"{codec} is unknown")
        if codec == EMPTY and size:
            raise ProtocolError("body", f"{size} bytes of body with the codec of an empty one")
        if codec != EMPTY and not size:
            raise ProtocolError("body", "an empty body is not JSON")
        if length < COUNTED + size:
            raise ProtocolError("body", f"{size} bytes of body do not fit a frame with length {length}")
        raise ProtocolError("attachments", f"{attachments} do not fit a frame with length {length} and body {size}")


def _split(part: memoryview, count: int, shared: _Shared) -> list[memoryview]:
    attachments = []
    position = 0
    for _ in range(count):
        if position + SIZE.size > len(part):
            raise ProtocolError("attachments", "the frame ends before the last one")
        size = SIZE.unpack_from(part, position)[0]
        position += SIZE.size
        if size & SHARED and len(part) - position >= PLACE.size:
            segment, offset = PLACE.unpack_from(part, position)
            attachments.append(shared.view(segment, offset, size ^ SHARED))
            position += PLACE.size
            continue
        if size > len(part) - position:
            raise ProtocolError("attachments", f"one of {size} bytes does not fit the frame")
        attachments.append(part[position : position + size])
        position += size
    if position != len(part):
        raise ProtocolError("attachments", f"{len(part) - position} bytes follow the last one")
    return attachments
