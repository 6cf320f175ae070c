"""TCP, fragments, checksums and ports."""

import wire
from behaviour import Rows, faults, full, told

TCP = Rows("TCP")
PACKETS = Rows("UDP packets")
ONE = full("one")
PIPELINED = 20


def _answer(reply):
    return "" if reply is not None and reply.counts[1] else told(reply)


@TCP.row(f"{PIPELINED} queries at once: {PIPELINED} replies, in their order", "RFC 7766 6.2.1.1")
def _(ask):
    ids = list(range(1, PIPELINED + 1))
    replies = [reply.id for reply in ask.tcp(*(wire.ask(ONE, id=number) for number in ids))]
    if replies == ids:
        return ""
    return "in another order" if sorted(replies) == ids else f"{len(replies)} replies"


@TCP.row("A query in small pieces, after which the client closes its side, is answered", "RFC 7766 8, 9293 3.6")
def _(ask):
    def seen(**how):
        return _answer(next(iter(ask.tcp(wire.ask(ONE), **how)), None))

    return faults(pieces=seen(pieces=8), close=seen(close=True))


@PACKETS.row("A query in two IPv4 fragments is answered", "RFC 1122 3.3.2")
def _(ask):
    return _answer(ask.fragmented(wire.ask(ONE)))


@PACKETS.row("IPv6 with UDP checksum 0 is not answered", "RFC 8200 8.1")
def _(ask):
    reply = ask.without_checksum(wire.ask(ONE))
    return reply and "answered"


@PACKETS.row("Source ports 0, 123 and 19 are not answered", "RFC 768")
def _(ask):
    def seen(port):
        return "answered" if ask.unanswered(wire.ask(ONE), port) else ""

    return faults(**{"0": "answered" if ask.from_port_0(wire.ask(ONE)) else "", "123": seen(123), "19": seen(19)})


GROUPS = (TCP, PACKETS)
