"""Questions to the POP of a rig, by dnspython and by kdig."""

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype

import rig as rigs

ANSWER_SECONDS = 3


def exchange(rig, wire, source=rigs.CLIENT_IPV4, seconds=ANSWER_SECONDS):
    """Sends raw bytes; returns the reply's, or None when none came."""
    with rig.client_socket(source) as opened:
        opened.settimeout(seconds)
        opened.send(wire)
        try:
            return opened.recv(65535)
        except TimeoutError:
            return None


def exchange_before(rig, wire, last, source=rigs.CLIENT_IPV4):
    """The same, but without waiting for nothing: the query `last`, which is asked behind it, is answered either way."""
    last.id = int.from_bytes(wire[:2], "big") ^ 1
    with rig.client_socket(source) as opened:
        opened.settimeout(ANSWER_SECONDS)
        for message in (wire, last.to_wire()):
            opened.send(message)
        replies = [opened.recv(65535)]
        while not last.is_response(dns.message.from_wire(replies[-1])):
            replies.append(opened.recv(65535))
    assert len(replies) <= 2, replies
    return replies[0] if len(replies) == 2 else None


def query_of(name, rdtype="A", rdclass="IN", edns=False, size=1232, subnet=None, options=(), flags=None, dnssec=False):
    """A query; `subnet` is "address/length" for the client subnet option, or "0" for the empty one."""
    options = list(options)
    if subnet is not None:
        address, _, length = subnet.partition("/")
        options.append(dns.edns.ECSOption("0.0.0.0" if address == "0" else address, int(length or 0)))
    query = dns.message.make_query(name, rdtype, rdclass)
    if edns or options or dnssec:
        query.use_edns(0, dns.flags.DO if dnssec else 0, size, options=options)
    if flags is not None:
        query.flags = flags
    return query


def ask(rig, name, rdtype="A", source=rigs.CLIENT_IPV4, **how):
    """The reply as dnspython reads it. It must be one to this query."""
    query = query_of(name, rdtype, **how)
    reply = exchange(rig, query.to_wire(), source)
    assert reply is not None, f"no reply to {name} {rdtype}"
    message = dns.message.from_wire(reply, ignore_trailing=False)
    assert query.is_response(message), f"not a response to the query:\n{query}\n{message}"
    return message


def rrset(message, rdtype, section=None):
    """(TTL, sorted texts) of the records of a type in a section (the answer by default), (None, []) if there is none."""
    found = [r for r in (message.answer if section is None else section) if r.rdtype == dns.rdatatype.from_text(rdtype)]
    if not found:
        return None, []
    return found[0].ttl, sorted(rdata.to_text() for rdata in found[0])


def four(message):
    """The addresses that a name of a pool is answered with."""
    found = rrset(message, "A")[1]
    assert len(set(found)) == 4, message
    return set(found)


def scope(message):
    """(source length, scope length) of the reply's client subnet option, or None."""
    for option in message.options:
        if option.otype == dns.edns.ECS:
            return option.srclen, option.scopelen
    return None


def kdig(rig, *words, source=None):
    """What kdig prints; `words` as on its command line, the server and its bounds given."""
    server = rigs.POP_IPV6 if source and ":" in source else rigs.POP_IPV4
    bind = ("-b", source) if source else ()
    return rig.as_client(
        "kdig", f"@{server}", *bind, "+retry=0", f"+timeout={ANSWER_SECONDS}", "+ignore", *words
    ).stdout
