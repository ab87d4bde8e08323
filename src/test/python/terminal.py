"""Runs a command on a terminal of its own: ``terminal.py PATTERN COMMAND...``; Ctrl-C when PATTERN shows."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import sys
import termios

ROWS, COLUMNS = 24, 100


def main(pattern: str, command: list[str]) -> int:
    """Copy what the terminal shows to stdout; the command's exit code, negative for a signal."""
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a build in the background ignores it, and hands that on
        os.execvp(command[0], command)
    seen = b""
    struck = not pattern
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # the last process has let go of it
            break
        seen += part
        if not struck and re.search(pattern.encode(), seen):
            struck = True
            os.write(terminal, b"\x03")
    _, status = os.waitpid(pid, 0)
    sys.stdout.buffer.write(seen)
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
