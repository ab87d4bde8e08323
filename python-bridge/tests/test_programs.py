"""Programs: what needs no language model, and what DSPy's own dummy can stand in for."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

SOURCES = str(Path(__file__).parents[1] / "src")


def refused(text: Any) -> Any:
    from gorgon.programs import SignatureRefused, _signatures

    with pytest.raises(SignatureRefused) as caught:
        _signatures.read(text)
    return caught.value


def test_importing_the_bridge_or_the_commands_imports_no_dspy() -> None:
    program = "import sys, gorgon, gorgon.programs; print([m for m in sys.modules if m.split('.')[0] == 'dspy'])"
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": SOURCES}, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_without_dspy_it_says_what_to_install() -> None:
    program = (
        "import sys\n"
        "class Nothing:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'dspy':\n"
        "            raise ModuleNotFoundError('no', name='dspy')\n"
        "sys.meta_path.insert(0, Nothing())\n"
        "import gorgon.programs as p\n"
        "try:\n"
        "    p.ping()\n"
        "except p.NotInstalled as e:\n"
        "    print(e)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": SOURCES}, capture_output=True, text=True, check=True
    )
    assert "pip install dspy" in done.stdout


@pytest.mark.parametrize(
    ("text", "position", "why"),
    [
        ("", 0, "no '->'"),
        ("question", 8, "no '->'"),
        ("a -> b -> c", 7, "second"),
        ("-> a", 0, "no input"),
        ("a ->", 4, "no output"),
        ("a, -> b", 2, "name is missing"),
        ("a b -> c", 0, "no name"),
        ("a: -> c", 2, "type is missing"),
        ("a: str(1) -> c", 3, "no type"),
        ("a: 5 -> c", 3, "no type"),
        ("a: list[ -> c", 7, "not closed"),
        ("a: int] -> c", 6, "closes nothing"),
        ("a: Literal['x -> c", 11, "not closed"),
        ("a: Literal[x] -> c", 11, "lists texts"),
        ("a: int[str] -> c", 3, "no type"),
        ("é, ü: strr -> c", 6, "did you mean 'str'"),
        ("a: nowhere.Thing -> c", 3, "cannot be imported"),
        ("a: os.path -> c", 3, "no class"),
        ("a: os.Nothing -> c", 3, "no 'Nothing' in 'os'"),
        ("a -> a", 5, "two fields"),
        ("a, a -> b", 3, "two fields"),
        ("lm -> a", 0, "keeps for itself"),
        ("_a -> b", 0, "keeps for itself"),
        ("a -> if", 5, "no name"),
    ],
)
def test_a_wrong_signature_is_refused_with_its_position(text: str, position: int, why: str) -> None:
    error = refused(text)
    assert (error.details["position"], error.details["text"]) == (position, text)
    assert why in error.details["reason"]
    assert f"at character {position + 1}" in str(error) or not text


def test_types_are_what_they_are_in_python() -> None:
    import typing
    from collections import OrderedDict

    from gorgon.programs import _signatures

    inputs, outputs = _signatures.read(
        "a, b: int, c: list[dict[str, float]], d: str | None, e: Optional[int] -> f: Literal['x, ->'.__len__]".replace(
            ".__len__", ""
        ).replace(", ->", ",")
        + ", g: tuple[int, ...], "
        "h: collections.OrderedDict, i: Union[int, str]"
    )
    types = {field.name: field.type for field in [*inputs, *outputs]}
    assert types == {
        "a": None,
        "b": int,
        "c": list[dict[str, float]],
        "d": typing.Optional[str],
        "e": typing.Optional[int],
        "f": typing.Literal["x,"],
        "g": tuple[int, ...],
        "h": OrderedDict,
        "i": typing.Union[int, str],
    }


def test_fields_are_refused_by_their_place() -> None:
    assert refused(5).details["where"] == "signature"
    assert refused({"fields": [{"name": "a", "input": True}, 5]}).details["where"] == "fields[1]"
    assert refused({"fields": [{"name": 5}]}).details["where"] == "fields[0].name"
    wrong = refused({"fields": [{"name": "a", "input": True}, {"name": "b", "type": "strr"}]})
    assert (wrong.details["where"], wrong.details["text"]) == ("fields[1].type", "strr")
    assert "no output" in str(refused({"fields": [{"name": "a", "input": True}]}))


def test_what_java_reads_stands_in_a_note() -> None:
    import json

    from gorgon.programs import UnknownProgram
    from gorgon.programs._errors import NOTE

    notes = UnknownProgram("x", ["b", "a"]).__notes__
    assert json.loads(notes[0][len(NOTE) :]) == {"name": "x", "names": ["a", "b"]}


def test_a_note_is_never_so_long_that_it_is_cut() -> None:
    from gorgon._failures import MESSAGE_LIMIT
    from gorgon.programs import InputsRefused, UnknownProgram

    many = [f"{number}" * 100 for number in range(100)]
    for error in (
        refused("é" * 10_000),
        UnknownProgram("x" * 10_000, many),
        InputsRefused("p", many, many, dict.fromkeys(many, "y" * 10_000)),
    ):
        note = error.__notes__[0]
        assert len(note) < MESSAGE_LIMIT // 4


# ---- on DSPy


@pytest.fixture
def dspy() -> Any:
    pytest.importorskip("dspy", exc_type=ImportError)
    from gorgon.programs._dspy import dspy

    return dspy()


def model(dspy: Any, *answers: dict[str, str]) -> Any:
    from gorgon.programs._models import Model

    return Model("dummy", import_module("dspy.utils").DummyLM(list(answers)), "sk-secret", None)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_program_is_made_of_its_definition_and_state(dspy: Any) -> None:
    from gorgon.programs import _building
    from gorgon.programs._models import speaking
    from gorgon.programs._running import told

    definition = {"kind": "chain_of_thought", "signature": "question -> answer: int"}
    program = _building.build(definition)
    predictor = program.module.predictors()[0]
    predictor.demos = [dspy.Example(question="a", reasoning="b", answer=1).with_inputs("question")]
    state = _building.state_of(program.module)

    cache: dict[Any, Any] = {}
    again = _building.live({"definition": definition, "state": state}, cache)
    with speaking(model(dspy, {"reasoning": "well", "answer": "42"})) as client:
        made = told(again.module(question="?"), client, {"history": 1})

    assert made["outputs"] == {"reasoning": "well", "answer": 42}
    assert len(made["history"]) == 1
    assert again.module.predictors()[0].demos[0]["reasoning"] == "b"
    assert _building.live({"definition": definition, "state": state}, cache) is again
    assert _building.live({"definition": definition, "state": None}, cache) is not again
    assert _building.demos_in(state) == 1


def test_a_state_of_another_program_is_refused(dspy: Any) -> None:
    from gorgon.programs import StateRefused, _building

    predict = _building.build({"kind": "predict", "signature": "question -> answer"}).module
    thought = _building.build({"kind": "chain_of_thought", "signature": "question -> answer"}).module
    for module, state in (
        (predict, _building.state_of(thought)),
        (thought, _building.state_of(predict)),
        (predict, {}),
        (predict, []),
        (predict, {"demos": 5, "signature": 5}),
    ):
        with pytest.raises(StateRefused):
            _building.load_state(module, state)


def test_a_field_that_hides_something_of_dspys_is_refused_with_its_position(dspy: Any) -> None:
    from gorgon.programs import SignatureRefused, _building

    with pytest.raises(SignatureRefused) as caught:
        _building.build({"kind": "predict", "signature": "question -> json"})
    assert caught.value.details["position"] == 12


def test_a_tool_cannot_take_a_name_twice_or_that_of_the_end(dspy: Any) -> None:
    from gorgon.programs import SignatureRefused, _building

    for names in (["finish"], ["a", "a"], ["no name"]):
        tools = [{"name": name, "description": "x"} for name in names]
        with pytest.raises(SignatureRefused, match=r"tools\[\d\]"):
            _building.build({"kind": "react", "signature": "q -> a", "tools": tools})


def test_no_key_is_in_a_failure_or_in_what_caused_it(dspy: Any) -> None:
    from gorgon.programs import LanguageModelFailed
    from gorgon.programs._models import speaking

    with pytest.raises(LanguageModelFailed) as caught, speaking(model(dspy, {"a": "b"})):
        raise dspy.LMAuthError("wrong key: sk-secret", model="dummy", status=401)
    assert caught.value.details["kind"] == "UNAUTHORIZED"
    assert "sk-secret" not in "".join(traceback.format_exception(caught.type, caught.value, caught.tb))
    assert "***" in str(caught.value)


def test_the_oldest_shared_program_goes_when_there_are_many() -> None:
    from gorgon.programs import _building

    shared = _building.Shared()
    for number in range(_building._MOST + 1):
        shared[number] = number
    assert 0 not in shared
    assert len(shared) == _building._MOST


def test_every_optimizer_that_is_named_is_there(dspy: Any) -> None:
    from gorgon.programs._improving import OPTIMIZERS

    assert [name for name in OPTIMIZERS if not hasattr(dspy, name)] == []


# ---- streams


class Endless:
    """Stands for DSPy's stream of a program: values without an end, counted, on a task group as DSPy's are."""

    def __init__(self, dspy: Any) -> None:
        self.made = 0
        self.raises = False
        self.closed_by: list[Any] = []
        self._value = dspy.streaming.StreamResponse("self", "answer", "x", False)

    async def __call__(self, **_inputs: Any) -> Any:
        task = asyncio.current_task()
        try:
            while True:
                await asyncio.sleep(0)
                self.made += 1
                yield self._value
        except asyncio.CancelledError:
            if self.raises:
                raise RuntimeError("the connection was closed") from None
            raise
        finally:
            self.closed_by.append(asyncio.current_task() is task)


def endless(dspy: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[Endless, Any]:
    from gorgon.programs import _building, _running

    made = Endless(dspy)
    monkeypatch.setattr("dspy.streaming.streamify", lambda *_given, **_named: made)
    monkeypatch.setattr(_running, "model", lambda _settings: model(dspy, {"answer": "x"}))
    program = _building.build({"kind": "predict", "signature": "question -> answer"})
    return made, _running.pieces("qa", program, {"question": "?"}, {})


def test_a_stream_makes_only_a_few_pieces_ahead_of_who_takes_them(dspy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from gorgon.programs._running import AHEAD

    async def take() -> None:
        made, pieces = endless(dspy, monkeypatch)
        for taken in range(1, 100):
            assert (await pieces.__anext__())["text"] == "x"
            for _ in range(500):
                await asyncio.sleep(0)
            # One more is in the hands of who waits for room.
            assert made.made == taken + AHEAD + 1
        await pieces.aclose()

    asyncio.run(take())


@pytest.mark.parametrize("turns", [0, 1, 5, 200])
def test_a_stream_that_is_given_up_ends_its_program_in_its_own_task(
    dspy: Any, monkeypatch: pytest.MonkeyPatch, turns: int
) -> None:
    async def take() -> Endless:
        made, pieces = endless(dspy, monkeypatch)
        await pieces.__anext__()
        for _ in range(turns):
            await asyncio.sleep(0)
        await pieces.aclose()
        return made

    made = asyncio.run(take())
    assert made.closed_by == [True]


def test_what_a_program_raises_while_it_is_given_up_is_nobodys(dspy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def take() -> list[Any]:
        complaints: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda _loop, told: complaints.append(told))
        made, pieces = endless(dspy, monkeypatch)
        made.raises = True
        await pieces.__anext__()
        await pieces.aclose()
        assert made.closed_by == [True]
        del pieces
        gc.collect()
        return complaints

    assert asyncio.run(take()) == []
