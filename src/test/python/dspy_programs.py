"""Programs and metrics of the user's own, for the tests of DSPy."""

from __future__ import annotations

from typing import Any

import dspy  # type: ignore[import-not-found, unused-ignore]
from pydantic import BaseModel


class Order(BaseModel):
    """What a signature may name."""

    item: str
    count: int


class TwoSteps(dspy.Module):  # type: ignore[misc, unused-ignore]
    """A module with two predictors."""

    def __init__(self, tone: str = "dry") -> None:
        super().__init__()
        self.tone = tone
        self.draft = dspy.Predict("topic -> draft")
        self.polish = dspy.Predict("draft, tone -> text")

    def forward(self, topic: str) -> Any:
        """Draft, then polish."""
        draft = self.draft(topic=topic).draft
        return self.polish(draft=draft, tone=self.tone)


class NoModule:
    """A class that is none."""


def half(*_judged: Any) -> float:
    """Good enough."""
    return 0.5


def broken(*_judged: Any) -> float:
    """Never good."""
    raise ArithmeticError("no judgement")


def saved_by_dspy(path: str) -> None:
    """A program with a demo, saved by DSPy itself."""
    program = dspy.Predict("question -> answer")
    program.demos = [dspy.Example(question="by DSPy?", answer="yes").with_inputs("question")]
    program.save(path)


def loaded_by_dspy(path: str) -> list[str]:
    """The questions of a saved program's demos, loaded by DSPy itself."""
    program = dspy.Predict("question -> answer")
    program.load(path)
    return [str(demo["question"]) for demo in program.demos]
