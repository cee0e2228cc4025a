"""Moves that lose nothing: writers increment counters without pause while nodes join, leave and are drained."""

from support import SLOW, SMALL, ScenarioTest, main, rounds
from harness.scale import ScaleCluster

COUNT = 100 if SMALL else 1000
WRITERS = 8
NODES = ("n1", "n2", "n3")


class Handover(ScenarioTest):
    needs_erlang = True

    def write_while(self, how, change, migration="hot_swap", all_answered=True):
        """Runs change(cluster) with writers at work, then compares what they were answered with what is there."""
        cluster = self.cluster(*NODES)
        children = [{"id": f"c{number}", "worker": "counter"} for number in range(1, COUNT + 1)]
        cluster.supervisors = {"web": ({"migration": migration}, children)}
        ids = [child["id"] for child in children]
        cluster.start()
        cluster.wait_members()
        cluster.wait_placed(ids)
        erlang = cluster.erlang()
        # Through the node that stays: one that leaves does not answer its own callers.
        erlang.eval(f"persistent_term:put(writers, brood_driver:writers(['{cluster.full('n1')}'], web, <<\"c\">>, "
                    f"{COUNT}, {WRITERS}, {how}))")
        moves = change(cluster, ids)
        answered, wrong, failed = erlang.eval("brood_driver:writers_stop(persistent_term:get(writers))", 90)
        self.note(f"{moves} moves of nodes; {sum(count for _, count in answered)} increments answered")
        self.assertEqual(wrong, [], "each answer is one more than the one before")
        if all_answered:
            self.assertEqual(failed, [], "no call failed")
        there = erlang.eval(f"[{{Id, brood_driver:request('{cluster.full('n1')}', {{call, web, Id, get, 5000}})}} || "
                            f"Id <- [iolist_to_binary([\"c\", integer_to_list(N)]) || N <- lists:seq(1, {COUNT})]]", 120)
        expected = {bytes(name): count for name, count in answered}
        self.assertEqual({bytes(name): answer[1] for name, answer in there if bytes(name) in expected}, expected)
        core = dict(erlang.eval(f"maps:to_list(maps:get(core, element(2, brood_driver:request('{cluster.full('n1')}', "
                                "{stats, web}))))"))
        return core["handovers"]

    def come_and_go(self, cluster, ids):
        moves = 0
        for number in range(rounds(2, 10)):
            self.assertEqual(cluster.leave("n2" if number % 2 else "n3"), 0)
            cluster.start("n2" if number % 2 else "n3")
            cluster.wait_placed(ids)
            moves += 2
        return moves

    def test_callers_by_id(self):
        self.assertGreater(self.write_while("by_id", self.come_and_go), 0, "of n1, to those that join")

    def test_plain_gen_server_calls_to_the_pid(self):
        self.assertGreater(self.write_while("by_pid", self.come_and_go), 0, "of n1, to those that join")

    def test_cold_swap_keeps_what_a_worker_saves(self):
        # A call that waits at the old place may end with it.
        self.assertGreater(self.write_while("by_id", self.come_and_go, "cold_swap", False), 0,
                           "of n1, to those that join")

    def test_drains(self):
        def drain(cluster, ids):
            cluster.brood("drain", node="n3", timeout=60)
            cluster.wait_placed(ids, ("n1", "n2"))
            self.assertEqual(cluster.leave("n3"), 0)
            return 1
        self.write_while("by_pid", drain)

    def test_each_instance_of_several_takes_along_what_it_holds(self):
        ids = [f"c{number}" for number in range(24)]
        cluster = self.cluster(*NODES, supervisors={"web": (
            {"migration": "hot_swap", "redundancy": {"use": "replication", "factor": 2, "mode": "active_passive"}},
            [{"id": name, "worker": "counter"} for name in ids])})
        cluster.start()
        cluster.wait_members()

        def table():
            """id -> [node of the active one, nodes of the others ...], once there are two of each, or as many as nodes."""
            wanted = min(2, len(cluster.up_names()))
            found = {}
            for child in cluster.ps("n1"):
                running = [one for one in child["instances"] if one["phase"] == "running"]
                running.sort(key=lambda one: one["role"] != "active")
                if len(running) != wanted or [one["role"] for one in running].count("active") != 1:
                    return None
                found[child["id"]] = [one["node"].split("@")[0] for one in running]
            return found if set(found) == set(ids) else None
        before = self.wait(table, 30, "all instances run")
        # n2's count goes to n1 as a passive one when n2 leaves, for n3 is the active one then; with n3 it leaves too.
        travellers = [name for name in ids if before[name] == ["n2", "n3"]]
        self.assertTrue(travellers)
        for name in travellers:
            for _ in range(3):
                cluster.brood("call", name, "increment", node="n1")
        self.assertEqual(cluster.leave("n2"), 0)
        self.wait(table, 30, "all instances run on two nodes")
        self.assertEqual(cluster.leave("n3"), 0)
        self.wait(table, 30, "all run on n1")
        counts = {name: cluster.brood("call", name, "get", node="n1").out.strip() for name in travellers}
        self.assertEqual(counts, {name: "3" for name in travellers})
        self.note(f"{len(travellers)} counters went from the active instance to a passive one, which became active")


class FromCpp(ScenarioTest):
    """The same with writers in C++, which call by id through their Supervisor."""

    def write_while(self, change, **options):
        cluster = ScaleCluster(NODES, migration="hot_swap", **options)
        self.clusters.append(cluster)
        for name in NODES:
            cluster.launch(name)
        for name in NODES:
            cluster.wait_up(name)
        cluster.wait_members()
        n1 = cluster.node("n1")
        self.assertEqual(n1.ask(f"bulk c {COUNT} 60000")["refused"], {})
        self.settled(cluster)
        writing = n1.submit(f"write c {COUNT} {WRITERS}")
        moves = change(cluster)
        n1.ask("enough")
        told = writing.wait(90)
        self.note(f"{moves} moves of nodes; {told['calls']} increments answered")
        self.assertEqual(told["failed"], {}, "no call failed")
        self.assertEqual(told["wrong"], 0, "each answer is one more than the one before")
        values = n1.ask(f"values c {COUNT}", 120)["values"]
        self.assertEqual({name: values[name] for name in told["answered"]}, told["answered"])
        handovers = [node.stats()["core"]["handovers"] for node in cluster.up().values()]
        self.assertGreater(sum(handovers), 0)

    def settled(self, cluster, nodes=None):
        """Each runs once, and on all of these nodes."""
        def look():
            tables = cluster.ask_all("counts")
            return all(table["known"] == COUNT and table["odd"] == 0 and
                       set(table["nodes"]) == {cluster.full(name) for name in nodes or NODES}
                       for table in tables.values())
        self.wait(look, 60 * SLOW, "each runs once, on all nodes")

    def test_nodes_leave_and_join(self):
        def come_and_go(cluster):
            moves = 0
            for number in range(rounds(2, 10)):
                name = "n2" if number % 2 else "n3"
                self.assertEqual(cluster.leave(name), 0)
                cluster.launch(name)
                cluster.wait_up(name)
                self.settled(cluster)
                moves += 2
            return moves
        self.write_while(come_and_go)

    def test_rebalancing_to_fewer_nodes_and_back(self):
        def rebalance(cluster):
            moves = 0
            for _ in range(rounds(4, 10)):
                for request, nodes in (("remove_nodes", ("n1", "n2")), ("add_nodes", NODES)):
                    answer = cluster.node("n1").ask(f"ask {{{request}, web, ['{cluster.full('n3')}']}}")
                    self.assertEqual(answer, "ok")
                    self.settled(cluster, nodes)
                    moves += 1
            return moves
        self.write_while(rebalance, fixed=True)


if __name__ == "__main__":
    main()
