"""Children that block, crash, fail to start or take their node with them harm nobody else."""

import statistics
import time

from support import SLOW, ScenarioTest, main, ports, server_child, witness_child

FIVE = ("n1", "n2", "n3", "n4", "n5")


class Harm(ScenarioTest):
    needs_chaos = True
    needs_erlang = True

    def start_stop_times(self, cluster, erlang, count=40):
        """Milliseconds for a start and a stop of an unrelated child, the median and the worst."""
        times = []
        for number in range(count):
            name = f"probe-{number}"
            begin = time.monotonic()
            answer = erlang.eval(
                f"brood_driver:request('{cluster.full('n1')}', {{start_child, web, #{{id => <<\"{name}\">>, "
                f"start => {{counter, []}}}}}})")
            self.assertEqual(answer[0], "ok", answer)
            answer = erlang.eval(f"brood_driver:request('{cluster.full('n1')}', "
                                 f"{{stop_child, web, <<\"{name}\">>}})")
            self.assertEqual(answer, "ok")
            times.append((time.monotonic() - begin) * 1000)
        return statistics.median(times), max(times)

    def test_more_blocked_workers_than_threads_and_the_node_goes_on(self):
        threads = 2
        cluster = self.cluster("n1", node={"threads": threads, "stuck_after_ms": 300}, supervisors={"web": ({}, [
            {"id": f"b{n}", "worker": "blocker"} for n in range(threads + 1)] + [{"id": "c", "worker": "counter"}])})
        cluster.start()
        erlang = cluster.erlang()
        for number in range(threads + 1):
            answer = erlang.eval(f"brood_driver:request('{cluster.full('n1')}', {{call, web, <<\"b{number}\">>, "
                                 f"block, 300}})")
            self.assertEqual(answer[0], "error", answer)
            self.assertEqual(answer[1][0], "timeout", answer)
        begin = time.monotonic()
        self.wait(lambda: cluster.brood("call", "c", "increment", node="n1", status=None).status == 0, 10,
                  "others are answered")
        self.note(f"answered again after {(time.monotonic() - begin) * 1000:.0f} ms")
        median, worst = self.start_stop_times(cluster, erlang, 20)
        self.note(f"start and stop beside {threads + 1} blocked ones: {median:.1f} ms, at most {worst:.1f} ms")
        self.assertLess(median, 100 * SLOW)

        def shown():
            phases = {child["id"]: child["instances"][0]["phase"] for child in cluster.ps("n1")
                      if child["instances"]}
            return all(phases.get(f"b{n}") == "stuck" for n in range(threads + 1)) and phases.get("c") == "running"
        self.wait(shown, 10, lambda: f"ps shows them as stuck: {cluster.ps('n1')}")

    def test_workers_that_block_in_their_start_harm_nobody(self):
        cluster = self.cluster("n1", "n2", node={"threads": 2, "stuck_after_ms": 300})
        cluster.start()
        erlang = cluster.erlang()
        for number in range(6):
            erlang.submit(f"brood_driver:request('{cluster.full('n1')}', {{start_child, web, #{{id => "
                          f"<<\"b{number}\">>, start => {{blocker, [start]}}}}}}, 2000)")
        time.sleep(1.5)
        median, worst = self.start_stop_times(cluster, erlang, 20)
        self.note(f"start and stop beside 6 that block in their start: {median:.1f} ms, at most {worst:.1f} ms")
        self.assertLess(median, 100 * SLOW)

    def test_crash_loops_and_failing_starts_cost_others_nothing(self):
        cluster = self.cluster("n1", "n2", "n3")
        cluster.supervisors = {"web": ({"max_restarts": 5, "max_seconds": 5},
                                       [witness_child(cluster, f"w{n}") for n in range(50)])}
        cluster.start()
        ids = [f"w{n}" for n in range(50)]
        cluster.wait_placed(ids)
        erlang = cluster.erlang()
        quiet, _ = self.start_stop_times(cluster, erlang)
        # What fails to start is refused to whoever asked for it, and leaves nothing.
        for number in range(20):
            answer = erlang.eval(
                f"brood_driver:request('{cluster.full('n2')}', {{start_child, web, #{{id => <<\"f{number}\">>, "
                f"start => {{fails_to_start, []}}}}}})")
            self.assertEqual(answer[0], "error", answer)
            self.assertEqual(answer[1][0], "start_failed", answer)
            self.assertIn(b"never starts", answer[1][1])
        # What crashes in a loop backs off, is tried elsewhere, and rests longer each time, visibly; it is not given up.
        for number in range(20):
            answer = erlang.eval(
                f"brood_driver:request('{cluster.full('n2')}', {{start_child, web, #{{id => <<\"x{number}\">>, "
                f"start => {{crasher, [#{{after_ms => 20}}]}}}}}})")
            self.assertEqual(answer[0], "ok", answer)
        busy, worst = self.start_stop_times(cluster, erlang)
        self.note(f"start and stop of others: {quiet:.1f} ms alone, {busy:.1f} ms (at most {worst:.1f}) beside "
                  "20 crash loops")
        self.assertLess(busy, 50 * SLOW + 5 * quiet)

        resting = set()

        def all_rest():
            resting.update(child["id"] for child in cluster.ps("n1")
                           if "failed on every node" in child.get("waiting", ""))
            return len(resting) == 20
        self.wait(all_rest, 120, lambda: f"every crash loop rests at some time; so far {sorted(resting)}: " + str(
            [child for child in cluster.ps("n1") if child["id"].startswith("x")][:3]), 0.2)
        self.assertEqual(cluster.witness.starts(), 50, "none of the others was started again")

        def shown():
            row = cluster.brood("show", "x0", "--json", node="n3").json
            return row if row.get("waiting") and "next_try_s" in row else None
        row = self.wait(shown, 90, "x0 rests, and it is shown until when", 0.2)
        self.assertFalse(row["failed"])
        self.assertIn("crashed by itself", row["waiting"])
        cluster.brood("retry", "x0", node="n3")
        cluster.brood("stop", *[f"x{n}" for n in range(20)], node="n1")
        cluster.wait_placed(ids)

    def test_a_worker_that_crashes_its_node_costs_two_nodes_at_most(self):
        cluster = self.cluster(*FIVE, faults=True)
        cluster.supervisors = {"web": ({}, [witness_child(cluster, f"w{n}") for n in range(100)])}
        ids = [f"w{n}" for n in range(100)]
        cluster.start()
        cluster.wait_members()
        cluster.wait_placed(ids)
        erlang = cluster.erlang()
        erlang.submit(f"brood_driver:request('{cluster.full('n1')}', {{start_child, web, #{{id => <<\"bomb\">>, "
                      f"start => {{segfaulter, [start]}}}}}}, 10000)")
        self.wait(lambda: sum(not cluster.alive(name) for name in FIVE) >= 1, 20, "the first node is lost")
        lost = [name for name in FIVE if not cluster.alive(name)]
        # It must stop by itself: a bound on time, then the count.
        end = time.monotonic() + 15
        while time.monotonic() < end and sum(not cluster.alive(name) for name in FIVE) <= 2:
            time.sleep(0.1)
        lost = [name for name in FIVE if not cluster.alive(name)]
        for name in lost:
            cluster.witness.killed(cluster.full(name))
        self.note(f"nodes lost: {lost}")
        self.assertLessEqual(len(lost), 2, "\n".join(cluster.log(name)[-500:] for name in lost))
        survivor = cluster.up_names()[0]
        rows = {child["id"]: child for child in cluster.ps(survivor)}
        if "bomb" in rows:
            self.assertTrue(rows["bomb"].get("failure") or rows["bomb"]["instances"] == [], rows["bomb"])
        self.wait(lambda: all(len(cluster.placed(survivor).get(name, [])) == 1 for name in ids), 30,
                  "all others run on the survivors")
        cluster.wait_witnessed(ids)
        self.assert_no_overlap(cluster)

    def test_a_static_worker_that_crashes_its_node_on_a_call_is_blamed_alone(self):
        self.crash_by_call("crash")

    def test_one_that_uses_up_its_stack_is_blamed_alone_too(self):
        self.crash_by_call("overflow")

    def test_one_that_calls_exit_is_blamed_alone_too(self):
        if SLOW > 1.5:
            self.skipTest("a sanitizer would report what exit() destroys under the other threads")
        self.crash_by_call("quit")

    def crash_by_call(self, how):
        cluster = self.cluster(*FIVE, faults=True)
        cluster.supervisors = {"web": ({}, [witness_child(cluster, f"w{n}") for n in range(50)] +
                                       [{"id": "bomb", "worker": "segfaulter"}])}
        ids = [f"w{n}" for n in range(50)]
        cluster.start()
        cluster.wait_members()
        cluster.wait_placed(ids + ["bomb"])
        for expected in (1, 2):
            survivor = cluster.up_names()[0]
            self.wait(lambda s=survivor: cluster.brood("call", "bomb", "ping", node=s, status=None).status == 0, 30,
                      "the bomb runs")
            cluster.brood("call", "bomb", how, node=survivor, status=None)
            self.wait(lambda n=expected: sum(not cluster.alive(name) for name in FIVE) == n, 20,
                      f"{expected} nodes are lost")
            for name in FIVE:
                if not cluster.alive(name):
                    cluster.witness.killed(cluster.full(name))
            survivor = cluster.up_names()[0]
            self.wait(lambda s=survivor: all(len(cluster.placed(s).get(name, [])) == 1 for name in ids), 30,
                      "the others run on")

        def failed():
            row = next(child for child in cluster.ps(cluster.up_names()[0]) if child["id"] == "bomb")
            return row.get("failure")
        words = self.wait(failed, 20, "the bomb is failed, visibly")
        self.assertIn("2", words)
        cluster.wait_witnessed(ids)
        self.assert_no_overlap(cluster)

    def test_nodes_that_are_killed_in_a_row_fail_no_child(self):
        cluster = self.cluster(*FIVE)
        ids = [f"w{n}" for n in range(20)]
        cluster.supervisors = {"web": ({}, [witness_child(cluster, name) for name in ids])}
        cluster.start()
        cluster.wait_members()
        for _ in range(4):
            hosts = cluster.wait_placed(ids)
            # As soon as all have run for a second. Few enough for each to be a suspect.
            self.wait(lambda: all(instance["uptime_s"] >= 1 for child in cluster.ps(cluster.up_names()[0])
                                  for instance in child["instances"]), 20, "all run for a second")
            cluster.kill(hosts["w0"].split("@")[0])
        cluster.wait_placed(ids)
        cluster.wait_witnessed(ids)
        self.assert_no_overlap(cluster)

    def test_programs_are_not_blamed_for_the_nodes_that_are_lost_under_them(self):
        cluster = self.cluster(*FIVE)
        servers = [server_child(cluster, f"server-{n}", ports.free_port()) for n in range(4)]
        cluster.supervisors = {"web": ({}, servers)}
        ids = [child["id"] for child in servers]
        cluster.start()
        cluster.wait_members()
        host = cluster.wait_placed(ids)["server-0"]
        for _ in range(3):
            # At once after its start, each time: of a worker one would think that it did it.
            cluster.kill(host.split("@")[0])
            host = cluster.wait_placed(ids)["server-0"]
        cluster.wait_witnessed(ids)
        self.assert_no_overlap(cluster)


if __name__ == "__main__":
    main()
