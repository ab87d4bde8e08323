"""What code that runs in a Gorgon worker may use.

Everything else in this package starts with an underscore and may change at any time. Most of it also works outside a
worker (in a unit test, say): there is no call then, nothing is cancelled, progress goes nowhere, and a call into Java
raises NotInCall.
"""

from gorgon._errors import BadToolArguments, HostError, HostTimeout, NestedTooDeep, NotInCall, NotInSession, UnknownTool
from gorgon._host import host
from gorgon._progress import progress
from gorgon._running import Cancelled, call_id, cancelled, traceparent, worker
from gorgon._sessions import session
from gorgon._sources import Source

__all__ = [
    "BadToolArguments",
    "Cancelled",
    "HostError",
    "HostTimeout",
    "NestedTooDeep",
    "NotInCall",
    "NotInSession",
    "Source",
    "UnknownTool",
    "call_id",
    "cancelled",
    "host",
    "progress",
    "session",
    "traceparent",
    "worker",
]
__version__ = "0.1.0"
