"""How changes reach the other nodes: gossip between real nodes, and the example of a synchronisation of one's own."""

import subprocess

from support import SLOW, Atom, ScenarioTest, main
from harness import ports
from harness.cluster import binary_folder


GOSSIP = {"synchronisation": {"use": "gossip", "recipients": 2, "sync_interval_ms": 2000}}


class Synchronisation(ScenarioTest):
    needs_erlang = True

    def wait_equal_tables(self, cluster, erlang):
        """All nodes have the same rows and know of the same changes, by their own digests."""
        last = {}

        def equal():
            last.clear()
            for name in cluster.up_names():
                view = erlang.request(cluster.full(name), (Atom("stats"), Atom("web")))[1][Atom("view")]
                last[name] = (view[Atom("hash")], view[Atom("table")])
            return len(set(last.values())) == 1
        self.wait(equal, 20, lambda: f"all tables are equal: {last}", 0.05)

    def counts(self, cluster, erlang):
        """name -> what its core has counted since the node's start."""
        return {name: erlang.request(cluster.full(name), (Atom("stats"), Atom("web")))[1][Atom("core")]
                for name in cluster.up_names()}

    def test_gossip_tells_all_nodes_and_survives_the_loss_of_one(self):
        names = ["n1", "n2", "n3", "n4", "n5"]
        static = [{"id": f"s{number}", "worker": "counter"} for number in range(10)]
        ids = [child["id"] for child in static]
        cluster = self.cluster(*names, supervisors={"web": (GOSSIP, static)})
        cluster.start()
        cluster.wait_members()
        cluster.wait_placed(ids)
        erlang = cluster.erlang()
        self.wait_equal_tables(cluster, erlang)
        before = self.counts(cluster, erlang)
        for number in range(10):
            cluster.brood("start", f"x{number}", "--worker", "counter", node=names[number % 5])
        ids += [f"x{number}" for number in range(10)]
        cluster.wait_placed(ids)
        cluster.brood("stop", "x3", node="n5")
        ids.remove("x3")
        cluster.wait_placed(ids)
        self.wait_equal_tables(cluster, erlang)
        after = self.counts(cluster, erlang)

        def grown(field):
            return {name: after[name][Atom(field)] - before[name][Atom(field)] for name in names}
        passed_on, sent = grown("deltas_passed_on"), grown("messages_sent")
        self.note(f"ten starts and a stop: passed on {passed_on}, messages to members {sent}")
        self.assertGreater(sum(passed_on.values()), 0, passed_on)
        cluster.kill("n2")
        cluster.wait_placed(ids, ["n1", "n3", "n4", "n5"])
        self.wait_equal_tables(cluster, erlang)
        cluster.brood("start", "meanwhile", "--worker", "counter", node="n4")
        cluster.brood("stop", "x5", node="n1")
        ids = [name for name in ids if name != "x5"] + ["meanwhile"]
        cluster.start("n2")
        cluster.wait_members()
        cluster.wait_placed(ids)
        self.wait_equal_tables(cluster, erlang)

    def test_a_node_with_another_synchronisation_is_refused_with_the_difference(self):
        cluster = self.cluster("n1", "n2", supervisors={"web": (GOSSIP, [])})
        cluster.start("n1")
        other = {"synchronisation": {"use": "gossip", "recipients": 4}}
        config = cluster.write("other.toml", cluster.fleet_text("n2", {"web": (other, [])}))
        cluster.launch("n2", config=config)
        told = "setting `synchronisation` is gossip/1 recipients={} at {}@127.0.0.1 and gossip/1 recipients={} at {}@127.0.0.1"
        either = (told.format(2, "n1", 4, "n2"), told.format(4, "n2", 2, "n1"))
        self.wait(lambda: any(words in cluster.log("n1") for words in either), 20, "n1 says what differs")

    def test_the_example_tells_its_changes_along_a_chain(self):
        numbers = [str(ports.free_port()) for _ in range(4)]
        done = subprocess.run([binary_folder() / "chain", *numbers], capture_output=True, text=True,
                              timeout=60 * SLOW, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual([line.split(" ", 1)[1] for line in done.stdout.splitlines()], ["knows 30 lamps"] * 4)


if __name__ == "__main__":
    main()
