"""EDNS, client subnet, cookies and identity."""

import os
import time

import rig as rigs
import servers
import wire
import zone
from behaviour import NOT_APPLICABLE, Measured, Rows, faults, full, texts, told, with_rcode
from cookies import cookie
from wire import BADCOOKIE, BADVERS, COOKIE, ECS, FORMERR, NOERROR, TC, TXT

EDNS = Rows("EDNS")
SUBNET = Rows("Client subnet")
COOKIES = Rows("Cookies")
IDENTITY = Rows("Identity")
ONE = full("one")


@EDNS.row("Version 1: BADVERS, our version 0", "RFC 6891 6.1.3")
def _(ask):
    reply = ask.udp(wire.ask(ONE, version=1))
    wrong = with_rcode(reply, BADVERS)
    if wrong:
        return wrong
    return f"version {reply.edns[1]}" if reply.edns[1] else "with an answer" if reply.counts[1] else ""


@EDNS.row("Two OPTs, or one that is not the root's: FORMERR", "RFC 6891 6.1.1, 6.1.2")
def _(ask):
    return faults(
        two=with_rcode(ask.udp(wire.query(wire.question(ONE), additional=[wire.opt(), wire.opt()])), FORMERR),
        owner=with_rcode(ask.udp(wire.ask(ONE, owner=wire.name("a"))), FORMERR),
    )


@EDNS.row("An option longer than its OPT: FORMERR with an OPT", "RFC 6891 7")
def _(ask):
    reply = ask.udp(wire.ask(ONE, wire.A, wire.option(wire.UNASSIGNED_OPTION, b"1234")[:-1]))
    return with_rcode(reply, FORMERR) or ("" if reply.edns else "FORMERR without OPT")


@EDNS.row("Unknown options and flags are ignored, not echoed", "RFC 6891 6.1.2, 6.1.4")
def _(ask):
    option = ask.udp(wire.ask(ONE, wire.A, wire.option(wire.UNASSIGNED_OPTION, b"12")))
    flags = ask.udp(wire.ask(ONE, edns_flags=0x3FFF))
    return faults(
        option=told(option) if not option or not option.counts[1] else "echoed" if option.options else "",
        flags=told(flags) if not flags or not flags.counts[1] else "echoed" if not flags.edns or flags.edns[2] else "",
    )


@EDNS.row("DO is copied", "RFC 3225 3")
def _(ask):
    def seen(flags):
        reply = ask.udp(wire.ask(ONE, edns_flags=flags))
        if reply is None or reply.edns is None:
            return "no OPT" if reply else told(reply)
        return "" if reply.edns[2] & wire.DO == flags else "clear" if flags else "set"

    return faults(set=seen(wire.DO), clear=seen(0))


@EDNS.row("Size advertised", "RFC 6891 6.2.5")
def _(ask):
    reply = ask.udp(wire.ask(ONE, edns=True))
    return Measured(reply.edns[0] if reply and reply.edns else "none")


def _sized(ask, reply_size, **how):
    return ask.udp(wire.ask(full(zone.sized_name(reply_size)), TXT, **how))


@EDNS.row("Without EDNS, and for a size below 512: 512 bytes", "RFC 1035 4.2.1, 6891 6.2.3")
def _(ask):
    def seen(**how):
        fits, exceeds = _sized(ask, 500, **how), _sized(ask, 600, **how)
        if fits is None or not fits.counts[1]:
            return told(fits)
        return "" if exceeds and exceeds.has(TC) and len(exceeds.wire) <= 512 else told(exceeds)

    return faults(without=seen(), below=seen(size=100))


@EDNS.row("Largest reply over UDP, of those tried", "RFC 6891 6.2.4")
def _(ask):
    largest = 0
    for size in zone.REPLY_SIZES:
        reply = _sized(ask, size, size=65535)
        if reply and not reply.has(TC):
            largest = len(reply.wire)
    return Measured(largest)


@EDNS.row("TC=1: no answer, the whole question, the OPT; TCP has it all", "RFC 2181 9, 6891 7")
def _(ask):
    size = zone.REPLY_SIZES[-1]
    query = wire.ask(full(zone.sized_name(size)), TXT, edns=True)
    reply, whole = ask.udp(query), next(iter(ask.tcp(query)), None)
    if reply is None or not reply.has(TC):
        return told(reply)
    return faults(
        question="" if reply.question == query[12 : 12 + len(reply.question)] and reply.counts[0] else "cut",
        answer=f"{reply.counts[1]} records" if reply.counts[1] else "",
        OPT="" if reply.edns else "none",
        TCP="" if whole and len(whole.wire) > size and not whole.has(TC) else told(whole),
    )


def _echo(ask, option, expected):
    """What is wrong with a reply that should give the client subnet back as `expected`."""
    reply = ask.udp(wire.ask(ONE, wire.A, option))
    if reply is None or not reply.counts[1]:
        return told(reply)
    echoed = reply.option(ECS)
    if echoed is None:
        return "no option"
    return "" if echoed == expected else "scope " + str(echoed[3]) if echoed[:3] == expected[:3] else "changed"


NET = (198, 51, 100)


@SUBNET.row("It comes back, scope 0 where all get the same; never unasked", "RFC 7871 7.2.1, 7.2.2")
def _(ask):
    ipv6 = wire.subnet(b"\x20\x01\x0d\xb8\x00\x01\xab", family=2, source=56)
    ipv4 = wire.subnet(NET)
    unasked = ask.udp(wire.ask(ONE, edns=True))
    return faults(
        IPv4=_echo(ask, ipv4, ipv4[4:]),
        IPv6=_echo(ask, ipv6, ipv6[4:]),
    ) or (told(unasked) if unasked is None else "unasked" if unasked.option(ECS) is not None else "")


@SUBNET.row("Source length 0, and family 0 with length 0", "RFC 7871 7.1.2")
def _(ask):
    if not _is_read(ask):
        return NOT_APPLICABLE
    zero, family = wire.subnet(b"", source=0), wire.subnet(b"", family=0, source=0)
    return faults(length_0=_echo(ask, zero, zero[4:]), family_0=_echo(ask, family, family[4:]))


def _is_read(ask):
    """Whether the server knows the option at all: who does not is right to ignore it."""
    reply = ask.udp(wire.ask(ONE, wire.A, wire.subnet(NET)))
    return reply is not None and reply.option(ECS) is not None


def _subnet_errors(ask, **wrong):
    if not _is_read(ask):
        return NOT_APPLICABLE
    return faults(**{
        text: with_rcode(ask.udp(wire.ask(ONE, wire.A, *options)), FORMERR) for text, options in wrong.items()
    })


@SUBNET.row("Unknown family, or prefix over 32: FORMERR", "RFC 7871 6")
def _(ask):
    return _subnet_errors(
        ask, family=[wire.subnet(NET, family=3)], prefix=[wire.subnet((198, 51, 100, 7, 1), source=33)]
    )


@SUBNET.row("Address too short, too long, or with bits beyond its length: FORMERR", "RFC 7871 6")
def _(ask):
    return _subnet_errors(
        ask,
        short=[wire.subnet(NET[:2])],
        long=[wire.subnet((*NET, 0))],
        bits=[wire.subnet((198, 51, 101), source=23)],
    )


@SUBNET.row("A scope in a query, or two of the option: FORMERR", "RFC 7871 6")
def _(ask):
    return _subnet_errors(ask, scope=[wire.subnet(NET, scope=24)], two=[wire.subnet(NET), wire.subnet(NET)])


ACCEPTING = (NOERROR, BADCOOKIE)


def _server_cookie(reply, client):
    """The server cookie of a reply, if it has one that goes with the client's."""
    data = reply and reply.option(COOKIE)
    return data[8:] if data and data[:8] == client and 16 <= len(data) <= 40 else None


def _is_interoperable(cookie_of_server):
    """Whether it has the form, if not yet the hash, of RFC 9018."""
    return len(cookie_of_server) == 16 and cookie_of_server[0] == 1


def _bake(ask, data):
    return ask.udp(wire.ask(ONE, wire.A, wire.option(COOKIE, data)))


@COOKIES.row("To a client cookie a server cookie; to both an answer", "RFC 7873 5.2.3, 5.2.5")
def _(ask):
    client = os.urandom(8)
    first = _bake(ask, client)
    if with_rcode(first, *ACCEPTING):
        return told(first)
    cookie_of_server = _server_cookie(first, client)
    if cookie_of_server is None:
        return "none"
    second = _bake(ask, client + cookie_of_server)
    if second is None or not second.counts[1]:
        return told(second)
    return "" if _server_cookie(second, client) else "then none"


@COOKIES.row("QDCOUNT 0 with a client cookie: NOERROR and a server cookie", "RFC 7873 5.4")
def _(ask):
    client = os.urandom(8)
    reply = ask.udp(wire.query(additional=[wire.opt(wire.option(COOKIE, client))]))
    return with_rcode(reply, *ACCEPTING) or ("" if _server_cookie(reply, client) else "none")


@COOKIES.row("Cookies that any server with the same secret makes", "RFC 9018 4")
def _(ask):
    client = os.urandom(8)
    made = _server_cookie(_bake(ask, client), client)
    if made is None:
        return "none"
    if not _is_interoperable(made):
        return "a form of its own"
    seconds = int.from_bytes(made[4:8], "big")
    same = cookie(servers.COOKIE_SECRET, client, rigs.CLIENT_IPV4, seconds)[8:] == made
    return "" if same else "another hash"


@COOKIES.row("One of 40 minutes ago: an answer and a new cookie", "RFC 9018 4.3")
def _(ask):
    client, now = os.urandom(8), int(time.time())
    reply = _bake(ask, cookie(servers.COOKIE_SECRET, client, rigs.CLIENT_IPV4, now - 40 * 60))
    if reply is None or not reply.counts[1]:
        return told(reply)
    renewed = _server_cookie(reply, client)
    if renewed is None:
        return "no cookie"
    if not _is_interoperable(renewed):
        return NOT_APPLICABLE
    return "" if abs(int.from_bytes(renewed[4:8], "big") - now) < 60 else "the old one"


@COOKIES.row("A wrong server cookie: an answer or BADCOOKIE, and a good cookie", "RFC 7873 5.2.4")
def _(ask):
    client = os.urandom(8)
    reply = _bake(ask, client + bytes(16))
    if with_rcode(reply, *ACCEPTING):
        return told(reply)
    fresh = _server_cookie(reply, client)
    return "no cookie" if fresh is None else "the wrong one" if fresh == bytes(16) else ""


@COOKIES.row("Lengths other than 8 and 16 to 40: FORMERR", "RFC 7873 5.2.2")
def _(ask):
    return faults(**{
        str(length): with_rcode(_bake(ask, os.urandom(length)), FORMERR) for length in (0, 7, 9, 15, 41)
    })


@IDENTITY.row("NSID when it is asked for", "RFC 5001 2.1")
def _(ask):
    asked, unasked = (ask.udp(wire.ask(ONE, wire.A, *options, edns=True)) for options in ((wire.option(wire.NSID),), ()))
    if asked is None or unasked is None:
        return "no reply"
    if unasked.option(wire.NSID) is not None:
        return "also unasked"
    return "" if asked.option(wire.NSID) == servers.HOSTNAME.encode() else "none"


def _chaos(ask, name, text):
    reply = ask.udp(wire.ask(name, TXT, qclass=wire.CH))
    if reply is None or not reply.counts[1]:
        return told(reply)
    found = [each.strip('"') for each in texts(reply.sections()[0], TXT)]
    return "" if found == [text] else f"`{' '.join(found)}`"


@IDENTITY.row("CH TXT id.server, version.server, version.bind: what is configured", "RFC 4892 3.1")
def _(ask):
    return faults(**{
        "id.server": _chaos(ask, "id.server", servers.HOSTNAME),
        "version.server": _chaos(ask, "version.server", servers.VERSION),
        "version.bind": _chaos(ask, "version.bind", servers.VERSION),
    })


GROUPS = (EDNS, SUBNET, COOKIES, IDENTITY)
