"""Ten thousand children in one call: started, kept through a kill -9, moved back, each exactly once."""

import time

from support import SMALL, ScenarioTest, Atom, main, owner_names, witness_start

COUNT = 2000 if SMALL else 10000
NODES = ("n1", "n2", "n3")


class Bulk(ScenarioTest):
    needs_erlang = True

    def registry(self, names):
        """Waits until each node's registry has all children exactly once, on these nodes. Node -> count."""
        wanted = {self.cluster_.full(name) for name in names}
        last = {}

        def settled():
            seen = []
            for name in names:
                answer = self.erlang.eval(f"brood_driver:registry('{self.cluster_.full(name)}', web)")
                last[name] = answer
                if answer[0] != COUNT or answer[1] != 0 or not set(answer[2]) <= wanted:
                    return None
                seen.append(answer[2])
            return seen[0] if all(table == seen[0] for table in seen) else None
        start = time.monotonic()
        table = self.wait(settled, 60, lambda: f"{COUNT} children once each in every registry: {last}", 0.01)
        return table, time.monotonic() - start

    def owners(self):
        """Id -> node, as n1 has it."""
        answer = self.erlang.eval(f"brood_driver:request('{self.cluster_.full('n1')}', "
                                  "{process_list, web, global}, 60000)")
        return {name: str(instances[0][0]) for name, instances in answer}

    def scene(self, start, witnessed):
        cluster = self.cluster_
        ids = [f"c{number}" for number in range(1, COUNT + 1)]
        cluster.start()
        cluster.wait_members()
        self.erlang = cluster.erlang()

        took, answer = self.erlang.eval(
            f"brood_driver:bulk('{cluster.full('n1')}', web, <<\"c\">>, {COUNT}, {start}, 60000)", 90)
        self.assertEqual(answer[0], "ok", answer)
        self.assertEqual(answer[2], COUNT, answer)
        self.assertEqual(answer[3], [], answer)
        self.note(f"{COUNT} children started in {took} ms")
        before, waited = self.registry(NODES)
        self.note(f"in every registry after {waited * 1000:.0f} ms more: {before}")
        self.assertEqual(len(before), 3, "every node has some")
        before = self.owners()

        cluster.kill("n2")
        killed = time.monotonic()
        after, _ = self.registry(("n1", "n3"))
        if witnessed:
            cluster.wait_witnessed(ids)
        self.note(f"kill -9 of one: all {COUNT} on the survivors after {(time.monotonic() - killed) * 1000:.0f} ms"
                  f" (asking included): {after}")
        without = self.owners()
        moved = [name for name in without if without[name] != before[name]]
        self.assertEqual(set(before[name] for name in moved), {cluster.full("n2")},
                         "only children of the lost node moved")
        good, bad = self.erlang.eval(
            f"brood_driver:call_all('{cluster.full('n3')}', web, "
            f"[iolist_to_binary([\"c\", integer_to_list(N)]) || N <- lists:seq(1, {COUNT}, 7)], get, 16)", 120)
        self.assertEqual(bad, [], "children answer after the loss")
        self.note(f"{good} of them called")

        cluster.launch("n2")
        cluster.wait_up("n2")
        joined = time.monotonic()
        again, _ = self.registry_moved_back(before)
        if witnessed:
            cluster.wait_witnessed(ids)
        self.note(f"joined again: all where they belong {(time.monotonic() - joined) * 1000:.0f} ms after it was "
                  f"up: {again}")
        self.assertEqual(self.owners(), before, "each child is where it was at first")

    def registry_moved_back(self, before):
        wanted = {Atom(node): count for node, count in owner_names(before).items()}
        start = time.monotonic()
        last = {}

        def settled():
            for name in NODES:
                answer = self.erlang.eval(f"brood_driver:registry('{self.cluster_.full(name)}', web)")
                last[name] = answer
                if answer[0] != COUNT or answer[1] != 0 or answer[2] != wanted:
                    return None
            return wanted
        return self.wait(settled, 60, lambda: f"as before, {wanted}: {last}", 0.01), time.monotonic() - start

    def test_counters_survive_a_kill_and_come_back(self):
        self.cluster_ = self.cluster(*NODES)
        self.scene("{counter, []}", witnessed=False)


class WitnessedBulk(Bulk):
    needs_chaos = True

    def test_counters_survive_a_kill_and_come_back(self):
        self.cluster_ = self.cluster(*NODES)
        self.scene(witness_start(self.cluster_), witnessed=True)
        self.assert_no_overlap(self.cluster_)
        self.assertEqual(len(self.cluster_.witness.running()), COUNT)


class IdleChildren(ScenarioTest):
    """What a child costs that does nothing; printed, not gated."""

    needs_erlang = True

    def resident(self, cluster):
        with open(f"/proc/{cluster.process('n1').pid}/status", encoding="utf-8") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmRSS"))

    def test_a_hundred_thousand_idle_children_on_one_node(self):
        count = 20000 if SMALL else 100000
        cluster = self.cluster("n1")
        cluster.start()
        erlang = cluster.erlang()
        empty = self.resident(cluster)
        start = time.monotonic()
        for part in range(10):
            _, answer = erlang.eval(
                f"brood_driver:bulk('{cluster.full('n1')}', web, <<\"p{part}-\">>, {count // 10}, {{counter, []}}, "
                "60000)", 90)
            self.assertEqual(answer[:3], ("ok", answer[1], count // 10), answer)
        self.note(f"{count} started in {time.monotonic() - start:.1f} s; "
                  f"{(self.resident(cluster) - empty) / count:.0f} bytes of memory for each")
        median, worst = erlang.eval(f"brood_driver:latency('{cluster.full('n1')}', {{call, web, <<\"p3-7\">>, get, "
                                    "5000}, 2000)")
        self.note(f"a call from Erlang through the supervisor: {median} us, at most {worst} us")


if __name__ == "__main__":
    main()
