"""DSPy programs: the commands behind `io.gorgon.dspy`, on real DSPy, which is imported with the first of them.

Two roads lead here. Commands of a *session* find the programs in `gorgon.session.state`, and change them there: create,
execute, delete and so on, one after another, whichever worker runs them. The *plain* ones (`run`, `run_stream`,
`score`, `improve`) are given a program's record with the call, so that any number of workers can run it at once.
Live modules are kept in `gorgon.session.cache`, or in this process, by what the record says; a worker that has them not
makes them anew.

Everything is kept as JSON: definitions, DSPy's own states, statistics. Nothing is pickled.
"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import AsyncIterator
from typing import Any

from gorgon._running import worker
from gorgon._sessions import session
from gorgon._shelf import unpack_value
from gorgon.programs import _building, _improving, _running
from gorgon.programs._building import Record
from gorgon.programs._dspy import dspy
from gorgon.programs._errors import (
    DuplicateProgram,
    InputsRefused,
    LanguageModelFailed,
    NotInstalled,
    ProgramChanged,
    ProgramError,
    SignatureRefused,
    StateRefused,
    UnknownProgram,
)

__all__ = [
    "DuplicateProgram",
    "InputsRefused",
    "LanguageModelFailed",
    "NotInstalled",
    "ProgramChanged",
    "ProgramError",
    "SignatureRefused",
    "StateRefused",
    "UnknownProgram",
]

PROGRAM = "gorgon.program/"  # then the name: a record
USED = "gorgon.program-used/"  # then the name: statistics
MODEL = "gorgon.program-model"
HISTORY = "gorgon.program-history"
_LONGEST_NAME = 200
_FORMAT = 1
_HISTORY_BYTES = 64 << 10

How = dict[str, Any]


def ping() -> dict[str, Any]:
    """Whether DSPy is here. Raises NotInstalled."""
    return {"dspy": str(dspy().__version__), "python": platform.python_version(), "worker": worker()}


def touch() -> None:
    """Do nothing, in a session: which so counts as used."""


# ---- commands of a session


def create(name: str, definition: dict[str, Any]) -> dict[str, Any]:
    """Make a program, and keep its definition. Raises DuplicateProgram, SignatureRefused, NotInstalled."""
    _check_name(name)
    if PROGRAM + name in session.state:
        raise DuplicateProgram(name)
    return _keep(name, _new(definition, None))


def load(name: str, definition: dict[str, Any], text: str) -> dict[str, Any]:
    """Make a program from a definition and a state that was saved, here or by DSPy. Raises StateRefused, too."""
    _check_name(name)
    if PROGRAM + name in session.state:
        raise DuplicateProgram(name)
    try:
        state = json.loads(text)
    except ValueError as error:
        raise StateRefused(f"a saved state is JSON, and this is none: {error}") from None
    if type(state) is dict:
        state.pop("metadata", None)
    return _keep(name, _new(definition, state))


def save(name: str) -> str:
    """The program's state as DSPy saves it: JSON text, for `load` and for ``dspy.Module.load``."""
    record = _record(name)
    state = _building.state_of(_building.revive(record).module)
    return json.dumps({**state, "metadata": {"dependency_versions": _building.versions()}}, indent=2)


def execute(name: str, inputs: dict[str, Any], how: How) -> dict[str, Any]:
    """Run a program; see `_running.predict`. Raises UnknownProgram, InputsRefused, LanguageModelFailed."""
    program = _building.live(_record(name), session.cache)
    prediction = _running.predict(name, program, inputs, _how(how))
    _count(name, prediction, how)
    return prediction


def stream(name: str, inputs: dict[str, Any], how: How) -> AsyncIterator[dict[str, Any]]:
    """The same, piece by piece."""
    program = _building.live(_record(name), session.cache)
    return _running.pieces(name, program, inputs, _how(how), lambda prediction: _count(name, prediction, how))


def optimize(name: str, given: dict[str, Any], examples: list[dict[str, Any]], how: How) -> dict[str, Any]:
    """Let an optimizer improve a program, and keep the result in its place."""
    record = _record(name)
    result = _improving.optimize(record, given, examples, _how(how))
    session.state[PROGRAM + name] = {**record, "state": result.pop("state"), "optimizer": given.get("name")}
    return result


def accept(name: str, fingerprint: str, state: dict[str, Any], optimizer: str) -> None:
    """Keep what `improve` has found, if the program is still the one that it was found for."""
    record = session.state.get(PROGRAM + name)
    if record is None or _building.fingerprint(record) != fingerprint:
        raise ProgramChanged(name)
    session.state[PROGRAM + name] = {**record, "state": state, "optimizer": optimizer}


def list_all() -> dict[str, Any]:
    """All programs, in the order of their names."""
    programs = [describe(name) for name in _names()]
    return {"programs": programs, "total_count": len(programs)}


def describe(name: str) -> dict[str, Any]:
    """One program: its definition, what was made of it, its statistics."""
    return _described(name, _record(name))


def statistics(name: str) -> dict[str, Any]:
    """How often it ran, and what that has cost."""
    _record(name)
    return _used(name)


def reset(name: str) -> dict[str, Any]:
    """Make it what it was when it was created: without demos, optimized instructions, statistics."""
    record = {**_record(name), "state": None, "optimizer": None}
    session.state.pop(USED + name, None)
    return _keep(name, record)


def delete(name: str) -> None:
    """Forget a program. Raises UnknownProgram."""
    _record(name)
    del session.state[PROGRAM + name]
    session.state.pop(USED + name, None)


def cleanup() -> int:
    """Forget all programs, the model and the history; the rest of the session's state stays. How many there were."""
    names = _names()
    for name in names:
        delete(name)
    for each in (MODEL, HISTORY):
        session.state.pop(each, None)
    session.cache.clear()
    return len(names)


def configure(settings: dict[str, Any] | None) -> None:
    """The language model of this session's programs, instead of the pool's; None for the pool's again."""
    if settings is None:
        session.state.pop(MODEL, None)
    else:
        session.state[MODEL] = settings


def history() -> list[dict[str, Any]]:
    """The last exchanges with the model, oldest first, if they are kept."""
    kept: list[dict[str, Any]] = session.state.get(HISTORY, [])
    return kept


# ---- plain commands, which are given the record


def run(name: str, packed: bytes, inputs: dict[str, Any], how: How) -> dict[str, Any]:
    """Run the program of a record."""
    return _running.predict(name, _building.live(unpack_value(packed), _building.shared), inputs, how)


def run_stream(name: str, packed: bytes, inputs: dict[str, Any], how: How) -> AsyncIterator[dict[str, Any]]:
    """The same, piece by piece."""
    program = _building.live(unpack_value(packed), _building.shared)
    return _running.pieces(name, program, inputs, how)


def score(name: str, packed: bytes, example: dict[str, Any], metric: Any, how: How) -> dict[str, Any]:
    """Run the program of a record on an example, and judge its prediction."""
    program = _building.live(unpack_value(packed), _building.shared)
    return _improving.score(name, program, example, metric, how)


def improve(packed: bytes, given: dict[str, Any], examples: list[dict[str, Any]], how: How) -> dict[str, Any]:
    """Let an optimizer improve the program of a record: the result, for `accept`."""
    record = unpack_value(packed)
    return {"fingerprint": _building.fingerprint(record), **_improving.optimize(record, given, examples, how)}


def run_once(definition: dict[str, Any], inputs: dict[str, Any], how: How) -> dict[str, Any]:
    """Run a program that nobody keeps."""
    record: Record = {"definition": definition, "state": None}
    return _running.predict("", _building.live(record, _building.shared), inputs, how)


# ---- what they have in common


def _check_name(name: Any) -> None:
    if type(name) is not str or not name.strip() or len(name) > _LONGEST_NAME:
        raise SignatureRefused(f"a program's name has 1 to {_LONGEST_NAME} characters", "name")


def _names() -> list[str]:
    return sorted(key[len(PROGRAM) :] for key in session.state if key.startswith(PROGRAM))


def _record(name: str) -> Record:
    record: Record | None = session.state.get(PROGRAM + str(name))
    if record is None:
        raise UnknownProgram(str(name), _names())
    return record


def _new(definition: dict[str, Any], state: Any) -> Record:
    return {
        "format": _FORMAT,
        "definition": definition,
        "state": state,
        "optimizer": None,
        "created": time.time(),
    }


def _keep(name: str, record: Record) -> dict[str, Any]:
    """Keep a record of which a program can be made: it is made, once."""
    _building.live(record, session.cache)
    session.state[PROGRAM + name] = record
    return _described(name, record)


def _described(name: str, record: Record) -> dict[str, Any]:
    return {
        "name": name,
        "definition": record["definition"],
        "created": record["created"],
        "optimizer": record.get("optimizer"),
        "demos": _building.demos_in(record.get("state")),
        "statistics": _used(name),
    }


def _used(name: str) -> dict[str, Any]:
    used: dict[str, Any] = session.state.get(USED + name) or {"executions": 0, "tokens": 0, "cost": 0.0, "last": None}
    return used


def _how(how: How) -> How:
    own = session.state.get(MODEL)
    return how if own is None else {**how, "model": own}


def _count(name: str, prediction: dict[str, Any], how: How) -> None:
    session.state[USED + name] = _running.count(_used(name), prediction)
    most = int(how.get("history") or 0)
    if most:
        kept = [*session.state.get(HISTORY, []), *prediction["history"]][-most:]
        while kept and len(json.dumps(kept)) > _HISTORY_BYTES:
            kept.pop(0)
        session.state[HISTORY] = kept
