"""A session's programs, kept in the process: what pinned sessions of the tests create and list."""

from __future__ import annotations

_programs: dict[str, list[str]] = {}


def create(session: str, name: str) -> str:
    """Add a program to the session."""
    _programs.setdefault(session, []).append(name)
    return name


def list_all(session: str) -> dict[str, object]:
    """The session's programs and how many they are."""
    programs = _programs.get(session, [])
    return {"programs": programs, "total_count": len(programs)}
