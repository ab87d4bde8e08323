"""What ``python3 BRIDGE_DIR keeper RUN_DIR`` runs.

This file must parse on any Python, 2.7 included: it is the one that tells the JVM that an interpreter is too old.
"""

import sys

if sys.version_info < (3, 9):
    import json

    refusal = {
        "event": "refused",
        "reason": "version",
        "python": ".".join(str(part) for part in sys.version_info[:3]),
        "executable": sys.executable,
    }
    sys.stdout.write(json.dumps(refusal) + "\n")
    sys.stdout.flush()
    sys.exit(3)

from gorgon.__main__ import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
