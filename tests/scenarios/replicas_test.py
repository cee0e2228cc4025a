"""Children with several instances: on distinct nodes, replaced when a node is lost, one of them active."""

import os
import subprocess
import time

from support import SLOW, ScenarioTest, brood_binary, main, ports, processes

CHILDREN = 30


def leader_child(cluster, name, **more):
    """A worker that reports to the witness while it is the active one."""
    return {"id": name, "worker": "leader",
            "args": {"host": cluster.witness.host, "port": cluster.witness.port}, **more}


class Replicas(ScenarioTest):
    needs_chaos = True

    def filled(self, names, booted=None, factor=2, mode="active_passive"):
        cluster = self.cluster(*names)
        self.factor = factor
        self.ids = [f"c{number}" for number in range(CHILDREN)]
        cluster.supervisors = {"web": ({"redundancy": {"use": "replication", "factor": factor, "mode": mode}},
                                       [leader_child(cluster, name) for name in self.ids])}
        cluster.start(*(booted or names))
        cluster.wait_members()
        return cluster

    def table(self, cluster, node):
        """id -> {node: role} of what runs."""
        return {child["id"]: {one["node"]: one["role"] for one in child["instances"] if one["phase"] == "running"}
                for child in cluster.ps(node)}

    def wait_replicas(self, cluster, seconds=30, active=1):
        """Every node knows as many instances of each child as there should be, one of them active. Returns the
        table."""
        last = {}

        def settled():
            names = cluster.up_names()
            wanted = len(names) if self.factor == "cluster_size" else min(self.factor, len(names))
            up = {cluster.full(name) for name in names}
            tables = [self.table(cluster, name) for name in names]
            for name, table in zip(names, tables):
                odd = {key: places for key, places in table.items()
                       if len(places) != wanted or not set(places) <= up
                       or list(places.values()).count("active") != (active or wanted)}
                if odd or set(table) != set(self.ids):
                    last["why"] = f"{name}: {dict(list(odd.items())[:3])} ({len(odd)}), {len(table)} ids"
                    return None
            if any(table != tables[0] for table in tables):
                last["why"] = "the nodes' tables differ"
                return None
            return tables[0]
        return processes.wait_for(settled, seconds * SLOW, lambda: f"all instances: {last.get('why')}", 0.05)

    def active_on(self, table):
        return {name: next(node for node, role in places.items() if role == "active")
                for name, places in table.items()}

    def test_the_passive_one_takes_over_from_a_node_that_is_killed(self):
        cluster = self.filled(("n1", "n2", "n3", "n4"))
        before = self.wait_replicas(cluster)
        cluster.wait_witnessed(self.ids)
        led = {name for name, node in self.active_on(before).items() if node == cluster.full("n2")}
        self.assertTrue(led, "none is active on n2")
        begin = time.monotonic()
        cluster.kill("n2")
        cluster.wait_witnessed(self.ids)
        away = cluster.witness.away(begin)
        self.note(f"{len(led)} of {len(self.ids)} children were active on the killed node, the role was away for "
                  f"{max(away.values()) * 1000:.0f} ms at most")
        self.assertEqual(set(away), led, "nobody else's role changed hands")
        after = self.wait_replicas(cluster)
        for name, node in self.active_on(after).items():
            if name in led:
                self.assertIn(node, before[name], "the passive one was promoted, none was started for it")
            else:
                self.assertEqual(node, self.active_on(before)[name])
        self.assert_no_overlap(cluster)

        begin = time.monotonic()
        cluster.start("n2")
        self.assertEqual(self.wait_replicas(cluster), before, "back where they belong")
        cluster.wait_witnessed(self.ids)
        away = cluster.witness.away(begin)
        self.assertEqual(set(away), led)
        self.note(f"joined again: the role was away for {max(away.values()) * 1000:.0f} ms at most")
        self.assert_no_overlap(cluster)

    def test_a_drain_hands_the_role_on_before_it_ends_anything(self):
        cluster = self.filled(("n1", "n2", "n3"))
        before = self.wait_replicas(cluster)
        begin = time.monotonic()
        cluster.brood("drain", node="n3", timeout=60)
        self.assertEqual(cluster.leave("n3"), 0, cluster.log("n3"))
        self.wait_replicas(cluster)
        cluster.wait_witnessed(self.ids)
        self.assert_no_overlap(cluster)
        away = cluster.witness.away(begin)
        led = {name for name, node in self.active_on(before).items() if node == cluster.full("n3")}
        self.assertEqual(set(away), led)
        self.note(f"the role was away for {max(away.values()) * 1000:.0f} ms at most")

    def test_one_on_each_node_of_a_cluster_that_grows_and_shrinks(self):
        cluster = self.filled(("n1", "n2", "n3", "n4"), ("n1", "n2", "n3"), factor="cluster_size")
        self.wait_replicas(cluster)
        cluster.start("n4")
        cluster.wait_members()
        self.wait_replicas(cluster)
        cluster.wait_witnessed(self.ids)
        cluster.kill("n1")
        cluster.wait_witnessed(self.ids)
        self.wait_replicas(cluster)
        self.assertEqual(cluster.leave("n2"), 0, cluster.log("n2"))
        self.wait_replicas(cluster)
        cluster.wait_witnessed(self.ids)
        self.assert_no_overlap(cluster)

    def test_a_node_that_stood_still_gives_the_role_up(self):
        cluster = self.filled(("n1", "n2", "n3"))
        self.wait_replicas(cluster)
        cluster.pause("n1")
        others = ("n2", "n3")
        cluster.wait_members(others, 40)
        # Those that stand still are for the witness still active.
        places = {cluster.full(name) for name in others}
        self.wait(lambda: all(set(nodes) == places and list(nodes.values()).count("active") == 1
                              for nodes in self.table(cluster, "n2").values()), 30, "the others have all")
        cluster.resume("n1")
        cluster.wait_members(None, 60)
        self.wait_replicas(cluster, 60)
        cluster.wait_witnessed(self.ids)
        self.assert_no_overlap(cluster)

    def test_a_call_goes_to_the_active_one_and_each_is_told_what_it_is(self):
        cluster = self.filled(("n1", "n2", "n3"))
        active = self.active_on(self.wait_replicas(cluster))
        for node in ("n1", "n2", "n3"):
            for name in self.ids[:5]:
                answer = cluster.brood("call", name, "who", node=node).out
                self.assertIn("{active,", answer)
                self.assertIn(active[name], answer)
        erlang = cluster.erlang()
        node = cluster.full("n3")
        pids = erlang.eval(f"gen_server:call({{brood, '{node}'}}, {{get_pids, web, <<\"c0\">>}})")
        self.assertEqual(len(pids), 2)
        said = [erlang.eval(f"gen_server:call(lists:nth({n}, gen_server:call({{brood, '{node}'}}, "
                            f"{{get_pids, web, <<\"c0\">>}})), who)") for n in (1, 2)]
        self.assertEqual([str(one[0]) for one in said], ["active", "passive"], "the active one is the first")
        listed = erlang.eval(f"gen_server:call({{brood, '{node}'}}, {{child_lookup, web, <<\"c0\">>}})")
        self.assertEqual(str(listed[1][0][0]), active["c0"])
        self.assertEqual(str(erlang.eval(f"node(gen_server:call({{brood, '{node}'}}, {{whereis, web, <<\"c0\">>}}))")),
                         active["c0"])
        self.assertEqual([str(one[2][-1]) for one in said], ["active", "passive"], "and it was told so")

    def test_where_all_are_active_a_call_is_answered_on_the_node_that_is_asked(self):
        cluster = self.filled(("n1", "n2", "n3"), factor="cluster_size", mode="active_active")
        self.wait_replicas(cluster, active=0)
        for node in ("n1", "n2", "n3"):
            answer = cluster.brood("call", "c3", "who", node=node).out
            self.assertIn(cluster.full(node), answer)

    def test_a_program_is_told_by_its_environment_and_restarted_when_it_is_promoted(self):
        script = 'echo "$BROOD_ROLE $BROOD_NODE" >> roles; exec sleep 1000'
        cluster = self.cluster("n1", "n2", "n3")
        self.factor, self.ids = 2, ["p"]
        cluster.supervisors = {"web": ({"redundancy": {"use": "replication", "mode": "active_passive"}},
                                       [{"id": "p", "exec": ["/bin/sh", "-c", script], "cwd": cluster.folder}])}
        cluster.start()
        cluster.wait_members()
        table = self.wait_replicas(cluster)
        active = self.active_on(table)["p"]
        passive = next(node for node in table["p"] if node != active)
        self.wait(lambda: self.roles(cluster) == {f"active {active}", f"passive {passive}"}, 10, "each knows its role")
        self.assertEqual(len(self.lines(cluster)), 2, "each was started once")
        cluster.kill(active.split("@")[0])
        self.wait(lambda: f"active {passive}" in self.roles(cluster), 20, "the other one is promoted")
        self.wait_replicas(cluster)

    def lines(self, cluster):
        path = cluster.path("roles")
        if not os.path.exists(path):
            return []
        with open(path, encoding="utf-8") as file:
            return file.read().split("\n")[:-1]

    def roles(self, cluster):
        return set(self.lines(cluster))

    def test_nodes_that_do_not_agree_about_it_are_no_members(self):
        cluster = self.cluster("n1", "n2")
        cluster.supervisors = {"web": ({"redundancy": {"use": "replication", "factor": 2}}, [])}
        cluster.start("n1")
        other = {"web": ({"redundancy": {"use": "replication", "factor": 3}}, [])}
        cluster.launch("n2", config=cluster.write("n2.toml", cluster.fleet_text("n2", other)))
        self.wait(lambda: "setting `redundancy` is replication/1 factor=2" in cluster.log("n1") + cluster.log("n2"), 20,
                  "the difference is told")

    def test_the_example_of_a_strategy_of_ones_own(self):
        taken = [str(ports.free_port()) for _ in range(3)]
        run = subprocess.run([str(brood_binary().parent / "replicas"), *taken], capture_output=True, text=True,
                             timeout=60 * SLOW, check=False)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        self.assertIn("ledger has 3 instances, cache 1", run.stdout)


if __name__ == "__main__":
    main()
