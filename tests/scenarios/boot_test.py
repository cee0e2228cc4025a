"""One static file on every node: nodes that boot together do not each start everything, and what was stopped
stays stopped when nodes restart."""

import random
import time
from concurrent.futures import ThreadPoolExecutor

from support import SMALL, ScenarioTest, main, ports, rounds, seed_of_the_day, server_child, witness_child

WORKERS = 30
NODES = ("n1", "n2", "n3")
SIDE_BY_SIDE = 4


class Boot(ScenarioTest):
    needs_chaos = True

    def static_cluster(self):
        cluster = self.cluster(*NODES)
        children = [witness_child(cluster, f"w{number}") for number in range(WORKERS)]
        children += [server_child(cluster, f"server-{number}", ports.free_port()) for number in range(3)]
        cluster.supervisors = {"web": ({}, children)}
        self.ids = [child["id"] for child in children]
        return cluster

    def boot(self, offsets):
        cluster = self.static_cluster()
        begin = time.monotonic()
        for offset, name in offsets:
            time.sleep(max(0.0, begin + offset - time.monotonic()))
            cluster.launch(name)
        for name in NODES:
            cluster.wait_up(name)
        cluster.wait_placed(self.ids)
        cluster.wait_witnessed(self.ids)
        self.assert_no_overlap(cluster)
        self.assertEqual(cluster.close(), {}, "nothing is left of this boot")

    def test_nodes_booted_at_random_offsets_never_run_a_child_twice(self):
        count = rounds(8 if SMALL else 50, 50)
        seed = seed_of_the_day()
        self.note(f"{count} boots, seed {seed}")
        choice = random.Random(seed)
        boots = [sorted((choice.uniform(0, 5), name) for name in NODES) for _ in range(count)]
        # Clusters of their own, side by side: most of a boot is waiting.
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            for number, done in enumerate([pool.submit(self.boot, offsets) for offsets in boots]):
                with self.subTest(boot=number, seed=seed):
                    done.result()

    def test_static_children_that_were_stopped_stay_stopped_when_nodes_restart(self):
        cluster = self.static_cluster()
        cluster.start()
        cluster.wait_placed(self.ids)
        cluster.wait_witnessed(self.ids)
        stopped = ["w0", "w1", "server-0"]
        cluster.brood("stop", *stopped, node="n2")
        left = [name for name in self.ids if name not in stopped]
        cluster.wait_placed(left)
        for name in NODES:
            self.assertEqual(cluster.leave(name), 0, cluster.log(name))
            cluster.start(name)
            cluster.wait_members(NODES)
            cluster.wait_placed(left)
        for name in NODES:
            cluster.kill(name)
            cluster.start(name)
            cluster.wait_members(NODES)
            cluster.wait_placed(left)
        cluster.wait_witnessed(left)
        for name in stopped:
            self.assertEqual(len(cluster.witness.intervals(name)), 1, f"{name} never ran again")
        self.assert_no_overlap(cluster)

    def test_initial_children_come_back_when_all_nodes_were_killed(self):
        cluster = self.static_cluster()
        cluster.start()
        cluster.wait_placed(self.ids)
        cluster.wait_witnessed(self.ids)
        for name in NODES:
            cluster.kill(name)
        cluster.start()
        cluster.wait_members(NODES)
        cluster.wait_placed(self.ids)
        cluster.wait_witnessed(self.ids)
        self.assert_no_overlap(cluster)


if __name__ == "__main__":
    main()
