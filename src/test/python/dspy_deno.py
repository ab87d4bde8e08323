"""Deno for the tests of program of thought: whether it runs here, and what it may need that is not in its package."""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from urllib.parse import urlsplit

# What DSPy's runner takes from Deno's standard library; it does not come with the package.
LINES = """\
export async function* readLines(input: { readable: ReadableStream<Uint8Array> }) {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of input.readable) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest) yield rest;
}
"""


def prepare() -> str:
    """Put the line reader where Deno keeps what it has fetched, and run a sum; empty, or why that cannot be."""
    from dspy.primitives import python_interpreter as interpreter  # type: ignore[import-not-found, unused-ignore]

    runner = Path(interpreter.__file__).with_name("runner.js").read_text()
    found = re.search(r'readLines } from "([^"]+)"', runner)
    if found:
        _keep(found.group(1))
    try:
        with interpreter.PythonInterpreter() as python:
            answer = str(python.execute("print(6 * 7)")).strip()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "" if answer == "42" else f"6 * 7 is {answer}"


def _keep(url: str) -> None:
    place = urlsplit(url)
    home = Path(os.environ["DENO_DIR"]) / "remote" / place.scheme / place.netloc
    file = home / hashlib.sha256(place.path.encode()).hexdigest()
    if not file.exists():
        home.mkdir(parents=True, exist_ok=True)
        told = {"headers": {"content-type": "application/typescript"}, "url": url, "time": 1}
        file.write_text(f"{LINES}\n// denoCacheMetadata={json.dumps(told, separators=(',', ':'))}")
