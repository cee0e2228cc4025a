"""A child is begun anew on another node while its coordinator, and whoever asked for that, are lost."""

import os

from support import ScenarioTest, main

NODES = ("n1", "n2", "n3")

# Goes on when it is told to end, until the second file is there; the first says that it is ready for that.
STUBBORN = r"""
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: None)
open(sys.argv[1], "w").close()
while not os.path.exists(sys.argv[2]):
    time.sleep(0.02)
"""


class Replacing(ScenarioTest):
    def begin(self):
        """The cluster, and an id that n1 coordinates: n2 runs a program that does not end yet, and n3 is to run another."""
        cluster = self.cluster(*NODES, node={"exec_allow": True, "expect": 3})
        cluster.supervisors = {"web": ({}, [])}
        cluster.start(*NODES)
        cluster.wait_members(NODES)
        ready, self.end = cluster.path("ready"), cluster.path("end")
        script = cluster.write("stubborn.py", STUBBORN)
        name = next(id for id in (f"p{number}" for number in range(100))
                    if cluster.brood("where", id, "--json", node="n1").json["node"] == cluster.full("n1"))

        def apply(node, *program):
            child = {"id": name, "exec": ["python3", *program], "nodes": [cluster.full(node)], "shutdown": "infinity"}
            file = cluster.write(f"on-{node}.toml", cluster.fleet_text("n1", {"web": ({}, [child])}))
            return cluster.brood("apply", file, "--timeout", "2000", node="n1", status=None)

        first = apply("n2", script, ready, self.end)
        self.assertEqual(first.status, 0, first)
        self.assertEqual(cluster.placed("n1"), {name: [cluster.full("n2")]})
        self.wait(lambda: os.path.exists(ready), 10, "the program is ready")
        late = apply("n3", "-c", "import time; time.sleep(1000)")
        self.assertEqual(late.status, 1, late)
        self.wait(lambda: "begins anew once nothing of the former one is left" in self.why(cluster, name), 5,
                  lambda: self.why(cluster, name))
        return cluster, name

    @staticmethod
    def why(cluster, name):
        return cluster.brood("why", name, node="n3").out

    def finish(self, cluster, name, *left):
        self.assertEqual(len(cluster.ps("n3")), 1, "it is there still")
        with open(self.end, "w", encoding="ascii"):
            pass
        for node in left:
            self.wait(lambda at=node: cluster.placed(at) == {name: [cluster.full("n3")]}, 20, "it has begun anew")

    def test_goes_on_when_its_coordinator_is_killed(self):
        cluster, name = self.begin()
        cluster.kill("n1")
        cluster.wait_members(("n2", "n3"))
        self.finish(cluster, name, "n2", "n3")

    def test_goes_on_when_its_coordinator_leaves(self):
        cluster, name = self.begin()
        cluster.leave("n1")
        self.finish(cluster, name, "n2", "n3")

    def test_ends_with_a_stop(self):
        cluster, name = self.begin()
        cluster.kill("n1")
        cluster.wait_members(("n2", "n3"))
        self.assertEqual(cluster.brood("stop", name, "--timeout", "500", node="n2", status=None).status, 1)
        with open(self.end, "w", encoding="ascii"):
            pass
        for node in ("n2", "n3"):
            self.wait(lambda at=node: not cluster.ps(at), 20, "nothing of it is left")


if __name__ == "__main__":
    main()
