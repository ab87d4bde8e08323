"""The nursery: the keeper's side of templates. It makes one when workers wait for it, and has workers forked from it.

Nothing here waits: what a template says is read when it is there, and one that says nothing is killed in time.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Container
from typing import Any, NamedTuple

from gorgon import _birth, _proctable
from gorgon._kin import Kin
from gorgon._offspring import Offspring
from gorgon._template_process import Order, TemplateProcess

_TRIES = 2  # templates that a worker's birth may fail in
_OF_THE_IMPORTING = ("ready", "refused", "failed")
_OF_THE_READY = ("born", "unborn")

Failure = dict[str, Any]


class Outcomes(NamedTuple):
    """What the keeper does with orders in the end."""

    spawned: Callable[[Offspring, int], None]
    fresh: Callable[[Offspring, dict[str, Any]], None]
    failed: Callable[[Offspring, str, Failure | None], None]
    report: Callable[..., None]


class Nursery:
    """All templates of a keeper: the one that works, and the one before while its successor is not ready."""

    def __init__(self, run_directory: str, outcomes: Outcomes, living: Container[int]) -> None:
        self._run_directory = run_directory
        self._outcomes = outcomes
        self._living = living  # the keeper's workers, by pid
        self._waiting: deque[Order] = deque()
        self._templates: list[TemplateProcess] = []  # the last one is the newest
        self._refused: tuple[dict[str, Any], int] | None = None
        self._number = 0

    @property
    def descriptors(self) -> list[int]:
        """What to poll for reading."""
        return [descriptor for template in self._templates for descriptor in template.descriptors]

    @property
    def timeout(self) -> float | None:
        """Milliseconds until `advance` has something to do that no descriptor tells of."""
        deadlines = [template.deadline for template in self._templates if template.deadline is not None]
        return max(0.0, min(deadlines) - time.monotonic()) * 1000 + 1 if deadlines else None

    def order(self, offspring: Offspring, spec: dict[str, Any]) -> bool:
        """Have a worker forked from a template; False if that cannot be. Raises ValueError."""
        order = Order(offspring, spec)
        if self._refused is not None and self._refused[0] == order.content and order.version <= self._refused[1]:
            return False
        self._waiting.append(order)
        return True

    def cancel(self, offspring: Offspring) -> bool:
        """Forget a worker that is not born yet; whether there was one."""
        for order in self._waiting:
            if order.offspring is offspring:
                self._waiting.remove(order)
                return True
        for template in self._templates:
            if template.order is not None and template.order.offspring is offspring:
                template.order = None
                self._discard(template)  # with what it was about to give birth to
                return True
        return False

    def advance(self) -> _birth.Newborn | None:
        """Do what is due. Returns in a new template too, with what that is to become."""
        for template in self._templates[:]:
            if template.deadline is not None and template.deadline <= time.monotonic():
                message = f"'preload' ({template.modules}) was not imported within {template.patience:g} s"
                self._give_up(template, message, "TIMEOUT")
        while self._waiting:
            order = self._waiting[0]
            try:
                if not self._templates or not self._templates[-1].fits(order):
                    return self._start(order)
                template = self._templates[-1]
                if not template.ready or template.order is not None:
                    return None
                self._waiting.popleft()
                if not template.give(order, self._run_directory):
                    self._discard(template)
                    self._again(order)
            except OSError as error:
                if order in self._waiting:
                    self._waiting.remove(order)
                self._outcomes.failed(order.offspring, f"{type(error).__name__}: {error}", None)
        return None

    def _start(self, order: Order) -> _birth.Newborn | None:
        if self._templates and not self._templates[-1].ready:
            self._discard(self._templates[-1])  # nobody waits for what it imports
        template = TemplateProcess(self._number + 1, order, os.getpid())
        self._number += 1
        newborn = template.start()
        if newborn is None:
            self._templates.append(template)
        return newborn

    def read(self) -> None:
        """Take in what the templates have said."""
        for template in self._templates[:]:
            for message in template.read():
                if template in self._templates:
                    self._take(template, message)
            if template.messages.ended and template.ready and template in self._templates:
                self._discard(template)

    def _take(self, template: TemplateProcess, message: dict[str, Any] | str) -> None:
        what = message.get("op") if isinstance(message, dict) else None
        if isinstance(message, str) or what not in (_OF_THE_READY if template.ready else _OF_THE_IMPORTING):
            self._give_up(template, f"the template of 'preload' ({template.modules}) said nonsense", "EXITED")
        elif what == "ready":
            self._on_ready(template, message)
        elif what == "refused":
            self._on_refused(template, message)
        elif what == "failed":
            self._give_up(template, f"'preload' ({template.modules}) failed", "IMPORT", message.get("failure"))
        elif message.get("order") == template.orders and template.order is not None:
            order, template.order = template.order, None
            pid = message.get("pid")
            if what == "born" and type(pid) is int and _comes_from(pid, template):
                self._outcomes.spawned(order.offspring, pid)
                template.let_go()
            else:
                self._again(order)
                if what == "born":
                    self._discard(template)
            self._end_old()

    def _on_ready(self, template: TemplateProcess, message: dict[str, Any]) -> None:
        template.deadline = None
        printed, template.tail = template.printed, b""
        self._outcomes.report(
            "template",
            number=template.number,
            pid=template.pid,
            milliseconds=message.get("milliseconds"),
            modules=template.spec["preload"],
            printed=printed,
        )
        self._end_old()

    def _end_old(self) -> None:
        """A template whose successor is ready has nothing to do but what it is about."""
        if self._templates and self._templates[-1].ready:
            for template in self._templates[:-1]:
                if template.order is None:
                    self._discard(template)

    def _on_refused(self, template: TemplateProcess, message: dict[str, Any]) -> None:
        started = message.get("modules")
        modules = ", ".join(map(str, started)) if isinstance(started, list) and started else template.modules
        self._outcomes.report(
            "warning",
            message=f"{message.get('threads')} threads run after the import of 'preload' (started by {modules}):"
            " forking is not safe, so workers are started as fresh interpreters that import it themselves;"
            " have the threads start with the first call, or take the module out of 'preload'",
        )
        self._refused = (template.content, template.version)
        orders = self._take_waiting(template)
        self._discard(template)
        for order in orders:
            self._outcomes.fresh(order.offspring, order.spec)

    def on_exit(self, pid: int, status: int) -> None:
        """A child of the keeper has been reaped: maybe it was a template."""
        template = next((template for template in self._templates if template.pid == pid), None)
        if template is None:
            return
        template.gone = True
        for message in template.read():  # its last words
            if template in self._templates:
                self._take(template, message)
        if template not in self._templates:
            return
        if template.ready:
            self._drop(template)
            return
        how = f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"exit code {os.WEXITSTATUS(status)}"
        message = f"the template ended with {how} while it imported 'preload' ({template.modules})"
        self._give_up(template, message, "EXITED")

    def kin(self, pid: int) -> Kin | None:
        """The template of that process id."""
        return next((template for template in self._templates if template.pid == pid), None)

    def _give_up(self, template: TemplateProcess, message: str, kind: str, failure: object = None) -> None:
        """No worker can be forked from this one: fail those that wait for it."""
        if not isinstance(failure, dict):
            failure = {"kind": kind, "message": message, "output": template.printed}
        orders = self._take_waiting(template)
        self._discard(template)
        for order in orders:
            self._outcomes.failed(order.offspring, message, failure)

    def _take_waiting(self, template: TemplateProcess) -> list[Order]:
        found = [order for order in self._waiting if template.fits(order)]
        self._waiting = deque(order for order in self._waiting if not template.fits(order))
        return found

    def _again(self, order: Order) -> None:
        """A birth failed through no fault of the order's."""
        order.tries += 1
        if order.tries < _TRIES:
            self._waiting.appendleft(order)
        else:
            message = "the template died twice before the worker was born"
            self._outcomes.failed(order.offspring, message, {"kind": "EXITED", "message": message})

    def _discard(self, template: TemplateProcess) -> None:
        """Kill a template, with all that comes from it and is no worker."""
        if not template.gone:
            template.kill(self._living)
        self._drop(template)

    def _drop(self, template: TemplateProcess) -> None:
        self._templates.remove(template)
        template.close()
        if template.order is not None:
            self._again(template.order)


def _comes_from(pid: int, template: TemplateProcess) -> bool:
    """Whether that is a process of the template's: what user code may have said is not believed without a look."""
    process = _proctable.read(pid)
    if process is None or process.group != pid:
        return False
    parent = _proctable.read(process.parent)
    return parent is not None and parent.parent == template.pid
