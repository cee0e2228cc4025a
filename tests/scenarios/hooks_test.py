"""What hooks are told on three nodes, seen by an Erlang process that has subscribed on each; and what `brood why` says."""

import subprocess
import time

from support import SLOW, ScenarioTest, main, ports
from harness.cluster import binary_folder

CHILDREN = [{"id": f"c{number}", "worker": "counter"} for number in range(1, 25)]
MEMBERS = ("pre_cluster_join", "post_cluster_join", "pre_cluster_leave", "post_cluster_leave", "pre_nodes_redistribution",
           "post_nodes_redistribution")


class Hooks(ScenarioTest):
    needs_erlang = True

    def up(self, names=("n1", "n2", "n3"), first=(), children=()):
        cluster = self.cluster(*names, supervisors={"web": ({}, list(children))}, node={"form_wait_ms": 500})
        cluster.start(*first)
        cluster.wait_members()
        if children:
            cluster.wait_placed([child["id"] for child in children])
        return cluster, cluster.erlang()

    def subscribe(self, cluster, erlang, name, keys="all"):
        """A process of its own for each node; take() gives what it was told since."""
        node = cluster.full(name)
        self.assertEqual(erlang.eval(
            f"begin Me = self(), P = spawn(fun() -> {{ok, R}} = gen_server:call({{brood, '{node}'}}, "
            f"{{subscribe, web, {keys}}}), Me ! ready, (fun Loop(L) -> receive {{brood_event, R, K, D}} -> "
            f"Loop([{{K, D}} | L]); {{take, F}} -> F ! {{taken, lists:reverse(L)}}, Loop([]) end end)([]) end), "
            f"register(events_{name}, P), receive ready -> ok end end"), "ok")

    def take(self, erlang, name):
        return erlang.eval(f"begin events_{name} ! {{take, self()}}, receive {{taken, L}} -> L end end")

    def until(self, erlang, name, last, seconds=10):
        """All that it is told up to the first event that `last` says yes to."""
        told = []

        def there():
            told.extend(self.take(erlang, name))
            return any(last(key, data) for key, data in told)
        self.wait(there, seconds, lambda: f"{name} was told {told}")
        return told

    def home_of(self, cluster, name):
        return cluster.brood("where", name, "--json", node="n1").json["node"].split("@")[0]

    def test_a_start_a_crash_and_a_drain_are_told_with_their_data_and_else_there_is_silence(self):
        cluster, erlang = self.up(children=CHILDREN)
        home = self.home_of(cluster, "a")
        away, third = (name for name in ("n1", "n2", "n3") if name != home)
        for name in (home, away):
            self.subscribe(cluster, erlang, name)
        answer = erlang.request(cluster.full("n1"), "{start_child, web, #{id => <<\"a\">>, start => {counter, []}, "
                                                    "metadata => #{colour => red}}}")
        pid, node = answer[1], cluster.full(home)
        told = self.until(erlang, home, lambda key, data: key == "process_startups")
        child = {"id": b"a", "worker": "counter", "args": [], "metadata": {"colour": "red"}, "nodes": [node]}
        self.assertEqual(told, [
            ("pre_children_start", [child]),
            ("post_children_start", [(b"a", "ok", pid, [node])]),
            ("registry_pid_insert", (b"a", [(node, pid)])),
            ("process_startups", [{"cid": b"a", "pid": pid, "result": "ok", "nodes": [node],
                                   "metadata": {"colour": "red"}, "has_errors": "false"}])])
        insert = ("registry_pid_insert", (b"a", [(node, pid)]))
        self.assertEqual(self.until(erlang, away, lambda key, data: True), [insert], "once, and nothing else")

        erlang.eval(f"exit(gen_server:call({{brood, '{node}'}}, {{whereis, web, <<\"a\">>}}), kill)")
        told = self.until(erlang, home, lambda key, data: key == "process_startups")
        self.assertEqual([key for key, data in told], ["pre_children_start", "post_children_start", "registry_pid_insert",
                                                       "child_process_pid_update", "process_startups"])
        update = told[3][1]
        self.assertEqual(update[:3], (b"a", node, pid))
        self.assertNotEqual(update[3], pid)
        told = self.until(erlang, away, lambda key, data: key == "child_process_pid_update")
        self.assertEqual(told, [("registry_pid_insert", (b"a", [(node, update[3])])),
                                ("child_process_pid_update", update)])

        time.sleep(3)  # longer than the members' ticks: silence can only be waited for
        self.assertEqual([self.take(erlang, name) for name in (home, away)], [[], []], "nothing happens")
        self.assertEqual(erlang.request(node, "{stop_child, web, <<\"a\">>}"), "ok")
        for name in (home, away):
            self.assertEqual(self.until(erlang, name, lambda key, data: True),
                             [("registry_pid_remove", (b"a", [node]))])
        counts = erlang.request(node, "{hooks, web}")[1]
        self.assertEqual((counts["subscribers"], counts["dropped"]), (1, 0))
        erlang.eval(f"exit(whereis(events_{home}), kill)")
        self.wait(lambda: erlang.request(node, "{hooks, web}")[1]["subscribers"] == 0, 10, "its end ends the subscription")

        gone = cluster.full(third)
        there = [name for name, hosts in cluster.placed(away).items() if hosts == [gone]]
        cluster.brood("drain", node=third, timeout=60)
        told = self.until(erlang, away, lambda key, data: key == "post_cluster_leave")
        self.assertEqual([one for one in told if one[0] in ("pre_cluster_leave", "post_cluster_leave")],
                         [("pre_cluster_leave", gone), ("post_cluster_leave", (gone, []))], "nothing was lost with it")
        for name in there[:3]:
            events = cluster.brood("why", name, "--json", node=home).json["events"]
            self.assertEqual([(event["event"], event["cause"], event["node"]) for event in events[-2:]],
                             [("ended", "drained", gone), ("started", "drained", events[-2]["other"])])

    def test_the_leader_is_told_when_a_node_counts_for_another_score(self):
        # By the number of its processes alone, which stands still when nothing happens.
        balancer = {"distribution": {"use": "load_balancer", "push_interval_ms": 100, "max_history_size": 1,
                                     "scheduler_weight": 0, "run_queue_weight": 0, "memory_weight": 0}}
        cluster = self.cluster("n1", "n2", supervisors={"web": (balancer, [])})
        cluster.start()
        cluster.wait_members()
        erlang = cluster.erlang()

        def board():
            return erlang.request(cluster.full("n1"), "{scoreboard, web}")[1]
        self.wait(lambda: board()["leader"] != "undefined", 10, "there is a leader")
        leader = board()["leader"].split("@")[0]
        other = "n2" if leader == "n1" else "n1"
        for name in (leader, other):
            self.subscribe(cluster, erlang, name, "[scoreboard_updated]")
        cluster.brood("start", "counted", "--worker", "counter", node="n1")
        for number in range(40):
            cluster.brood("start", f"more-{number}", "--worker", "counter", node="n1")

        told = {}

        def both():
            for key, (before, node) in self.take(erlang, leader):
                self.assertEqual((key, before["leader"]), ("scoreboard_updated", cluster.full(leader)))
                told[node] = {line["node"]: line["score"] for line in before["nodes"]}[node]
            return set(told) == {cluster.full("n1"), cluster.full("n2")}
        self.wait(both, 10, lambda: f"told of {told}")

        def quiet():
            time.sleep(1)  # ten loads of each
            return not self.take(erlang, leader)
        self.wait(quiet, 20, "all of it is told")
        now = {line["node"]: line["score"] for line in erlang.request(cluster.full(leader), "{scoreboard, web}")[1]["nodes"]}
        for node, before in told.items():
            self.assertLess(before, now[node], "it has more processes than it had")
        time.sleep(2)  # twenty loads of each: silence can only be waited for
        self.assertEqual([self.take(erlang, name) for name in (leader, other)], [[], []])

    def test_a_join_and_a_loss_are_told_in_order_with_what_moves(self):
        cluster, erlang = self.up(first=("n1", "n2"), children=CHILDREN)
        for name in ("n1", "n2"):
            self.subscribe(cluster, erlang, name)
        before = cluster.placed("n1")
        n3 = cluster.full("n3")
        cluster.start("n3")
        cluster.wait_members()
        ids = [child["id"] for child in CHILDREN]
        cluster.wait_placed(ids)
        after = cluster.placed("n1")
        moved = {name: before[name][0] for name in ids if after[name] != before[name]}
        self.assertTrue(moved and all(after[name] == [n3] for name in moved), f"{before} {after}")
        over = lambda key, data: (key, data) == ("post_nodes_redistribution", ("nodeup", n3))  # noqa: E731
        for name in ("n1", "n2"):
            told = self.until(erlang, name, over)
            self.assertEqual([(key, data) for key, data in told if key in MEMBERS],
                             [("pre_cluster_join", n3), ("post_cluster_join", n3),
                              ("pre_nodes_redistribution", ("nodeup", n3)),
                              ("post_nodes_redistribution", ("nodeup", n3))])
            locks = [data[0] for key, data in told if key == "priority_state_updated"]
            self.assertEqual(locks, [10, 0] * (len(locks) // 2), told)
            self.assertTrue(locks, told)
            mine = {one.encode() for one, host in moved.items() if host == cluster.full(name)}
            leaving = [child for key, data in told if key == "pre_children_redistribution" for child in data[0]]
            self.assertEqual({child[0] for child in leaving}, mine)
            self.assertTrue(all(child[1] == [n3] and child[2][0][0] == "pid" for child in leaving), leaving)
            gone = [child["id"] for key, data in told if key == "children_migrated" and data[0] == n3 for child in data[1]]
            self.assertEqual(sorted(gone), sorted(mine), "each once")
            removed = [data for key, data in told if key == "registry_pid_remove"]
            self.assertEqual(sorted(removed), sorted((one.encode(), [host]) for one, host in moved.items()))
        # What moved says why, on every node.
        name, host = next(iter(moved.items()))
        for node in ("n1", "n2", "n3"):
            why = cluster.brood("why", name, "--json", node=node).json
            self.assertEqual((why["here"][0]["node"], why["here"][0]["cause"]), (n3, "joined"), why)
        why = cluster.brood("why", name, "--json", node="n2").json
        self.assertEqual([(event["event"], event["cause"], event["node"], event["other"]) for event in why["events"][-2:]],
                         [("ended", "joined", host, n3), ("started", "joined", n3, host)])
        self.assertIn("it belongs there since that node came", cluster.brood("why", name, node="n1").out)

        cluster.kill("n3")
        cluster.wait_placed(ids, ("n1", "n2"))
        now = cluster.placed("n1")
        gone = lambda key, data: key == "post_cluster_leave"  # noqa: E731
        for name in ("n1", "n2"):
            told = self.until(erlang, name, gone)
            self.assertEqual([(key, data) for key, data in told if key in MEMBERS][:-1],
                             [("pre_cluster_leave", n3), ("pre_nodes_redistribution", ("nodedown", n3)),
                              ("post_nodes_redistribution", ("nodedown", n3))])
            lost = next(data for key, data in told if key == "post_cluster_leave")
            self.assertEqual((lost[0], sorted(lost[1])), (n3, sorted(one.encode() for one in moved)))
            removed = [data for key, data in told if key == "registry_pid_remove"]
            self.assertEqual(sorted(removed), sorted((one.encode(), [n3]) for one in moved), "also on the loss of a node")
            coming = [child for key, data in told if key == "pre_children_redistribution" for child in data[0]]
            self.assertEqual({child[0].decode(): child[1] for child in coming},
                             {one: [cluster.full(name)] for one in moved if now[one] == [cluster.full(name)]})
        events = cluster.brood("events", "--json", "--limit", "2000", node="n1").json["events"]
        self.assertIn(("member_lost", n3), [(event["event"], event["node"]) for event in events])
        self.assertTrue(all(event["id"].startswith("c1") for event in
                            cluster.brood("events", "--json", "--id", "c1", node="n1").json["events"]))

    def test_the_example_keeps_a_directory_and_hands_out_secrets(self):
        numbers = [str(ports.free_port()) for _ in range(3)]
        done = subprocess.run([binary_folder() / "hooks_example", *numbers], capture_output=True, text=True,
                              timeout=60 * SLOW, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.note(done.stdout.replace("\n", " "))


if __name__ == "__main__":
    main()
