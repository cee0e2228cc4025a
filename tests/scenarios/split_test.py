"""Five nodes, each in a network namespace; the network between them splits and heals, under each partition strategy,
with a client on each side.

What each strategy promises is looked at from outside: the witness, which all nodes reach all the time, knows what
runs where, and the clients call one child after the other as long as the split lasts. Printed: how long both sides ran
a child at most, beside the bound that the node itself states; how long it took until the smaller side was locked, until
the larger one ran everything, and after the healing until everything was as before; and what the clients saw of that.
BROOD_TEST_FULL=1 (./dev test --full): 20 splits of each strategy instead of 2.
"""

import itertools
import json
import random
import threading
import time

from support import SLOW, ScenarioTest, main, rounds, seed_of_the_day, witness_child
from harness import netns

HOSTS = {f"n{number}": number for number in range(1, 6)}
CHILDREN = 25
IDS = {f"c{number}" for number in range(1, CHILDREN + 1)}
TICK = int(2000 * SLOW)
STOP = 1000
# What a busy machine adds to a bound that is made of timers.
SLACK = 0.5 * SLOW


class SplitCluster(netns.HostsCluster):
    def __init__(self, partition):
        super().__init__(HOSTS, witness=netns.HUB, node={"tick_timeout_ms": TICK, "expect": len(HOSTS)})
        options = {} if partition is None else {"partition": partition}
        self.supervisors = {"web": (options, [witness_child(self, name) for name in sorted(IDS)])}

    def standing(self, name):
        return self.brood("partition", "--json", node=name).json[0]

    def runs_on(self):
        """id -> the nodes that the witness sees it on."""
        return {name: [interval.node for interval in intervals] for name, intervals in self.witness.running().items()}


class Client(threading.Thread):
    """Calls one child after the other at a node, until it is told to end. answers: (asked, answered, what) in order;
    what is ok, partitioned or failed."""

    def __init__(self, cluster, node):
        super().__init__(daemon=True)
        self.node = node
        self.answers = []
        self._cluster = cluster
        self._ended = threading.Event()
        self.start()

    def run(self):
        for name in itertools.cycle(sorted(IDS)):
            asked = time.monotonic()
            answer = self._cluster.brood("--json", "call", name, "get", "--timeout", "500", node=self.node, status=None)
            what = ("ok" if answer.status == 0
                    else "partitioned" if '"partitioned"' in answer.out + answer.err else "failed")
            self.answers.append((asked, time.monotonic(), what))
            if self._ended.wait(0.02):
                return

    def end(self):
        self._ended.set()
        self.join(60 * SLOW)

    def asked_since(self, when):
        return sum(asked > when for asked, _, _ in self.answers)

    def first(self, what):
        """When it was first answered that; None: never."""
        return next((answered for _, answered, kind in self.answers if kind == what), None)

    def served_from(self):
        """From when on all children have answered."""
        last_bad = max((index for index, answer in enumerate(self.answers) if answer[2] != "ok"), default=-1)
        return self.answers[min(last_bad + 1, len(self.answers) - 1)][1]


def spread(times):
    return f"{min(times):.1f} to {max(times):.1f} s (median {sorted(times)[len(times) // 2]:.1f})"


class Splits(ScenarioTest):
    needs_chaos = True

    def begin(self, partition):
        self.random = random.Random(seed_of_the_day())
        cluster = SplitCluster(partition)
        self.clusters.append(cluster)
        cluster.start()
        cluster.wait_placed(IDS)
        return cluster

    def halves(self):
        """A side of three and one of two, by chance."""
        names = list(HOSTS)
        self.random.shuffle(names)
        return sorted(names[:3]), sorted(names[3:])

    def split(self, cluster, *sides):
        cluster.network.split([[HOSTS[name] for name in side] for side in sides])
        return time.monotonic()

    def heal(self, cluster):
        """Seconds until all is as before."""
        cluster.network.heal()
        began = time.monotonic()
        cluster.wait_members(seconds=40)
        cluster.wait_placed(IDS, seconds=40)
        cluster.wait_witnessed(IDS)
        return time.monotonic() - began

    def on_sides(self, cluster, sides):
        """For each side: id -> how many of it run there."""
        running = cluster.runs_on()
        return [{name: sum(node in map(cluster.full, side) for node in running.get(name, [])) for name in IDS}
                for side in sides]

    def each_once(self, cluster, side, seconds):
        self.wait(lambda: set(self.on_sides(cluster, [side])[0].values()) == {1}, seconds,
                  lambda: f"each child runs once on {side}: {self.on_sides(cluster, [side])[0]}")
        return time.monotonic()

    def none(self, cluster, side, seconds):
        self.wait(lambda: set(self.on_sides(cluster, [side])[0].values()) == {0}, seconds,
                  lambda: f"nothing runs on {side}: {self.on_sides(cluster, [side])[0]}")
        return time.monotonic()

    def longest_overlap(self, cluster, since):
        found = [overlap for overlap in cluster.witness.overlaps() if overlap.second.start >= since]
        return max((overlap.seconds for overlap in found), default=0.0)

    # What clients of each side are told.

    def refused(self, cluster, name, round_):
        for command in (["start", f"late{round_}", "--worker", "counter"], ["stop", "c1"], ["call", "c1", "get"]):
            answer = cluster.brood(*command, node=name, status=1)
            self.assertIn("this part of the cluster may not", answer.err, answer)
        answer = cluster.brood("--json", "stop", "c1", node=name, status=1)
        self.assertIn('"partitioned"', answer.out + answer.err, answer)

    def served(self, cluster, name):
        cluster.brood("call", "c1", "increment", node=name)
        cluster.brood("start", "extra", "--worker", "counter", node=name)
        cluster.brood("stop", "extra", node=name)

    def quorum(self, partition):
        partition = {**partition, "locked_stop_ms": STOP}
        cluster = self.begin(partition)
        bound = cluster.standing("n1")["overlap_bound_ms"] / 1000
        delay = cluster.standing("n1")["takeover_delay_ms"] / 1000
        self.assertEqual(bound, 0)
        figures, seen = [], []
        for round_ in range(rounds(2, 20)):
            most, few = self.halves()
            began = self.split(cluster, most, few)
            large, small = Client(cluster, most[0]), Client(cluster, few[-1])
            empty = self.none(cluster, few, TICK / 1000 * 3 + STOP / 1000)
            for name in few:
                standing = cluster.standing(name)
                self.assertTrue(standing["partitioned"] and standing["locked"], standing)
                for missing in most:
                    self.assertNotIn(cluster.full(missing), standing["members"])
                self.assertIn("here", standing["why"])
            self.refused(cluster, few[0], round_)
            full = self.each_once(cluster, most, TICK / 1000 * 3 + delay + 5)
            self.served(cluster, most[0])
            self.assertFalse(cluster.standing(most[0])["partitioned"])
            self.assertEqual(set(self.on_sides(cluster, [few])[0].values()), {0}, "it came back on the smaller side")
            # As many calls as there are children, with a late one, so that the client has asked for each.
            self.wait(lambda: large.asked_since(full) > CHILDREN, 60, "all are called")
            large.end()
            small.end()
            seen.append((small.first("partitioned") - began, large.served_from() - began))
            late = [one for one in small.answers if one[0] > empty and one[2] == "ok"]
            self.assertEqual(late, [], "a child answered on the smaller side though it was locked")
            late = [one for one in large.answers if one[0] > full + SLACK and one[2] != "ok"]
            self.assertEqual(late, [], "a child did not answer on the larger side")
            recovered = self.heal(cluster)
            overlap = self.longest_overlap(cluster, began)
            figures.append((empty - began, full - began, recovered, overlap))
            self.assertLessEqual(overlap, bound + SLACK, cluster.witness.report(cluster.witness.overlaps()))
            for name in HOSTS:
                self.assertFalse(cluster.standing(name)["partitioned"])
        locked, taken, healed, overlaps = zip(*figures)
        detected, served = zip(*seen)
        self.note(f"{len(figures)} splits: locked and empty after {spread(locked)}, all on the larger side after "
                  f"{spread(taken)}, whole {spread(healed)} after the healing; both sides ran a child for "
                  f"{max(overlaps):.3f} s at most (bound {bound:.1f} s)")
        self.note(f"clients: on the smaller side told `partitioned` after {spread(detected)}, on the larger one served "
                  f"by every child after {spread(served)}")

    def test_static_quorum(self):
        self.quorum({"use": "static_quorum", "quorum_size": 3})

    def test_majority_quorum(self):
        self.quorum({"use": "majority_quorum", "initial_cluster_size": 5})

    def test_dynamic_quorum(self):
        self.quorum({"use": "dynamic_quorum", "quorum_size": 60})

    def test_divergence(self):
        cluster = self.begin(None)
        figures = []
        for _ in range(rounds(2, 20)):
            most, few = self.halves()
            began = self.split(cluster, most, few)
            clients = [Client(cluster, most[0]), Client(cluster, few[0])]
            both = [self.each_once(cluster, side, TICK / 1000 * 3 + 10) - began for side in (most, few)]
            full = time.monotonic()
            for client in clients:
                self.wait(lambda: client.asked_since(full) > CHILDREN, 60, "all are called")
                client.end()
                late = [one for one in client.answers if one[0] > full + SLACK and one[2] != "ok"]
                self.assertEqual(late, [], f"a child did not answer at {client.node}")
            for side in (most, few):
                self.served(cluster, side[0])
                self.assertFalse(cluster.standing(side[0])["partitioned"])
            served = max(client.served_from() for client in clients) - began
            figures.append((max(both), self.heal(cluster), served))
        taken, healed, served = zip(*figures)
        self.note(f"{len(figures)} splits: each side runs all after {spread(taken)}, each child once again "
                  f"{spread(healed)} after the healing; clients of both sides are served by every child after "
                  f"{spread(served)}")

    def test_a_smaller_takeover_delay_keeps_its_bound(self):
        cluster = self.begin({"use": "static_quorum", "quorum_size": 3, "locked_stop_ms": STOP,
                              "takeover_delay_ms": 0})
        bound = cluster.standing("n1")["overlap_bound_ms"] / 1000
        self.assertEqual(bound, TICK / 1000 * 1.5 + STOP / 1000)
        most, few = self.halves()
        began = self.split(cluster, most, few)
        self.none(cluster, few, TICK / 1000 * 3 + STOP / 1000)
        self.each_once(cluster, most, TICK / 1000 * 3 + 5)
        self.heal(cluster)
        overlap = self.longest_overlap(cluster, began)
        self.note(f"without a delay both sides ran a child for {overlap:.3f} s at most (bound {bound:.1f} s)")
        self.assertLessEqual(overlap, bound + SLACK)

    def test_without_any_quorum_nothing_runs_until_an_operator_says_so(self):
        cluster = self.begin({"use": "majority_quorum", "initial_cluster_size": 5, "locked_stop_ms": STOP})
        self.split(cluster, ["n1", "n2"], ["n3", "n4"], ["n5"])
        self.none(cluster, list(HOSTS), TICK / 1000 * 3 + STOP / 1000)
        self.assertIn("partitioned", cluster.brood("partition", node="n1").out)
        answer = cluster.brood("partition", "--reset-size", "2", node="n1")
        self.assertIn("2 of 2", answer.out)
        self.each_once(cluster, ["n1", "n2"], TICK / 1000 * 3 + 20)
        self.wait(lambda: cluster.standing("n2")["size"] == 2, 10, "n2 knows of it")
        # Who comes back is told, and the cluster grows again.
        self.heal(cluster)
        self.wait(lambda: cluster.standing("n5")["size"] == 5, 10, lambda: json.dumps(cluster.standing("n5")))


if __name__ == "__main__":
    netns.enter()
    main()
