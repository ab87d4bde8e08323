"""The state of sessions: what a call sees of it, what it tells of its changes, what a worker keeps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

import gorgon
from gorgon import _sessions, _shelf, _wire
from gorgon._sessions import State
from gorgon._shelf import Copy, Shelf, StateNeeded, pack_value, unpack_value
from gorgon._values import NotSerializable, decode_plain, text
from gorgon._wire import Frame, ProtocolError


def state(**values: Any) -> State:
    return State({name: pack_value(value) for name, value in values.items()})


def unpacked(new: dict[str, bytes]) -> dict[str, Any]:
    return {name: unpack_value(value) for name, value in new.items()}


@pytest.mark.parametrize("value", [None, 1, "é\0", [1, {"a": b"bytes"}], (1, 2), {1, 2}, {1: "one"}, b"", 2.5])
def test_a_value_is_kept_and_comes_back(value: Any) -> None:
    assert unpack_value(pack_value(value)) == ([1, 2] if value == (1, 2) else value)


def test_a_value_is_made_anew_each_time() -> None:
    packed = pack_value([b"x"])
    unpack_value(packed).append(1)
    assert unpack_value(packed) == [b"x"]


def test_what_was_only_read_is_no_change() -> None:
    seen = state(a=[1], b={"c": 2})
    assert seen["a"] == [1]
    assert dict(seen) == {"a": [1], "b": {"c": 2}}
    assert seen.changes() == ({}, [])


def test_a_change_deep_inside_is_seen() -> None:
    seen = state(a={"b": [1]}, c=1)
    seen["a"]["b"].append(2)
    new, gone = seen.changes()
    assert unpacked(new) == {"a": {"b": [1, 2]}}
    assert gone == []


def test_it_is_a_mapping() -> None:
    seen = state(a=1, b=2)
    seen["c"] = 3
    del seen["a"]
    assert list(seen) == ["b", "c"]
    assert len(seen) == 2
    assert "a" not in seen
    assert "c" in seen
    assert seen.pop("b") == 2
    assert seen.setdefault("d", []) == []
    with pytest.raises(KeyError):
        seen["a"]
    with pytest.raises(KeyError):
        del seen["a"]
    with pytest.raises(TypeError, match="texts"):
        seen[1] = 1  # type: ignore[index]
    new, gone = seen.changes()
    assert unpacked(new) == {"c": 3, "d": []}
    assert sorted(gone) == ["a", "b"]
    assert repr(seen) == "State(c, d)"


def test_what_was_deleted_and_put_again_is_no_change() -> None:
    seen = state(a=1)
    del seen["a"]
    seen["a"] = 1
    assert seen.changes() == ({}, [])


def test_what_cannot_travel_is_named_with_its_path() -> None:
    seen = state()
    seen["box"] = {"inner": [object()]}
    with pytest.raises(NotSerializable) as refused:
        seen.changes()
    assert refused.value.path == "gorgon.session.state['box'].inner[0]"


def test_more_names_than_a_frame_has_room_for_are_refused() -> None:
    seen = state()
    seen.update({str(number): number for number in range(_sessions.MOST_NAMES)})
    assert len(seen.changes()[0]) == _sessions.MOST_NAMES
    seen["one more"] = 1
    with pytest.raises(NotSerializable, match="as a dictionary"):
        seen.changes()


def test_after_a_checkpoint_the_rest_is_compared_with_that() -> None:
    seen = state(a=[1])
    seen["a"].append(2)
    new, _ = seen.changes()
    seen.keep(new)
    assert seen.changes() == ({}, [])
    seen["a"].append(3)
    assert unpacked(seen.changes()[0]) == {"a": [1, 2, 3]}


def opening(shelf: Shelf, request: int, version: int, values: dict[str, Any] | None = None, birth: int = 1) -> None:
    body: dict[str, Any] = {"session": "s", "birth": birth, "version": version}
    receive(shelf, request, body, values)


def receive(shelf: Shelf, request: int, body: dict[str, Any], values: dict[str, Any] | None = None) -> None:
    attachments: Iterable[bytes] = ()
    if values is not None:
        body["names"] = list(values)
        attachments = map(pack_value, values.values())
    frame = Frame(_wire.SESSION, request, text(body), [memoryview(each) for each in attachments])
    shelf.receive(frame, lambda frame: decode_plain(frame.body))


def taken(shelf: Shelf, request: int) -> Copy:
    opened = shelf.open(request)
    assert opened is not None
    assert opened[0] == "s"
    return opened[1]


def test_a_request_without_an_opening_belongs_to_no_session() -> None:
    assert Shelf().open(1) is None


def test_a_worker_has_the_copy_of_the_version_that_it_served_last() -> None:
    shelf = Shelf()
    opening(shelf, 1, 0, {})
    copy = taken(shelf, 1)
    shelf.change(copy, {"n": b"1"})
    opening(shelf, 2, 1)
    assert taken(shelf, 2).values == {"n": b"1"}


@pytest.mark.parametrize(("version", "birth"), [(0, 1), (2, 1), (1, 2)])
def test_for_another_version_or_birth_it_needs_the_state(version: int, birth: int) -> None:
    shelf = Shelf()
    opening(shelf, 1, 1, {"n": 1})
    taken(shelf, 1)
    opening(shelf, 2, version, birth=birth)
    with pytest.raises(StateNeeded):
        shelf.open(2)


def test_the_cache_stays_with_the_session_and_goes_with_its_birth() -> None:
    shelf = Shelf()
    opening(shelf, 1, 1, {"n": 1})
    taken(shelf, 1).cache["model"] = "live"
    opening(shelf, 2, 5, {"n": 2})
    assert taken(shelf, 2).cache == {"model": "live"}
    opening(shelf, 3, 0, {}, birth=2)
    assert taken(shelf, 3).cache == {}


def test_what_was_served_longest_ago_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_shelf, "MOST_BYTES", 100)
    shelf = Shelf()
    opening(shelf, 1, 1, {"n": "x" * 60})
    taken(shelf, 1)
    receive(shelf, 2, {"session": "t", "birth": 1, "version": 1}, {"n": "y" * 60})
    assert shelf.open(2) is not None
    opening(shelf, 3, 1)
    with pytest.raises(StateNeeded):
        shelf.open(3)


@pytest.mark.parametrize("body", [None, [], {}, {"session": 1, "birth": 1, "version": 1}, {"session": "s", "birth": 1}])
def test_an_opening_that_makes_no_sense_breaks_the_protocol(body: Any) -> None:
    with pytest.raises(ProtocolError):
        receive(Shelf(), 1, body)


def test_what_is_said_again_is_taken_for_the_next_request() -> None:
    shelf = Shelf()
    opening(shelf, 1, 1, {"n": 1})
    first = taken(shelf, 1)
    for request in (2, 3):
        opening(shelf, request, 1)
        assert taken(shelf, request) is first
    with pytest.raises(ProtocolError):
        shelf.receive(Frame(_wire.SESSION, 4), lambda frame: None)


def test_names_without_values_break_the_protocol() -> None:
    body = {"session": "s", "birth": 1, "version": 1, "names": ["n"]}
    with pytest.raises(ProtocolError, match="0 values"):
        receive(Shelf(), 1, body)


def test_outside_a_call_there_is_no_session() -> None:
    assert gorgon.session.id is None
    with pytest.raises(gorgon.NotInCall):
        gorgon.session.state  # noqa: B018
