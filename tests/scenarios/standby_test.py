"""Standby state: what was answered outlives kill -9 of the node that answered it."""

import os
import re
import statistics
import subprocess
import time

from support import SLOW, SMALL, ScenarioTest, brood_binary, main, ports, processes, rounds

COUNT = 50 if SMALL else 200
WRITERS = 8
NODES = ("n1", "n2", "n3")


class Standby(ScenarioTest):
    needs_erlang = True

    def filled(self, count=COUNT, **following):
        cluster = self.cluster(*NODES)
        redundancy = {"use": "replication", "factor": 2, "mode": "active_passive", **following}
        self.ids = [f"c{number}" for number in range(1, count + 1)]
        cluster.supervisors = {"web": ({"redundancy": redundancy},
                                       [{"id": name, "worker": "counter"} for name in self.ids])}
        cluster.start()
        cluster.wait_members()
        return cluster

    def core_stats(self, cluster, erlang, name):
        return {str(key): value for key, value in dict(erlang.eval(
            f"maps:to_list(maps:get(core, element(2, brood_driver:request('{cluster.full(name)}', {{stats, web}}))))")).items()}

    def wait_followed(self, cluster, erlang, follows=True):
        """Each child has an active and a passive instance, and the passive one's node holds a state of it."""
        last = {}

        def settled():
            for name in cluster.up_names():
                for child in cluster.ps(name):
                    roles = sorted(one["role"] for one in child["instances"] if one["phase"] == "running")
                    if roles != ["active", "passive"]:
                        last["why"] = f"{name}: {child['id']} has {roles}"
                        return False
                missing = self.core_stats(cluster, erlang, name)["states_not_followed"] if follows else 0
                if missing:
                    last["why"] = f"{missing} of {name} are not followed"
                    return False
            return True
        processes.wait_for(settled, 60 * SLOW, lambda: f"all are followed: {last.get('why')}", 0.05)

    def crash_by_turns(self, how, **following):
        """Kills one node after the other under writers. Returns {id: (answered, there)}."""
        cluster = self.filled(**following)
        erlang = cluster.erlang()
        self.wait_followed(cluster, erlang)
        nodes = ", ".join(f"'{cluster.full(name)}'" for name in NODES)
        erlang.eval(f"persistent_term:put(writers, brood_driver:writers([{nodes}], web, <<\"c\">>, {COUNT}, {WRITERS}, "
                    f"{{crashes, {how}}}))")
        kills = rounds(3, 20)
        for number in range(kills):
            time.sleep(1)  # of work, not of waiting
            name = NODES[number % len(NODES)]
            cluster.kill(name)
            time.sleep(0.5)
            cluster.start(name)
            cluster.wait_members()
            self.wait_followed(cluster, erlang)
        time.sleep(1)
        answered, backwards, failed = erlang.eval("brood_driver:writers_stop(persistent_term:get(writers))", 120)
        there = dict(erlang.eval(
            f"[{{Id, brood_driver:request('{cluster.full('n1')}', {{call, web, Id, get, 20000}})}} || "
            f"Id <- [iolist_to_binary([\"c\", integer_to_list(N)]) || N <- lists:seq(1, {COUNT})]]", 120))
        table = {bytes(name).decode(): (count, there[name][1]) for name, count in answered}
        self.note(f"{kills} kills, {sum(count for count, _ in table.values())} increments answered, "
                  f"{len(failed)} or more calls failed")
        self.assertGreater(len(table), COUNT / 2)
        return table, backwards

    def assert_nothing_lost(self, table, backwards):
        self.assertEqual(backwards, [], "no answer is less than one before")
        lost = {name: both for name, both in table.items() if both[1] < both[0]}
        self.assertEqual(lost, {}, "(answered, there)")

    def test_each_call_by_id(self):
        self.assert_nothing_lost(*self.crash_by_turns("by_id", follow="each_call"))

    def test_each_call_by_plain_gen_server_calls(self):
        self.assert_nothing_lost(*self.crash_by_turns("by_pid", follow="each_call"))

    def test_every_so_often_loses_what_came_since(self):
        table, backwards = self.crash_by_turns("by_id", follow_every_ms=500)
        steps = [re.search(r": (-?\d+) after (\d+)", bytes(said).decode()) for said in backwards]
        lost = sum(int(step[2]) + 1 - int(step[1]) for step in steps if step)
        self.note(f"every 500 ms: {lost} answered increments were lost, of {len(steps)} children at a time")
        # What was held was not lost: no child begins anew.
        self.assertGreater(min(there for _, there in table.values()), 0)

    def test_a_planned_change_of_the_role_loses_nothing_either_way(self):
        for following in ({"follow": "each_call"}, {"follow_every_ms": 60_000}):
            with self.subTest(**following):
                cluster = self.filled(30, **following)
                erlang = cluster.erlang()
                self.wait_followed(cluster, erlang)
                for name in self.ids:
                    for _ in range(3):
                        cluster.brood("call", name, "increment", node="n1")
                self.assertEqual(cluster.leave("n3"), 0, cluster.log("n3"))
                self.wait_followed(cluster, erlang)
                cluster.start("n3")
                cluster.wait_members()
                self.wait_followed(cluster, erlang)
                for name in self.ids:
                    self.assertIn("3", cluster.brood("call", name, "get", node="n2").out, name)
                cluster.close()

    def test_where_nobody_follows_callers_wait_once_or_for_ever(self):
        cluster = self.cluster("n1")
        for strict in (False, True):
            cluster.supervisors[f"s{int(strict)}"] = (
                {"redundancy": {"use": "replication", "mode": "active_passive", "follow": "each_call",
                                "follow_wait_ms": 1000, "follow_strict": strict}},
                [{"id": "c", "worker": "counter"}])
        cluster.start()
        erlang = cluster.erlang()

        def call(group, timeout):
            begin = time.monotonic()
            answer = erlang.eval(f"brood_driver:request('{cluster.full('n1')}', {{call, {group}, <<\"c\">>, increment, "
                                 f"{timeout}}})")
            return str(answer[0]), time.monotonic() - begin
        first, took = call("s0", 10000)
        self.assertEqual(first, "ok")
        again, took = call("s0", 10000)
        self.assertEqual(again, "ok")
        self.assertLess(took, 0.5 * SLOW, "the next ones do not wait")
        self.assertEqual(call("s1", 2000)[0], "error", "a time-out")

    def test_settings_that_do_not_fit_are_refused_in_words(self):
        cluster = self.cluster("n1")
        for settings, words in (({"follow": "each_call"}, "active_passive"),
                                ({"mode": "active_passive", "follow": "sometimes"}, "each_call"),
                                ({"mode": "active_passive", "follow_strict": True}, "each_call")):
            with self.subTest(**settings):
                node = cluster.launch("n1", config=cluster.write("bad.toml", cluster.fleet_text(
                    "n1", {"web": ({"redundancy": {"use": "replication", **settings}}, [])})))
                self.assertEqual(node.wait(20 * SLOW), 2)
                self.assertIn(words, cluster.log("n1"))

    def test_what_it_costs(self):
        """Prints the time of a call, through the node of the child and through another one."""
        for following in ({}, {"follow_every_ms": 100}, {"follow": "each_call"}):
            cluster = self.filled(20, **following)
            erlang = cluster.erlang()
            self.wait_followed(cluster, erlang, follows=bool(following))
            active = {child["id"]: next(one["node"] for one in child["instances"] if one["role"] == "active")
                      for child in cluster.ps("n1")}
            times = {}
            for where in ("same", "other"):
                name, node = next((name, node) for name, node in active.items())
                through = node if where == "same" else next(cluster.full(n) for n in NODES if cluster.full(n) != node)
                times[where] = sorted(erlang.eval(
                    f"[element(1, timer:tc(fun() -> brood_driver:request('{through}', {{call, web, <<\"{name}\">>, "
                    "increment, 5000}) end)) || _ <- lists:seq(1, 1000)]", 60))
            self.note(f"{following or 'no follow'}: p50 {statistics.median(times['same']):.0f} us through the child's node, "
                      f"{statistics.median(times['other']):.0f} us through another; p99 {times['same'][990]} and "
                      f"{times['other'][990]} us")
            cluster.close()

    def test_the_example(self):
        taken = [str(ports.free_port()) for _ in range(3)]
        run = subprocess.run([str(brood_binary().parent / "standby"), *taken], capture_output=True, text=True,
                             timeout=60 * SLOW, check=False)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        self.assertTrue(re.search(r"goes on with 3 entries", run.stdout), run.stdout)


if __name__ == "__main__":
    main()
