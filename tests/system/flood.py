"""Sends datagrams of no service as fast as it is told, from its own process: flood.py ADDRESS PORT RATE SECONDS"""

import socket
import sys
import time

BURST = 50

if __name__ == "__main__":
    address, port, rate, seconds = sys.argv[1], *map(int, sys.argv[2:])
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sender = socket.socket(family, socket.SOCK_DGRAM)
    begin, sent = time.monotonic(), 0
    while time.monotonic() - begin < seconds:
        for _ in range(BURST):
            # Not connected: the kernel's port unreachable messages are no errors then.
            sender.sendto(b"flood", (address, port))
        sent += BURST
        time.sleep(max(0, begin + sent / rate - time.monotonic()))
    print(sent)
