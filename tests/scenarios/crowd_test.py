"""Clients that come and go, one after the other, each under a new name, leave nothing behind: no memory, no
record of a peer, no longer steps.

BROOD_TEST_CLIENTS: how many; ten thousand in a full run.
"""

import os
import time

from support import SMALL, ScenarioTest, Atom, full_run, main
from harness.peer import FLAGS, PROOF, Peer
from harness.scale import ScaleCluster

CLIENTS = int(os.environ.get("BROOD_TEST_CLIENTS") or (10000 if full_run() else 300 if SMALL else 1000))
WEB = Atom("web")


class Crowd(ScenarioTest):
    def come_and_go(self, first, count):
        for number in range(first, first + count):
            # Command lines and brood nodes prove who they are; Erlang and C nodes do not.
            flags = FLAGS | PROOF if number % 2 else FLAGS
            client = Peer(self.scale, f"client{number}", flags=flags).connect("n1")
            self.assertEqual(client.request((Atom("is_alive"), WEB)), "true")
            client.close()

    def settled(self):
        """What is kept, once the last client has been seen to leave."""
        node = self.scale.node("n1")

        def all_gone():
            answer = node.ask("ask network_info")
            return len(answer[1]["peers"]) == 1
        self.wait(all_gone, 20, "n1 is connected to the other node only")
        stats = node.stats()
        return {"resident": node.resident(), "peers": stats["core"]["peers"], "clients": stats["requests"]["clients"],
                "descriptors": len(os.listdir(f"/proc/{node.process.pid}/fd")),
                "processes": stats["processes"]["now"]}

    def step_us(self):
        """What a start and its steps take: microseconds of the control thread's work for each start."""
        node = self.scale.node("n1")
        best = None
        for _ in range(3):
            self.made += 1
            before = node.stats()["core"]
            answer = node.ask(f"bulk x{self.made}- 300 30000")
            self.assertEqual(answer["refused"], {}, answer)
            took = (node.stats()["core"]["busy_us"] - before["busy_us"]) / 300
            best = took if best is None else min(best, took)
        return best

    def test_clients_that_have_left_cost_nothing(self):
        self.made = 0
        cluster = self.scale = ScaleCluster(["n1", "n2"])
        self.clusters.append(cluster)
        for name in cluster.names:
            cluster.launch(name)
        for name in cluster.names:
            cluster.wait_up(name)
        cluster.wait_members(cluster.names)
        # The first ones pay for buffers and pools that are kept.
        self.come_and_go(1000000, 200)
        work = self.step_us()
        before = self.settled()
        since = time.monotonic()
        self.come_and_go(0, CLIENTS)
        took = time.monotonic() - since
        after = self.settled()
        later = self.step_us()
        self.note(f"{CLIENTS} clients came and went in {took:.1f} s; before {before}, after {after}; the control thread "
                  f"works {work:.0f} us for each start before, {later:.0f} us after")
        for what in ("peers", "clients", "processes"):
            self.assertLessEqual(after[what], before[what], what)
        self.assertLessEqual(after["descriptors"], before["descriptors"] + 4)
        # Some noise of the allocator; 300 bytes kept for each of 10,000 would be more.
        self.assertLess(after["resident"] - before["resident"], 2 << 20)
        self.assertLess(later, 2 * work + 50)
        self.assertEqual(cluster.fences(), [])


if __name__ == "__main__":
    main()
