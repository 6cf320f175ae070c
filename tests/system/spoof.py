"""Queries of spoofed sources, as frames: spoof.py INTERFACE MAC-OF-CLIENT MAC-OF-POP POP-ADDRESS NAME RATE SECONDS HOT-OF-100

Each comes from an address of its own, none twice, but HOT-OF-100 of each hundred, which come from all over 203.0.113.0/24.
Prints how many of both it has sent."""

import socket
import struct
import sys
import time

BURST = 50
HOT = 0xCB007100  # 203.0.113.0/24
# Distinct sources count through 16.0.0.0/4 by an odd stride, so that neighbours in time are not in space.
FIRST, COUNT, STRIDE = 0x10000000, 1 << 28, 0x9E3779B1


def frame_of(client_mac, pop_mac, pop, name):
    labels = name.rstrip(".").encode().split(b".")
    question = b"".join(bytes([len(label)]) + label for label in labels) + b"\0" + struct.pack("!HH", 1, 1)
    dns = struct.pack("!HHHHHH", 0x5F0F, 0, 1, 0, 0, 0) + question
    udp = struct.pack("!HHHH", 40000, 53, 8 + len(dns), 0)  # without a checksum (RFC 768)
    ip = struct.pack("!BBHHHBBHI4s", 0x45, 0, 28 + len(dns), 0, 0, 64, 17, 0, 0, socket.inet_aton(pop))
    macs = [bytes.fromhex(mac.replace(":", "")) for mac in (pop_mac, client_mac)]
    return bytearray(b"".join(macs) + b"\x08\x00" + ip + udp + dns)


def set_source(frame, base_sum, source):
    total = base_sum + (source >> 16) + (source & 0xFFFF)
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    struct.pack_into("!HI", frame, 24, ~total & 0xFFFF, source)


def main():
    interface, client_mac, pop_mac, pop, name = sys.argv[1:6]
    rate, seconds, hot_of_100 = map(int, sys.argv[6:])
    sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sender.bind((interface, 0))
    frame = frame_of(client_mac, pop_mac, pop, name)
    base_sum = sum(struct.unpack("!10H", frame[14:34]))
    sent = hot = 0
    begin = time.monotonic()
    while time.monotonic() - begin < seconds:
        for number in range(sent, sent + BURST):
            if number % 100 < hot_of_100:
                source = HOT | (number * STRIDE >> 8 & 0xFF)
                hot += 1
            else:
                source = FIRST + number * STRIDE % COUNT
            set_source(frame, base_sum, source)
            sender.send(frame)
        sent += BURST
        time.sleep(max(0, begin + sent / rate - time.monotonic()))
    print(sent - hot, hot)


if __name__ == "__main__":
    main()
