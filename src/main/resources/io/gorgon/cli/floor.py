"""The floor of the benchmark: a loop that sends back what it got over a unix socket. No JSON, no pool."""

import socket
import sys

size = int(sys.argv[2])
link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
    link.setsockopt(socket.SOL_SOCKET, option, 1 << 20)
link.connect(sys.argv[1])
buffer = bytearray(max(size, 256 * 1024))
view = memoryview(buffer)
while True:
    count = link.recv_into(buffer)
    while 0 < count < size:  # all of a large frame first, as a worker needs it
        more = link.recv_into(view[count:])
        count = count + more if more else 0
    if not count:
        break
    link.sendall(view[:count])
