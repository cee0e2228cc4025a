"""Many small nodes on one machine: they boot together, lose ten at once and take them back.

BROOD_TEST_NODES: how many; a hundred in a full run.
"""

import os
import time

from support import SMALL, ScenarioTest, full_run, main
from harness.scale import ScaleCluster

NODES = int(os.environ.get("BROOD_TEST_NODES") or (100 if full_run() else 12 if SMALL else 24))
LOST = max(2, NODES // 10)
CHILDREN = 10 * NODES
# Loopback alone, so that the sizes and times of one machine say something: all nodes share its processors.
SEEDS = 3


class Hundred(ScenarioTest):
    def wait_agreed(self, names, seconds, since):
        """Seconds until all views are the same."""
        self.scale.wait_members(names, seconds)
        return time.monotonic() - since

    def running(self):
        return sum(answer["running"] for answer in self.scale.ask_all("running").values())

    def wait_running(self, seconds, since):
        """Seconds until each child runs."""
        last = {}

        def all_run():
            last["running"] = self.running()
            return last["running"] == CHILDREN
        self.wait(all_run, seconds, lambda: f"{CHILDREN} children run: {last}", 0.05)
        return time.monotonic() - since

    def exactly_one(self, names):
        def once():
            tables = list(self.scale.ask_all("counts", names).values())
            return all(table["known"] == CHILDREN and table["odd"] == 0 and table["digest"] == tables[0]["digest"]
                       for table in tables)
        self.wait(once, 60, "each node has each child once, on the same node", 0.1)
        self.assertEqual(self.running(), CHILDREN)

    def traffic(self, names):
        """What each node has sent to the others since its start."""
        return {name: answer[1]["core"] for name, answer in self.scale.ask_all("ask {stats, web}", names).items()}

    def say_traffic(self, what, names, before):
        now = self.traffic(names)

        def grown(field):
            return sorted(core[field] - before.get(name, {}).get(field, 0) for name, core in now.items())
        messages, size, busy = (grown(field) for field in ("messages_sent", "message_bytes_sent", "busy_us"))
        middle = len(messages) // 2
        self.note(f"{what}: messages to other members per node: median {messages[middle]}, most {messages[-1]}, "
                  f"{sum(messages)} in all ({size[middle] >> 10} KiB and {busy[middle] / 1000:.0f} ms of work per node; "
                  f"longest step {max(core['longest_us'] for core in now.values()) / 1000:.0f} ms)")
        return now

    def test_ten_are_lost_at_once(self):
        names = [f"n{number}" for number in range(1, NODES + 1)]
        # They form as soon as all are there: a node that has waited for form_wait in vain begins alone.
        cluster = self.scale = ScaleCluster(names, seeds=names[:SEEDS], threads=1)
        self.clusters.append(cluster)
        since = time.monotonic()
        for name in names:
            cluster.launch(name)
        self.note(f"{NODES} programs launched within {time.monotonic() - since:.1f} s")
        for name in names:
            cluster.wait_up(name, 120)
        self.note(f"{NODES} nodes booted together: all are members after {time.monotonic() - since:.1f} s")
        took = self.wait_agreed(names, 120, since)
        one = cluster.node(names[-1])
        self.note(f"one view, confirmed, everywhere after {took:.1f} s; {one.status('Threads')} threads and "
                  f"{one.resident() >> 20} MiB a node")
        traffic = self.say_traffic("the boot", names, {})
        # Two that dial each other at the same time have two connections for a moment.
        at_boot = {name: len(cluster.node(name).lost()) for name in names}
        self.note(f"{sum(at_boot.values())} connections of {NODES * (NODES - 1) // 2} were made anew during the boot")

        since = time.monotonic()
        answer = cluster.node("n5").ask(f"bulk c {CHILDREN} 60000", 90)
        self.assertEqual(answer["refused"], {}, answer)
        self.note(f"{CHILDREN} children started in {answer['ms']} ms")
        self.exactly_one(names)
        traffic = self.say_traffic("the start of them", names, traffic)

        gone = names[len(names) // 3:len(names) // 3 + LOST]
        left = [name for name in names if name not in gone]
        since = time.monotonic()
        for name in gone:
            cluster.kill(name)
        for name in gone:
            cluster.wait_killed(name)
        took = self.wait_running(60, since)
        self.note(f"{LOST} killed at once: all {CHILDREN} children run again after {took:.2f} s")
        took = self.wait_agreed(left, 60, since)
        self.note(f"one view, confirmed, everywhere after {took:.2f} s")
        self.exactly_one(left)
        traffic = self.say_traffic("the loss", left, traffic)

        since = time.monotonic()
        for name in gone:
            cluster.launch(name)
        for name in gone:
            cluster.wait_up(name, 60)
        self.note(f"{LOST} come back: members after {time.monotonic() - since:.2f} s")
        took = self.wait_agreed(names, 60, since)
        self.note(f"one view, confirmed, everywhere after {took:.2f} s")
        self.wait_running(60, since)
        self.wait(lambda: all(cluster.node(name).running() for name in gone), 60, "those that came back have children")
        self.exactly_one(names)
        self.note(f"exactly one of each after {time.monotonic() - since:.2f} s")
        self.say_traffic("the return", left, traffic)
        # Nobody was taken for lost but those that were killed.
        self.assertEqual(cluster.fences(), [])
        killed = {cluster.full(name) for name in gone}
        for name in left:
            others = [line for line in cluster.node(name).lost()[at_boot[name]:] if line.split()[1] not in killed]
            self.assertEqual(others, [], name)


if __name__ == "__main__":
    main()
