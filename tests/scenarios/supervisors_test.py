"""Children of type supervisor, as a stock Erlang node sees them: beside a supervisor of OTP's, moved, killed and lost."""

import random

from support import ScenarioTest, Atom, etf, main, rounds, seed_of_the_day, witness_start

STRATEGIES = ("one_for_one", "one_for_all", "rest_for_one")
RESTARTS = ("permanent", "transient", "temporary")


def inner(name, start="{exiter, []}", **more):
    return etf.text({Atom("id"): Atom(name), **{Atom(key): value for key, value in more.items()}})[:-1] + \
        f", start => {start}}}"


def spec(name, inners, flags="#{}", **more):
    """A child of type supervisor in Erlang syntax."""
    own = "".join(f", {key} => {value}" for key, value in more.items())
    return f"#{{id => <<\"{name}\">>, start => {{supervisor, [{flags}, [{', '.join(inners)}]]}}, type => supervisor{own}}}"


class Supervisors(ScenarioTest):
    needs_erlang = True

    def up(self, *names, options=None, children=()):
        cluster = self.cluster(*(names or ("n1", "n2")), supervisors={"web": (options or {}, list(children))})
        cluster.start()
        cluster.wait_members()
        return cluster, cluster.erlang()

    def ask(self, cluster, erlang, request, node=None):
        return erlang.request(cluster.full(node or cluster.names[0]), request)

    def start(self, cluster, erlang, name, inners, flags="#{}", **more):
        answer = self.ask(cluster, erlang, f"{{start_child, web, {spec(name, inners, flags, **more)}}}")
        self.assertEqual(answer[0], "ok", answer)
        return answer[1]

    def inners(self, erlang, pid):
        """The children of a local supervisor by id, as its calls tell."""
        rows = erlang.eval(f"supervisor:which_children({etf.text(pid)})")
        return {str(row[0]): row[1] for row in rows}

    def another(self, cluster, erlang, name, before):
        """The pid of the child once it is another one."""
        self.wait(lambda: self.ask(cluster, erlang, f"{{whereis, web, <<\"{name}\">>}}") not in (before, Atom("undefined")),
                  10, lambda: f"{name} is not back")
        return self.ask(cluster, erlang, f"{{whereis, web, <<\"{name}\">>}}")

    def test_it_is_a_supervisor_to_erlang(self):
        cluster, erlang = self.up()
        pid = self.start(cluster, erlang, "g", [inner("a"), inner("b", "{counter, [5]}", restart=Atom("transient"))])
        held = etf.text(pid)
        rows = erlang.eval(f"supervisor:which_children({held})")
        self.assertEqual([(row[0], row[2], row[3]) for row in rows],
                         [("b", "worker", ["counter"]), ("a", "worker", ["exiter"])])
        self.assertEqual({row[1].node for row in rows}, {pid.node}, "all beside it")
        self.assertEqual(dict(erlang.eval(f"supervisor:count_children({held})")),
                         {"specs": 2, "active": 2, "supervisors": 0, "workers": 2})
        self.assertEqual(erlang.eval(f"gen_server:call(gen_server:call({held}, {{which_child, b}}), {{add, 1}})"), 6)
        _, child = erlang.eval(f"supervisor:start_child({held}, #{{id => c, start => {{counter, [1]}}}})")
        self.assertEqual(self.inners(erlang, pid)["c"], child)
        for node in cluster.names:
            rows = self.ask(cluster, erlang, "{which_children, web, global}", node)
            self.assertEqual(rows, [(b"g", pid, "supervisor", ["supervisor"])])
            table = self.ask(cluster, erlang, "{children, web}", node)
            own = table[b"g"][1]
            self.assertEqual((own[Atom("type")], own[Atom("shutdown")]), ("supervisor", "infinity"))

    def test_it_does_what_otp_does(self):
        cluster, erlang = self.up("n1")
        seed = seed_of_the_day()
        choice = random.Random(seed)
        for number in range(rounds(12, 60)):
            strategy = choice.choice(STRATEGIES)
            auto = choice.choice(("never", "any_significant", "all_significant"))
            intensity = choice.choice((2, 1000))
            children = []
            for name in "abcdef"[:choice.randint(1, 6)]:
                restart = choice.choice(RESTARTS)
                significant = auto != "never" and restart != "permanent" and choice.random() < 0.3
                children.append((Atom(name), Atom(restart), significant))
            ops = []
            for _ in range(12):
                name = Atom(choice.choice("abcdef"))
                ops.append(choice.choice((
                    (Atom("exit"), name, Atom(choice.choice(("kill", "shutdown", "oops")))),
                    (Atom("exit"), name, Atom("kill")),
                    (Atom("exit"), name, (Atom("shutdown"), Atom("done"))),
                    (Atom("start"), (name, Atom(choice.choice(RESTARTS)), choice.random() < 0.2)),
                    (Atom(choice.choice(("terminate_child", "restart_child", "delete_child", "get"))), name))))
            flags = (f"#{{strategy => {strategy}, intensity => {intensity}, period => 3600, "
                     f"auto_shutdown => {auto}}}")
            with self.subTest(seed=seed, number=number, flags=flags, children=children):
                inners = [inner(str(name), restart=restart, significant=significant)
                          for name, restart, significant in children]
                pid = self.start(cluster, erlang, f"g{number}", inners, flags, restart="temporary")
                self.assertEqual(erlang.eval(f"supervisor_oracle:same({etf.text(pid)}, {flags}, {etf.text(children)}, "
                                             f"{etf.text(ops)})"), "ok", ops)
                self.ask(cluster, erlang, f"{{stop_child, web, <<\"g{number}\">>}}")

    def test_a_stop_and_a_kill_end_all_of_it(self):
        cluster, erlang = self.up("n1")
        names = ("a", "b", "c")
        inners = [inner(name) for name in names]
        for how in ("stop", "kill"):
            pid = self.start(cluster, erlang, how, inners)
            end = (f"gen_server:call({{brood, '{cluster.full('n1')}'}}, {{stop_child, web, <<\"stop\">>}})"
                   if how == "stop" else f"exit({etf.text(pid)}, kill)")
            ended = erlang.eval(
                f"begin S = {etf.text(pid)}, Of = [{{erlang:monitor(process, P), Id}} || {{Id, P, _, _}} <- "
                "[{self, S, x, x} | supervisor:which_children(S)]], "
                f"{end}, [receive {{'DOWN', R, process, _, Why}} -> {{proplists:get_value(R, Of), Why}} "
                "after 5000 -> timeout end || _ <- Of] end")
            reason = "shutdown" if how == "stop" else "killed"
            if how == "stop":
                self.assertEqual(ended, [(name, reason) for name in ("c", "b", "a", "self")])
            else:
                self.assertEqual(set(ended), {(name, reason) for name in (*names, "self")})
                self.assertEqual(ended[-1][0], "self", "it is told to have ended when nothing of it runs")
        # A permanent one is back after the kill, with all that it keeps.
        again = self.another(cluster, erlang, "kill", pid)
        self.assertEqual(set(self.inners(erlang, again)), set(names))

    def test_giving_up_starts_it_anew_and_auto_shutdown_ends_a_transient_one(self):
        cluster, erlang = self.up()
        pid = self.start(cluster, erlang, "p", [inner("a"), inner("b")], "#{intensity => 0}")
        erlang.eval(f"exit(gen_server:call({etf.text(pid)}, {{which_child, a}}), oops)")
        self.another(cluster, erlang, "p", pid)
        ended = self.start(cluster, erlang, "t", [inner("a"), inner("b", restart=Atom("transient"), significant=True)],
                           "#{auto_shutdown => any_significant}", restart="transient")
        erlang.eval(f"exit(gen_server:call({etf.text(ended)}, {{which_child, b}}), shutdown)")
        self.wait(lambda: self.ask(cluster, erlang, "{child_lookup, web, <<\"t\">>}") == Atom("undefined"), 10,
                  lambda: "it is there still")

    def test_what_is_wrong_with_a_spec_is_told(self):
        cluster, erlang = self.up("n1")
        for request, words in (
                (spec("g", [inner("a")], significant="true"), b"auto_shutdown"),
                (spec("g", [inner("a")], type="boss"), b"type"),
                (spec("g", [inner("a")], "#{strategy => some}"), b"one_for_one"),
                (spec("g", [inner("a", significant=True)], "#{auto_shutdown => any_significant}"), b"permanent"),
                (spec("g", [inner("a"), inner("a")]), b"twice"),
                (spec("g", [inner("a", "{nobody, []}")]), b"nobody"),
                ("#{id => <<\"g\">>, start => {supervisor, []}}", b"[Flags, Specs]")):
            answer = self.ask(cluster, erlang, f"{{start_child, web, {request}}}")
            self.assertEqual(answer[0], "error", answer)
            self.assertIn(words, answer[1][1], request)
        self.assertEqual(self.ask(cluster, erlang, "{children, web}"), {})
        # A start that fails is the failure of the whole.
        fails = spec("g", [inner("a"), inner("b", "{fails_to_start, []}")], restart="temporary")
        answer = self.ask(cluster, erlang, f"{{start_child, web, {fails}}}")
        self.assertEqual(answer[0], "error", answer)
        self.assertEqual(answer[1][0], "start_failed", answer)
        self.assertIn(b"inner child 'b' did not start", answer[1][1])
        # OTP's meaning of the other two: a declaration, which gives a worker all the time to end.
        answer = self.ask(cluster, erlang, "{start_child, web, #{id => <<\"w\">>, start => {counter, []}, "
                                           "type => supervisor, significant => false}}")
        self.assertEqual(answer[0], "ok", answer)
        own = self.ask(cluster, erlang, "{children, web}")[b"w"][1]
        self.assertEqual((own[Atom("type")], own[Atom("shutdown")]), ("supervisor", "infinity"))

    def test_it_moves_as_a_whole_and_comes_back_when_its_node_is_lost(self):
        """With hot swap, in which it moves cold: the witness says whether two of it ran at one time."""
        cluster, erlang = self.up("n1", "n2", "n3", options={"migration": "hot_swap"})
        ids = [f"g{number}" for number in range(8)]
        inners = [inner("w", witness_start(cluster)), inner("b", "{counter, [1]}")]
        for name in ids:
            self.start(cluster, erlang, name, inners)
        cluster.wait_placed(ids)
        cluster.wait_witnessed(ids)

        def all_whole():
            cluster.wait_placed(ids)
            cluster.wait_witnessed(ids)
            for name in ids:
                pid = self.ask(cluster, erlang, f"{{whereis, web, <<\"{name}\">>}}")
                self.assertEqual({held.node for held in self.inners(erlang, pid).values()}, {pid.node}, name)
        all_whole()
        self.assertEqual(cluster.leave("n3"), 0)
        all_whole()
        cluster.start("n3")
        cluster.wait_members()
        all_whole()
        cluster.kill("n2")
        all_whole()
        self.assert_no_overlap(cluster)

    def test_a_fleet_file_may_have_one(self):
        child = {"id": "g", "worker": "supervisor",
                 "args": [{"strategy": "rest_for_one"}, [{"id": "a", "worker": "counter", "args": [3]},
                                                         {"id": "b", "worker": "exiter", "restart": "transient"}]]}
        cluster, erlang = self.up(children=[child])
        cluster.wait_placed(["g"])
        pid = self.ask(cluster, erlang, "{whereis, web, <<\"g\">>}")
        self.assertEqual(len(self.inners(erlang, pid)), 2)
        shown = self.ask(cluster, erlang, "{children, web}")[b"g"][1]
        self.assertEqual((shown[Atom("type")], shown[Atom("shutdown")]), ("supervisor", "infinity"))


if __name__ == "__main__":
    main()
