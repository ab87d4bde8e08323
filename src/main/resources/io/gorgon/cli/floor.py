"""The floor of the benchmark: a loop that sends back what it got over a unix socket. No JSON, no pool."""

import socket
import sys

link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
link.connect(sys.argv[1])
buffer = bytearray(256 * 1024)
view = memoryview(buffer)
while True:
    count = link.recv_into(buffer)
    if not count:
        break
    link.sendall(view[:count])
