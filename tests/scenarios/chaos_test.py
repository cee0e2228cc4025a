"""Rounds of kill -9, SIGSTOP, leave and join on five nodes with workers, real servers and callers at work.

After each round the cluster settles to exactly one of each; nothing acknowledged is lost, nothing that was
stopped comes back; there is no overlap, and never two copies of a server whatever happens to its node.
"""

import random
import time

from support import SMALL, ScenarioTest, Atom, main, ports, rounds, seed_of_the_day, server_child, \
    text, witness_start

NODES = ("n1", "n2", "n3", "n4", "n5")
WORKERS = 200 if SMALL else 1000
SERVERS = 5 if SMALL else 20
TICK_MS = 4000
CALLERS = 4


class Chaos(ScenarioTest):
    needs_chaos = True
    needs_erlang = True

    def setUp(self):
        super().setUp()
        self.seed = seed_of_the_day()
        self.choice = random.Random(self.seed)
        self.cluster_ = self.cluster(*NODES, node={"tick_timeout_ms": TICK_MS})
        self.servers = [server_child(self.cluster_, f"server-{n}", ports.free_port()) for n in range(SERVERS)]
        self.cluster_.supervisors = {"web": ({}, self.servers)}
        self.ids = {child["id"] for child in self.servers}
        self.stopped = set()
        # Callers call these; nobody stops them, so "no such child" is never a true answer.
        self.called = {f"w{number}" for number in range(1, WORKERS // 2 + 1)}
        self.next = 0

    # Changes that are acknowledged: they must hold from then on.

    def node_atom(self, name):
        return f"'{self.cluster_.full(name)}'"

    def start_some(self, count, name):
        """Starts new workers through one node; only what was acknowledged is expected."""
        first, self.next = self.next + 1, self.next + count
        names = {f"w{number}" for number in range(first, self.next + 1)}
        answer = self.erlang.eval(
            f"brood_driver:request({self.node_atom(name)}, {{start_children, web, brood_driver:specs(<<\"w\">>, "
            f"{first}, {self.next}, {witness_start(self.cluster_)}), #{{timeout => 30000}}}}, 40000)", 60)
        self.assertEqual(answer[0], "ok", answer)
        errors = answer[1][Atom("errors")]
        self.assertEqual(len(errors), 0, f"through {name}: {errors}")
        self.ids |= names

    def stop_some(self, count, name):
        names = self.choice.sample(sorted(i for i in self.ids if i.startswith("w") and i not in self.called), count)
        answer = self.erlang.request(self.cluster_.full(name), (Atom("stop_children"), Atom("web"), names, {}), 40)
        self.assertEqual(answer[0], "ok", answer)
        self.assertEqual(len(answer[1][Atom("errors")]), 0, answer)
        self.ids -= set(names)
        self.stopped |= set(names)

    # What happens in a round. Each returns a description.

    def kill_one(self):
        name = self.choice.choice(self.cluster_.up_names())
        self.cluster_.kill(name)
        return f"kill {name}"

    def kill_in_the_middle_of_moves(self):
        """A node joins or leaves, and while its children move another one is killed."""
        down = [name for name in NODES if not self.cluster_.alive(name)]
        up = self.cluster_.up_names()
        victim = self.choice.choice(up)
        if down:
            self.cluster_.launch(down[0])
            what = f"start {down[0]}"
        else:
            leaver = self.choice.choice([name for name in up if name != victim])
            self.cluster_.begin_leave(leaver)
            what = f"leave {leaver}"
        time.sleep(self.choice.uniform(0.0, 0.6))
        self.cluster_.kill(victim)
        return f"{what}, kill {victim} meanwhile"

    def pause_long(self):
        name = self.choice.choice(self.cluster_.up_names())
        self.cluster_.pause(name)
        time.sleep(TICK_MS / 1000 * self.choice.uniform(1.3, 2.0))
        self.cluster_.resume(name)
        return f"stop {name} for longer than the tick time-out"

    def pause_short(self):
        name = self.choice.choice(self.cluster_.up_names())
        self.cluster_.pause(name)
        time.sleep(TICK_MS / 1000 * self.choice.uniform(0.05, 0.8))
        self.cluster_.resume(name)
        return f"stop {name} for a moment"

    def leave_one(self):
        name = self.choice.choice(self.cluster_.up_names())
        status = self.cluster_.leave(name, 40)
        self.assertEqual(status, 0, f"{name} leaves in good order: {self.cluster_.log(name)[-2000:]}")
        return f"leave {name}"

    def whole_again(self):
        """All nodes up at the end of a round."""
        for name in NODES:
            if name not in self.cluster_.up_names():
                self.cluster_.wait_left(name, 40)
                self.cluster_.launch(name)
        for name in NODES:
            self.cluster_.wait_up(name, 40)
        self.cluster_.wait_members(NODES, 40)

    def settle(self, what):
        start = time.monotonic()
        try:
            self.cluster_.wait_placed(self.ids, seconds=60)
            self.cluster_.wait_witnessed(self.ids, seconds=30)
        except AssertionError as error:
            raise AssertionError(f"{what}: {error}") from error
        found = self.cluster_.witness.overlaps()
        self.assertEqual(len(found), 0, f"{what}:\n" + self.cluster_.witness.report(found))
        return time.monotonic() - start

    def test_exactly_one_of_each_after_every_round(self):
        # No subTest: what follows a failed round says nothing.
        count = rounds(10 if SMALL else 12, 50)
        self.note(f"{count} rounds, seed {self.seed} (BROOD_TEST_SEED), {WORKERS} workers, {SERVERS} servers")
        self.cluster_.start()
        self.cluster_.wait_members()
        self.erlang = self.cluster_.erlang()
        self.start_some(WORKERS, "n1")
        self.settle("the start")
        callers = self.erlang.eval(
            f"persistent_term:put(callers, brood_driver:callers("
            f"[{','.join(self.node_atom(name) for name in NODES)}], web, {text(sorted(self.called))}, ping, {CALLERS}))")
        self.assertEqual(callers, "ok")
        kinds = [self.kill_one, self.kill_in_the_middle_of_moves, self.pause_long, self.leave_one,
                 self.pause_short]
        for number in range(count):
            # Each kind in turn, so that a short run has them all; where and when is random.
            act = kinds[number % len(kinds)]
            what = f"round {number}: {act()}"
            if self.choice.random() < 0.5:
                # Also changes while not all nodes are there.
                up = self.choice.choice(self.cluster_.up_names())
                what += f", starts and stops through {up}"
                begin = time.monotonic()
                self.start_some(5, up)
                self.stop_some(5, up)
                what += f" ({time.monotonic() - begin:.1f} s)"
            if self.choice.random() < 0.5:
                self.settle(what + ", before all are back")
            begin = time.monotonic()
            self.whole_again()
            whole = time.monotonic() - begin
            seconds = self.settle(what)
            self.note(f"{what}; all nodes back after {whole:.1f} s, settled after {seconds:.1f} s")
        counts = dict(self.erlang.eval("brood_driver:callers_stop(persistent_term:get(callers))", 90))
        self.note(f"callers' answers: { {str(k): v for k, v in counts.items()} }")
        odd = {kind: number for kind, number in counts.items() if isinstance(kind, tuple)}
        self.assertEqual(odd, {}, "answers that no caller should see")
        self.assertGreater(counts.get("ok", 0), 0)
        self.assertEqual(counts.get("no_such_child", 0), 0, "each of them was there all the time, or on its way")
        for name in NODES:
            self.assertNotIn("do not end", self.cluster_.log(name), f"{name} gave up what it no longer ran")
        for name in sorted(self.stopped):
            self.assertEqual(self.cluster_.witness.counts()[name], 0, f"{name} was stopped")
        self.note(f"longest time a woken instance was still there, fenced: "
                  f"{self.cluster_.witness.fenced_tail():.2f} s")
        self.assert_no_overlap(self.cluster_)


if __name__ == "__main__":
    main()
