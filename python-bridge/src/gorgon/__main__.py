"""The two processes of the bridge: ``python -m gorgon keeper RUN_DIR`` and ``python -m gorgon worker``."""

from __future__ import annotations

import sys

from gorgon import _birth, _template
from gorgon._keeper import Keeper

USAGE = (
    "usage: python -m gorgon keeper RUN_DIR   (commands on stdin, reports on stdout)\n       python -m gorgon worker"
)


def main(arguments: list[str]) -> int:
    """Run one of the two processes and return its exit code.

    A worker that the keeper or a template forked comes back here out of their loops, so that no frame of them lies
    under user code and the interpreter ends in the ordinary way.
    """
    if len(arguments) == 2 and arguments[0] == "keeper":
        newborn = Keeper(arguments[1]).run()
        if newborn is None:
            return 0
        spec = _birth.settle(newborn) if newborn.channel is None else _template.run(newborn)
    elif arguments == ["worker"]:
        spec = _birth.read_spec()
    else:
        print(USAGE, file=sys.stderr)
        return 2
    return _birth.enter(spec)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
