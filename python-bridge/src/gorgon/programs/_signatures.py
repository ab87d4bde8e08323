"""Signatures: what goes into a program and what comes out, as text or as fields, read strictly.

DSPy reads them too, but takes what it does not understand for something else, or tells no place. Here every fault is
refused with its position. Types are the names below with their parameters, or the dotted name of a class to import.
"""

from __future__ import annotations

import ast
import difflib
import importlib
import keyword
import typing
from collections.abc import Iterator
from typing import Any

from gorgon.programs._errors import SignatureRefused

ARROW = "->"
TYPES: dict[str, Any] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "bytes": bytes,
    "list": list,
    "dict": dict,
    "tuple": tuple,
    "set": set,
    "frozenset": frozenset,
    "None": type(None),
    "NoneType": type(None),
    **{name: getattr(typing, name) for name in ("Any", "List", "Dict", "Tuple", "Set", "Optional", "Union", "Literal")},
}
# DSPy takes these for its own, wherever inputs are given by name.
_RESERVED = frozenset(("signature", "new_signature", "demos", "config", "lm", "prediction", "trajectory", "self"))


class Field:
    """One input or output. ``type`` is None where the text names none."""

    def __init__(self, name: str, type_: Any, description: str | None, place: tuple[str, str, int]) -> None:
        self.name = name
        self.type = type_
        self.description = description
        self.place = place  # where, text, position: for those who find a fault later


Fields = tuple[list[Field], list[Field]]


def read(signature: Any) -> Fields:
    """The inputs and outputs of a signature, text or ``{"fields": [...]}``. Raises SignatureRefused."""
    if type(signature) is str:
        inputs, outputs = _of_text(signature)
    elif type(signature) is dict and type(signature.get("fields")) is list:
        inputs, outputs = _of_fields(signature["fields"])
    else:
        raise SignatureRefused("it is neither a text nor a list of fields", "signature")
    seen: set[str] = set()
    for field in [*inputs, *outputs]:
        if field.name in seen:
            raise SignatureRefused(f"there are two fields {field.name!r}", *field.place)
        seen.add(field.name)
    if not inputs or not outputs:
        text = signature if type(signature) is str else ""
        missing = "input" if not inputs else "output"
        position = 0 if not inputs or not text else len(text)
        raise SignatureRefused(f"there is no {missing}", "signature", text, position)
    return inputs, outputs


def _of_text(text: str) -> Fields:
    where = "signature"
    arrow = text.find(ARROW)
    if arrow < 0:
        raise SignatureRefused(f"there is no '{ARROW}' between inputs and outputs", where, text, len(text))
    second = text.find(ARROW, arrow + 1)
    if second >= 0:
        raise SignatureRefused(f"there is a second '{ARROW}'", where, text, second)
    inputs = [_field_of(text, start, end) for start, end in _parts(text, 0, arrow)]
    outputs = [_field_of(text, start, end) for start, end in _parts(text, arrow + len(ARROW), len(text))]
    return inputs, outputs


def _parts(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Where the fields between two places are: split at commas outside of brackets and quotes."""
    if not text[start:end].strip():
        return
    open_: list[int] = []
    quote = ""
    begin = start
    for at in range(start, end):
        letter = text[at]
        if quote:
            quote = "" if letter == quote and text[at - 1] != "\\" else quote
        elif letter in "'\"":
            quote, quoted = letter, at
        elif letter in "[(":
            open_.append(at)
        elif letter in "])":
            if not open_:
                raise SignatureRefused(f"{letter!r} closes nothing", "signature", text, at)
            open_.pop()
        elif letter == "," and not open_:
            yield begin, at
            begin = at + 1
    if quote:
        raise SignatureRefused("a quote is not closed", "signature", text, quoted)
    if open_:
        raise SignatureRefused("a bracket is not closed", "signature", text, open_[-1])
    yield begin, end


def _field_of(text: str, start: int, end: int) -> Field:
    part = text[start:end]
    colon = part.find(":")
    name = (part if colon < 0 else part[:colon]).strip()
    position = start + len(part) - len(part.lstrip()) if name else start
    place = ("signature", text, position)
    _check_name(name, place)
    if colon < 0:
        return Field(name, None, None, place)
    return Field(name, _type_of(text, start + colon + 1, end, "signature"), None, place)


def _check_name(name: str, place: tuple[str, str, int]) -> None:
    if not name:
        raise SignatureRefused("a field's name is missing", *place)
    if not name.isidentifier() or keyword.iskeyword(name):
        raise SignatureRefused(f"{name!r} is no name for a field", *place)
    if name.startswith("_") or name in _RESERVED:
        raise SignatureRefused(f"{name!r} is a name that DSPy keeps for itself", *place)


def _of_fields(fields: list[Any]) -> Fields:
    inputs: list[Field] = []
    outputs: list[Field] = []
    for index, given in enumerate(fields):
        where = f"fields[{index}]"
        if type(given) is not dict:
            raise SignatureRefused("a field is a map with 'name' and 'input'", where)
        name = given.get("name")
        place = (f"{where}.name", name if type(name) is str else "", 0)
        _check_name(name if type(name) is str else "", place)
        text = given.get("type")
        type_ = None
        if text is not None:
            if type(text) is not str:
                raise SignatureRefused("a type is a text", f"{where}.type")
            type_ = _type_of(text, 0, len(text), f"{where}.type")
        field = Field(str(name), type_, given.get("description"), place)
        (inputs if given.get("input") else outputs).append(field)
    return inputs, outputs


def type_of(text: str, where: str) -> Any:
    """The type of that name. Raises SignatureRefused."""
    return _type_of(text, 0, len(text), where)


def _type_of(text: str, start: int, end: int, where: str) -> Any:
    part = text[start:end]
    begin = start + len(part) - len(part.lstrip())
    stripped = part.strip()
    if not stripped:
        raise SignatureRefused("a type is missing", where, text, start)
    try:
        tree = ast.parse(stripped, mode="eval")
    except SyntaxError as error:
        position = begin + max(0, (error.offset or 1) - 1)
        raise SignatureRefused(f"{stripped!r} is no type", where, text, min(position, len(text))) from None
    return _Types(where, text, begin, stripped).read(tree.body)


class _Types:
    """Makes a type of a parsed expression, without evaluating it."""

    def __init__(self, where: str, text: str, begin: int, part: str) -> None:
        self._where = where
        self._text = text
        self._begin = begin
        self._bytes = part.encode()

    def _refuse(self, node: ast.expr, message: str) -> SignatureRefused:
        # The parser counts bytes.
        position = self._begin + len(self._bytes[: node.col_offset].decode(errors="ignore"))
        return SignatureRefused(message, self._where, self._text, position)

    def read(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Constant) and node.value is None:
            return type(None)
        if isinstance(node, ast.Name):
            if node.id not in TYPES:
                near = difflib.get_close_matches(node.id, TYPES, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                raise self._refuse(node, f"there is no type {node.id!r}{hint}")
            return TYPES[node.id]
        if isinstance(node, ast.Attribute):
            return self._imported(node)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            return typing.Union[self.read(node.left), self.read(node.right)]
        if isinstance(node, ast.Subscript):
            return self._parametrized(node)
        raise self._refuse(node, f"{ast.unparse(node)!r} is no type")

    def _parametrized(self, node: ast.Subscript) -> Any:
        outer = self.read(node.value)
        inner: list[ast.expr] = list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
        if outer is typing.Literal:
            for each in inner:
                if not isinstance(each, ast.Constant):
                    raise self._refuse(each, "a Literal lists texts, numbers and booleans")
            parameters = tuple(each.value for each in inner if isinstance(each, ast.Constant))
        else:
            parameters = tuple(... if _is_dots(each) else self.read(each) for each in inner)
        try:
            return outer[parameters if len(parameters) > 1 else parameters[0]]
        except (TypeError, IndexError) as error:
            raise self._refuse(node, f"{ast.unparse(node)!r} is no type ({error})") from None

    def _imported(self, node: ast.Attribute) -> Any:
        name = ast.unparse(node)
        module, _, attribute = name.rpartition(".")
        if not all(step.isidentifier() for step in name.split(".")):
            raise self._refuse(node, f"{name!r} is no type")
        try:
            found = getattr(importlib.import_module(module), attribute)
        except ImportError as error:
            raise self._refuse(node, f"{module!r} cannot be imported: {error}") from None
        except AttributeError:
            raise self._refuse(node, f"there is no {attribute!r} in {module!r}") from None
        if not isinstance(found, type) and typing.get_origin(found) is None:
            raise self._refuse(node, f"{name!r} is no class")
        return found


def _is_dots(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is ...
