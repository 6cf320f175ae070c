"""A paced stream of queries of which every answer is looked at: none lost, none of a wrong or mixed set."""

import collections
import select
import struct
import threading
import time

# Longer than any pause a busy small machine makes, so that what is still missing then is lost.
LAST_ANSWER_SECONDS = 3.0
# After a pause in which this process did not run, sending all that is due at once would measure socket buffers.
LARGEST_BURST = 32
RECEIVE_BYTES = 8 << 20

TYPE_A = 1
HEADER = struct.Struct("!HHHHHH")


class Question:
    """`name` asked for A from the address `source`; a right answer is drawn from one of the sets in `pools`.

    Over UDP, or with `stream` over one TCP connection; of the POP, or of its address `server`.
    """

    def __init__(self, name, source, pools, stream=False, server=None):
        self.name, self.source, self.pools = name, source, [frozenset(pool) for pool in pools]
        self.stream, self.server = stream, server
        labels = name.rstrip(".").encode().split(b".")
        name_wire = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
        self.wire = name_wire + struct.pack("!HH", TYPE_A, 1)


class Report:
    def __init__(self):
        self.sent = self.answered = self.unasked = 0
        self.of_pool = collections.Counter()
        self.wrong = []
        self.slowest = 0.0
        self.seconds = 0.0

    @property
    def lost(self):
        return self.sent - self.answered

    def __str__(self):
        return (
            f"{self.sent} queries in {self.seconds:.1f} s, {self.lost} lost, {len(self.wrong)} wrong,"
            f" slowest answer {self.slowest * 1e3:.1f} ms, by table {dict(sorted(self.of_pool.items()))}"
        )


def addresses_in(message, question):
    """The A records of a reply, or a ValueError that says what is wrong with it."""
    _, flags, questions, answers, _, _ = HEADER.unpack_from(message)
    if not flags & 0x8000 or flags & 0x020F or questions != 1:
        raise ValueError(f"flags {flags:#06x}, {questions} questions")
    offset = HEADER.size + len(question.wire)
    if message[HEADER.size : offset] != question.wire:
        raise ValueError("another question")
    found = []
    for _ in range(answers):
        while 0 < message[offset] < 0xC0:
            offset += message[offset] + 1
        offset += 1 if message[offset] == 0 else 2
        rtype, _, _, length = struct.unpack_from("!HHIH", message, offset)
        offset += 10
        if rtype == TYPE_A:
            found.append(".".join(str(byte) for byte in message[offset : offset + 4]))
        offset += length
    return found


class _Asker:
    """One socket's share: ids count up, so that an answer is matched to its query."""

    def __init__(self, rig, question):
        self.socket = rig.client_socket(question.source, RECEIVE_BYTES, question.stream, question.server)
        self.socket.setblocking(False)
        self.question, self.next_id, self.waiting, self.rest = question, 0, {}, b""

    def send(self, report):
        self.next_id = (self.next_id + 1) & 0xFFFF
        if self.next_id in self.waiting:
            raise RuntimeError("65536 queries of one socket wait for answers")
        self.waiting[self.next_id] = time.monotonic()
        message = HEADER.pack(self.next_id, 0, 1, 0, 0, 0) + self.question.wire
        if self.question.stream:
            message = struct.pack("!H", len(message)) + message
        if self.socket.send(message) != len(message):
            raise RuntimeError(f"the POP does not read what {self.question.source} asks")
        report.sent += 1

    def receive(self, report):
        for message in self.messages():
            asked = self.waiting.pop(int.from_bytes(message[:2], "big"), None)
            if asked is None:
                report.unasked += 1
                continue
            report.answered += 1
            report.slowest = max(report.slowest, time.monotonic() - asked)
            self.judge(message, report)

    def messages(self):
        """What there is to read now."""
        while True:
            try:
                received = self.socket.recv(65536)
            except BlockingIOError:
                return
            if not self.question.stream:
                yield received
                continue
            if not received:
                raise RuntimeError(f"the POP closed the connection of {self.question.source}")
            self.rest += received
            while len(self.rest) >= 2 and len(self.rest) >= (end := 2 + int.from_bytes(self.rest[:2], "big")):
                message, self.rest = self.rest[2:end], self.rest[end:]
                yield message

    def judge(self, message, report):
        try:
            found = addresses_in(message, self.question)
        except (ValueError, IndexError, struct.error) as fault:
            report.wrong.append(f"{self.question.name}: {fault}: {message.hex()}")
            return
        for number, pool in enumerate(self.question.pools):
            if len(found) == len(set(found)) == min(4, len(pool)) and pool.issuperset(found):
                report.of_pool[number] += 1
                return
        report.wrong.append(f"{self.question.name} from {self.question.source}: {sorted(found)}")


class Load(threading.Thread):
    """Asks the questions in turn, `rate` a second in all, until stop(); then `report` is complete."""

    def __init__(self, rig, rate, questions):
        super().__init__(daemon=True)
        self.rate, self.report, self.failure = rate, Report(), None
        self._askers = [_Asker(rig, question) for question in questions]
        self._over = threading.Event()

    def stop(self):
        self._over.set()
        self.join()
        for asker in self._askers:
            asker.socket.close()
        if self.failure:
            raise self.failure
        return self.report

    def run(self):
        try:
            self._send_all()
            self._await_last()
        except Exception as failure:  # handed to the thread that calls stop()
            self.failure = failure

    def _send_all(self):
        poll = select.epoll()
        by_fd = {asker.socket.fileno(): asker for asker in self._askers}
        for fd in by_fd:
            poll.register(fd, select.EPOLLIN)
        report, begin, turn = self.report, time.monotonic(), 0
        due_from = begin
        while not self._over.is_set():
            due = int((time.monotonic() - due_from) * self.rate)
            if due > LARGEST_BURST:
                due = LARGEST_BURST
            if due:
                due_from = max(due_from + due / self.rate, time.monotonic() - LARGEST_BURST / self.rate)
            for _ in range(due):
                self._askers[turn].send(report)
                turn = (turn + 1) % len(self._askers)
            for fd, _ in poll.poll(0.001):
                by_fd[fd].receive(report)
        report.seconds = time.monotonic() - begin

    def _await_last(self):
        give_up = time.monotonic() + LAST_ANSWER_SECONDS
        while self.report.lost and time.monotonic() < give_up:
            for asker in self._askers:
                asker.receive(self.report)
            time.sleep(0.005)
