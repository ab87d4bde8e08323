"""Targets: from ``module:function`` or ``module:Class.method`` to what is called."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
import sys
from collections.abc import Callable, Iterable
from typing import Any

from gorgon._running import Cancelled

MALFORMED = "MALFORMED"
MODULE_MISSING = "MODULE_MISSING"
IMPORT_FAILED = "IMPORT_FAILED"
ATTRIBUTE_MISSING = "ATTRIBUTE_MISSING"
NOT_CALLABLE = "NOT_CALLABLE"


class UnknownTarget(Exception):
    """A target that cannot be called. ``failure`` is what its module raised, if that was the cause."""

    def __init__(self, reason: str, target: str, message: str, failure: BaseException | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.target = target
        self.message = message
        self.failure = failure


def resolve(target: str) -> Callable[..., Any]:
    """Import the module of a target and take the function out of it. Raises UnknownTarget."""
    module_name, colon, attributes = target.partition(":")
    if not colon or not _dotted(module_name) or not _dotted(attributes):
        raise UnknownTarget(MALFORMED, target, f"{target!r} is not of the form 'package.module:function'")
    found: Any = _module(target, module_name)
    path = module_name
    for attribute in attributes.split("."):
        found = _attribute(target, found, path, attribute)
        path += ("." if path != module_name else ":") + attribute
    if not callable(found):
        raise UnknownTarget(NOT_CALLABLE, target, f"{path} is {_article(found)}, which cannot be called")
    function: Callable[..., Any] = found
    return function


def _dotted(name: str) -> bool:
    return all(part.isidentifier() for part in name.split("."))


def _module(target: str, name: str) -> Any:
    try:
        return importlib.import_module(name)
    except Cancelled:
        raise  # the call was cancelled while it imported
    except ModuleNotFoundError as error:
        # The module itself or a package that it is in; anything else is missing for the module, not for us.
        missing = error.name
        if missing is None or not (name + ".").startswith(missing + "."):
            raise _import_failed(target, name, error) from error
        message = f"there is no module {missing!r} in the {len(sys.path)} entries of sys.path"
        raise UnknownTarget(MODULE_MISSING, target, message + _similar(missing, _siblings(missing))) from None
    except BaseException as error:  # SystemExit too: a module cannot stop the worker
        raise _import_failed(target, name, error) from error


def _import_failed(target: str, name: str, error: BaseException) -> UnknownTarget:
    return UnknownTarget(IMPORT_FAILED, target, f"importing {name!r} raised {type(error).__name__}", error)


def _attribute(target: str, owner: Any, path: str, name: str) -> Any:
    try:
        return getattr(owner, name)
    except Cancelled:
        raise
    except AttributeError:
        message = f"{path} has no attribute {name!r}{_similar(name, _names(owner))}"
        raise UnknownTarget(ATTRIBUTE_MISSING, target, message) from None
    except BaseException as error:  # a __getattr__ of the user's
        message = f"looking for {name!r} in {path} raised {type(error).__name__}"
        raise UnknownTarget(ATTRIBUTE_MISSING, target, message, error) from error


def _article(value: Any) -> str:
    kind = type(value).__qualname__
    return f"{'an' if kind[:1].lower() in 'aeiou' else 'a'} {kind}"


def _similar(name: str, names: Iterable[str]) -> str:
    close = difflib.get_close_matches(name.rpartition(".")[2], names, n=3)
    return f"; similar names: {', '.join(close)}" if close else ""


def _names(owner: Any) -> list[str]:
    try:
        return [name for name in dir(owner) if not name.startswith("_")]
    except Exception:  # a __dir__ of the user's
        return []


def _siblings(module: str) -> list[str]:
    """The names of the modules beside the one that is missing."""
    package = module.rpartition(".")[0]
    try:
        path = list(sys.modules[package].__path__) if package else None
        return [found.name for found in pkgutil.iter_modules(path)]
    except Exception:  # no package after all, or an entry of sys.path that cannot be listed
        return []
