"""Header, question, names, types and delegations."""

import struct

import wire
import zone
from behaviour import Rows, faults, full, texts, told, with_rcode
from wire import A, AA, ANY, CD, CNAME, DS, HTTPS, IN, QR, RA, RD, SOA, TC
from wire import FORMERR, NOERROR, NOTAUTH, NOTIMP, NXDOMAIN, REFUSED

HEADER = Rows("Header and question")
NAMES = Rows("Names and types")
CUTS = Rows("CNAME, wildcard, delegation")
ONE = full("one")
ONE_A = ["203.0.113.11"]


@HEADER.row("A response (QR=1), or less than a header: not answered", "RFC 1035 4.1.1")
def _(ask):
    def seen(query):
        reply = ask.unanswered(query)
        return reply and told(reply)

    return faults(response=seen(wire.ask(ONE, flags=QR)), **{"11 bytes": seen(wire.ask(ONE)[:11])})


@HEADER.row("NOTIFY and UPDATE: refused; opcode 15: NOTIMP; the opcode copied, no records", "RFC 1035 4.1.1")
def _(ask):
    def seen(opcode, *rcodes):
        reply = ask.udp(wire.query(wire.question(zone.ORIGIN, SOA), opcode=opcode))
        if reply is None or reply.rcode not in rcodes:
            return told(reply)
        return f"opcode {reply.opcode}" if reply.opcode != opcode else "records" if any(reply.counts[1:]) else ""

    # A server may know these two and refuse them for other reasons.
    known = NOTIMP, REFUSED, NOTAUTH
    return faults(NOTIFY=seen(wire.NOTIFY, *known), UPDATE=seen(wire.UPDATE, *known), **{"15": seen(15, NOTIMP)})


@HEADER.row("QDCOUNT 0 or 2: FORMERR", "RFC 9619 4")
def _(ask):
    question = wire.question(ONE)
    return faults(**{
        "0": with_rcode(ask.udp(wire.query()), FORMERR),
        "2": with_rcode(ask.udp(wire.query(question, question)), FORMERR),
    })


@HEADER.row("A compression pointer in the question: FORMERR", "RFC 1035 4.1.4")
def _(ask):
    def seen(qname):
        return with_rcode(ask.udp(wire.query(qname + struct.pack("!HH", A, IN))), FORMERR)

    # ARCOUNT is 0, which a pointer to its place makes the root's label.
    return faults(to_itself=seen(b"\xc0\x0c"), to_a_root=seen(b"\x03one\xc0\x0a"))


@HEADER.row("AA, TC, RA, Z, AD and CD in a query are ignored, and clear in the reply", "RFC 1035 4.1.1, 4035 3.1.6")
def _(ask):
    def seen(bit):
        reply = ask.udp(wire.ask(ONE, flags=bit))
        if reply is None or reply.rcode != NOERROR or not reply.counts[1]:
            return told(reply)
        return "copied" if bit != AA and reply.has(bit) else ""

    bits = {"AA": AA, "TC": TC, "RA": RA, "Z": wire.Z, "AD": wire.AD, "CD": CD}
    return faults(**{text: seen(bit) for text, bit in bits.items()})


@HEADER.row("RD is copied", "RFC 1035 4.1.1")
def _(ask):
    def seen(flags):
        reply = ask.udp(wire.ask(ONE, flags=flags))
        if reply is None:
            return told(reply)
        return "" if reply.has(RD) == bool(flags) else "clear" if flags else "set"

    return faults(set=seen(RD), clear=seen(0))


@HEADER.row("The question comes back in its own case; names match in any", "RFC 1035 2.3.3")
def _(ask):
    query = wire.ask(full("oNe").swapcase())
    reply = ask.udp(query)
    if reply is None or not reply.counts[1]:
        return told(reply)
    return "" if reply.question == query[12:] else "case lost"


@NAMES.row("A name in no zone: REFUSED", "RFC 1035 4.1.1")
def _(ask):
    reply = ask.udp(wire.ask("www.example.net"))
    return with_rcode(reply, REFUSED) or ("with AA" if reply.has(AA) else "")


@NAMES.row("Class CH: REFUSED; class ANY: that, or an answer with AA=0", "RFC 1035 6.2")
def _(ask):
    chaos, every = (ask.udp(wire.ask(ONE, qclass=qclass)) for qclass in (wire.CH, ANY))
    impartial = every and every.rcode == NOERROR and not every.has(AA)
    seen = "" if impartial else with_rcode(every, REFUSED)
    return faults(CH=with_rcode(chaos, REFUSED), ANY=f"{seen}, AA=1" if seen == "NOERROR" else seen)


def _negative(ask, label, qtype, rcode):
    """What is wrong with an answer that there is none, and with the SOA that says for how long."""
    reply = ask.udp(wire.ask(full(label), qtype))
    if reply is None or reply.rcode != rcode or reply.counts[1]:
        return told(reply)
    soa = [rrset for rrset in reply.sections()[1] if rrset.rdtype == SOA]
    if not reply.has(AA) or len(soa) != 1:
        return f"{told(reply)} without {'SOA' if reply.has(AA) else 'AA'}"
    own = ask.udp(wire.ask(zone.ORIGIN, SOA)).sections()[0][0]
    ttl = min(own.ttl, own[0].minimum)
    return "" if soa[0].ttl == ttl else f"SOA TTL {soa[0].ttl}, not {ttl}"


@NAMES.row("NXDOMAIN and NODATA: the SOA, its TTL at most its minimum", "RFC 2308 3")
def _(ask):
    return faults(
        NXDOMAIN=_negative(ask, "nobody", A, NXDOMAIN),
        NODATA=_negative(ask, "text", A, NOERROR),
    )


@NAMES.row("NODATA: empty non-terminals, HTTPS, an unknown type", "RFC 4592 2.2.2, 3597 2")
def _(ask):
    return faults(
        empty=_negative(ask, "deep.down", A, NOERROR),
        HTTPS=_negative(ask, "one", HTTPS, NOERROR),
        unknown=_negative(ask, "one", wire.UNKNOWN, NOERROR),
    )


@NAMES.row("ANY over UDP: one RRset, HINFO or TC", "RFC 8482 4")
def _(ask):
    reply = ask.udp(wire.ask(ONE, ANY))
    if reply is None or reply.rcode != NOERROR:
        return told(reply)
    count = len(reply.sections()[0])
    return "" if count == 1 or (reply.has(TC) and count == 0) else f"{count} RRsets"


@NAMES.row("AXFR and IXFR, over UDP and TCP: an error, no transfer", "RFC 5936 2.2.1")
def _(ask):
    def seen(replies):
        reply = next(iter(replies), None)
        return told(reply) if reply is None or reply.rcode == NOERROR else ""

    def udp(qtype):
        return seen([ask.udp(wire.ask(zone.ORIGIN, qtype))])

    def tcp(qtype):
        return seen(ask.tcp(wire.ask(zone.ORIGIN, qtype)))

    return faults(AXFR_UDP=udp(wire.AXFR), AXFR_TCP=tcp(wire.AXFR), IXFR_UDP=udp(wire.IXFR), IXFR_TCP=tcp(wire.IXFR))


@NAMES.row("QTYPE OPT or TSIG: an error", "")
def _(ask):
    def seen(qtype):
        reply = ask.udp(wire.ask(ONE, qtype))
        return told(reply) if reply is None or reply.rcode == NOERROR else ""

    return faults(OPT=seen(wire.OPT), TSIG=seen(wire.TSIG))


@CUTS.row("A CNAME is followed inside the zone; the RCODE is that of its end", "RFC 1034 4.3.2, 6604 3")
def _(ask):
    good, broken = ask.udp(wire.ask(full("first"))), ask.udp(wire.ask(full("broken")))
    if good is None or good.rcode != NOERROR:
        return told(good)
    answer = good.sections()[0]
    found = len(texts(answer, CNAME)) + len(texts(answer, A))
    return faults(
        records="" if found == 3 and texts(answer, A) == ONE_A else f"{found} of 3",
        RCODE=with_rcode(broken, NXDOMAIN),
    )


@CUTS.row("A wildcard answers below it, but not for names that are there", "RFC 4592 3.3")
def _(ask):
    def answer(label):
        reply = ask.udp(wire.ask(full(label)))
        return "" if reply and texts(reply.sections()[0], A) == ["203.0.113.50"] else told(reply)

    there = ask.udp(wire.ask(full("there.wild")))
    return faults(
        one_label=answer("a.wild"),
        two_labels=answer("a.b.wild"),
        a_name=told(there) if there is None or there.rcode != NOERROR or there.counts[1] else "",
    )


@CUTS.row("At and below a cut: a referral with glue, AA=0", "RFC 1034 4.3.2")
def _(ask):
    def seen(label):
        reply = ask.udp(wire.ask(full(label)))
        if reply is None or reply.rcode != NOERROR or reply.counts[1]:
            return told(reply)
        _, authority, additional = reply.sections()
        if reply.has(AA):
            return "AA=1"
        if texts(authority, wire.NS) != [full("ns1.child") + "."]:
            return "no NS"
        return "" if texts(additional, A) == ["203.0.113.60"] else "no glue"

    return faults(at=seen(zone.CHILD), below=seen(f"www.{zone.CHILD}"))


@CUTS.row("DS at a cut: NODATA of the parent, AA=1", "RFC 4035 3.1.4.1")
def _(ask):
    return _negative(ask, zone.CHILD, DS, NOERROR)


GROUPS = (HEADER, NAMES, CUTS)
