"""Who gives children to which nodes: a load balancer, moves by hand, nodes that are forgotten, several drains at once."""

import subprocess
import threading

from support import SLOW, SMALL, ScenarioTest, main, ports
from harness.cluster import binary_folder

COUNT = 60 if SMALL else 300
# Processors in use are whatever else this machine does.
BALANCER = {"distribution": {"use": "load_balancer", "push_interval_ms": 200, "scheduler_weight": 0, "run_queue_weight": 0}}


def children(count=COUNT):
    return [{"id": f"c{number}", "worker": "counter"} for number in range(1, count + 1)]


class Balance(ScenarioTest):
    def up(self, settings, names=("n1", "n2", "n3"), count=COUNT, first=()):
        cluster = self.cluster(*names, supervisors={"web": (settings, children(count))})
        cluster.start(*first)
        cluster.wait_members()
        self.ids = [child["id"] for child in children(count)]
        cluster.wait_placed(self.ids)
        return cluster

    def counts(self, cluster, at="n1"):
        counts = {}
        for on in cluster.placed(at).values():
            for name in on:
                counts[name.split("@")[0]] = counts.get(name.split("@")[0], 0) + 1
        return counts

    def test_nodes_get_their_shares_and_a_rebalancing_gives_a_new_node_its_own(self):
        cluster = self.up(BALANCER, first=("n1", "n2"))
        for name, count in self.counts(cluster).items():
            self.assertAlmostEqual(count, COUNT / 2, delta=COUNT / 8, msg=name)
        before = cluster.placed("n1")
        cluster.start("n3")
        cluster.wait_members()
        self.assertEqual(cluster.placed("n1"), before, "nothing moves when a node joins")
        board = cluster.brood("scoreboard", "--json", node="n1").json
        self.assertEqual([line["node"].split("@")[0] for line in board["nodes"]], ["n1", "n2", "n3"])
        cluster.brood("rebalance", node="n3", timeout=60)
        cluster.wait_placed(self.ids)
        self.wait(lambda: self.counts(cluster).get("n3", 0) > COUNT / 4, 20, "the new node has its share")
        self.note(f"after the rebalancing: {self.counts(cluster)}")
        # Its children are shared when a node is lost, whoever the leader was.
        cluster.kill("n1")
        cluster.wait_placed(self.ids, ("n2", "n3"))

    def test_a_child_that_is_moved_by_hand_stays_until_it_is_given_back(self):
        cluster = self.up({"migration": "hot_swap"}, count=12)
        home = cluster.placed("n1")["c3"][0]
        other = next(name for name in ("n1", "n2", "n3") if cluster.full(name) != home)
        for _ in range(3):
            cluster.brood("call", "c3", "increment", node="n1")
        cluster.brood("move", "c3", cluster.full(other), node="n1", timeout=30)
        self.assertEqual(cluster.placed(other)["c3"], [cluster.full(other)], "it runs there when the answer comes")
        self.assertEqual(cluster.brood("call", "c3", "get", node="n1").out.strip(), "3", "with what it held")
        third = next(name for name in ("n1", "n2", "n3") if cluster.full(name) not in (home, cluster.full(other)))
        self.assertEqual(cluster.leave(third), 0)
        cluster.start(third)
        cluster.wait_members()
        cluster.wait_placed(self.ids)
        self.assertEqual(cluster.placed(other)["c3"], [cluster.full(other)])
        cluster.brood("move", "c3", "--auto", node=other, timeout=30)
        self.wait(lambda: cluster.placed(other)["c3"] == [home], 20, "it goes home")

    def test_a_child_that_was_moved_goes_by_the_distribution_when_that_node_is_lost(self):
        cluster = self.up({}, count=12)
        home = cluster.placed("n1")["c5"][0]
        other = next(name for name in ("n1", "n2", "n3") if cluster.full(name) != home)
        asked = next(name for name in ("n1", "n2", "n3") if name != other)
        cluster.brood("move", "c5", cluster.full(other), node=asked, timeout=30)
        cluster.kill(other)
        self.wait(lambda: cluster.placed(asked).get("c5") == [home], 20, "it is back at home")
        cluster.start(other)
        cluster.wait_members()
        cluster.wait_placed(self.ids)
        self.assertEqual(cluster.placed(asked)["c5"], [home])

    def test_a_forgotten_node_is_waited_for_no_more(self):
        cluster = self.cluster("n1", "n2", "n3", supervisors={"web": (
            {"distribution": "guided"}, [{"id": "a", "worker": "counter", "mapping": ["n3@127.0.0.1"]}])})
        cluster.start()
        cluster.wait_members()
        cluster.wait_placed(["a"])
        refused = cluster.brood("forget", cluster.full("n3"), node="n1", status=None)
        self.assertNotEqual(refused.status, 0, "it is a member")
        cluster.kill("n3")
        for name in ("n1", "n2"):
            self.wait(lambda name=name: not cluster.placed(name).get("a"), 20, "it waits for its node")
        cluster.brood("forget", cluster.full("n3"), node="n2", timeout=20)
        self.wait(lambda: cluster.placed("n1").get("a"), 20, "it runs elsewhere")

    def test_two_nodes_drain_at_once_and_give_each_other_nothing(self):
        cluster = self.up({"migration": "hot_swap"}, ("n1", "n2", "n3", "n4"))
        answers = {}
        drains = [threading.Thread(target=lambda name=name: answers.update(
            {name: cluster.brood("drain", node=name, status=None, timeout=90)})) for name in ("n2", "n3")]
        for drain in drains:
            drain.start()
        for drain in drains:
            drain.join()
        for answer in answers.values():
            self.assertEqual(answer.status, 0, str(answer))
        cluster.wait_placed(self.ids, ("n1", "n4"))

    def test_the_example_fills_the_houses_by_their_free_beds(self):
        numbers = [str(ports.free_port()) for _ in range(3)]
        done = subprocess.run([binary_folder() / "balance", *numbers], capture_output=True, text=True,
                              timeout=60 * SLOW, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.note(done.stdout.replace("\n", " "))


if __name__ == "__main__":
    main()
