"""What code that runs in a Gorgon worker may use.

Everything else in this package starts with an underscore and may change at any time. The functions also work
outside a worker (in a unit test, say): there is no call then, and nothing is cancelled.
"""

from gorgon._running import Cancelled, call_id, cancelled, worker

__all__ = ["Cancelled", "call_id", "cancelled", "worker"]
__version__ = "0.1.0"
