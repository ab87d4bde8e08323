"""Running programs: one prediction, at once or piece by piece, and what it has cost."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any

from gorgon._running import worker
from gorgon.programs._building import Program
from gorgon.programs._dspy import dspy, part
from gorgon.programs._models import model, speaking

How = dict[str, Any]  # what each call carries: "model" settings, "history" how many exchanges to tell
Prediction = dict[str, Any]
AHEAD = 16  # pieces of a stream that are made before they are taken
_TURNS = 32  # of the loop, for what is closed by it
_LONGEST = 20_000  # characters of one text in the history


def predict(name: str, program: Program, inputs: dict[str, Any], how: How) -> Prediction:
    """Run a program once. Raises InputsRefused, LanguageModelFailed, or what the user's own module raises."""
    values = program.checked(name, inputs)
    with speaking(model(how.get("model"))) as client:
        made = program.module(**values)
    return told(made, client, how)


def told(made: Any, client: Any, how: How) -> Prediction:
    """What a prediction is for Java: outputs, and what it has cost."""
    return {
        "outputs": outputs_of(made),
        **usage_of(client),
        "history": history_of(client, int(how.get("history") or 0)),
        "worker": worker(),
    }


def outputs_of(made: Any) -> dict[str, Any]:
    """The outputs by name, of what can travel."""
    if not isinstance(made, (dspy().Prediction, dict)):
        raise TypeError(f"a program gives a dspy.Prediction or a dict, not a {type(made).__qualname__}")
    return {str(key): _plain(value) for key, value in made.items()}


def _plain(value: Any) -> Any:
    """Models of pydantic as maps; all else as it is."""
    dump = getattr(value, "model_dump", None)
    if callable(dump) and not isinstance(value, type):
        return dump()
    if type(value) is list or type(value) is tuple:
        return [_plain(each) for each in value]
    if type(value) is dict:
        return {key: _plain(each) for key, each in value.items()}
    return value


def usage_of(client: Any) -> dict[str, Any]:
    """Tokens by model, and the cost in dollars; None where the price of any part is not known."""
    tokens: dict[str, dict[str, int]] = {}
    cost: float | None = 0.0
    for entry in client.history:
        counts = tokens.setdefault(str(entry.get("model")), {"prompt": 0, "completion": 0, "calls": 0})
        usage = entry.get("usage") or {}
        counts["prompt"] += int(usage.get("prompt_tokens") or 0)
        counts["completion"] += int(usage.get("completion_tokens") or 0)
        counts["calls"] += 1
        price = entry.get("cost")
        cost = None if cost is None or price is None else cost + float(price)
    return {"usage": tokens, "cost": cost}


def history_of(client: Any, count: int) -> list[dict[str, Any]]:
    """The last exchanges with the model, oldest first."""
    if count <= 0:
        return []
    return [
        {
            "model": str(entry.get("model")),
            "at": str(entry.get("timestamp")),
            "messages": [
                {"role": str(each.get("role")), "content": str(each.get("content"))[:_LONGEST]}
                for each in entry.get("messages") or []
            ],
            "outputs": [str(_text(each))[:_LONGEST] for each in entry.get("outputs") or []],
            "cost": entry.get("cost"),
        }
        for entry in client.history[-count:]
    ]


def _text(output: Any) -> Any:
    return output.get("text", output) if isinstance(output, dict) else output


async def pieces(
    name: str,
    program: Program,
    inputs: dict[str, Any],
    how: How,
    done: Callable[[Prediction], None] | None = None,
) -> AsyncIterator[dict[str, Any]]:
    """The same piece by piece: texts of output fields as the model makes them, then the prediction.

    ``done`` is told the prediction before it is given.
    """
    values = program.checked(name, inputs)
    using = model(how.get("model"))
    ahead = _Ahead()

    async def run() -> None:
        # A task of its own: DSPy's settings are variables of its context, and a generator has none that stays.
        try:
            with speaking(using) as client:
                stream = part("streaming").streamify(
                    program.module, stream_listeners=_listeners(program), is_async_program=_is_async(program)
                )
                async for value in stream(**values):
                    piece = _piece(value, client, how)
                    if piece is not None:
                        await ahead.put(piece)
        finally:
            ahead.end()

    task = asyncio.ensure_future(run())
    try:
        while True:
            value = await ahead.get()
            if value is None:
                break
            if done is not None and "prediction" in value:
                done(value["prediction"])
            yield value
        await task
    finally:
        if not task.done():
            await ahead.give_up()
        if not task.done():
            task.cancel()
            await asyncio.wait([task])
            # DSPy's client leaves its generators to the loop, one inside the other, which closes the connection.
            for _ in range(_TURNS):
                await asyncio.sleep(0)
        task.cancelled() or task.exception()  # looked at, or the loop would complain


class _Ahead:
    """The pieces that are made and not yet taken: a few.

    Then the program waits, with it the reading of the model's answer, and by the connection's window the model itself.
    """

    def __init__(self) -> None:
        self._pieces: deque[dict[str, Any] | None] = deque()
        self._taken = asyncio.Event()
        self._made = asyncio.Event()
        self._given_up = False
        self._full = False

    async def put(self, piece: dict[str, Any]) -> None:
        """Add one, when there is room; drop it where nobody wants it any more."""
        self._full = True
        try:
            while len(self._pieces) >= AHEAD and not self._given_up:
                self._taken.clear()
                await self._taken.wait()
        finally:
            self._full = False
        if not self._given_up:
            self._pieces.append(piece)
            self._made.set()

    def end(self) -> None:
        """There will be no more."""
        self._pieces.append(None)
        self._made.set()

    async def get(self) -> dict[str, Any] | None:
        """The next one; None at the end."""
        while not self._pieces:
            self._made.clear()
            await self._made.wait()
        self._taken.set()
        return self._pieces.popleft()

    async def give_up(self) -> None:
        """Want no more. Then whoever puts waits for nothing here any more.

        DSPy's generators can be ended well only while they wait for the model: struck elsewhere, the inner ones are
        left to the loop, which closes them in another task than they belong to.
        """
        self._given_up = True
        self._taken.set()
        while self._full:
            await asyncio.sleep(0)


def _listeners(program: Program) -> list[Any]:
    listener = part("streaming").StreamListener
    return [
        listener(signature_field_name=field, predict=predictor, predict_name=name, allow_reuse=True)
        for name, predictor in program.module.named_predictors()
        for field in predictor.signature.output_fields
    ]


def _is_async(program: Program) -> bool:
    """A module of the user's may have no `aforward`; then it runs in a thread."""
    return hasattr(program.module, "aforward")


def _piece(value: Any, client: Any, how: How) -> dict[str, Any] | None:
    streaming = part("streaming")
    if isinstance(value, dspy().Prediction):
        return {"prediction": told(value, client, how)}
    if isinstance(value, streaming.StreamResponse):
        return {
            "predictor": value.predict_name,
            "field": value.signature_field_name,
            "text": value.chunk,
            "last": bool(value.is_last_chunk),
        }
    if isinstance(value, streaming.StatusMessage):
        return {"status": str(value.message)}
    return None


def count(used: dict[str, Any], prediction: Prediction) -> dict[str, Any]:
    """The statistics of a program after one more prediction."""
    tokens = sum(each["prompt"] + each["completion"] for each in prediction["usage"].values())
    cost = prediction["cost"]
    before = used.get("cost", 0.0)
    return {
        "executions": used.get("executions", 0) + 1,
        "tokens": used.get("tokens", 0) + tokens,
        "cost": None if cost is None or before is None else before + cost,
        "last": time.time(),
    }
