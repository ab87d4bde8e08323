"""Failures: from exceptions to the bodies of failure frames.

Everything here runs on what user code left behind, so nothing is taken for granted: a ``__str__`` may raise, a
message may be huge, a chain may be long. Each body stays small.
"""

from __future__ import annotations

import importlib
import inspect
import linecache
import os
import traceback
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

from gorgon._targets import UnknownTarget
from gorgon._values import NotSerializable, type_name

Body = dict[str, Any]

MESSAGE_LIMIT = 16_384  # characters
TRACEBACK_LIMIT = 32_768  # bytes
LINE_LIMIT = 500  # characters
_FRAMES_EACH_END = 50
_DEPTH = 8
_NOTES = 16
_GROUP = 16
_CLASSES = 16  # of an exception's ancestry, so that a class of the user's can be told by its base
_ROOTS = 4  # of these: what is furthest, as Exception, BaseException, object
_BODIES = 32  # in one failure: causes, contexts and members of groups together
# As they are, whatever a metaclass makes of them.
_MODULE, _QUALNAME, _MRO = (type.__dict__[name].__get__ for name in ("__module__", "__qualname__", "__mro__"))
_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_IMPORT = ("<frozen importlib", importlib.__file__)
_LOOP = os.path.join("asyncio", "base_events.py")
_EXAMPLES = os.path.join(_PACKAGE, "examples") + os.sep


def raised(error: BaseException) -> Body:
    """What user code raised: type, message, the user's frames (outermost first), and what led to it."""
    body = _Chain().body(error, 0)
    body["traceback"] = _formatted(error)
    return body


def brief(error: BaseException) -> Body:
    """The same without frames and chain, for a frame limit that the whole does not fit."""
    return {**_head(error), "message": _cut(_message(error), 200), **_nothing(), "traceback": ""}


def unknown_target(error: UnknownTarget) -> Body:
    """The target cannot be called."""
    return {
        "kind": "unknown_target",
        "reason": error.reason,
        "target": _cut(error.target, LINE_LIMIT),
        "message": _cut(error.message, MESSAGE_LIMIT),
        "failure": raised(error.failure) if error.failure is not None else None,
    }


def bad_arguments(target: str, function: Callable[..., Any], args: list[Any], kwargs: dict[str, Any]) -> Body | None:
    """The arguments do not fit the function's signature; None if they do, or if it has none."""
    try:
        signature = inspect.signature(function)
    except Exception:  # a function in C without one, a broken __signature__
        return None
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        return {
            "kind": "bad_arguments",
            "target": target,
            "signature": _cut(str(signature), LINE_LIMIT),
            "message": _cut(str(error), MESSAGE_LIMIT),
        }
    return None


def unreceivable(message: str) -> Body:
    """The arguments are sound, and this Python cannot make values of them."""
    return {"kind": "bad_arguments", "target": "", "signature": "", "message": _cut(message, MESSAGE_LIMIT)}


def not_serializable(error: NotSerializable) -> Body:
    """The result cannot travel."""
    message = _cut(error.message, MESSAGE_LIMIT)
    return {"kind": "not_serializable", "path": _clean(error.path), "type": _clean(error.type), "message": message}


def too_large(size: int, limit: int) -> Body:
    """The result's frame would be larger than the limit; both in bytes, as `length` counts them."""
    return {"kind": "too_large", "size": size, "limit": limit}


def state_needed() -> Body:
    """The call did not run: the state of its session is not here, and was not sent."""
    return {"kind": "state_needed"}


def cancelled(started: bool) -> Body:
    """The call was cancelled, before or after user code had started."""
    return {"kind": "cancelled", "started": started}


def protocol(message: str) -> Body:
    """The body of a request makes no sense."""
    return {"kind": "protocol", "message": _cut(message, MESSAGE_LIMIT)}


class _Chain:
    """An exception and what is tied to it, each exception once."""

    def __init__(self) -> None:
        self._left = _BODIES
        self._seen: set[int] = set()

    def body(self, error: BaseException, depth: int) -> Body:
        self._left -= 1
        self._seen.add(id(error))
        body = {**_head(error), **_nothing()}
        body["notes"] = _notes(error)
        body["frames"] = _frames(_attribute(error, "__traceback__"))
        cause, context = _attribute(error, "__cause__"), _attribute(error, "__context__")
        body["cause"] = self._next(cause, depth)
        if cause is None and not _attribute(error, "__suppress_context__"):
            body["context"] = self._next(context, depth)
        members = _attribute(error, "exceptions")
        if isinstance(members, tuple) and _is_group(type(error)):
            bodies = (self._next(member, depth) for member in members[:_GROUP])
            body["group"] = [member for member in bodies if member is not None]
        return body

    def _next(self, error: object, depth: int) -> Body | None:
        if not isinstance(error, BaseException) or id(error) in self._seen or depth + 1 >= _DEPTH or self._left <= 0:
            return None
        return self.body(error, depth + 1)


def _attribute(error: BaseException, name: str) -> Any:
    """An attribute of an exception, whose class may make of it whatever it likes; None if it raises."""
    try:
        return getattr(error, name, None)
    except BaseException:
        return None


def _head(error: BaseException) -> Body:
    kind = type(error)
    module, name = _MODULE(kind), _QUALNAME(kind)
    return {
        "kind": "raised",
        "type": _cut(str(name), LINE_LIMIT),
        "module": _cut(str(module), LINE_LIMIT),
        "mro": [_cut(type_name(each), LINE_LIMIT) for each in _ancestry(kind)],
        "message": _message(error),
    }


def _ancestry(kind: type) -> list[type]:
    """The nearest classes, and Python's own that they all end with."""
    classes = list(_MRO(kind))
    return classes if len(classes) <= _CLASSES else classes[: _CLASSES - _ROOTS] + classes[-_ROOTS:]


def _is_group(kind: type) -> bool:
    return any(type_name(each).endswith(".BaseExceptionGroup") for each in _MRO(kind))


def _nothing() -> Body:
    return {"notes": [], "frames": [], "cause": None, "context": None, "group": []}


def _message(error: BaseException) -> str:
    try:
        return _cut(str(error), MESSAGE_LIMIT)
    except BaseException as another:
        return f"(its __str__ raised {type(another).__name__})"


def _notes(error: BaseException) -> list[str]:
    notes = _attribute(error, "__notes__")
    if not isinstance(notes, list):
        return []
    return [_cut(note, MESSAGE_LIMIT // 4) for note in notes[:_NOTES] if isinstance(note, str)]


def _frames(trace: Any) -> list[Body]:
    frames = [(code, line) for code, line in _walk(trace) if not _is_bridge(code.co_filename, code.co_name)]
    if len(frames) > 2 * _FRAMES_EACH_END:
        frames = frames[:_FRAMES_EACH_END] + frames[-_FRAMES_EACH_END:]
    return [
        {
            "file": _cut(code.co_filename, LINE_LIMIT),
            "line": line,
            "function": _cut(code.co_name, LINE_LIMIT),
            "text": _cut(_source(code.co_filename, line), LINE_LIMIT),
        }
        for code, line in frames
    ]


def _walk(trace: Any) -> Iterator[tuple[Any, int]]:
    while isinstance(trace, TracebackType):
        yield trace.tb_frame.f_code, trace.tb_lineno or 0
        trace = trace.tb_next


def _source(file: str, line: int) -> str:
    try:
        return linecache.getline(file, line).strip()
    except Exception:
        return ""


def _is_bridge(file: str, function: str) -> bool:
    """The bridge's own frames, the import system's and the event loop's start say nothing to the user."""
    if file.startswith(_PACKAGE):
        return not file.startswith(_EXAMPLES)
    return file.startswith(_IMPORT) or (function == "run_until_complete" and file.endswith(_LOOP))


def _formatted(error: BaseException) -> str:
    """The traceback as Python prints it, with the user's frames only."""
    try:
        whole = traceback.TracebackException(type(error), error, _attribute(error, "__traceback__"))
        part: traceback.TracebackException | None = whole
        for _ in range(_BODIES):
            if part is None:
                break
            part.stack[:] = [frame for frame in part.stack if not _is_bridge(frame.filename, frame.name)]
            part = part.__cause__ or part.__context__
        text = _clean("".join(whole.format())).encode()
    except BaseException as another:
        return f"(formatting it raised {type(another).__name__})"
    if len(text) > TRACEBACK_LIMIT:
        half = TRACEBACK_LIMIT // 2 - 50
        text = text[:half] + f"\n... {len(text) - 2 * half} bytes ...\n".encode() + text[-half:]
    return text.decode(errors="ignore")


def _clean(text: str) -> str:
    """The text without lone surrogates, which UTF-8 cannot carry."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="backslashreplace").decode()
    return text


def _cut(text: str, limit: int) -> str:
    if len(text) > limit:
        text = f"{text[: limit - 40]}... ({len(text) - limit + 40} more characters)"
    return _clean(text)
