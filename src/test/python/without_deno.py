"""Imported by a worker, it hides Deno's Python package."""

import sys

sys.modules["deno"] = None  # type: ignore[assignment]
