"""External Term Format to Python, for the answers of an Erlang node.

Atoms become Atom, binaries bytes, strings (STRING_EXT) lists of integers, pids Pid, references Reference;
tuples, lists and maps become tuple, list and dict. Only what OTP writes today is read.
"""

import dataclasses
import struct


class Atom(str):
    """An atom; equal to the text of its name."""

    __slots__ = ()

    def __repr__(self):
        return f"'{str(self)}'"


@dataclasses.dataclass(frozen=True)
class Pid:
    node: str
    id: int
    serial: int
    creation: int


@dataclasses.dataclass(frozen=True)
class Reference:
    node: str
    creation: int
    words: tuple


@dataclasses.dataclass(frozen=True)
class Opaque:
    """A fun or port: kept as bytes."""
    data: bytes


def _freeze(value):
    """A value that can be the key of a dict."""
    if isinstance(value, list):
        return tuple(_freeze(item) for item in value)
    if isinstance(value, dict):
        return tuple(sorted(((_freeze(k), _freeze(v)) for k, v in value.items()), key=repr))
    if isinstance(value, tuple):
        return tuple(_freeze(item) for item in value)
    return value


class _Reader:
    def __init__(self, data):
        self.data = data
        self.at = 0

    def take(self, size):
        if self.at + size > len(self.data):
            raise ValueError("term is cut short")
        piece = self.data[self.at:self.at + size]
        self.at += size
        return piece

    def number(self, size):
        return int.from_bytes(self.take(size), "big")

    def many(self, count):
        return [self.term() for _ in range(count)]

    def term(self):
        tag = self.number(1)
        if tag == 97:
            return self.number(1)
        if tag == 98:
            return struct.unpack(">i", self.take(4))[0]
        if tag == 70:
            return struct.unpack(">d", self.take(8))[0]
        if tag in (110, 111):
            size = self.number(1 if tag == 110 else 4)
            sign = self.number(1)
            value = int.from_bytes(self.take(size), "little")
            return -value if sign else value
        if tag in (119, 115):
            return Atom(self.take(self.number(1)).decode("utf-8" if tag == 119 else "latin-1"))
        if tag in (118, 100):
            return Atom(self.take(self.number(2)).decode("utf-8" if tag == 118 else "latin-1"))
        if tag == 109:
            return self.take(self.number(4))
        if tag == 107:
            return list(self.take(self.number(2)))
        if tag == 106:
            return []
        if tag == 108:
            items = self.many(self.number(4))
            tail = self.term()
            return items if tail == [] else items + [tail]
        if tag in (104, 105):
            return tuple(self.many(self.number(1 if tag == 104 else 4)))
        if tag == 116:
            pairs = [(self.term(), self.term()) for _ in range(self.number(4))]
            return {_freeze(key): value for key, value in pairs}
        if tag == 88:
            return Pid(str(self.term()), self.number(4), self.number(4), self.number(4))
        if tag == 90:
            count = self.number(2)
            node = str(self.term())
            return Reference(node, self.number(4), tuple(self.number(4) for _ in range(count)))
        if tag in (89, 120):
            start = self.at
            self.term()
            self.take(8 if tag == 89 else 12)
            return Opaque(self.data[start:self.at])
        if tag == 112:
            size = self.number(4)
            return Opaque(self.take(size - 4))
        if tag == 113:
            return Opaque(repr(self.many(3)).encode())
        raise ValueError(f"unknown tag {tag} at {self.at - 1}")


def decode(data):
    """The term in `data` (with version byte)."""
    reader = _Reader(data)
    if reader.number(1) != 131:
        raise ValueError("not a term: no version byte")
    value = reader.term()
    if reader.at != len(data):
        raise ValueError("bytes are left over after the term")
    return value


def _encode(value, out):
    if value is None:
        value = Atom("undefined")
    elif isinstance(value, bool):
        value = Atom("true" if value else "false")
    if isinstance(value, Atom):
        name = value.encode()
        out += bytes([119, len(name)]) + name
    elif isinstance(value, int):
        if 0 <= value < 256:
            out += bytes([97, value])
        elif -(1 << 31) <= value < 1 << 31:
            out += b"b" + struct.pack(">i", value)
        else:
            size = (abs(value).bit_length() + 7) // 8
            out += bytes([110, size, value < 0]) + abs(value).to_bytes(size, "little")
    elif isinstance(value, (bytes, str)):
        data = value.encode() if isinstance(value, str) else value
        out += b"m" + struct.pack(">I", len(data)) + data
    elif isinstance(value, Pid):
        out += b"X"
        _encode(Atom(value.node), out)
        out += struct.pack(">III", value.id, value.serial, value.creation)
    elif isinstance(value, Reference):
        out += b"Z" + struct.pack(">H", len(value.words))
        _encode(Atom(value.node), out)
        out += struct.pack(f">{1 + len(value.words)}I", value.creation, *value.words)
    elif isinstance(value, tuple):
        out += b"i" + struct.pack(">I", len(value))
        for item in value:
            _encode(item, out)
    elif isinstance(value, list):
        if value:
            out += b"l" + struct.pack(">I", len(value))
            for item in value:
                _encode(item, out)
        out += b"j"
    elif isinstance(value, dict):
        out += b"t" + struct.pack(">I", len(value))
        for key, item in value.items():
            _encode(key, out)
            _encode(item, out)
    else:
        raise TypeError(f"{value!r} is not encoded here")


def encode(value):
    """A term with version byte: what decode() reads. str is a binary, Atom an atom."""
    out = bytearray(b"\x83")
    _encode(value, out)
    return bytes(out)


def decode_first(data):
    """The bare term (no version byte) that `data` begins with, and what is behind it."""
    reader = _Reader(data)
    value = reader.term()
    return value, data[reader.at:]


def text(value):
    """Python to Erlang syntax: str is a binary, Atom an atom, bool true/false, None undefined, pids and references from bytes."""
    if isinstance(value, Atom):
        return "'" + str(value).replace("\\", "\\\\").replace("'", "\\'") + "'"
    if value is None:
        return "undefined"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return "<<" + ",".join(str(byte) for byte in value) + ">>"
    if isinstance(value, tuple):
        return "{" + ",".join(map(text, value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(text, value)) + "]"
    if isinstance(value, dict):
        return "#{" + ",".join(f"{text(k)}=>{text(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (Pid, Reference)):
        return f"binary_to_term({text(encode(value))})"
    raise TypeError(f"{value!r} has no Erlang syntax here")
