"""Prepare the build's Python environment, and run the Python checks in it. Needs nothing but Python 3.9.

check.py prepare VENV    make the environment; without a package index say so, and go on without
check.py run VENV        formatter, linter, types and tests; what is not there is skipped, loudly
"""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
ELSEWHERE = [HERE.parent / "src" / "test" / "python"]

# The tools, the libraries whose values the tests send, the DSPy that the highest test layer runs, and the Deno in
# which its program of thought runs code.
TOOLS = ["ruff==0.17.6", "mypy==2.4.1", "pytest==9.2.0"]
LIBRARIES = ["numpy==2.4.6", "pandas==3.1.1", "pydantic==2.14.4"]
PROGRAMS = ["dspy==3.4.1"]
DENO = ["deno==2.9.8"]
REQUIREMENTS = [TOOLS, LIBRARIES, PROGRAMS, DENO]


def prepare(home: Path) -> int:
    """Make the environment once for each list of requirements; never fail the build."""
    stamp = home / "requirements"
    wanted = "\n".join(line for requirements in REQUIREMENTS for line in requirements)
    if stamp.is_file() and stamp.read_text() == wanted:
        return 0
    venv.create(home, with_pip=True, clear=True)
    installed = [install(home, requirements) for requirements in REQUIREMENTS]
    if all(installed):
        stamp.write_text(wanted)
    return 0


def install(home: Path, requirements: list[str]) -> bool:
    """Install what can be had; whether it could."""
    pip = [str(home / "bin" / "python3"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run([*pip, *requirements], check=False)
    if done.returncode != 0:
        print(f"SKIPPED: {' '.join(requirements)} cannot be installed here; what needs them will be skipped")
    return done.returncode == 0


def run(home: Path) -> int:
    """Run every check whose tool is there; the first failure is the result."""
    python = str(home / "bin" / "python3")
    checked = ["src", "tests", "testkit", "check.py", *(str(path) for path in ELSEWHERE)]
    checks = [
        ("ruff", ["ruff", "format", "--check", *checked]),
        ("ruff", ["ruff", "check", *checked]),
        ("mypy", ["mypy"]),
        ("pytest", ["pytest"]),
    ]
    for tool, command in checks:
        if subprocess.run([python, "-c", f"import {tool}"], capture_output=True, check=False).returncode != 0:
            print(f"SKIPPED: {' '.join(command[:2])} of the Python part: {tool} is not installed in {home}")
            continue
        print(f"python: {' '.join(command[:2])}", flush=True)
        failed = subprocess.run([python, "-m", *command], cwd=HERE, check=False).returncode
        if failed:
            return failed
    return 0


if __name__ == "__main__":
    sys.exit({"prepare": prepare, "run": run}[sys.argv[1]](Path(sys.argv[2]).resolve()))
