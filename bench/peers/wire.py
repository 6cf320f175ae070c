"""DNS messages as bytes: queries right and wrong, and what came back."""

import struct

import dns.message
import dns.name
import dns.rcode

A, NS, CNAME, SOA, MX, TXT, AAAA, OPT, DS, HTTPS, UNKNOWN = 1, 2, 5, 6, 15, 16, 28, 41, 43, 65, 65280
TSIG, IXFR, AXFR, ANY = 250, 251, 252, 255
IN, CH = 1, 3
QUERY, NOTIFY, UPDATE = 0, 4, 5
QR, AA, TC, RD, RA, Z, AD, CD = 0x8000, 0x400, 0x200, 0x100, 0x80, 0x40, 0x20, 0x10
DO = 0x8000
NSID, ECS, COOKIE = 3, 8, 10
UNASSIGNED_OPTION = 65001
NOERROR, FORMERR, NXDOMAIN, NOTIMP, REFUSED, NOTAUTH, BADVERS, BADCOOKIE = 0, 1, 3, 4, 5, 9, 16, 23

ID = 0x2b2b  # of every query but those that the caller numbers


def name(text):
    """A name's bytes, its case kept."""
    return dns.name.from_text(text).to_wire()


def question(qname, qtype=A, qclass=IN):
    return name(qname) + struct.pack("!HH", qtype, qclass)


def option(code, data=b""):
    return struct.pack("!HH", code, len(data)) + data


def opt(*options, size=1232, version=0, flags=0, owner=b"\0"):
    """An OPT record (RFC 6891 6.1.2)."""
    data = b"".join(options)
    return owner + struct.pack("!HHBBHH", OPT, size, 0, version, flags, len(data)) + data


def subnet(data, family=1, source=24, scope=0):
    """A client subnet option (RFC 7871 6) of these address bytes, right or wrong."""
    return option(ECS, struct.pack("!HBB", family, source, scope) + bytes(data))


def query(*questions, additional=(), id=ID, opcode=QUERY, flags=0):
    head = struct.pack("!HHHHHH", id, opcode << 11 | flags, len(questions), 0, 0, len(additional))
    return head + b"".join(questions) + b"".join(additional)


def ask(qname, qtype=A, *options, qclass=IN, edns=None, id=ID, flags=0, **more):
    """A query as clients send them; with EDNS where anything of it is stated."""
    edns = bool(options or more) if edns is None else edns
    extended = {"flags": more.pop("edns_flags", 0), **more}
    return query(question(qname, qtype, qclass), additional=[opt(*options, **extended)] if edns else (), id=id, flags=flags)


class Reply:
    """A reply taken apart by no more than RFC 1035 4.1 and RFC 6891 6.1: what a server says may be wrong."""

    def __init__(self, wire):
        self.wire = wire
        self.id, self.flags, *self.counts = struct.unpack("!HHHHHH", wire[:12])
        self.opcode = self.flags >> 11 & 15
        self.rcode = self.flags & 15
        self.edns = None  # (size, version, flags) of the OPT
        self.options = []
        at = 12
        for _ in range(self.counts[0]):
            at = self._skip_name(at) + 4
        self.question = wire[12:at]
        for _ in range(sum(self.counts[1:])):
            at = self._read_record(at)

    def _skip_name(self, at):
        while self.wire[at]:
            if self.wire[at] >= 0xC0:
                return at + 2
            at += 1 + self.wire[at]
        return at + 1

    def _read_record(self, at):
        at = self._skip_name(at)
        kind, size, extended, version, flags, length = struct.unpack("!HHBBHH", self.wire[at : at + 10])
        data = self.wire[at + 10 : at + 10 + length]
        if kind == OPT:
            self.edns = (size, version, flags)
            self.rcode |= extended << 4
            while data:
                code, count = struct.unpack("!HH", data[:4])
                self.options.append((code, data[4 : 4 + count]))
                data = data[4 + count :]
        return at + 10 + length

    def has(self, flags):
        return bool(self.flags & flags)

    def option(self, code):
        return next((data for each, data in self.options if each == code), None)

    def rcode_text(self):
        return dns.rcode.to_text(self.rcode, tsig=False)

    def sections(self):
        """Answer, authority and additional RRsets without the OPT."""
        message = dns.message.from_wire(self.wire)
        return message.answer, message.authority, message.additional
