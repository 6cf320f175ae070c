"""Server cookies as RFC 9018 4 makes them."""

import socket
import struct

_MASK = (1 << 64) - 1


def _rotate(value, bits):
    return (value << bits | value >> (64 - bits)) & _MASK


def siphash_2_4(key, data):
    """SipHash-2-4 of `data`, 8 bytes little endian."""
    k0, k1 = struct.unpack("<QQ", key)
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]

    def rounds(count):
        for _ in range(count):
            v[0] = (v[0] + v[1]) & _MASK
            v[2] = (v[2] + v[3]) & _MASK
            v[1] = _rotate(v[1], 13) ^ v[0]
            v[3] = _rotate(v[3], 16) ^ v[2]
            v[0] = (_rotate(v[0], 32) + v[3]) & _MASK
            v[2] = (v[2] + v[1]) & _MASK
            v[3] = _rotate(v[3], 21) ^ v[0]
            v[1] = _rotate(v[1], 17) ^ v[2]
            v[2] = _rotate(v[2], 32)

    whole = len(data) // 8 * 8
    words = [*struct.unpack(f"<{whole // 8}Q", data[:whole])]
    words.append(int.from_bytes(data[whole:], "little") | (len(data) & 0xFF) << 56)
    for word in words:
        v[3] ^= word
        rounds(2)
        v[0] ^= word
    v[2] ^= 0xFF
    rounds(4)
    return (v[0] ^ v[1] ^ v[2] ^ v[3]).to_bytes(8, "little")


def cookie(secret, client, address, seconds):
    """The COOKIE option's data: `client` and the server cookie made at `seconds` for an IPv4 client."""
    head = client + struct.pack("!BBHI", 1, 0, 0, seconds & 0xFFFFFFFF)
    return head + siphash_2_4(secret, head + socket.inet_aton(address))
