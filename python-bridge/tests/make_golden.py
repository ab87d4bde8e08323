"""Writes the golden frames that the Java tests and the Python tests read: ``python tests/make_golden.py``.

Each ``NAME.bin`` holds the bytes of one connection. golden.json says of each what a reader must make of it: the
fields of the frame (attachments in hexadecimal, and as "places" the segment and the offset of those that are not in
the frame but in shared memory), or the reason why it is none. The bytes are put together by hand
here, field by field, so that they do not share the codec's mistakes.
"""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path
from typing import Any

DIRECTORY = Path(__file__).resolve().parents[2] / "src" / "test" / "resources" / "golden"

UNICODE = '{"target":"text:größe","args":["héllo wörld","日本語","🐍","\\u0000\\n"],"call":"ünï"}'
KINDS = {
    "hello": 1,
    "importing": 2,
    "ready": 3,
    "start_failed": 4,
    "request": 16,
    "ping": 17,
    "shutdown": 18,
    "credit": 19,
    "host_reply": 20,
    "item": 21,
    "segment": 22,
    "session": 23,
    "result": 32,
    "failure": 33,
    "pong": 34,
    "chunk": 35,
    "end": 36,
    "host_call": 37,
    "progress": 38,
    "pull": 39,
    "log": 40,
    "patch": 41,
}
BODIES = {
    "hello": '{"token":"0123456789abcdef","protocol":1,"pid":4711,"python":"3.11.7"}',
    "importing": '{"module":"numpy"}',
    "ready": "{}",
    "start_failed": '{"kind":"ENVIRONMENT","message":"[Errno 2] No such file or directory: \'/nowhere\'"}',
    "request": '{"target":"targets:echo","args":[1,2.5,"three",null],"kwargs":{"flag":true},"call":"call-1"}',
    "ping": "",
    "shutdown": "",
    "result": '[1,2.5,"three",null,NaN,Infinity,-Infinity,12345678901234567890]',
    "failure": '{"kind":"cancelled","started":true}',
    "pong": "",
    "credit": '{"n":16}',
    "host_reply": '{"host":1,"failure":{"kind":"raised","type":"java.io.IOException","message":"no","names":[]}}',
    "item": '{"source":0,"values":[1,"two"],"end":true}',
    "segment": '{"segment":1,"descriptor":12,"size":1048576,"results":false}',
    "session": '{"session":"user-42","birth":4711,"version":3}',
    "chunk": '{"token":"a"}',
    "end": "",
    "host_call": '{"host":1,"name":"weather","args":["Rome"],"kwargs":{"days":3},"timeout":1.5}',
    "progress": '{"done":1,"total":null,"note":"größe"}',
    "pull": '{"source":0,"n":8}',
    "log": '{"level":30,"logger":"my.module","message":"slow","time":1764115200.25}',
    "patch": '{"version":3,"set":[],"gone":["basket"]}',
}
VALUE = b"\x01\x00\x00\x00\x00\x00\x01" + b"7"  # of a state: plain, no attachments, one byte
TAGGED_REQUEST = '{"target":"m:f","args":[{"$":"bytes","i":0},{"$":"set","v":[1,2]}],"call":"call-6"}'
SHARED_REQUEST = '{"target":"m:f","args":[{"$":"bytes","i":0},{"$":"bytes","i":1},{"$":"bytes","i":2}]}'
TAGGED_RESULT = '[{"$":"array","i":0,"dtype":"<f8","shape":[3]},{"$":"bytes","i":1},{"$":"dict","v":{"$":1}}]'
NO_ID = ("hello", "importing", "ready", "start_failed", "shutdown", "segment", "log")


def frame(
    kind: int,
    identity: int,
    body: bytes = b"",
    attachments: tuple[bytes, ...] = (),
    *,
    length: int | None = None,
    magic: int = 0x4752,
    codec: int | None = None,
    flags: int = 0,
    count: int | None = None,
    size: int | None = None,
    check: int | None = None,
    places: tuple[tuple[int, int] | None, ...] = (),
) -> bytes:
    """The bytes of a frame; each named field can be set to something wrong, and the check fits what is there."""
    tail = body
    for number, one in enumerate(attachments):
        place = places[number] if places else None
        if place is None:
            tail += struct.pack(">Q", len(one)) + one
        else:
            tail += struct.pack(">QIQ", len(one) | 1 << 63, *place)
    head = struct.pack(
        ">IHBBHHQI",
        24 + len(tail) if length is None else length,
        magic,
        kind,
        (1 if body else 0) if codec is None else codec,
        flags,
        len(attachments) if count is None else count,
        identity,
        len(body) if size is None else size,
    )
    return head + struct.pack(">I", zlib.crc32(head) if check is None else check) + tail


def golden() -> dict[str, tuple[bytes, dict[str, Any]]]:
    """Name -> (bytes, description)."""
    cases: dict[str, tuple[bytes, dict[str, Any]]] = {}

    def valid(
        name: str,
        kind: int,
        identity: int,
        body: str = "",
        attachments: tuple[bytes, ...] = (),
        codec: int | None = None,
        places: tuple[tuple[int, int] | None, ...] = (),
    ) -> None:
        codec = (1 if body else 0) if codec is None else codec
        description = {
            "kind": kind,
            "codec": codec,
            "id": identity,
            "body": body,
            "attachments": [attachment.hex() for attachment in attachments],
        }
        if places:
            description["places"] = [place and list(place) for place in places]
        cases[name] = (frame(kind, identity, body.encode(), attachments, codec=codec, places=places), description)

    def invalid(name: str, error: str, content: bytes) -> None:
        cases[name] = (content, {"error": error})

    for name, kind in KINDS.items():
        valid(name, kind, 0 if name in NO_ID else 42, BODIES[name])
    whole = '{"session":"user-42","birth":4711,"version":3,"names":["n","m"]}'
    valid("session_with_state", 23, 43, whole, (VALUE, VALUE))
    valid("patch_with_values", 41, 43, '{"version":3,"set":["n"],"gone":[],"host":2}', (VALUE,))
    valid("unicode", 16, 7, UNICODE)
    valid("greatest_id", 34, 2**63 - 1)
    valid("one_byte_body", 32, 1, "0")
    valid("two_attachments", 32, 3, '{"a":0,"b":1}', (bytes(range(256)), b"second"))
    valid("empty_attachment", 32, 4, "null", (b"",))
    valid("attachment_without_body", 32, 5, "", (b"alone",))

    valid("tagged_request", 16, 6, TAGGED_REQUEST, (b"\x00\xff",), 2)
    valid("tagged_result", 32, 6, TAGGED_RESULT, (struct.pack("<3d", 1.5, -2, 0), b""), 2)

    inside = (b"first", b"in shared memory", b"last")
    valid("shared_request", 16, 10, SHARED_REQUEST, inside, 2, (None, (7, 128), None))
    valid("shared_result", 32, 10, '{"$":"bytes","i":0}', (b"all of it",), 2, ((2**31 - 1, 2**40),))

    sound = frame(16, 9, b'{"target":"m:f"}')
    invalid("bad_magic", "magic", frame(16, 9, b"{}", magic=0x4753))
    invalid("http", "magic", b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
    invalid("bad_check", "check", frame(16, 9, b"{}", check=0xDEADBEEF))
    for name, offset in (
        ("length", 3),
        ("kind", 6),
        ("codec", 7),
        ("flag", 9),
        ("count", 11),
        ("id", 19),
        ("size", 23),
    ):
        flipped = sound[:offset] + bytes((sound[offset] ^ 1,)) + sound[offset + 1 :]
        invalid(f"{name}_bit_flipped", "check", flipped)
    invalid("flag_set", "flags", frame(16, 9, b"{}", flags=1))
    invalid("oversize", "limit", frame(16, 9, b"{}", length=0xFFFFFFFF))
    invalid("just_over_limit", "limit", frame(16, 9, b"{}", length=(64 << 20) + 1))
    invalid("length_too_short", "body", frame(17, 9, length=23))
    invalid("length_zero", "body", frame(17, 9, length=0))
    invalid("body_beyond_frame", "body", frame(16, 9, b"{}", size=3))
    invalid("body_huge", "body", frame(16, 9, b"{}", size=0xFFFFFFFF))
    invalid("bytes_after_body", "attachments", frame(16, 9, b"{}xx", size=2))
    invalid("codec_empty_with_body", "body", frame(16, 9, b"{}", codec=0))
    invalid("codec_json_without_body", "body", frame(17, 9, codec=1))
    invalid("unknown_kind", "kind", frame(99, 9, b"{}"))
    invalid("reserved_kind", "kind", frame(42, 9, b"{}"))
    invalid("codec_tagged_without_body", "body", frame(17, 9, codec=2))
    invalid("unknown_codec", "codec", frame(16, 9, b"{}", codec=3))
    invalid("attachments_missing", "attachments", frame(16, 9, b"{}", count=1))
    invalid("attachments_many", "attachments", frame(16, 9, b"{}", count=0xFFFF))
    huge = struct.pack(">Q", 2**64 - 1) + b"x"
    invalid("attachment_huge", "attachments", frame(16, 9, b"{}" + huge, size=2, count=1))
    invalid("attachment_short", "attachments", frame(16, 9, b"{}" + struct.pack(">Q", 1) + b"xy", size=2, count=1))
    shared = struct.pack(">Q", 2**63 | 1) + b"x"
    invalid("attachment_shared", "attachments", frame(16, 9, b"{}" + shared, size=2, count=1))
    invalid("truncated_prefix", "truncated", sound[:20])
    invalid("truncated_body", "truncated", sound[:-1])
    return cases


def main() -> None:
    """Write all files, and remove those that are no cases any more."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    for old in DIRECTORY.glob("*.bin"):
        old.unlink()
    index = []
    for name, (content, description) in golden().items():
        (DIRECTORY / f"{name}.bin").write_bytes(content)
        index.append({"name": name, "valid": "error" not in description, **description})
    text = json.dumps({"limit": 64 << 20, "frames": index}, indent=1, ensure_ascii=False)
    (DIRECTORY / "golden.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
