"""DSPy itself: imported here and nowhere else in this package, when it is needed first."""

from __future__ import annotations

import importlib
import os
import sys
from threading import Lock
from typing import Any

from gorgon.programs._errors import NotInstalled

REMEDY = "install it with 'pip install dspy' in the environment of the pool's setting 'python' (3.10 or newer)"
_lock = Lock()
_ready: list[Any] = []
# Before anybody imports the libraries that read them: DSPy and LiteLLM would fetch lists of prices from the network
# when they are used first, and have such lists with them; bars would fill the log, and `gorgon.progress` tells.
os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
os.environ.setdefault("TQDM_DISABLE", "1")


def dspy() -> Any:
    """The module, prepared for a worker. Raises NotInstalled.

    Without a word from the user there is no cache of answers on disk, which would be pickled; there is one in memory,
    used by those models that ask for it.
    """
    if _ready:
        return _ready[0]
    with _lock:
        if not _ready:
            try:
                module: Any = importlib.import_module("dspy")
            except ModuleNotFoundError as error:
                if error.name != "dspy":
                    raise
                raise NotInstalled("DSPy", REMEDY) from None
            if "cache" not in vars(module):  # the user's own modules may have set one up
                module.configure_cache(enable_disk_cache=False, enable_memory_cache=True)
            _ready.append(module)
    return _ready[0]


def part(name: str) -> Any:
    """A module of DSPy's that is not reached by attributes."""
    dspy()
    return importlib.import_module(f"dspy.{name}")


def loaded() -> Any:
    """The module if somebody has imported it, else None."""
    return sys.modules.get("dspy")
