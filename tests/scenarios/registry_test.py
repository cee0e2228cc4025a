"""What each node says of the children: the shape of every look-up, without asking others, after crashes and ends; and what
a supervisor says of itself."""

import time

from support import SLOW, Atom, ScenarioTest, etf, main

NAMES = ("n1", "n2", "n3")
WEB = Atom("web")


def spec(name, worker="counter", arguments=(), **more):
    return {Atom("id"): name, Atom("start"): (Atom(worker), list(arguments)),
            **{Atom(key): value for key, value in more.items()}}


class Registry(ScenarioTest):
    needs_chaos = needs_erlang = True

    def up(self, *names, **options):
        cluster = self.cluster(*(names or NAMES), **options)
        cluster.start()
        self.cluster_, self.erlang = cluster, cluster.erlang()
        return cluster

    def ask(self, name, *arguments, node="n1"):
        return self.erlang.request(self.cluster_.full(node), (Atom(name), WEB, *arguments))

    def start(self, name, node="n1", on=None, **more):
        options = {Atom("node"): Atom(self.cluster_.full(on))} if on else {}
        answer = self.ask("start_child", spec(name, **more), options, node=node)
        self.assertEqual(answer[0], "ok", answer)
        return answer[1]

    def everywhere(self, expected, *request, names=NAMES):
        """Each node answers so, at the latest when the news has reached it."""
        last = {}

        def same():
            last.update({name: self.ask(*request, node=name) for name in names})
            return all(answer == expected for answer in last.values())
        self.wait(same, 10, lambda: f"{request}: {expected} on every node: {last}")

    def refused(self, answer, code):
        self.assertEqual((answer[0], answer[1][0]), ("error", code), answer)

    # Look-ups

    def test_each_look_up_has_its_shape(self):
        cluster = self.up()
        cluster.wait_members()
        a = self.start("a", on="n1", metadata={Atom("tag"): "blue", Atom("n"): 7}, restart=Atom("transient"))
        b = self.start("b", on="n2", metadata={Atom("tag"): "blue"})
        c = self.start("c", on="n2")
        self.everywhere(c, "whereis", "c")
        rows = {b"a": (a, {"n": 7, "tag": b"blue"}), b"b": (b, {"tag": b"blue"}), b"c": (c, {})}
        of_each = [(name, [(pid.node, pid)]) for name, (pid, _) in rows.items()]
        children = [(name, pid, "worker", ["counter"]) for name, (pid, _) in rows.items()]
        for node in NAMES:
            full, asked = cluster.full(node), {}
            for request in (("child_lookup", "a"), ("get_pid", "b"), ("get_pids", "b"), ("process_list", Atom("global")),
                            ("process_list", Atom("local")), ("which_children", Atom("global")),
                            ("which_children", Atom("local")), ("tag_query", "blue"), ("registry_dump",), ("children",),
                            ("local_children",)):
                asked[request] = self.ask(*request, node=node)
            own, places, metadata = asked["child_lookup", "a"]
            self.assertEqual((own["id"], own["start"], own["restart"], own["shutdown"]),
                             (b"a", ("counter", []), "transient", 5000))
            self.assertEqual((places, metadata), ([(a.node, a)], rows[b"a"][1]))
            self.assertEqual((asked["get_pid", "b"], asked["get_pids", "b"]), (b, [b]))
            self.assertEqual(asked["process_list", "global"], of_each)
            self.assertEqual(asked["process_list", "local"], [row for row in of_each if row[1][0][0] == full])
            self.assertEqual(asked["which_children", "global"], children)
            self.assertEqual(asked["which_children", "local"], [row for row in children if row[1].node == full])
            self.assertEqual(asked["tag_query", "blue"], of_each[:2])
            dump = asked["registry_dump",]
            self.assertEqual({name: row[1:] for name, row in dump.items()},
                             {name: ([(pid.node, pid)], metadata) for name, (pid, metadata) in rows.items()})
            self.assertEqual(dump[b"a"][0], own)
            self.assertEqual({name: row[0] for name, row in asked["children",].items()},
                             {name: pid for name, (pid, _) in rows.items()})
            self.assertEqual(asked["children",][b"a"][1], own)
            self.assertEqual(sorted(pid.id for pid in asked["local_children",]),
                             sorted(pid.id for pid, _ in rows.values() if pid.node == full))
        for request in (("child_lookup", "none"), ("get_pid", "none"), ("whereis", "none"), ("whois", nobodys(a))):
            self.assertEqual(self.ask(*request, node="n3"), "undefined", request)
        self.assertEqual((self.ask("get_pids", "none"), self.ask("tag_query", "green")), ([], []))

    def test_look_ups_ask_no_other_node(self):
        cluster = self.up(node={"tick_timeout_ms": int(20000 * SLOW)})
        cluster.wait_members()
        pids = {name: self.start(name, on=name, metadata={Atom("tag"): "all"}) for name in NAMES}
        for name, pid in pids.items():
            self.everywhere(pid, "whereis", name)
        dump = self.ask("registry_dump")
        for name in ("n2", "n3"):
            cluster.pause(name)
        begin = time.monotonic()
        self.assertEqual(self.ask("registry_dump"), dump)
        self.assertEqual({name: self.ask("get_pid", name) for name in NAMES}, pids)
        self.assertEqual([row[0] for row in self.ask("tag_query", "all")], [name.encode() for name in NAMES])
        self.assertEqual(len(self.ask("process_list", Atom("global"))), 3)
        self.assertEqual(len(self.ask("which_children", Atom("global"))), 3)
        self.assertEqual(self.ask("child_lookup", "n3"), dump[b"n3"])
        self.assertLess(time.monotonic() - begin, 5 * SLOW, "the others stand still, and are not waited for")
        for name in ("n2", "n3"):
            cluster.resume(name)

    # Calls

    def test_a_call_by_id_ends_in_its_time_and_with_its_child_or_its_node(self):
        cluster = self.up("n1", "n2")
        cluster.wait_members(("n1", "n2"))
        self.start("blocks", on="n2", worker="blocker")
        self.start("crashes", on="n2", worker="crasher", arguments=[{Atom("after_ms"): 10 ** 8}])
        self.refused(self.ask("call", "crashes", Atom("crash")), "died")
        begin = time.monotonic()
        self.refused(self.ask("call", "blocks", Atom("block"), 300), "timeout")
        self.refused(self.ask("call", "blocks", Atom("ping")), "timeout")
        took = time.monotonic() - begin
        self.assertGreater(took, 5.2, "who names no time waits for five seconds")
        self.assertLess(took, 5.3 + 5 * SLOW)
        self.refused(self.ask("call", "nobody", Atom("ping")), "no_such_child")
        call = self.erlang.submit(f"brood_driver:request('{cluster.full('n1')}', "
                                  "{call, web, <<\"blocks\">>, ping, 60000}, 60000)")
        self.wait(lambda: self.ask("stats")[1]["requests"]["open"] > 1, 10, "it is on its way")
        cluster.kill("n2")
        self.refused(call.wait(), "node_lost")

    # Children that end and come back

    def end(self, pid, reason):
        self.assertEqual(self.erlang.eval(f"sys:terminate({etf.text(pid)}, {reason}, 5000)"), "ok")

    def test_a_restart_is_known_everywhere_with_the_childs_metadata(self):
        self.up().wait_members()
        before = self.start("a", node="n2", metadata={Atom("tag"): "blue", Atom("n"): 7})
        self.everywhere(before, "whereis", "a")
        self.end(before, "oops")
        again = self.wait(lambda: (lambda pid: pid if pid not in (before, "undefined", "restarting") else None)(
            self.ask("whereis", "a", node=str(before.node).split("@")[0])), 10, "it is started again")
        self.assertEqual(again.node, before.node)
        self.everywhere(again, "whereis", "a")
        self.everywhere(b"a", "whois", again)
        self.everywhere(Atom("undefined"), "whois", before)
        self.everywhere([(b"a", [(again.node, again)])], "tag_query", "blue")
        for node in NAMES:
            self.assertEqual(self.ask("child_lookup", "a", node=node)[1:],
                             ([(again.node, again)], {"n": 7, "tag": b"blue"}))

    def test_children_that_end_by_themselves_are_gone_everywhere(self):
        self.up().wait_members()
        for number, (restart, reason, is_over) in enumerate((
                ("transient", "normal", True), ("transient", "shutdown", True), ("transient", "{shutdown, done}", True),
                ("transient", "oops", False), ("permanent", "normal", False), ("permanent", "{shutdown, done}", False),
                ("temporary", "oops", True))):
            name = f"c{number}"
            with self.subTest(restart=restart, reason=reason):
                pid = self.start(name, node=NAMES[number % 3], restart=Atom(restart))
                self.everywhere(pid, "whereis", name)
                self.end(pid, reason)
                if is_over:
                    self.everywhere(Atom("undefined"), "child_lookup", name)
                    self.everywhere(Atom("undefined"), "whereis", name)
                    self.assertEqual(self.ask("stop_child", name), ("error", "not_found"))
                else:
                    self.wait(lambda name=name, pid=pid: self.ask("whereis", name) not in (pid, "undefined", "restarting"),
                              10, "it is started again")
                    self.assertEqual(self.ask("stop_child", name), "ok")

    # The supervisor itself

    def test_a_node_gets_no_child_of_a_supervisor_that_it_does_not_run(self):
        replicated = {"redundancy": {"use": "replication", "factor": 2}}
        runs = {"n1": {"web": ({}, []), "other": (replicated, [])}, "n2": {"web": ({}, [])},
                "n3": {"other": (replicated, [])}}
        cluster = self.cluster(*NAMES)
        for name, supervisors in runs.items():
            cluster.launch(name, config=cluster.write(f"{name}.toml", cluster.fleet_text(name, supervisors)))
        for name in NAMES:
            cluster.wait_up(name)
        self.cluster_, self.erlang = cluster, cluster.erlang()
        full = {name: Atom(cluster.full(name)) for name in NAMES}
        for supervisor, members in (("web", ("n1", "n2")), ("other", ("n1", "n3"))):
            for node in members:
                self.wait(lambda node=node, supervisor=supervisor, members=members: self.erlang.request(
                    full[node], (Atom("nodes"), Atom(supervisor))) == [full[name] for name in members], 20,
                    f"{members} are the members of {supervisor}")

        started = self.ask("start_children", [spec(f"c{number}") for number in range(30)])[1]
        self.assertEqual(started["status"], "ok", started)
        self.assertEqual({row[1][0][0] for row in started["started"]}, {full["n1"], full["n2"]})
        self.refused(self.ask("start_child", spec("there"), {Atom("node"): full["n3"]}), "not_member")
        self.refused(self.ask("start_child", spec("there"), {Atom("node"): Atom(self.erlang.name)}), "not_member")
        self.assertEqual(self.erlang.request(full["n3"], (Atom("is_alive"), WEB)), "false")
        self.assertEqual(self.ask("whereis", "there"), "undefined")

        # The same ids under the other one, each on both of its nodes.
        answer = self.erlang.request(full["n3"], (Atom("start_child"), Atom("other"), spec("c1")))
        self.assertEqual(answer[0], "ok", answer)
        lookup = (Atom("child_lookup"), Atom("other"), "c1")
        self.wait(lambda: {row[0] for row in self.erlang.request(full["n1"], lookup)[1]} == {full["n1"], full["n3"]}, 10,
                  lambda: f"two instances: {self.erlang.request(full['n1'], lookup)}")
        self.assertEqual(len(self.ask("child_lookup", "c1")[1]), 1)

    def test_a_part_without_quorum_says_that_it_is_locked_and_why(self):
        quorum = {"use": "static_quorum", "quorum_size": 2}
        cluster = self.up("n1", "n2", supervisors={"web": ({"partition": quorum}, [])})
        cluster.wait_members(("n1", "n2"))
        pid = self.start("a", on="n1")
        for request in ("is_locked", "is_partitioned"):
            self.wait(lambda request=request: self.ask(request) == "false", 10, f"not {request}")
        cluster.kill("n2")
        for request in ("is_partitioned", "is_locked"):
            self.wait(lambda request=request: self.ask(request) == "true", 20, request)
        self.assertEqual(self.ask("is_alive"), "true", "it is there all the same")
        self.refused(self.ask("start_child", spec("b")), "partitioned")
        self.refused(self.ask("stop_child", "a"), "partitioned")
        status = self.ask("partition_status")[1]
        self.assertIn(b"n1@127.0.0.1", status["why"])
        self.wait(lambda: self.ask("whereis", "a") == "undefined", 20, "what ran has ended")
        cluster.start("n2")
        for request in ("is_partitioned", "is_locked"):
            self.wait(lambda request=request: self.ask(request) == "false", 20, f"not {request} any more")
        self.wait(lambda: self.ask("whereis", "a") not in ("undefined", "restarting", pid), 20, "it runs again")

    def test_a_supervisor_that_is_stopped_hands_its_children_over_and_is_not_alive(self):
        cluster = self.up("n1", "n2")
        cluster.wait_members(("n1", "n2"))
        for number in range(10):
            self.start(f"c{number}", on="n1" if number % 2 else "n2", metadata={Atom("n"): number})
        self.assertEqual(self.ask("stop"), "ok")
        self.assertEqual(self.ask("stop"), ("error", "not_alive"))
        self.assertEqual(self.ask("is_alive"), "false")
        self.assertEqual(self.ask("nodes")[0], "error")
        self.everywhere([Atom(cluster.full("n2"))], "nodes", names=("n2",))
        self.assertEqual({row[1][0][0] for row in self.ask("process_list", Atom("global"), node="n2")},
                         {cluster.full("n2")})
        dump = self.ask("registry_dump", node="n2")
        self.assertEqual({name: row[2] for name, row in dump.items()},
                         {f"c{number}".encode(): {"n": number} for number in range(10)}, "with what is said of them")


def nobodys(pid):
    """One that no process has."""
    return etf.Pid(pid.node, pid.id + 100000, pid.serial, pid.creation)


if __name__ == "__main__":
    main()
