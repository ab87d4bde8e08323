"""Optimizers and metrics: how good a program is, and how to make it better from examples."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from typing import Any

from gorgon._host import host
from gorgon._progress import progress
from gorgon._running import Cancelled, cancelled
from gorgon._targets import UnknownTarget, resolve
from gorgon.programs._building import Program, Record, revive, state_of
from gorgon.programs._dspy import dspy
from gorgon.programs._errors import NotInstalled, SignatureRefused
from gorgon.programs._models import model, speaking
from gorgon.programs._running import How, Prediction, outputs_of, told, usage_of

Metric = Callable[..., Any]

# Those that need nothing but a metric and examples; each takes its own options besides.
OPTIMIZERS = (
    "BootstrapFewShot",
    "BootstrapFewShotWithRandomSearch",
    "COPRO",
    "GEPA",
    "InferRules",
    "LabeledFewShot",
    "MIPROv2",
    "SIMBA",
)
_QUIET = {"num_threads": 1, "display_progress": False, "display_table": 0}  # how COPRO evaluates


def metric_of(given: Any) -> Metric:
    """The function ``(example, prediction, trace=None)`` of a metric's description. Raises SignatureRefused."""
    if type(given) is dict and "field" in given:
        field = str(given["field"])

        def same(example: Any, prediction: Any, *_more: Any) -> bool:
            return _same(example.get(field), prediction.get(field))

        return same
    if type(given) is dict and "tool" in given:
        tool = str(given["tool"])

        def asked(example: Any, prediction: Any, *_more: Any) -> Any:
            return host.call(tool, example.toDict(), outputs_of(prediction))

        return asked
    if type(given) is dict and "target" in given:
        try:
            return resolve(str(given["target"]))
        except UnknownTarget as error:
            raise SignatureRefused(error.message, "metric", str(given["target"])) from error.failure
    raise SignatureRefused("a metric names a field, a Java tool, or a Python function", "metric")


def _same(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, str) and isinstance(found, str):
        return wanted.strip().casefold() == found.strip().casefold()
    return bool(wanted == found)


def example_of(given: dict[str, Any]) -> Any:
    """An example; ``{"inputs": {...}, "outputs": {...}}``."""
    inputs, outputs = given["inputs"], given.get("outputs") or {}
    return dspy().Example(**inputs, **outputs).with_inputs(*inputs)


def score(name: str, program: Program, example: dict[str, Any], metric: Any, how: How) -> Prediction:
    """Run a program on one example, and judge: a prediction with its ``score``."""
    judge = metric_of(metric)
    values = program.checked(name, example["inputs"])
    with speaking(model(how.get("model"))) as client:
        made = program.module(**values)
        prediction = told(made, client, how)
        judged = judge(example_of(example), made)
    return {**prediction, "score": _number(judged)}


def _number(judged: Any) -> float:
    found = getattr(judged, "score", judged)
    return float(found)


class _Watched:
    """A metric that tells the progress, and ends the work when the call was cancelled, in whichever thread it runs."""

    def __init__(self, metric: Metric, total: int) -> None:
        self._metric = metric
        self._total = total
        self._done = 0
        self._lock = threading.Lock()
        self._takes = _positions(metric)
        self.__name__ = "metric"

    def __call__(
        self, example: Any, prediction: Any, trace: Any = None, pred_name: Any = None, pred_trace: Any = None
    ) -> Any:
        if cancelled():
            raise Cancelled("the optimization was cancelled")
        judged = self._metric(*(example, prediction, trace, pred_name, pred_trace)[: self._takes])
        with self._lock:
            self._done += 1
            done = self._done
        progress(done, max(done, self._total), "examples judged")
        return judged


def _positions(metric: Metric) -> int:
    """How many of the arguments that an optimizer may give the metric takes: GEPA gives five, the others three."""
    parameters = list(inspect.signature(metric).parameters.values())
    if any(each.kind is each.VAR_POSITIONAL for each in parameters):
        return 5
    return min(5, sum(1 for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)))


def _made(maker: Any, name: str, options: dict[str, Any]) -> Any:
    try:
        return maker(**options)
    except (TypeError, ValueError, AssertionError) as error:
        raise SignatureRefused(f"{name} refused its options: {error}", "optimizer") from error


def optimize(record: Record, given: dict[str, Any], examples: list[dict[str, Any]], how: How) -> dict[str, Any]:
    """Let an optimizer work on a program: its new state, and what that has cost. The program itself stays as it is."""
    name = str(given.get("name"))
    if name not in OPTIMIZERS:
        raise SignatureRefused(f"there is no optimizer {name!r}, but {', '.join(OPTIMIZERS)}", "optimizer")
    maker = getattr(dspy(), name)
    options = dict(given.get("options") or {})
    trainset = [example_of(example) for example in examples]
    if name != "LabeledFewShot":
        options["metric"] = _Watched(metric_of(given.get("metric")), len(trainset))
    program = revive(record)
    progress(0, len(trainset), name)
    with speaking(model(how.get("model"))) as client:
        if name == "GEPA":
            options.setdefault("reflection_lm", client)
        extra: dict[str, Any] = {"eval_kwargs": _QUIET} if name == "COPRO" else {}
        extra.update(given.get("compile") or {})
        try:
            optimizer = _made(maker, name, options)
            improved = optimizer.compile(program.module, trainset=trainset, **extra)
        except ImportError as error:
            raise NotInstalled(f"what {name} needs", str(error)) from error
        cost = usage_of(client)
    state = state_of(improved)
    return {"state": state, "demos": sum(len(each.demos) for each in improved.predictors()), **cost}
