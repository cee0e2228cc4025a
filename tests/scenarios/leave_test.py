"""Leaving in good order and joining: children are handed over one at a time, never two at once, none lost."""

import datetime
import math
import pathlib
import random
import re
import shutil
import signal
import tempfile
import time

from support import SLOW, ScenarioTest, main, ports, rounds, seed_of_the_day, server_child, witness_child

WORKERS = 200
NODES = ("n1", "n2", "n3")


class Leave(ScenarioTest):
    needs_chaos = True

    def filled(self, servers=6):
        cluster = self.cluster(*NODES)
        children = [witness_child(cluster, f"w{number}") for number in range(WORKERS)]
        children += [server_child(cluster, f"server-{number}", ports.free_port()) for number in range(servers)]
        cluster.supervisors = {"web": ({}, children)}
        self.ids = [child["id"] for child in children]
        cluster.start()
        cluster.wait_members()
        cluster.wait_witnessed(self.ids)
        return cluster, cluster.wait_placed(self.ids)

    def only_from(self, before, after, node):
        moved = {name for name in after if after[name] != before[name]}
        self.assertEqual({before[name] for name in moved} or {node}, {node},
                         "only the children of that node moved")
        return moved

    def test_sigterm_hands_everything_over_and_only_that(self):
        cluster, before = self.filled()
        begin = time.monotonic()
        self.assertEqual(cluster.leave("n2"), 0, cluster.log("n2"))
        self.note(f"left after {time.monotonic() - begin:.2f} s")
        # At the moment it is gone everything runs elsewhere already: nothing had to be recovered.
        cluster.wait_witnessed(self.ids, 1)
        after = cluster.wait_placed(self.ids)
        moved = self.only_from(before, after, cluster.full("n2"))
        away = cluster.witness.away(begin)
        self.assertEqual(set(away), moved)
        self.note(f"{len(moved)} children moved, away for {max(away.values()) * 1000:.0f} ms at most")
        self.assert_no_overlap(cluster)

        begin = time.monotonic()
        cluster.start("n2")
        again = cluster.wait_placed(self.ids)
        cluster.wait_witnessed(self.ids)
        self.assertEqual(again, before, "back where they belong")
        self.note(f"joined: away for {max(cluster.witness.away(begin).values()) * 1000:.0f} ms at most")
        self.assert_no_overlap(cluster)

    def test_drain_empties_a_node_and_says_so_when_it_is_done(self):
        cluster, before = self.filled()
        cluster.brood("drain", node="n3", timeout=60)
        self.assertNotIn(cluster.full("n3"), {interval.node for intervals in cluster.witness.running().values()
                                              for interval in intervals}, "nothing runs there when it answers")
        for command in (("ps",), ("start", "x", "--worker", "echo"), ("stop", self.ids[0]), ("where", "x")):
            answer = cluster.brood(*command, "--json", node="n3", status=1)
            self.assertEqual(answer.json["error"]["code"], "not_member", command)
        self.assertNotIn(cluster.full("n3"), [row["name"] for row in cluster.nodes("n3") if row["up"]])
        placed = cluster.wait_placed(self.ids, ("n1", "n2"))
        self.only_from(before, placed, cluster.full("n3"))
        cluster.wait_witnessed(self.ids)
        self.assertEqual(cluster.leave("n3"), 0, cluster.log("n3"))
        cluster.wait_placed(self.ids, ("n1", "n2"))
        self.assert_no_overlap(cluster)

    def test_the_last_node_has_no_target_and_keeps_its_children(self):
        cluster = self.cluster("n1")
        cluster.supervisors = {"web": ({}, [witness_child(cluster, "only")])}
        cluster.start()
        cluster.wait_witnessed(["only"])
        answer = cluster.brood("drain", "--json", node="n1", status=1)
        self.assertEqual(answer.json["error"]["code"], "no_target")
        cluster.wait_placed(["only"])
        self.assertEqual(len(cluster.witness.intervals("only")), 1, "it was not even stopped")

    def test_nodes_that_leave_together_never_hand_to_each_other(self):
        cluster, _ = self.filled()
        for name in ("n2", "n3"):
            cluster.begin_leave(name)
        for name in ("n2", "n3"):
            self.assertEqual(cluster.wait_left(name), 0, cluster.log(name))
        placed = cluster.wait_placed(self.ids, ("n1",))
        self.assertEqual(set(placed.values()), {cluster.full("n1")})
        cluster.wait_witnessed(self.ids)
        self.assert_no_overlap(cluster)
        # The two signals do not come at the same moment: some may have moved before the second one was known.
        twice = [name for name in self.ids if len(cluster.witness.intervals(name)) > 2]
        self.note(f"{len(twice)} of {len(self.ids)} children moved twice")
        for giver, taker in (("n2", "n3"), ("n3", "n2")):
            known = self.knows_of_drain(cluster, giver, taker)
            late = [name for name in self.ids for interval in cluster.witness.intervals(name)
                    if interval.node == cluster.full(taker) and interval.start > known + 0.1 * SLOW]
            self.assertEqual(late, [], f"{giver} knew that {taker} leaves")

    def knows_of_drain(self, cluster, name, other):
        """When that node heard that the other one drains, on time.monotonic()'s clock; infinity: it had left by then."""
        found = re.search(rf"^(\S+ \S+) info web: member {re.escape(cluster.full(other))} is draining",
                          cluster.log(name), re.MULTILINE)
        if found is None:
            return math.inf
        wall = datetime.datetime.strptime(found.group(1), "%Y-%m-%d %H:%M:%S.%f").timestamp()
        return wall - time.time() + time.monotonic()

    def test_leaving_and_joining_again_and_again_never_overlaps(self):
        cluster, before = self.filled(servers=3)
        seed = seed_of_the_day()
        choice = random.Random(seed)
        count = rounds(10, 20)
        self.note(f"{count} rounds, seed {seed}")
        for number in range(count):
            with self.subTest(round=number, seed=seed):
                name = choice.choice(NODES)
                self.assertEqual(cluster.leave(name), 0, cluster.log(name))
                cluster.start(name)
                cluster.wait_members()
                after = cluster.wait_placed(self.ids)
                elsewhere = {id_: after[id_] for id_ in self.ids if after[id_] != before[id_]}
                self.assertEqual(elsewhere, {}, "all are back where they belong")
                cluster.wait_witnessed(self.ids)
                self.assert_no_overlap(cluster)

    def test_a_handler_that_never_ends_holds_up_neither_the_other_children_nor_the_end(self):
        children = [{"id": "hangs", "worker": "blocker", "shutdown_ms": int(2000 * SLOW)}]
        cluster = self.cluster("n1", "n2")
        cluster.supervisors = {"web": ({}, children + [witness_child(cluster, f"w{n}") for n in range(20)])}
        cluster.start()
        ids = [f"w{n}" for n in range(20)]
        placed = cluster.wait_placed([*ids, "hangs"])
        cluster.wait_witnessed(ids)
        name = "n1" if placed["hangs"] == cluster.full("n1") else "n2"
        stays = "n2" if name == "n1" else "n1"
        cluster.brood("call", "hangs", "block", "--timeout", "300", node=stays, status=None)
        begin = time.monotonic()
        cluster.begin_leave(name)
        cluster.wait_placed([*ids, "hangs"], (stays,))
        self.note(f"everything runs on the other node after {time.monotonic() - begin:.1f} s")
        cluster.wait_left(name)
        took = time.monotonic() - begin
        self.note(f"the node had ended after {took:.1f} s")
        self.assertLess(took, 25 * SLOW)
        cluster.wait_witnessed(ids)
        self.assert_no_overlap(cluster)

    def test_the_end_of_the_last_node_leaves_a_program_the_time_it_was_promised(self):
        cluster = self.cluster("n1")
        done = pathlib.Path(tempfile.mkdtemp()) / "done"
        self.addCleanup(shutil.rmtree, done.parent, True)
        # Longer than any time of the node's own.
        script = f"trap 'sleep 33; echo done > {done}; exit 0' TERM; while :; do sleep 0.1; done"
        cluster.supervisors = {"web": ({}, [
            {"id": "slow", "shutdown_ms": int(60000 * SLOW), "exec": ["sh", "-c", script]}])}
        cluster.start()
        cluster.wait_placed(["slow"])
        cluster.begin_leave("n1")
        cluster.process("n1").wait(90 * SLOW)
        self.assertTrue(done.exists(), cluster.log("n1"))

    def test_a_second_signal_ends_a_node_at_once(self):
        cluster = self.cluster("n1", "n2")
        cluster.supervisors = {"web": ({}, [
            {"id": f"slow-{n}", "shutdown_ms": int(20000 * SLOW),
             "exec": ["sh", "-c", "trap '' TERM; while :; do sleep 1; done"]} for n in range(4)])}
        cluster.start()
        placed = cluster.wait_placed([f"slow-{n}" for n in range(4)])
        name = "n1" if cluster.full("n1") in placed.values() else "n2"
        cluster.begin_leave(name)
        self.wait(lambda: "drain" in cluster.log(name).lower() or "leav" in cluster.log(name).lower(), 10,
                  "it has begun to leave")
        process = cluster.process(name)
        process.terminate()  # sooner than a second after the first: what `timeout` sends, and no second wish
        begin = time.monotonic()

        def ended():
            if process.poll() is None and time.monotonic() - begin > 1.2:
                process.terminate()
            return process.poll() is not None
        self.wait(ended, 8, "the second signal ends it")
        self.assertGreater(time.monotonic() - begin, 1.0, "the quick second signal counted as the first")
        self.assertLess(time.monotonic() - begin, 5 * SLOW)
        self.assertEqual(process.returncode, 128 + signal.SIGTERM)


if __name__ == "__main__":
    main()
