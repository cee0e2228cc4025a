"""A peer of the distribution protocol that does what no decent node does.

It shakes hands by the cookie, with brood's proof or without, and then sends whatever it is told to: in the name of
others, in no good form, without ever reading an answer. Everything blocks, with a bound.
"""

import hashlib
import hmac
import itertools
import random
import socket
import struct

from . import etf
from .etf import Atom

# What OTP 25 announces and brood asks for, without the atom cache; and two of brood's own.
FLAGS = (0x4 | 0x8 | 0x10 | 0x20 | 0x80 | 0x100 | 0x200 | 0x400 | 0x800 | 0x10000 | 0x20000 | 0x40000 | 0x80000
         | 0x400000 | 0x800000 | 0x1000000 | 0x2000000 | 0x4000000 | 1 << 34 | 1 << 35)
PROOF = 1 << 57

SEND, LINK, EXIT, REG_SEND, EXIT2, MONITOR, SEND_SENDER, ALIAS_SEND = 2, 1, 3, 6, 8, 19, 22, 33


class Refused(Exception):
    """The node ended the connection, or said no."""


def epmd_port_of(name, epmd_port, host="127.0.0.1"):
    """The port that EPMD has for the node `name`, without its host."""
    with socket.create_connection((host, epmd_port), 10) as link:
        request = b"z" + name.encode()
        link.sendall(struct.pack(">H", len(request)) + request)
        answer = link.recv(4096)
    if len(answer) < 4 or answer[1] != 0:
        raise Refused(f"EPMD knows no {name}")
    return struct.unpack(">H", answer[2:4])[0]


def register_in_epmd(name, port, epmd_port, host="127.0.0.1"):
    """Takes a name, as any local program can. It is held while the returned socket is open."""
    link = socket.create_connection((host, epmd_port), 10)
    request = b"x" + struct.pack(">HBBHHH", port, 72, 0, 6, 5, len(name)) + name.encode() + b"\0\0"
    link.sendall(struct.pack(">H", len(request)) + request)
    answer = link.recv(16)
    if len(answer) < 4 or answer[1] != 0:
        link.close()
        raise Refused(f"EPMD does not give {name} away")
    return link


def digest(cookie, challenge):
    return hashlib.md5(cookie.encode() + str(challenge).encode()).digest()


def proof(cookie, sender, initiator, acceptor):
    """sender: b"i" or b"a"; each side (name, creation, flags, challenge)."""
    def party(name, creation, flags, challenge):
        return struct.pack(">H", len(name)) + name.encode() + struct.pack(">IQI", creation, flags, challenge)
    return hmac.new(b"brood proof 1:" + cookie.encode(), sender + party(*initiator) + party(*acceptor),
                    hashlib.sha256).digest()


class Wire:
    """Packets of the handshake and frames over one socket."""

    def __init__(self, link, timeout=10):
        self.link = link
        self.link.settimeout(timeout)

    def close(self):
        self.link.close()

    def take(self, size):
        data = bytearray()
        while len(data) < size:
            try:
                piece = self.link.recv(min(size - len(data), 1 << 20))
            except ConnectionError:
                piece = b""
            if not piece:
                raise Refused("the connection was closed")
            data += piece
        return bytes(data)

    def send_packet(self, data):
        self.link.sendall(struct.pack(">H", len(data)) + data)

    def packet(self):
        return self.take(struct.unpack(">H", self.take(2))[0])

    def send_frame(self, data):
        self.link.sendall(struct.pack(">I", len(data)) + data)

    def frame(self):
        return self.take(struct.unpack(">I", self.take(4))[0])

    def is_closed(self):
        """Reads to the end of the stream; False when none comes in time."""
        try:
            while self.link.recv(1 << 16):
                pass
        except ConnectionError:
            return True
        except TimeoutError:
            return False
        return True


class Peer:
    """The side that dials. `flags`: FLAGS alone is an Erlang node, with PROOF one of brood's."""

    def __init__(self, cluster, name, flags=FLAGS | PROOF, cookie=None, creation=None, timeout=10):
        self.name = cluster.full(name)
        self.cookie = cluster.cookie if cookie is None else cookie
        self.creation = creation or random.randrange(1 << 8, 1 << 31)
        self.flags = flags
        self.epmd_port = cluster.epmd_port
        self.timeout = timeout
        self.wire = None
        self._numbers = itertools.count(1)
        self._parts = {}

    def dial(self, node):
        """A connection without a word yet."""
        port = epmd_port_of(node.split("@")[0], self.epmd_port)
        self.wire = Wire(socket.create_connection(("127.0.0.1", port), self.timeout), self.timeout)
        return self

    def say_name(self):
        self.wire.send_packet(b"N" + struct.pack(">QIH", self.flags, self.creation, len(self.name))
                              + self.name.encode())
        status = self.wire.packet()
        if status == b"salive":
            self.wire.send_packet(b"strue")
        elif status not in (b"sok", b"sok_simultaneous"):
            raise Refused(status.decode(errors="replace"))

    def read_challenge(self):
        """(name, creation, flags, challenge) of the node."""
        packet = self.wire.packet()
        flags, challenge, creation, size = struct.unpack(">QIIH", packet[1:19])
        return packet[19:19 + size].decode(), creation, flags, challenge

    def connect(self, node):
        self.dial(node)
        self.say_name()
        other = self.read_challenge()
        own = (self.name, self.creation, self.flags, random.randrange(1 << 32))
        self.wire.send_packet(b"r" + struct.pack(">I", own[3]) + digest(self.cookie, other[3]))
        if self.wire.packet() != b"a" + digest(self.cookie, own[3]):
            raise Refused("it does not know the cookie")
        if self.flags & other[2] & PROOF:
            self.wire.send_packet(b"p" + proof(self.cookie, b"i", own, other))
            if self.wire.packet() != b"p" + proof(self.cookie, b"a", own, other):
                raise Refused("it does not prove to be that node")
        return self

    def close(self):
        if self.wire:
            self.wire.close()

    def pid(self, number=1, node=None):
        return etf.Pid(node or self.name, number, 0, self.creation)

    def reference(self):
        return etf.Reference(self.name, self.creation, (next(self._numbers), 0, 0))

    def send(self, control, *payload):
        """A control message as it stands, and a term behind it."""
        self.wire.send_frame(b"p" + etf.encode(control) + b"".join(map(etf.encode, payload)))

    def send_named(self, to, term, sender=None):
        self.send((REG_SEND, sender or self.pid(), Atom(""), Atom(to)), term)

    def ask(self, request, sender=None, caller=None):
        """A gen_server:call to the node's `brood`; its reference."""
        reference = self.reference()
        self.send_named("brood", (Atom("$gen_call"), (caller or self.pid(), reference), request), sender)
        return reference

    def receive_bytes(self):
        """The next message as it came; ticks are answered and passed over."""
        while True:
            body = self.wire.frame()
            if not body:
                self.wire.send_frame(b"")
                continue
            kind, rest = body[1], body[2:]
            if kind == 68:
                return rest[1:]
            # Fragments: sequence and number, then, in the first, what a whole message has behind its header.
            sequence, number = struct.unpack(">QQ", rest[:16])
            parts = self._parts.setdefault(sequence, [])
            parts.append(rest[17:] if kind == 69 else rest[16:])
            if number == 1:
                return b"".join(self._parts.pop(sequence))

    def receive(self):
        """The next message, (control, payload)."""
        return self._message(self.receive_bytes())

    def receive_answer(self, reference):
        """The encoded answer (without a version byte) to what ask() gave this reference for: large ones take long to
        decode. Other messages are passed over."""
        begins = b"h\x02" + etf.encode(reference)[1:]
        while True:
            rest = etf.decode_first(self.receive_bytes())[1]
            if rest.startswith(b"\x83"):
                rest = rest[1:]
            if rest.startswith(begins):
                return rest[len(begins):]

    @staticmethod
    def _message(data):
        control, rest = etf.decode_first(data)
        return control, etf.decode_first(rest)[0] if rest else None

    def request(self, request):
        """A gen_server:call and its answer."""
        reference = self.ask(request)
        while True:
            payload = self.receive()[1]
            if isinstance(payload, tuple) and payload and payload[0] == reference:
                return payload[1]

    def counters(self):
        return self.request(Atom("network_info"))[1]["counters"]
