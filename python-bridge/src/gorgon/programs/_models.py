"""Language models: from the settings that each call carries to DSPy's client, kept in this process for the next call.

The settings name where the key is, never the key: an environment variable of the worker, or a secret that the JVM
gives when it is asked. So nothing has to be told to a new worker, and no key is in a state, a request or a log.
"""

from __future__ import annotations

import json
import os
import traceback
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from gorgon._errors import HostError
from gorgon._host import host
from gorgon.programs._dspy import dspy
from gorgon.programs._errors import LanguageModelFailed, NotInstalled

SECRET_TOOL = "gorgon.programs.secret"  # noqa: S105 - a tool's name
_MOST = 32
_ADAPTERS = {"chat": "ChatAdapter", "json": "JSONAdapter", "xml": "XMLAdapter"}
_lock = Lock()
_models: OrderedDict[str, Model] = OrderedDict()


class Model:
    """A client and what belongs to it."""

    def __init__(self, name: str, client: Any, key: str | None, adapter: Any) -> None:
        self.name = name
        self.client = client
        self.key = key
        self.adapter = adapter

    def redact(self, text: str) -> str:
        """The text without the key."""
        return text.replace(self.key, "***") if self.key else text

    def drop(self) -> None:
        """Forget it: the next call makes a new one, and asks for the key again."""
        with _lock:
            for settings in [settings for settings, model in _models.items() if model is self]:
                del _models[settings]


def model(settings: dict[str, Any] | None) -> Model:
    """The model of such settings. Raises LanguageModelFailed where there is none, or no key."""
    if settings is None:
        raise LanguageModelFailed("MISCONFIGURED", "no model", "no language model was configured for this program")
    name = json.dumps(settings, sort_keys=True)
    with _lock:
        found = _models.get(name)
        if found is not None:
            _models.move_to_end(name)
            return found
    made = _make(settings)
    with _lock:
        _models[name] = made
        while len(_models) > _MOST:
            _models.popitem(last=False)
    return made


def _make(settings: dict[str, Any]) -> Model:
    name = str(settings["model"])
    key = _key(name, settings.get("key"))
    options = dict(settings.get("options") or {})
    options["cache"] = bool(settings.get("cache", False))
    if settings.get("base_url"):
        options["api_base"] = settings["base_url"]
    if key is not None:
        options["api_key"] = key
    module = dspy()
    adapter = settings.get("adapter")
    try:
        client = module.LM(name, **options)
        made = getattr(module, _ADAPTERS[adapter])() if adapter else None
    except ImportError as error:
        raise NotInstalled(f"what {name} needs", str(error)) from None
    except Exception as error:
        message = str(error).replace(key, "***") if key else str(error)
        raise LanguageModelFailed("MISCONFIGURED", name, f"{type(error).__name__}: {message}") from None
    return Model(name, client, key, made)


def _key(model: str, where: Any) -> str | None:
    if not where:
        return None
    variable = where.get("environment")
    if variable:
        key = os.environ.get(variable)
        if not key:
            raise LanguageModelFailed(
                "MISCONFIGURED",
                model,
                f"the environment variable {variable} is not set in the worker: set it for the JVM, or in the pool's"
                " setting 'environment'",
            )
        return key
    try:
        return str(host.call(SECRET_TOOL, where["secret"]))
    except HostError as error:
        message = f"the secret {where['secret']!r} cannot be had: {error.type}"  # its message may tell too much
        raise LanguageModelFailed("MISCONFIGURED", model, message) from None


@contextmanager
def speaking(using: Model) -> Iterator[Any]:
    """DSPy's settings for one call, with a client whose history is this call's alone.

    Raises LanguageModelFailed for what DSPy raises about the model, without the key in it.
    """
    module = dspy()
    client = using.client.copy()
    with module.context(lm=client, adapter=using.adapter, track_usage=True):
        try:
            yield client
        except (module.LMError, module.AdapterParseError) as error:
            failed = _failed(using, error)
            told = "".join(traceback.format_exception(type(error), error, error.__traceback__))
            if using.key and using.key in told:
                raise failed from None
            raise failed from error


def _failed(using: Model, error: Any) -> LanguageModelFailed:
    kind = kind_of(error)
    if kind == "UNAUTHORIZED":
        using.drop()
    message = using.redact(str(error)).strip().partition("\n\n  To fix:")[0]
    return LanguageModelFailed(
        kind,
        using.name,
        message[:2000],
        getattr(error, "status", None),
        getattr(error, "retry_after", None),
    )


def kind_of(error: BaseException) -> str:
    """One word for what went wrong. The libraries' classes decide; their causes where a class says too little."""
    module = dspy()
    causes = list(_chain(error))
    names = {type(each).__name__ for each in causes}
    if isinstance(error, module.AdapterParseError):
        return "MALFORMED"
    if isinstance(error, module.LMRateLimitError):
        return "RATE_LIMIT"
    if isinstance(error, module.LMTimeoutError) or any(isinstance(each, TimeoutError) for each in causes):
        return "TIMEOUT"
    if isinstance(error, module.LMTransportError):
        return "TIMEOUT" if "timed out" in str(error) else "UNREACHABLE"
    if isinstance(error, (module.LMAuthError, module.LMBillingError)):
        return "UNAUTHORIZED"
    if isinstance(error, module.ContextWindowExceededError):
        return "CONTEXT_WINDOW"
    if isinstance(error, module.LMInvalidRequestError):
        return "REFUSED"
    if isinstance(error, (module.LMConfigurationError, module.LMUnsupportedFeatureError)):
        return "MISCONFIGURED"
    if "JSONDecodeError" in names or "is not JSON" in str(error) or isinstance(error, module.LMStreamAssemblyError):
        return "MALFORMED"
    if names & {"APIConnectionError", "ConnectError"} or any(isinstance(each, ConnectionError) for each in causes):
        return "UNREACHABLE"
    if isinstance(error, module.LMServerError):
        return "SERVER_ERROR"
    return "OTHER"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
