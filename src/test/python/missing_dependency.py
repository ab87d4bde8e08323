"""Imports a module that is not there."""

import no_such_dependency_anywhere  # type: ignore[import-not-found]  # noqa: F401
