"""Puts the harness on the path; every scenario begins with `from support import ...`."""

import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from harness import etf, peer as peers, ports, processes  # noqa: E402,F401
from harness.case import ScenarioTest, full_run, main, rounds  # noqa: E402,F401
from harness.cluster import SERVER, SLOW, Cluster, brood_binary, seed_of_the_day  # noqa: E402,F401
from harness.etf import Atom, text  # noqa: E402,F401

# A sanitizer's build keeps the conditions, not the sizes: what is slow is made smaller.
SMALL = SLOW > 2.5 or bool(os.environ.get("BROOD_TEST_SMALL"))


def witness_child(cluster, name, **more):
    """A fleet file's entry for a C++ worker that reports to the witness."""
    return {"id": name, "worker": "witness",
            "args": {"host": cluster.witness.host, "port": cluster.witness.port}, **more}


def witness_start(cluster):
    """`start => ...` of such a worker, in Erlang syntax."""
    return f'{{witness, [#{{host => <<"{cluster.witness.host}">>, port => {cluster.witness.port}}}]}}'


def server_child(cluster, name, port, *arguments, **more):
    """A fleet file's entry for a real server that holds a line to the witness while it lives."""
    return {"id": name, "exec": [sys.executable, str(SERVER), "--port", str(port), "--witness",
                                 f"{cluster.witness.host}:{cluster.witness.port}", *arguments], **more}


def owner_names(placed):
    """How many children each node has."""
    counts = {}
    for node in placed.values():
        counts[node] = counts.get(node, 0) + 1
    return dict(sorted(counts.items()))
