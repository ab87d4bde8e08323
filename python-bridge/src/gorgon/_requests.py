"""Requests: from the frame that asks for a call to what is called with what."""

from __future__ import annotations

from typing import Any, Optional

from gorgon._call import Call
from gorgon._link import Link
from gorgon._values import decode_plain
from gorgon._wire import Frame

# Target, arguments, keyword arguments, and the first credit if it asks for a stream.
Asked = tuple[str, list[Any], dict[str, Any], Optional[int]]


def parse(frame: Frame, link: Link, call: Call) -> Asked:
    """What a request asks for; the rest of it becomes the call's.

    Raises ValueError or RecursionError.
    """
    request = link.unpack(frame, call.source) if frame.tagged or frame.trouble else decode_plain(frame.body)
    if type(request) is not dict:
        raise ValueError("the request is no JSON object")
    target = request.get("target")
    args = request.get("args")
    kwargs = request.get("kwargs")
    name = request.get("call")
    if type(target) is not str:
        raise ValueError("the request's target is no string")
    if args is None:
        args = []
    elif type(args) is not list:
        raise ValueError("the request's args are no list")
    if kwargs is None:
        kwargs = {}
    elif type(kwargs) is not dict:
        raise ValueError("the request's kwargs are no object")
    if name is not None:
        if type(name) is not str:
            raise ValueError("the request's call is no string")
        call.name = name
    window = request.get("stream")
    if window is not None:
        if type(window) is not int or window < 1:
            raise ValueError("the request's stream is no number of chunks")
        call.streams, call.credit = True, window
    trace = request.get("trace")
    if trace is not None:
        if type(trace) is not str:
            raise ValueError("the request's trace is no string")
        call.trace = trace
    return target, args, kwargs, window
