"""Free TCP ports on loopback."""

import os
import socket

# Below what the system gives to outgoing connections: a port from there may be taken by any client while the
# server that it was meant for is on its way from one node to another.
_FIRST = 10_000
_BLOCK = 100
_BLOCKS = 200

_given = set()


def _of_this_process():
    """Candidates, those of this process's own block first, so that tests that run side by side do not meet."""
    begin = (os.getpid() % _BLOCKS) * _BLOCK
    for offset in range(_BLOCK * _BLOCKS):
        yield _FIRST + (begin + offset) % (_BLOCK * _BLOCKS)


def free_port():
    """A port that nothing listens on now; never the same twice in one test process."""
    for port in _of_this_process():
        if port in _given:
            continue
        _given.add(port)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise RuntimeError(f"no port is free from {_FIRST} on")
