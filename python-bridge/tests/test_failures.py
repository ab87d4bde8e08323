"""Failures: everything an exception may be, in a small body."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import raising
import targets

from gorgon import _failures, _values
from gorgon._targets import UnknownTarget, resolve


def body(function: Any, *args: Any) -> dict[str, Any]:
    try:
        function(*args)
    except BaseException as error:
        found = _failures.raised(error)
    _values.text(found)  # it must be able to travel
    return found


def test_says_what_was_raised_and_where() -> None:
    found = body(targets.raise_error, "ValueError", "wrong")
    assert (found["kind"], found["type"], found["module"], found["message"]) == (
        "raised", "ValueError", "builtins", "wrong",
    )  # fmt: skip
    last = found["frames"][-1]
    assert last["file"] == targets.__file__
    assert last["function"] == "raise_error"
    assert last["text"] == "raise getattr(builtins, kind)(message)"
    assert "ValueError: wrong" in found["traceback"]
    assert found["cause"] is found["context"] is None
    assert found["notes"] == found["group"] == []


def test_keeps_the_chain() -> None:
    found = body(targets.raise_chained)
    assert found["message"] == "the outermost"
    assert found["context"] is None
    assert found["cause"]["type"] == "ValueError"
    assert found["cause"]["context"]["type"] == "KeyError"


def test_a_context_that_was_suppressed_is_left_out() -> None:
    def suppress() -> None:
        try:
            raise KeyError("hidden")
        except KeyError:
            raise ValueError("seen") from None

    assert body(suppress)["context"] is None


def test_survives_an_exception_that_cannot_be_printed() -> None:
    found = body(targets.raise_bad_str)
    assert found["type"] == "raise_bad_str.<locals>.BadStr"
    assert "ValueError" in found["message"]


def test_survives_circles_and_long_chains() -> None:
    def circle() -> None:
        one, two = ValueError("one"), ValueError("two")
        one.__cause__, two.__cause__ = two, one
        raise one

    assert body(circle)["cause"]["cause"] is None

    def chain() -> None:
        error: Exception = ValueError("0")
        for number in range(1, 50):
            error, before = ValueError(str(number)), error
            error.__cause__ = before
        raise error

    found: Any = body(chain)
    depth = 0
    while found is not None:
        found = found["cause"]
        depth += 1
    assert depth == 8


def test_a_deep_recursion_keeps_both_ends() -> None:
    def recurse(n: int) -> int:
        return recurse(n + 1) + 1

    found = body(recurse, 0)
    assert found["type"] == "RecursionError"
    assert len(found["frames"]) == 100
    assert found["frames"][0]["function"] == "body"
    assert found["frames"][-1]["function"] == "recurse"


def test_the_ancestry_is_told_so_that_a_base_class_can_be_recognised() -> None:
    assert body(targets.raise_custom)["mro"] == [
        "targets.CustomError", "builtins.Exception", "builtins.BaseException", "builtins.object",
    ]  # fmt: skip
    deep: type[Exception] = ValueError
    for number in range(30):
        deep = type(f"Level{number}", (deep,), {})

    def raise_deep() -> None:
        raise deep

    assert len(body(raise_deep)["mro"]) == 16


def test_a_long_ancestry_keeps_both_ends() -> None:
    kind: type = LookupError
    for number in range(30):
        kind = type(f"Step{number}", (kind,), {})

    def raise_deep() -> None:
        raise kind("deep")

    names = body(raise_deep)["mro"]
    assert len(names) == 16
    assert names[0].endswith(".Step29")
    assert names[-4:] == ["builtins.LookupError", "builtins.Exception", "builtins.BaseException", "builtins.object"]


def test_survives_a_metaclass_that_hides_its_classes() -> None:
    found = body(raising.secretive)
    assert found["type"] == "Secret"
    assert found["message"] == "psst"
    assert found["mro"][1] == "builtins.Exception"


def test_survives_an_exception_whose_attributes_raise() -> None:
    class Odd(Exception):
        @property
        def exceptions(self) -> None:
            raise ValueError("no")

        __notes__ = __cause__ = __context__ = exceptions

    def raise_odd() -> None:
        raise Odd("still told")

    found = body(raise_odd)
    assert (found["message"], found["notes"], found["cause"], found["group"]) == ("still told", [], None, [])


def test_a_syntax_error_shows_its_line() -> None:
    found = body(compile, "1 +* 2", "<it>", "exec")
    assert "invalid syntax" in found["message"]
    assert "1 +* 2" in found["traceback"]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="groups came with Python 3.11")
def test_nested_groups_and_very_deep_ones() -> None:
    def nest(depth: int) -> None:
        error: Exception = ValueError("the innermost")
        for _ in range(depth):
            error = ExceptionGroup("g", [error, KeyError("k")])  # type: ignore[name-defined,unused-ignore] # noqa: F821
        raise error

    assert body(nest, 2)["group"][0]["group"][0]["message"] == "the innermost"
    found: Any = body(nest, 3000)
    depth = 0
    while found["group"]:
        found = found["group"][0]
        depth += 1
    assert depth == 7


def test_everything_is_cut_to_size() -> None:
    def shout() -> None:
        raise ValueError("x" * 1_000_000)

    found = body(shout)
    assert len(found["message"]) <= _failures.MESSAGE_LIMIT
    assert found["message"].endswith("more characters)")
    assert len(found["traceback"].encode()) <= _failures.TRACEBACK_LIMIT
    assert found["traceback"].endswith("x\n")
    assert len(_values.text(_failures.brief(ValueError("x" * 1_000_000)))) < 500


def test_lone_surrogates_are_escaped() -> None:
    def odd() -> None:
        raise ValueError("a \udc80 b")

    assert body(odd)["message"] == "a \\udc80 b"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="notes and groups came with Python 3.11")
def test_notes_and_groups() -> None:
    def group() -> None:
        error = ValueError("inner")
        error.add_note("a note")  # type: ignore[attr-defined,unused-ignore]
        raise ExceptionGroup("several", [error, KeyError("k")])  # type: ignore[name-defined,unused-ignore] # noqa: F821

    found = body(group)
    assert found["type"] == "ExceptionGroup"
    assert [member["type"] for member in found["group"]] == ["ValueError", "KeyError"]
    assert found["group"][0]["notes"] == ["a note"]


@pytest.mark.parametrize("target", ["", "m", ":f", "m:", "m:f:g", "m.:f", "m:f.", "m f:g", "1:f", "m:1", "..m:f"])
def test_malformed_targets(target: str) -> None:
    assert refusal(target).reason == "MALFORMED"


@pytest.mark.parametrize(
    ("target", "reason", "message"),
    [
        ("targetz:echo", "MODULE_MISSING", "similar names: targets"),
        ("gorgon.examples.txt:f", "MODULE_MISSING", "similar names: text"),
        ("no_such.deep.module:f", "MODULE_MISSING", "'no_such'"),
        ("targets.inside:f", "MODULE_MISSING", "'targets.inside'"),
        ("missing_dependency:f", "IMPORT_FAILED", "ModuleNotFoundError"),
        ("broken_import:f", "IMPORT_FAILED", "RuntimeError"),
        ("invalid.syntax_error:f", "IMPORT_FAILED", "SyntaxError"),
        ("targets:eco", "ATTRIBUTE_MISSING", "similar names: echo"),
        ("targets:nested.dep.function", "ATTRIBUTE_MISSING", "targets:nested has no attribute 'dep'"),
        ("targets:not_callable", "NOT_CALLABLE", "is an int"),
    ],
)
def test_unknown_targets(target: str, reason: str, message: str) -> None:
    error = refusal(target)
    assert error.reason == reason
    assert message in error.message
    found = _failures.unknown_target(error)
    _values.text(found)
    assert (found["failure"] is not None) == (reason == "IMPORT_FAILED")


def test_a_failed_import_shows_the_users_frames_only() -> None:
    found = _failures.unknown_target(refusal("broken_import:f"))["failure"]
    assert [frame["file"].rpartition("/")[2] for frame in found["frames"]] == ["broken_import.py"]


def test_targets_with_dots_are_found() -> None:
    assert resolve("targets:nested.deep.function")(3) == 3
    assert resolve("os.path:join")("a", "b") == "a/b"
    assert resolve("builtins:len")("abc") == 3


def refusal(target: str) -> UnknownTarget:
    with pytest.raises(UnknownTarget) as found:
        resolve(target)
    assert found.value.target == target
    return found.value
