"""Each supervisor as a scope of OTP's `pg` on a stock Erlang node: children come, restart, move and go."""

import time

from support import ScenarioTest, main

NODES = [f"n{number}@127.0.0.1" for number in (1, 2, 3)]


class Pg(ScenarioTest):
    needs_erlang = True

    def begin(self):
        """Three nodes and an Erlang node that is connected to each; its scope is not started."""
        cluster = self.cluster(supervisors={"web": ({}, [])})
        cluster.start()
        cluster.wait_members()
        erlang = cluster.erlang()
        self.connect(erlang)
        return cluster, erlang

    def connect(self, erlang, nodes=None):
        for node in nodes or NODES:
            self.assertEqual(erlang.eval(f"net_kernel:connect_node('{node}')"), "true", node)

    def start_scope(self, erlang):
        self.assertEqual(erlang.eval("element(1, pg:start(web))"), "ok")

    def start(self, erlang, name, node=None):
        options = f"#{{node => '{node}'}}" if node else "#{}"
        answer = erlang.request(NODES[0], f"{{start_child, web, #{{id => <<\"{name}\">>, start => {{counter, []}}}}, "
                                          f"{options}}}")
        self.assertEqual(answer[0], "ok", answer)
        return answer[1]

    def members(self, erlang, name):
        return erlang.eval(f"pg:get_members(web, <<\"{name}\">>)")

    def wait_members(self, erlang, expected, seconds=5):
        """expected: id -> pid, for all groups that there are to be."""
        last = {}

        def same():
            last["now"] = erlang.eval("[{G, pg:get_members(web, G)} || G <- pg:which_groups(web)]")
            return dict(last["now"]) == {name.encode(): [pid] for name, pid in expected.items()}
        self.wait(same, seconds, lambda: f"the groups are {expected}: {last['now']}")

    def wait_pid(self, erlang, name, other_than=None):
        """The pid of a child as the members that can answer know it."""
        last = {}

        def running():
            last["pid"] = erlang.request(NODES[0], f"{{whereis, web, <<\"{name}\">>}}")
            return last["pid"] != "undefined" and last["pid"] != other_than
        self.wait(running, 10, lambda: f"{name} runs: {last}")
        return last["pid"]

    def test_children_are_members_whenever_the_scope_starts(self):
        cluster, erlang = self.begin()
        pids = {f"early-{node}": self.start(erlang, f"early-{node}", node) for node in NODES}
        # The scope starts after we connected: nothing tells a hidden node of it.
        self.start_scope(erlang)
        self.wait_members(erlang, pids)
        pids["late"] = self.start(erlang, "late")
        self.wait_members(erlang, pids)
        self.assertEqual(erlang.eval("gen_server:call(hd(pg:get_members(web, <<\"late\">>)), {add, 3})"), 3)

        # An atom is another id, hence another group.
        answer = erlang.request(NODES[1], "{start_child, web, #{id => late, start => {counter, []}}}")
        self.wait(lambda: erlang.eval("pg:get_members(web, late)") == [answer[1]], 5, "the atom's group")
        self.assertEqual(erlang.request(NODES[0], "{stop_child, web, late}"), "ok")
        self.assertEqual(erlang.request(NODES[0], "{stop_child, web, <<\"late\">>}"), "ok")
        del pids["late"]
        self.wait_members(erlang, pids)

        # The scope ends and starts again, then much later again.
        for pause in (0, 1.5):
            erlang.eval("exit(whereis(web), kill)")
            self.wait(lambda: erlang.eval("whereis(web)") == "undefined", 5, "the scope has ended")
            time.sleep(pause)  # not for a condition: longer than one look at a name that nobody has
            self.start_scope(erlang)
            self.wait_members(erlang, pids)

        # A second Erlang node, whose scope is there before it connects; its own member is its own affair.
        other = cluster.erlang("second")
        self.start_scope(other)
        self.assertEqual(other.eval("pg:join(web, mine, whereis(web))"), "ok")
        self.connect(other)
        self.wait(lambda: len(other.eval("pg:which_groups(web)")) == 4, 5, "the second node sees the children")
        pids["more"] = self.start(other, "more")
        self.wait_members(erlang, pids)

    def test_nobody_can_end_the_process_that_tells_pg(self):
        _, erlang = self.begin()
        self.start_scope(erlang)
        pids = {f"on-{node}": self.start(erlang, f"on-{node}", node) for node in NODES}
        self.wait_members(erlang, pids)
        scopes = "maps:keys(element(4, sys:get_state(web)))"
        self.assertEqual(erlang.eval(f"length({scopes})"), 3)
        erlang.eval(f"[exit(P, kill) || P <- {scopes}], [exit(P, shutdown) || P <- {scopes}], "
                    f"[begin {{_, M}} = spawn_monitor(fun() -> link(P), exit(boom) end), "
                    f"receive {{'DOWN', M, _, _, _}} -> ok end end || P <- {scopes}]")
        # What is sent after the signals comes after them.
        pids["later"] = self.start(erlang, "later")
        self.wait_members(erlang, pids)
        self.assertEqual(erlang.eval(f"length({scopes})"), 3, "the same ones")

    def test_a_broken_connection_takes_the_members_and_brings_them_back(self):
        _, erlang = self.begin()
        self.start_scope(erlang)
        pids = {f"on-{node}": self.start(erlang, f"on-{node}", node) for node in NODES}
        self.wait_members(erlang, pids)
        for _ in range(3):
            erlang.eval(f"erlang:disconnect_node('{NODES[1]}')")
            rest = {name: pid for name, pid in pids.items() if pid.node != NODES[1]}
            self.wait_members(erlang, rest)
            self.connect(erlang, [NODES[1]])
            self.wait_members(erlang, pids)

    def test_scope_monitors_see_children_come_restart_move_and_go(self):
        cluster, erlang = self.begin()
        self.start_scope(erlang)
        erlang.eval("register(watcher, spawn(fun() -> {R, G} = pg:monitor_scope(web), "
                    "(fun L(Seen) -> receive {R, What, Group, Pids} -> L([{What, Group, Pids} | Seen]); "
                    "{get, From} -> From ! {seen, lists:reverse(Seen)}, L(Seen) end end)"
                    "([{first, G}]) end))")

        def seen():
            return erlang.eval("watcher ! {get, self()}, receive {seen, S} -> S end")[1:]

        def wait_seen(expected):
            self.wait(lambda: seen() == expected, 10, lambda: f"events {expected}: {seen()}")

        name = b"moving"
        pid = self.start(erlang, "moving", NODES[2])
        expected = [("join", name, [pid])]
        wait_seen(expected)

        # It crashes and is started again.
        erlang.eval(f"exit(hd(pg:get_members(web, <<\"moving\">>)), crash)")
        again = self.wait_pid(erlang, "moving", pid)
        expected += [("leave", name, [pid]), ("join", name, [again])]
        wait_seen(expected)

        # Its node is drained; the child moves.
        self.assertEqual(cluster.leave("n3"), 0)
        moved = self.wait_pid(erlang, "moving", again)
        self.wait(lambda: len(seen()) == len(expected) + 2, 10, lambda: f"it moved: {seen()}")
        self.assertEqual(sorted(seen()[-2:]), sorted([("leave", name, [again]), ("join", name, [moved])]))
        expected = seen()

        # Its node is killed; it is started on the other one.
        victim, survivor = ("n1", "n2") if moved.node == NODES[0] else ("n2", "n1")
        cluster.kill(victim)
        self.wait(lambda: len(seen()) == len(expected) + 2, 10, lambda: f"it came back: {seen()}")
        leave, join = sorted(seen()[-2:], reverse=True)
        self.assertEqual(leave, ("leave", name, [moved]))
        self.assertEqual((join[0], join[1], join[2][0].node), ("join", name, f"{survivor}@127.0.0.1"))

        self.assertEqual(erlang.request(f"{survivor}@127.0.0.1", "{stop_child, web, <<\"moving\">>}"), "ok")
        self.wait(lambda: erlang.eval("pg:which_groups(web)") == [], 5, "no group is left")

    def test_ten_thousand_children_come_and_go(self):
        cluster, erlang = self.begin()
        self.start_scope(erlang)
        count = 10_000
        erlang.eval("register(watcher, spawn(fun() -> {R, _} = pg:monitor_scope(web), "
                    "(fun L(J, V) -> receive {R, join, _, [_]} -> L(J + 1, V); {R, leave, _, [_]} -> L(J, V + 1); "
                    "{get, From} -> From ! {seen, {J, V}}, L(J, V) end end)(0, 0) end))")

        def seen():
            return erlang.eval("watcher ! {get, self()}, receive {seen, S} -> S end")

        answer = erlang.eval(f"brood_driver:bulk('{NODES[0]}', web, \"bulk-\", {count}, {{counter, []}}, 60000)", 90)
        began = time.monotonic()
        self.assertEqual(answer[1][:3], ("ok", "ok", count), answer)
        self.wait(lambda: erlang.eval("length(pg:which_groups(web))") == count, 20, "all are groups")
        self.note(f"{count} children started in {answer[0]} ms, all in pg {time.monotonic() - began:.3f} s later")
        wrong = erlang.eval(f"[I || {{I, [{{_, P}}]}} <- brood_driver:request('{NODES[1]}', "
                            "{process_list, web, global}), pg:get_members(web, I) =/= [P]]")
        self.assertEqual(wrong, [])
        self.wait(lambda: seen() == (count, 0), 10, lambda: f"one join for each: {seen()}")

        cluster.kill("n2")
        cluster.wait_members(("n1", "n3"))

        def agree():
            return erlang.eval(f"L = brood_driver:request('{NODES[0]}', {{process_list, web, global}}), "
                               "length(pg:which_groups(web)) =:= length(L) andalso "
                               "lists:all(fun({I, [{_, P}]}) -> pg:get_members(web, I) =:= [P]; (_) -> false end, L)")
        self.wait(lambda: agree() == "true", 20, "the survivors' children are the members")
        joins, leaves = seen()
        self.assertEqual(joins - leaves, count)
        self.assertGreater(leaves, 1000)


if __name__ == "__main__":
    main()
