"""User code for tests: what well-behaved, clumsy and hostile functions do. Times are seconds."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import gorgon

not_callable = 3
_kept: list[bytearray] = []
_variables: dict[str, Any] = {}


def echo(value: Any) -> Any:
    """Give back what it got."""
    return value


def add(a: float, b: float) -> float:
    """The sum."""
    return a + b


def sleep(seconds: float) -> str:
    """Wait."""
    time.sleep(seconds)
    return "slept"


def spin(seconds: float) -> int:
    """Keep the interpreter busy, in Python; how many rounds."""
    end = time.monotonic() + seconds
    rounds = 0
    while time.monotonic() < end:
        rounds += 1
    return rounds


def hang_in_c() -> None:
    """Never come back from C code that holds the interpreter lock."""
    re.match(r"(a+)+$", "a" * 64 + "b")


def stop_self() -> str:
    """Be stopped, as by a debugger."""
    os.kill(os.getpid(), signal.SIGSTOP)
    return "continued"


def exit_now(code: int) -> None:
    """End the process without any clean-up."""
    os._exit(code)


def sys_exit(code: Any = 0) -> None:
    """Ask the interpreter to end, which a worker must not do."""
    sys.exit(code)


def kill_self(number: int) -> None:
    """Die of a signal."""
    os.kill(os.getpid(), number)
    time.sleep(60)


def segfault() -> None:
    """Read from where nothing is."""
    import ctypes

    ctypes.string_at(0)


class CustomError(Exception):
    """An error with more than a message."""

    def __init__(self, code: int, detail: str) -> None:
        super().__init__(code, detail)
        self.code = code


def raise_error(kind: str, message: str) -> None:
    """Raise a built-in exception."""
    import builtins

    raise getattr(builtins, kind)(message)


def raise_chained() -> None:
    """Raise because of something else, which was raised while handling a third."""
    try:
        try:
            _ = _variables["missing"]
        except KeyError:
            int("not a number")
    except ValueError as error:
        raise RuntimeError("the outermost") from error


def raise_bad_str() -> None:
    """Raise what cannot say what it is."""

    class BadStr(Exception):
        def __str__(self) -> str:
            raise ValueError("no text for you")

    raise BadStr


def raise_custom(code: int = 7, detail: str = "custom") -> None:
    """Raise an exception of this module's."""
    raise CustomError(code, detail)


def print_lines(n: int, text: str) -> int:
    """Print numbered lines to stdout."""
    for number in range(n):
        print(number, text)
    return n


def print_partial(text: str) -> None:
    """Print without ending the line."""
    print(text, end="")


def flood_stderr(megabytes: float) -> int:
    """Write lines to stderr, as fast as they are taken; how many bytes."""
    line = "x" * 99 + "\n"
    count = int(megabytes * 1_000_000) // len(line)
    for _ in range(count):
        sys.stderr.write(line)
    return count * len(line)


def fork_child(seconds: float) -> int:
    """Fork a child that stays in this group and keeps every descriptor that it can; its pid."""
    pid = os.fork()
    if pid == 0:
        time.sleep(seconds)
        os._exit(0)
    return pid


def fork_and_return(value: Any) -> Any:
    """Fork, and come back in both processes."""
    os.fork()
    return value


def _sleeper(seconds: float, **how: Any) -> int:
    return subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({seconds})"], **how).pid


def daemon_child(seconds: float) -> int:
    """Start a program in a session of its own; its pid."""
    return _sleeper(seconds, start_new_session=True)


def subprocess_child(seconds: float) -> int:
    """Start a program in this group; its pid."""
    return _sleeper(seconds)


def orphan_child(seconds: float) -> int:
    """Fork a daemon the classic way: a session of its own, and its parent gone; its pid."""
    reader, writer = os.pipe()
    middle = os.fork()
    if middle == 0:
        os.setsid()
        pid = os.fork()
        if pid:
            os.write(writer, f"{pid}\n".encode())
            os._exit(0)
        time.sleep(seconds)
        os._exit(0)
    os.close(writer)
    os.waitpid(middle, 0)
    with open(reader) as pipe:
        return int(pipe.readline())


def allocate(megabytes: int) -> int:
    """Take memory, touch it and keep it; how much is kept in all, in megabytes."""
    block = bytearray(megabytes << 20)
    block[::4096] = b"x" * len(block[::4096])
    _kept.append(block)
    return sum(map(len, _kept)) >> 20


def unserializable() -> Any:
    """Return something with an object deep inside."""
    return {"a": [1, 2, {"b": object()}]}


def overwrite(array: Any) -> list[int]:
    """What is in an array, which is zero afterwards."""
    before = [int(item) for item in array]
    for position in range(len(array)):
        array[position] = 0
    return before


def big(n: int) -> str:
    """A text of n characters."""
    return "x" * n


def pid() -> int:
    """The process."""
    return os.getpid()


def whoami() -> str | None:
    """The worker as ``pool/slot.generation``."""
    return gorgon.worker()


def call_id() -> str | None:
    """The id of this call."""
    return gorgon.call_id()


def cancellable(seconds: float) -> str:
    """Work in small steps and look at the flag between them; says whether it was cancelled."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if gorgon.cancelled():
            return "cancelled"
        time.sleep(0.002)
    return "finished"


def swallow_interrupts(seconds: float) -> int:
    """Go on whatever happens; how many exceptions it swallowed."""
    end = time.monotonic() + seconds
    swallowed = 0
    while time.monotonic() < end:
        try:
            time.sleep(max(0.0, end - time.monotonic()))
        except BaseException:
            swallowed += 1
    return swallowed


def announced(path: str, function: str, *arguments: Any) -> Any:
    """Make the file, which tells that this has started, then be another function of this module."""
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    return globals()[function](*arguments)


def announce_and_hang(seconds: float) -> None:
    """Say that it has started, then listen to nobody."""
    print("Gorgon serves", flush=True)
    swallow_interrupts(seconds)


def overlap(path: str, seconds: float) -> list[float]:
    """Note in a file from when to when it ran, in seconds of the monotonic clock."""
    start = time.monotonic()
    time.sleep(seconds)
    end = time.monotonic()
    _append(path, json.dumps([start, end, gorgon.worker()]))
    return [start, end]


def journal(path: str, id: str, nonce: str) -> str:
    """Note in a file that it ran; gives back the nonce."""
    _append(path, f"{id} {nonce} {os.getpid()} {gorgon.worker()} {time.monotonic()}")
    return nonce


def _append(path: str, line: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, line.encode() + b"\n")  # one write: lines of different processes do not mix
    finally:
        os.close(descriptor)


def burn_cpu() -> None:
    """Use the processor until the system puts an end to it."""
    while True:
        pass


def write_file(path: str, size: int) -> int:
    """Write a file of so many bytes; its size."""
    with open(path, "wb") as file:
        file.write(b"x" * size)
    return os.path.getsize(path)


def limits() -> dict[str, int]:
    """The soft resource limits of this process, by name."""
    import resource

    names = ("RLIMIT_AS", "RLIMIT_NOFILE", "RLIMIT_NPROC", "RLIMIT_CPU", "RLIMIT_FSIZE")
    return {name: resource.getrlimit(getattr(resource, name))[0] for name in names}


def env(name: str) -> str | None:
    """An environment variable."""
    return os.environ.get(name)


def cwd() -> str:
    """The working directory."""
    return os.getcwd()


def set_var(name: str, value: Any) -> Any:
    """Keep something in this process; gives back what was there before."""
    before = _variables.get(name)
    _variables[name] = value
    return before


def get_var(name: str) -> Any:
    """What `set_var` kept in this process."""
    return _variables.get(name)


def count_sessions(session: str) -> int:
    """How often this process has been called for a session, this call included."""
    counts: dict[str, int] = _variables.setdefault("sessions", {})
    counts[session] = counts.get(session, 0) + 1
    return counts[session]


class nested:  # noqa: N801 - a namespace, and its name is the tests'
    """For targets with dots: ``targets:nested.deep.function``."""

    class deep:  # noqa: N801
        @staticmethod
        def function(value: Any = "deep") -> Any:
            """Give back what it got."""
            return value


def type_of(value: Any) -> str:
    """The name of the type that an argument arrived as, and of what is in it if it is a set or a map's keys."""
    inner = {type(item).__name__ for item in value} if isinstance(value, (set, frozenset, dict)) else set()
    return type(value).__name__ + (f"[{','.join(sorted(inner))}]" if inner else "")


def python_value(name: str) -> Any:
    """A value that Java has to make something of."""
    import dataclasses
    import datetime
    import decimal
    import enum
    import uuid
    import zoneinfo

    class Colour(enum.Enum):
        RED = 1

    class Level(enum.IntEnum):
        HIGH = 9

    class Point(NamedTuple):
        x: int
        y: int

    @dataclasses.dataclass
    class Row:
        name: str
        when: datetime.datetime
        blob: bytes
        tags: set[str]
        price: decimal.Decimal

    utc = datetime.timezone.utc
    at = datetime.datetime(2026, 11, 25, 21, 0, 0, 123456)
    values: dict[str, Callable[[], Any]] = {
        "bytes": lambda: b"\x00\xff",
        "bytearray": lambda: bytearray(b"ab"),
        "set": lambda: {"a", "b"},
        "frozenset": lambda: frozenset((1, 2)),
        "tuple": lambda: (1, ("a", None)),
        "namedtuple": lambda: Point(1, 2),
        "dataclass": lambda: Row("a", at.replace(tzinfo=utc), b"x", {"t"}, decimal.Decimal("1.50")),
        "enum": lambda: [Colour.RED, Level.HIGH],
        "naive": lambda: at,
        "utc": lambda: at.replace(tzinfo=utc),
        "zoned": lambda: at.replace(tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")),
        "date": lambda: datetime.date(2026, 1, 2),
        "time": lambda: datetime.time(1, 2, 3),
        "time_offset": lambda: datetime.time(1, 2, 3, tzinfo=utc),
        "timedelta": lambda: datetime.timedelta(-1, 5, 7),
        "decimal": lambda: decimal.Decimal("0.10"),
        "uuid": lambda: uuid.UUID(int=1),
        "int_keys": lambda: {1: "a", 2: "b"},
        "mixed_keys": lambda: {1: "a", "b": 2, (3, 4): b"c", datetime.date(2026, 1, 2): {"x"}},
        "bytes_keys": lambda: {b"k": 1},
        "dollar": lambda: {"$": "bytes", "b": b"x"},
        "text_collision": lambda: {1: "a", "1": "b"},
        "deep": lambda: [{"a": [{1: [b"x", {decimal.Decimal(2)}]}]}],
        "float_text": lambda: [0.1, float("nan"), float("inf"), 2**80],
        "memoryview": lambda: memoryview(b"abcdef").cast("H"),
    }
    return values[name]()


def numpy_value(name: str) -> Any:
    """The same with NumPy's, pandas' and pydantic's types."""
    import importlib

    np: Any = importlib.import_module("numpy")
    grid = np.arange(6, dtype="i4").reshape(2, 3)
    values: dict[str, Callable[[], Any]] = {
        "grid": lambda: grid,
        "fortran": lambda: np.asfortranarray(grid),
        "slice": lambda: grid[:, ::2],
        "big_endian": lambda: grid.astype(">i4"),
        "zero_d": lambda: np.array(2.5),
        "empty": lambda: np.zeros((0, 3)),
        "bools": lambda: np.array([True, False]),
        "halves": lambda: np.array([0.5, -2, np.inf, 6e-8, np.nan], "f2"),
        "unsigned": lambda: np.array([2**64 - 1], "u8"),
        "large": lambda: np.array([2**60 + 1]),
        "times": lambda: np.array(["2026-01-01"], "M8[s]"),
        "scalar": lambda: [np.float32(0.5), np.int64(7), np.bool_(True)],
        "objects": lambda: np.array([object()]),
        "frame": lambda: importlib.import_module("pandas").DataFrame({"a": [1, 2], "b": ["x", None]}),
        "model": lambda: importlib.import_module("pydantic").create_model("M", n=(int, ...))(n=3),
    }
    return values[name]()


def remember(value: Any) -> None:
    """Hold on to something for ever."""
    _remembered.append(value)


_remembered: list[Any] = []
