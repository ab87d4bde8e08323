"""Programs: from a definition, which is data, to a live DSPy module, and its state back to data."""

from __future__ import annotations

import hashlib
import inspect
import shutil
import warnings
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Any

from gorgon._host import host
from gorgon._shelf import pack_value
from gorgon._targets import UnknownTarget, resolve
from gorgon.programs import _signatures
from gorgon.programs._dspy import dspy, part
from gorgon.programs._errors import InputsRefused, NotInstalled, SignatureRefused, StateRefused

Record = dict[str, Any]  # what is kept of a program: "definition", "state", "created"
_MOST = 256


class Program:
    """A live program: the module, what it takes, and what it gives."""

    def __init__(self, module: Any, signature: Any, untyped: frozenset[str]) -> None:
        self.module = module
        self.signature = signature  # None for a class of the user's
        self._untyped = untyped
        self._checks: dict[str, Any] = {}

    def inputs(self) -> tuple[set[str], set[str] | None]:
        """The names that it needs, and those that it takes; None for any."""
        if self.signature is not None:
            fields = self.signature.input_fields
            optional = {name for name, field in fields.items() if _takes_none(field.annotation)}
            return set(fields) - optional, set(fields)
        parameters = inspect.signature(self.module.forward).parameters.values()
        named = [each for each in parameters if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)]
        takes_any = any(each.kind is each.VAR_KEYWORD for each in parameters)
        needed = {each.name for each in named if each.default is each.empty}
        return needed, None if takes_any else {each.name for each in named}

    def checked(self, name: str, given: dict[str, Any]) -> dict[str, Any]:
        """The inputs as the types that the signature names. Raises InputsRefused."""
        needed, taken = self.inputs()
        missing = sorted(needed - set(given))
        unknown = sorted(set(given) - taken) if taken is not None else []
        values: dict[str, Any] = {}
        wrong: dict[str, str] = {}
        for key, value in given.items():
            self._check(key, value, values, wrong)
        if missing or unknown or wrong:
            raise InputsRefused(name, missing, unknown, wrong)
        return values

    def _check(self, key: str, value: Any, values: dict[str, Any], wrong: dict[str, str]) -> None:
        try:
            values[key] = self._as_type(key, value)
        except ValueError as error:
            wrong[key] = _first_line(error)

    def _as_type(self, key: str, value: Any) -> Any:
        if self.signature is None or key in self._untyped or key not in self.signature.input_fields:
            return value
        check = self._checks.get(key)
        if check is None:
            from pydantic import TypeAdapter

            check = self._checks[key] = TypeAdapter(self.signature.input_fields[key].annotation)
        return check.validate_python(value)


def _takes_none(annotation: Any) -> bool:
    return type(None) in getattr(annotation, "__args__", ())


def _first_line(error: ValueError) -> str:
    errors = getattr(error, "errors", None)
    if callable(errors):
        first = errors()[0]
        place = ".".join(map(str, first.get("loc", ())))
        return f"{'at ' + place + ' ' if place else ''}is wrong: {first.get('msg')}"
    return f"is wrong: {str(error).partition(chr(10))[0]}"


def build(definition: dict[str, Any]) -> Program:
    """The program of a definition. Raises SignatureRefused, NotInstalled, or what the user's class raises."""
    kind = definition.get("kind")
    maker = _KINDS.get(str(kind))
    if maker is None:
        raise SignatureRefused(f"there is no kind {kind!r} of programs, but {', '.join(_KINDS)}", "kind")
    if kind == "class":
        return Program(_of_class(definition), None, frozenset())
    signature, untyped = _signature(definition)
    return Program(maker(signature, definition), signature, untyped)


def _signature(definition: dict[str, Any]) -> tuple[Any, frozenset[str]]:
    module = dspy()
    inputs, outputs = _signatures.read(definition.get("signature"))
    fields: dict[str, Any] = {}
    for field in inputs:
        described = {"desc": field.description} if field.description else {}
        fields[field.name] = (field.type or str, module.InputField(**described))
    for field in outputs:
        described = {"desc": field.description} if field.description else {}
        fields[field.name] = (field.type or str, module.OutputField(**described))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # pydantic: a name that hides something
            made = module.Signature(fields, definition.get("instructions") or None)
    except Exception as error:
        text = str(error)
        guilty = next(
            (field for field in [*inputs, *outputs] if f'"{field.name}"' in text or f"'{field.name}'" in text), None
        )
        raise SignatureRefused(text, *(guilty.place if guilty else ("signature",))) from None
    return made, frozenset(field.name for field in inputs if field.type is None)


def _of_class(definition: dict[str, Any]) -> Any:
    target = definition.get("target")
    if type(target) is not str:
        raise SignatureRefused("a class is named by 'package.module:Class'", "target")
    try:
        made = resolve(target)(**(definition.get("arguments") or {}))
    except UnknownTarget as error:
        raise SignatureRefused(error.message, "target", target) from error.failure
    if not isinstance(made, dspy().Module):
        raise SignatureRefused(f"it makes a {type(made).__qualname__}, which is no dspy.Module", "target", target)
    return made


def _options(definition: dict[str, Any]) -> dict[str, Any]:
    return dict(definition.get("options") or {})


def _predict(signature: Any, definition: dict[str, Any]) -> Any:
    return dspy().Predict(signature, **_options(definition))


def _chain_of_thought(signature: Any, definition: dict[str, Any]) -> Any:
    return dspy().ChainOfThought(signature, **_options(definition))


def _react(signature: Any, definition: dict[str, Any]) -> Any:
    tools = [_tool(given, index) for index, given in enumerate(definition.get("tools") or [])]
    names = [tool.name for tool in tools]
    for index, name in enumerate(names):
        if name == "finish" or name in names[:index]:
            raise SignatureRefused(f"a tool cannot be called {name!r}: that name is taken", f"tools[{index}].name")
    return dspy().ReAct(signature, tools=tools, **_options(definition))


def _program_of_thought(signature: Any, definition: dict[str, Any]) -> Any:
    if shutil.which("deno") is None and not _has_module("deno"):
        raise NotInstalled("Deno, which program of thought runs code in,", "pip install 'dspy[deno]'")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that is for the user to decide, not for a worker's log
        return dspy().ProgramOfThought(signature, **_options(definition))


def _has_module(name: str) -> bool:
    from importlib.util import find_spec

    return find_spec(name) is not None


def _tool(given: dict[str, Any], index: int) -> Any:
    """A Java tool as DSPy sees it: keywords go to the JVM, what comes back is shown to the model."""
    name = given.get("name")
    if type(name) is not str or not name.isidentifier():
        raise SignatureRefused(f"{name!r} is no name for a tool", f"tools[{index}].name")
    arguments = given.get("arguments") or []

    def call(**keywords: Any) -> Any:
        return host.call(name, **keywords)

    call.__name__ = name
    types = {
        each["name"]: _signatures.type_of(each.get("type") or "str", f"tools[{index}].arguments.{each['name']}")
        for each in arguments
    }
    from pydantic import TypeAdapter

    schemas = {key: TypeAdapter(type_).json_schema() for key, type_ in types.items()}
    for each in arguments:
        if each.get("description"):
            schemas[each["name"]]["description"] = each["description"]
    return dspy().Tool(call, name=name, desc=given.get("description") or name, args=schemas, arg_types=types)


_KINDS: dict[str, Callable[[Any, dict[str, Any]], Any]] = {
    "predict": _predict,
    "chain_of_thought": _chain_of_thought,
    "react": _react,
    "program_of_thought": _program_of_thought,
    "class": lambda _signature, definition: _of_class(definition),
}


# ---- states


def state_of(module: Any) -> dict[str, Any]:
    """What DSPy saves of a module: demos, instructions. Without language models: those come with the calls."""
    module.set_lm(None)
    state: dict[str, Any] = module.dump_state(json_mode=True)
    return state


def load_state(module: Any, state: Any) -> None:
    """Take such a state in. Raises StateRefused, and leaves the module as it was."""
    if type(state) is not dict:
        raise StateRefused("a saved state is a JSON object")
    state = {name: value for name, value in state.items() if name != "metadata"}
    flat = isinstance(module, dspy().Predict)  # its state stands alone, that of others has a part for each predictor
    wanted = {"demos", "signature"} if flat else {name for name, _ in module.named_parameters()}
    found = set(state) & wanted if flat and wanted <= set(state) else set(state)
    if wanted != found:
        raise StateRefused(
            f"the saved state is of a program with {sorted(found)}, this one has {sorted(wanted)}",
            wanted=sorted(wanted),
            found=sorted(found),
        )
    try:
        module.load_state(
            {**state, "lm": None} if flat else {name: {**part, "lm": None} for name, part in state.items()}
        )
    except Exception as error:
        raise StateRefused(f"DSPy refused the saved state: {type(error).__name__}: {error}") from error


def demos_in(state: Any) -> int:
    """How many demos a state has."""
    if not state:
        return 0
    parts = [state] if "demos" in state else [part for part in state.values() if type(part) is dict]
    return sum(len(part.get("demos", ())) for part in parts)


def versions() -> dict[str, str]:
    """The versions that DSPy notes in what it saves."""
    found: dict[str, str] = part("utils.saving").get_dependency_versions()
    return found


# ---- live programs


def fingerprint(record: Record) -> str:
    """Tells programs apart that do not do the same."""
    return hashlib.sha256(pack_value([record["definition"], record.get("state")])).hexdigest()


def live(record: Record, cache: dict[Any, Any]) -> Program:
    """The program of a record; made anew only if the cache has it not."""
    mark = ("gorgon.programs", fingerprint(record))
    found = cache.get(mark)
    if found is None:
        found = revive(record)
        cache[mark] = found
    made: Program = found
    return made


def revive(record: Record) -> Program:
    """A new live program of a record."""
    program = build(record["definition"])
    if record.get("state") is not None:
        load_state(program.module, record["state"])
    return program


class Shared(dict[Any, Any]):
    """The live programs of calls that belong to no session; the oldest goes when there are many."""

    def __init__(self) -> None:
        super().__init__()
        self._order: OrderedDict[Any, None] = OrderedDict()
        self._lock = Lock()

    def __setitem__(self, key: Any, value: Any) -> None:
        with self._lock:
            super().__setitem__(key, value)
            self._order[key] = None
            while len(self._order) > _MOST:
                super().pop(self._order.popitem(last=False)[0], None)


shared = Shared()
