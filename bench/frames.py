"""Frames of clients as a capture file: what net_pcap feeds to a program again and again."""

import json
import random
import struct

SERVER_MAC, CLIENT_MAC = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
SERVER = bytes([203, 0, 113, 53])
# Global unicast addresses, of which hardly two are of one /24: no rate limit is met.
FIRST_CLIENT, LAST_CLIENT = 0x80000000, 0xDF000000
DNS, NTP = 53, 123


def address_names(pool):
    """The names of a GeoDNS zone file that have A records or are aliases of such."""
    data = json.loads(pool.read_text())["data"]
    origin = pool.name.removesuffix(".json")
    return [f"{label}.{origin}" if label else origin for label, each in data.items() if "a" in each or "alias" in each]


def _checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def query(name, chance):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack(">6H", chance.getrandbits(16), 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", 1, 1)


def time_request(chance):
    return bytes([4 << 3 | 3]) + bytes(39) + chance.randbytes(8)


def frame(payload, port, chance):
    source = chance.randrange(FIRST_CLIENT, LAST_CLIENT).to_bytes(4, "big")
    ports_and_length = struct.pack(">3H", chance.randrange(1024, 65536), port, 8 + len(payload))
    pseudo = source + SERVER + struct.pack(">2H", 17, 8 + len(payload))
    checksum = _checksum(pseudo + ports_and_length + b"\0\0" + payload) or 0xFFFF
    head = struct.pack(">BBHHHBB", 0x45, 0, 28 + len(payload), 0, 0x4000, 57, 17)
    ip = head + struct.pack(">H", _checksum(head + b"\0\0" + source + SERVER)) + source + SERVER
    return SERVER_MAC + CLIENT_MAC + b"\x08\0" + ip + ports_and_length + struct.pack(">H", checksum) + payload


def write_capture(path, names, count, ntp_share, seed=1):
    """`count` frames in the format of libpcap, a share of them NTP."""
    chance = random.Random(seed)
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for _ in range(count):
            ntp = chance.random() < ntp_share
            payload = time_request(chance) if ntp else query(chance.choice(names), chance)
            data = frame(payload, NTP if ntp else DNS, chance)
            out.write(struct.pack("<4I", 0, 0, len(data), len(data)) + data)
