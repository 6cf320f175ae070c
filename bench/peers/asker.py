"""Queries to the server of a rig: over UDP, over TCP, by raw packets, and those that nobody may answer."""

import contextlib
import os
import socket
import struct
import time

import rig as rigs
import wire
import zone

ANSWER_SECONDS = 2
# How long a reply may be overtaken by the one to a later query.
GRACE_SECONDS = 0.3
CONTROL_ID = 0x7A7A
UDP_HEADER, UDP = 8, 17


def control():
    """A query that every server answers: when its reply is there, those before it had their turn."""
    return wire.ask(f"one.{zone.ORIGIN}", id=CONTROL_ID)


class Asker:
    def __init__(self, rig):
        self.rig = rig

    def udp(self, query, source=rigs.CLIENT_IPV4):
        """The reply, or None. Asked twice: a busy machine may lose a datagram."""
        with self.rig.client_socket(source) as opened:
            for _ in range(2):
                opened.send(query)
                replies = _receive(opened, ANSWER_SECONDS, 1)
                if replies:
                    return replies[0]
        return None

    def unanswered(self, query, port=0):
        """The reply that should not be there, or None; `port` is a source port to send from."""
        with self._from_port(port) as opened:
            opened.send(query)
            if not port:
                opened.send(control())
            replies = _receive(opened, ANSWER_SECONDS, None)
        return self._uncontrolled(replies)

    def _from_port(self, port):
        with rigs.inside(self.rig.client):
            opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        opened.bind((rigs.CLIENT_IPV4, port))
        opened.connect((rigs.POP_IPV4, 53))
        return opened

    def _uncontrolled(self, replies):
        """The reply that is not the control's, or None; of a server that has answered that since, or does now."""
        if not any(reply.id == CONTROL_ID for reply in replies):
            self._control()
        return next((reply for reply in replies if reply.id != CONTROL_ID), None)

    def _control(self, source=rigs.CLIENT_IPV4):
        if self.udp(control(), source) is None:
            raise rigs.RigError("the server no longer answers")

    def tcp(self, *queries, pieces=None, close=False):
        """The replies to queries sent at once, or in `pieces` of that many bytes; `close` ends our side after them."""
        data = b"".join(struct.pack("!H", len(query)) + query for query in queries)
        try:
            with self.rig.client_socket(rigs.CLIENT_IPV4, stream=True) as opened:
                opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                opened.settimeout(ANSWER_SECONDS)
                for at in range(0, len(data), pieces or len(data)):
                    opened.sendall(data[at : at + (pieces or len(data))])
                    time.sleep(0.02 if pieces else 0)
                if close:
                    opened.shutdown(socket.SHUT_WR)
                with opened.makefile("rb") as stream:
                    return list(_messages(stream, len(queries)))
        except (BrokenPipeError, ConnectionRefusedError, ConnectionResetError):
            return []

    # Raw packets

    def fragmented(self, query):
        """The reply to a query in two IPv4 fragments."""
        with self.rig.client_socket(rigs.CLIENT_IPV4) as opened:
            datagram = _udp(opened.getsockname()[1], query, 0)
            cut = 24
            with self._raw(socket.AF_INET) as raw:
                for _ in range(2):
                    number = int.from_bytes(os.urandom(2), "big")
                    for part, offset in ((datagram[:cut], 0x2000), (datagram[cut:], cut // 8)):
                        raw.sendto(_ipv4(part, offset, number), (rigs.POP_IPV4, 0))
                    replies = _receive(opened, ANSWER_SECONDS, 1)
                    if replies:
                        return replies[0]
        return None

    def without_checksum(self, query):
        """The reply that should not be there, to UDP over IPv6 with checksum 0; or None."""
        with self.rig.client_socket(rigs.CLIENT_IPV6) as opened:
            with self._raw(socket.AF_INET6) as raw:
                raw.sendto(_ipv6(_udp(opened.getsockname()[1], query, 0)), (rigs.POP_IPV6, 0))
            opened.send(control())
            replies = _receive(opened, ANSWER_SECONDS, None)
        return self._uncontrolled(replies)

    def from_port_0(self, query):
        """Whether a query from port 0 is answered: no socket can have that port, so the link is watched."""
        with rigs.inside(self.rig.client):
            link = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
        with link, self._raw(socket.AF_INET) as raw:
            raw.sendto(_ipv4(_udp(0, query, 0), 0, 0), (rigs.POP_IPV4, 0))
            self._control()
            link.settimeout(GRACE_SECONDS)
            with contextlib.suppress(TimeoutError):
                while True:
                    packet, sender = link.recvfrom(65535)
                    ports = struct.unpack("!HH", packet[20:24])
                    if sender[2] != socket.PACKET_OUTGOING and packet[9] == UDP and ports == (53, 0):
                        return True
        return False

    def _raw(self, family):
        with rigs.inside(self.rig.client):
            return socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW)


def _receive(opened, seconds, count):
    """The first `count` replies; without a count all until a little after the control's."""
    replies = []
    until = time.monotonic() + seconds
    controlled = False
    while count is None or len(replies) < count:
        opened.settimeout(max(0.001, until - time.monotonic()))
        try:
            data = opened.recv(65535)
        except (TimeoutError, ConnectionRefusedError):
            break
        replies.append(wire.Reply(data))
        if count is None and replies[-1].id == CONTROL_ID and not controlled:
            controlled, until = True, time.monotonic() + GRACE_SECONDS
    return replies


def _messages(stream, count):
    for _ in range(count):
        try:
            length = stream.read(2)
            if len(length) < 2:
                return
            yield wire.Reply(stream.read(int.from_bytes(length, "big")))
        except (TimeoutError, ConnectionResetError):
            return


def _udp(port, payload, checksum):
    return struct.pack("!HHHH", port, 53, UDP_HEADER + len(payload), checksum) + payload


def _ipv4(payload, fragment, number):
    # The kernel fills in the checksum.
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), number, fragment, 64, UDP, 0)
    return head + socket.inet_aton(rigs.CLIENT_IPV4) + socket.inet_aton(rigs.POP_IPV4) + payload


def _ipv6(payload):
    head = struct.pack("!IHBB", 6 << 28, len(payload), UDP, 64)
    addresses = (socket.inet_pton(socket.AF_INET6, each) for each in (rigs.CLIENT_IPV6, rigs.POP_IPV6))
    return head + b"".join(addresses) + payload
