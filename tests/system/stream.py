"""Load streams to a POP written by hand, so that they can be wrong in ways that `anytick pop push` never is."""

import hashlib
import importlib
import sys

import grpc

import fixture
import rig as rigs

DIGEST = slice(16, 48)
ZONE, GEO = 1, 2


def with_digest(table):
    """The table with the digest that its bytes ask for."""
    table = bytearray(table)
    table[DIGEST] = bytes(32)
    table[DIGEST] = hashlib.sha256(table).digest()
    return bytes(table)


class Pop:
    """A client of a rig's POP by its own contract."""

    def __init__(self, rig):
        contract = fixture.HERE.parent.parent / "dataplane" / "pop.proto"
        rigs.run("protoc", f"--proto_path={contract.parent}", f"--python_out={rig.room}", contract)
        sys.path.insert(0, str(rig.room))
        self.messages = importlib.import_module("pop_pb2")
        channel = grpc.insecure_channel(rig.control)
        self._load = channel.stream_unary(
            "/anytick.pop.v1.Pop/Load",
            request_serializer=self.messages.LoadRequest.SerializeToString,
            response_deserializer=self.messages.LoadReply.FromString,
        )

    def head(self, kind, table, size=None, digest=None):
        return self.messages.TableHead(
            kind=kind, size=len(table) if size is None else size, digest=table[DIGEST] if digest is None else digest
        )

    def begin(self, *heads, protocol=1):
        return self.messages.LoadRequest(begin=self.messages.LoadBegin(protocol=protocol, tables=heads))

    def chunks(self, data, size=1 << 20):
        return [self.messages.LoadRequest(chunk=data[at : at + size]) for at in range(0, len(data), size)]

    def load(self, *parts, timeout=30):
        """(LoadReply, None) or (None, the RPC's error)."""
        try:
            return self._load(iter(parts), timeout=timeout), None
        except grpc.RpcError as error:
            return None, error
