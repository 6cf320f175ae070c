"""A bulk TCP transfer between the clients' namespace and the POP's, through the kernel's twin of the port."""

import hashlib
import os
import socket
import threading
import time

import rig as rigs


def transfer(rig, address, to_pop, size, patience):
    """Sends `size` bytes one way; `address` is the POP's. Returns the digests at both ends. Each step of it may take
    `patience` seconds."""
    data = os.urandom(1 << 20) * (size >> 20)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with rigs.inside(rig.pop):
        server = socket.create_server((address, 0), family=family)
    with rigs.inside(rig.client):
        client = socket.socket(family, socket.SOCK_STREAM)
    with server, client:
        client.settimeout(patience)
        server.settimeout(patience)
        client.connect((address, server.getsockname()[1]))
        accepted, _ = server.accept()
        with accepted:
            accepted.settimeout(patience)
            sender, receiver = (client, accepted) if to_pop else (accepted, client)
            thread = threading.Thread(target=lambda: (sender.sendall(data), sender.shutdown(socket.SHUT_WR)))
            thread.start()
            received = hashlib.sha256()
            begin = time.monotonic()
            while part := receiver.recv(1 << 16):
                received.update(part)
            thread.join()
            print(f"# {address} {'in' if to_pop else 'out'}: {time.monotonic() - begin:.2f} s", flush=True)
    return hashlib.sha256(data).hexdigest(), received.hexdigest()
