"""How the bridge is started: commands, old interpreters, the installed package."""

from __future__ import annotations

import ast
import glob
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gorgon.examples.text import analyse
from jvm import BRIDGE, SECONDS


def old_interpreters() -> list[str]:
    """Interpreters that the bridge must refuse, as far as this machine has some."""
    names = ["python2.7", "python3.6", "python3.7", "python3.8"]
    versions = os.path.join(os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv")), "versions")
    found = [shutil.which(name, path=path) for name in names for path in [os.environ.get("PATH")]]
    found += [path for name in names for path in glob.glob(f"{versions}/{name[6:]}*/bin/{name}")]
    works = [path for path in found if path and subprocess.run([path, "-c", ""], capture_output=True).returncode == 0]
    return sorted({os.path.realpath(path) for path in works})


OLD = old_interpreters()


@pytest.mark.skipif(not OLD, reason="no Python older than 3.9 here")
@pytest.mark.parametrize("python", OLD)
@pytest.mark.parametrize("command", ["keeper", "worker"])
def test_an_old_python_is_refused(python: str, command: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [python, "-u", "-B", str(BRIDGE), command, str(tmp_path)],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=SECONDS,
    )
    assert done.returncode == 3
    refusal = json.loads(done.stdout)
    assert (refusal["event"], refusal["reason"]) == ("refused", "version")
    assert os.path.realpath(refusal["executable"]) == python
    assert refusal["python"].startswith(("2.", "3."))


@pytest.mark.parametrize("arguments", [[], ["keeper"], ["dance"], ["worker", "extra"]])
def test_a_wrong_command_says_how_it_is_used(arguments: list[str]) -> None:
    done = subprocess.run([sys.executable, str(BRIDGE), *arguments], capture_output=True, timeout=SECONDS)
    assert done.returncode == 2
    assert done.stderr.startswith(b"usage: ")


def test_runs_as_an_installed_module(tmp_path: Path) -> None:
    directory = tmp_path / "gorgon-run"
    directory.mkdir(0o700)
    done = subprocess.run(
        [sys.executable, "-m", "gorgon", "keeper", str(directory)],
        env={**os.environ, "PYTHONPATH": str(BRIDGE)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0
    assert json.loads(done.stdout)["event"] == "hello"
    assert not directory.exists()


def test_every_file_parses_on_the_oldest_python() -> None:
    for path in BRIDGE.rglob("*.py"):
        ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9))


def test_no_file_is_long() -> None:
    for path in BRIDGE.rglob("*.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) < 350, path


def test_the_example() -> None:
    assert analyse("Hello brave new world") == {
        "words": 4,
        "characters": 21,
        "longest": "Hello",
        "letters": {"e": 3, "l": 3, "o": 2},
    }
    assert analyse("") == {"words": 0, "characters": 0, "longest": "", "letters": {}}
