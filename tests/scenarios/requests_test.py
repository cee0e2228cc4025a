"""Every request of the table, as a stock Erlang node sends it: a good one and then each bad one."""

from support import SLOW, ScenarioTest, Atom, etf, main

N1, N2, N3 = (Atom(f"n{number}@127.0.0.1") for number in (1, 2, 3))
WEB = Atom("web")


class Requests(ScenarioTest):
    """One cluster for all of them; each test uses ids of its own."""

    needs_erlang = True

    @classmethod
    def setUpClass(cls):
        from support import Cluster
        cls.shared = Cluster(("n1", "n2", "n3"), supervisors={"web": ({}, []), "other": ({}, [])})
        try:
            cls.shared.start()
            cls.shared.wait_members()
            cls.erlang = cls.shared.erlang()
        except BaseException:
            print(cls.shared.logs_text())
            cls.shared.close()
            raise

    @classmethod
    def tearDownClass(cls):
        left = cls.shared.close()
        assert left == {}, f"something was left behind: {left}"

    def tearDown(self):
        if not self._outcome.success:
            print(self.shared.logs_text(15))

    # Helpers.

    def ask(self, request, node=N1):
        return self.erlang.request(node, request)

    def spec(self, name, worker="counter", arguments=None, **more):
        """A child's map; keys as atoms."""
        table = {Atom("id"): name, Atom("start"): (Atom(worker), arguments or [])}
        table.update({Atom(key): value for key, value in more.items()})
        return table

    def start(self, name, node=N1, **more):
        answer = self.ask((Atom("start_child"), WEB, self.spec(name, **more)), node)
        self.assertEqual(answer[0], "ok", answer)
        self.assertIsInstance(answer[1], etf.Pid)
        return answer[1]

    def refused(self, answer, code):
        """{error, {Code, Words}} with words that say something."""
        self.assertIsInstance(answer, tuple, answer)
        self.assertEqual(answer[0], "error", answer)
        self.assertIsInstance(answer[1], tuple, answer)
        self.assertEqual(answer[1][0], code, answer)
        self.assertGreater(len(answer[1][1]), 10, answer)

    def everywhere(self, request, expected):
        """Each node answers so, at the latest when the news has reached it."""
        for node in (N1, N2, N3):
            last = {}

            def same(node=node, last=last):
                last["answer"] = self.ask(request, node)
                return last["answer"] == expected
            self.wait(same, 5, lambda last=last, node=node: f"{node} answers {expected}: {last['answer']}")

    def request(self, name, *arguments):
        return (Atom(name), WEB, *arguments)

    # start_child

    def test_start_child_answers_with_pid_and_id(self):
        answer = self.ask(self.request("start_child", self.spec("start-1", restart=Atom("transient"))))
        self.assertEqual(answer[0], "ok", answer)
        self.assertEqual(answer[2], b"start-1")
        self.everywhere(self.request("whereis", "start-1"), answer[1])

    def test_start_child_makes_an_id_where_none_is_given(self):
        answer = self.ask(self.request("start_child", {Atom("start"): (Atom("counter"), [])}))
        self.assertEqual(answer[0], "ok", answer)
        self.assertEqual(self.ask(self.request("whereis", answer[2])), answer[1])

    def test_start_child_takes_a_worker_alone_and_one_with_its_arguments(self):
        for text, value in (("counter", 0), ("{counter, [5]}", 5), ("#{start => {counter, [6]}}", 6)):
            with self.subTest(text):
                pids = []
                for _ in range(2):
                    answer = self.ask(f"{{start_child, web, {text}}}")
                    self.assertEqual(answer[0], "ok", answer)
                    self.assertEqual(self.ask(self.request("call", answer[2], Atom("get"))), ("ok", value))
                    pids.append(answer[1])
                self.assertNotEqual(*pids, "each has an id of its own")

    def test_start_child_of_a_worker_that_does_not_start_says_why_and_leaves_nothing(self):
        answer = self.ask(self.request("start_child", self.spec("unready", "counter", ["no number"])))
        self.refused(answer, "start_failed")
        self.everywhere(self.request("child_lookup", "unready"), "undefined")

    def test_start_child_takes_any_term_as_id(self):
        ids = ("an_atom", "{user, 42}", "42", "-1.5", "\"a string\"", "[a | b]", "#{a => 1, b => {}}",
               "{'Elixir.MyApp.ServiceMonitor', {10, 0, 0, 1}}", "<<5:3>>", "1 bsl 100", "{self(), make_ref()}",
               "maps:from_list([{I, []} || I <- lists:seq(1, 40)])")
        for text in ids:
            with self.subTest(text):
                # The very term comes back: from whoever is asked, in lists, lookups and the history.
                answer = self.erlang.eval(
                    f"Id = {text}, R = fun(N, T) -> brood_driver:request(N, T) end, "
                    "{ok, P, Id} = R('n1@127.0.0.1', {start_child, web, #{id => Id, start => {counter, []}}}), "
                    "Wait = fun W(0) -> late; W(K) -> case R('n2@127.0.0.1', {whereis, web, Id}) of P -> ok; "
                    "_ -> timer:sleep(20), W(K - 1) end end, ok = Wait(250), "
                    "Id = R('n2@127.0.0.1', {whois, web, P}), "
                    "{P, _} = maps:get(Id, R('n2@127.0.0.1', {children, web})), "
                    "{#{id := Id}, [{_, P}], _} = R('n2@127.0.0.1', {child_lookup, web, Id}), "
                    "{ok, #{id := Id, events := [#{id := Id} | _]}} = R('n1@127.0.0.1', {why, web, Id}), "
                    "{ok, 3} = R('n3@127.0.0.1', {call, web, Id, {add, 3}}), "
                    "ok = R('n3@127.0.0.1', {stop_child, web, Id}), done")
                self.assertEqual(answer, "done")

    def test_terms_that_are_not_equal_are_different_ids(self):
        pids = {str(self.ask("{start_child, web, #{id => %s, start => {counter, []}}}" % text)[1])
                for text in ("<<\"same\">>", "same", "\"same\"", "{same}", "[same]")}
        self.assertEqual(len(pids), 5)

    def test_what_is_no_id_is_refused(self):
        for text in ("<<>>", "''", "[]", "{}", "#{}", "fun lists:map/2", "{a, [fun() -> ok end]}",
                     "lists:duplicate(300, $x)"):
            with self.subTest(text):
                answer = self.ask("{start_child, web, #{id => %s, start => {counter, []}}}" % text)
                self.refused(answer, "invalid_argument")

    def assertIsNone_atom(self, value):
        self.assertEqual(value, "undefined")

    def test_start_child_of_a_known_id_is_already_started(self):
        pid = self.start("twice")
        for node in (N1, N2, N3):
            self.assertEqual(self.ask(self.request("start_child", self.spec("twice")), node),
                             ("error", ("already_started", pid)))

    def test_start_child_of_a_known_id_with_another_spec_is_a_conflict(self):
        self.start("conflict")
        self.refused(self.ask(self.request("start_child", self.spec("conflict", "echo")), N2), "conflict")

    def test_start_child_of_an_unknown_worker_is_refused(self):
        self.refused(self.ask(self.request("start_child", self.spec("unknown", "no_such_worker"))),
                     "no_such_worker")
        self.assertIsNone_atom(self.ask(self.request("whereis", "unknown")))

    def test_start_child_with_a_bad_spec_is_refused_with_the_key(self):
        bad = {
            "{start_child, web, #{id => <<\"bad\">>, restart => temporary}}": b"start",
            "{start_child, web, #{id => <<\"bad\">>, start => 7}}": b"start",
            "{start_child, web, #{id => {}, start => {counter, []}}}": b"id",
            "{start_child, web, #{id => <<\"bad\">>, start => {counter, []}, restart => sometimes}}": b"restart",
            "{start_child, web, #{id => <<\"bad\">>, start => {counter, []}, shutdown => soon}}": b"shutdown",
            "{start_child, web, 7}": b"",
        }
        for request, key in bad.items():
            with self.subTest(request):
                answer = self.ask(request)
                self.refused(answer, "invalid_argument")
                self.assertIn(key, answer[1][1])
        self.assertIsNone_atom(self.ask(self.request("whereis", "bad")))

    def test_an_id_of_255_bytes_is_taken_and_of_256_refused(self):
        self.start("x" * 255)
        self.refused(self.ask(self.request("start_child", self.spec("x" * 256))), "invalid_argument")

    def test_start_child_on_a_named_node_runs_there(self):
        for node in (N1, N2, N3):
            name = f"on-{node}"
            answer = self.ask(self.request("start_child", self.spec(name), {Atom("node"): node}), N1)
            self.assertEqual(answer[0], "ok", answer)
            self.assertEqual(answer[1].node, node)

    def test_start_child_on_an_unknown_node_is_refused(self):
        self.refused(self.ask(self.request("start_child", self.spec("nowhere"),
                                           {Atom("node"): Atom("n9@127.0.0.1")})), "not_member")

    def test_start_child_restricted_to_nodes_runs_there(self):
        pid = self.start("restricted", nodes=[N3])
        self.assertEqual(pid.node, N3)

    def test_a_command_over_the_network_is_not_allowed_by_default(self):
        self.refused(self.ask("{start_child, web, #{id => <<\"shell\">>, start => "
                              "{exec, #{argv => [<<\"sleep\">>, <<\"1000\">>]}}}}"), "not_allowed")

    # start_children, stop_child, stop_children

    def test_start_children_says_what_started_and_what_did_not(self):
        specs = [self.spec("bulk-1"), self.spec("bulk-2", "no_such_worker"), self.spec("bulk-3")]
        answer = self.ask(self.request("start_children", specs, {}))
        self.assertEqual(answer[0], "ok", answer)
        result = answer[1]
        pids = {name: self.ask(self.request("whereis", name)) for name in ("bulk-1", "bulk-3")}
        self.assertEqual(sorted(result[Atom("started")]),
                         [(name.encode(), [(pid.node, pid)]) for name, pid in pids.items()], result)
        (name, node, (code, words)), = result[Atom("errors")]
        self.assertEqual((result[Atom("status")], name, node, code), ("error", b"bulk-2", "undefined", "no_such_worker"))
        self.assertIn(b"no_such_worker", words)
        self.assertEqual(set(result), {"status", "started", "errors", "rollback"})
        self.everywhere(self.request("whereis", "bulk-2"), "undefined")

    def test_a_rollback_leaves_nothing_of_the_request(self):
        there = self.start("rollback-there")
        specs = [self.spec("rollback-1"), self.spec("rollback-2", "no_such_worker"), self.spec("rollback-there")]
        answer = self.ask(self.request("start_children", specs, {Atom("on_failure"): Atom("rollback")}))
        self.assertEqual(answer[0], "ok", answer)
        result = answer[1]
        self.assertEqual(result[Atom("rollback")], "true", result)
        self.assertEqual([row[0] for row in result[Atom("started")]], [b"rollback-1"], "it had been started")
        self.assertEqual(sorted(row[0] for row in result[Atom("errors")]), [b"rollback-2", b"rollback-there"])
        self.everywhere(self.request("whereis", "rollback-1"), "undefined")
        self.everywhere(self.request("whereis", "rollback-there"), there)
        answer = self.ask(self.request("start_children", specs[:2], {Atom("on_failure"): Atom("continue")}))
        self.assertEqual(answer[1][Atom("rollback")], "false", answer)
        self.assertIsInstance(self.ask(self.request("whereis", "rollback-1")), etf.Pid)

    def test_a_start_that_is_rolled_back_in_time_is_gone(self):
        for number in range(20):
            name = f"rollback-late-{number}"
            options = {Atom("on_failure"): Atom("rollback"), Atom("timeout"): 0}
            answer = self.ask(self.request("start_child", self.spec(name), options))
            if answer[0] != "ok":
                self.refused(answer, "timeout")
                self.assertIn(b"taken back", answer[1][1])
                self.assertEqual(self.ask(self.request("describe", (Atom("id"), name))), ("ok", []))
                self.everywhere(self.request("whereis", name), "undefined")
                return
        self.fail("a start without any time was never late")

    def test_start_children_that_check_what_is_there_start_all_or_none(self):
        pid = self.start("there")
        specs = [self.spec("there"), self.spec("not-there")]
        answer = self.ask(self.request("start_children", specs, {Atom("check_existing"): Atom("true")}))
        self.assertEqual(answer, ("error", ("already_started", [b"there"])))
        self.everywhere(self.request("whereis", "not-there"), "undefined")
        answer = self.ask(self.request("start_child", specs[0], {Atom("check_existing"): Atom("true")}))
        self.assertEqual(answer, ("error", ("already_started", pid)))

    def test_metadata_of_all_is_that_of_each_that_says_nothing_else(self):
        specs = [self.spec("says", metadata={Atom("a"): 1}), self.spec("says-nothing")]
        options = {Atom("metadata"): {Atom("a"): 2, Atom("b"): 3}, Atom("disable_logging"): Atom("true"),
                   Atom("await_timeout"): 60000}
        answer = self.ask(self.request("start_children", specs, options))
        self.assertEqual(answer[1][Atom("status")], "ok", answer)
        self.assertEqual(self.ask(self.request("child_lookup", "says"))[2], {"a": 1, "b": 3})
        self.assertEqual(self.ask(self.request("child_lookup", "says-nothing"))[2], {"a": 2, "b": 3})

    def test_start_children_of_nothing_says_so(self):
        self.assertEqual(self.ask(self.request("start_children", [], {})), ("error", "no_children"))

    def test_stop_child_is_ok_once_and_then_not_found(self):
        self.start("stop-1", N2)
        self.assertEqual(self.ask(self.request("stop_child", "stop-1"), N3), "ok")
        self.everywhere(self.request("whereis", "stop-1"), "undefined")
        self.assertEqual(self.ask(self.request("stop_child", "stop-1")), ("error", "not_found"))

    def test_stop_children_says_what_stopped_and_what_did_not(self):
        self.start("stops-1")
        self.start("stops-2")
        nodes = {name.encode(): [self.ask(self.request("whereis", name), N1).node] for name in ("stops-1", "stops-2")}
        for name in ("stops-1", "stops-2"):
            self.wait(lambda n=name: self.ask(self.request("whereis", n), N2) != "undefined", 5, "n2 knows it")
        answer = self.ask(self.request("stop_children", ["stops-1", "stops-none", "stops-2"], {}), N2)
        self.assertEqual(answer[0], "ok", answer)
        self.assertEqual(dict(answer[1][Atom("stopped")]), nodes, "with where each ran")
        self.assertEqual(answer[1][Atom("errors")], [(b"stops-none", "undefined", "not_found")], answer)
        self.assertEqual(set(answer[1]), {"status", "stopped", "errors"})

    def test_terminate_child_takes_a_pid_from_any_node(self):
        self.everywhere(self.request("whereis", "terminate"), self.start("terminate"))
        answer = self.erlang.eval(
            "P = brood_driver:request('n1@127.0.0.1', {whereis, web, <<\"terminate\">>}), "
            "A = brood_driver:request('n2@127.0.0.1', {terminate_child, web, P}), "
            "B = brood_driver:request('n3@127.0.0.1', {terminate_child, web, P}), {A, B}")
        self.assertEqual(answer, ("ok", ("error", "not_found")))
        self.everywhere(self.request("whereis", "terminate"), "undefined")

    def test_specs_and_options_may_be_written_as_the_libraries_write_them(self):
        """Keyword lists, a time-out or a node alone, infinity, and an id where another takes a pid."""
        for request, node in (
                ("{start_child, web, [{id, shape1}, {start, {counter, [5]}}, {restart, transient}], [{node, 'n2@127.0.0.1'}]}",
                 N2),
                ("{start_child, web, #{id => shape2, start => {counter, start_link, [5]}, type => worker}, 'n3@127.0.0.1'}", N3),
                ("{start_child, web, #{id => shape3, start => {counter, [5]}}, #{timeout => infinity}}", None),
                ("{start_child, web, #{id => shape4, start => {counter, [5]}}, 5000}", None)):
            with self.subTest(request):
                answer = self.ask(request)
                self.assertEqual(answer[0], "ok", answer)
                self.assertIn(node, (None, answer[1].node))
        self.assertEqual(self.ask("{call, web, shape1, get, infinity}"), ("ok", 5))
        self.assertEqual(self.ask("{terminate_child, web, shape1}"), "ok")
        self.assertEqual(self.ask("{terminate_child, web, shape1}"), ("error", "not_found"))
        self.assertEqual(self.ask("{stop_child, web, shape2, infinity}"), "ok")
        self.assertEqual(self.ask("{stop_child, web, shape3, [{timeout, 5000}]}"), "ok")
        self.assertEqual(self.ask("{stop_children, web, [shape4], [{timeout, infinity}]}")[1][Atom("status")], "ok")
        for wrong in ("type => boss", "significant => true", "significant => 1"):
            self.refused(self.ask("{start_child, web, #{id => s, start => {counter, []}, %s}}" % wrong), "invalid_argument")
        self.refused(self.ask("{start_child, web, [{id, s}, {strat, {counter, []}}]}"), "invalid_argument")

    def test_an_option_that_is_unknown_or_wrong_is_refused_with_its_name(self):
        self.start("options")
        for request in (self.request("start_child", self.spec("options-1"), {Atom("nod"): N2}),
                        self.request("start_children", [self.spec("options-1")], {Atom("timeot"): 5}),
                        self.request("start_child", self.spec("options-1"), {Atom("metadata"): 5}),
                        self.request("start_child", self.spec("options-1"), {Atom("check_existing"): 1}),
                        self.request("start_child", self.spec("options-1"), {Atom("await_timeout"): -1}),
                        self.request("stop_child", "options", {Atom("node"): N2}),
                        self.request("stop_children", ["options"], {Atom("node"): N2}),
                        self.request("process_list", Atom("global"), {Atom("page"): 1}),
                        self.request("process_list", Atom("global"), {Atom("limit"): 0}),
                        self.request("process_list", Atom("global"), {Atom("after"): ()}),
                        self.request("start_child", self.spec("options-1"), {Atom("timeout"): -1}),
                        self.request("logs", "options", {Atom("line"): 1}),
                        self.request("drain", {Atom("now"): Atom("true")}),
                        self.request("drain", [(Atom("now"), Atom("true"))]),
                        self.request("stop_child", "options", N2),
                        (Atom("fleet"), {}, {Atom("dry"): Atom("true")})):
            with self.subTest(request):
                answer = self.ask(request)
                self.refused(answer, "invalid_argument")
                self.assertIn(b"option", answer[1][1])
        self.assertIsNone_atom(self.ask(self.request("whereis", "options-1")))
        self.assertIsInstance(self.ask(self.request("whereis", "options")), etf.Pid, "it was not stopped")

    # Lookups

    def pages(self, *request, limit):
        """All items of a list that is asked for in pages."""
        items, after = [], Atom("undefined")
        while True:
            answer = self.ask(self.request(*request, {Atom("limit"): limit, Atom("after"): after}))
            self.assertEqual(answer[0], "ok", answer)
            page = answer[1][Atom("items")]
            self.assertLessEqual(len(page), limit)
            items += page.items() if isinstance(page, dict) else page
            after = answer[1][Atom("next")]
            if after == "undefined":
                return items

    def test_lists_come_in_pages(self):
        names = [f"page-{number}" for number in range(30)]
        answer = self.ask(self.request("start_children", [self.spec(name, metadata={Atom("tag"): "paged"})
                                                          for name in names]))
        self.assertEqual(answer[1][Atom("status")], "ok", answer)
        whole = self.ask(self.request("tag_query", "paged"))
        self.assertEqual([row[0] for row in whole], sorted(name.encode() for name in names), "all at once: by id")
        for limit in (1, 7, 30, 1000):
            items = self.pages("tag_query", "paged", limit=limit)
            self.assertEqual(sorted(items), whole)
        self.assertEqual(sorted(row[Atom("id")] for row in self.pages("describe", (Atom("tag"), "paged"), limit=7)),
                         sorted(name.encode() for name in names))
        for request in (("children",), ("registry_dump",), ("process_list", Atom("global")),
                        ("which_children", Atom("global"))):
            found = {item[0] for item in self.pages(*request, limit=11)}
            self.assertLessEqual({name.encode() for name in names}, found, request)
        self.ask(self.request("stop_children", names))

    def test_stats_count(self):
        self.start("counted")
        before = self.ask(self.request("stats"))
        self.assertEqual(before[0], "ok", before)
        self.assertEqual(set(before[1]), {"core", "children", "requests", "casts", "processes", "view"})
        self.assertGreater(before[1][Atom("children")][Atom("wanted")], 0)
        self.start("counted-2")
        after = self.ask(self.request("stats"))
        self.assertGreater(after[1][Atom("core")][Atom("steps")], before[1][Atom("core")][Atom("steps")])

    def test_whereis_and_whois_are_inverse_on_every_node(self):
        for number in range(5):
            pid = self.start(f"who-{number}")
            self.everywhere(self.request("whereis", f"who-{number}"), pid)
        for node in (N1, N2, N3):
            answer = self.erlang.eval(
                f"[brood_driver:request('{node}', {{whois, web, brood_driver:request('{node}', "
                f"{{whereis, web, iolist_to_binary([\"who-\", integer_to_list(N)])}})}}) || "
                f"N <- lists:seq(0, 4)]")
            self.assertEqual(answer, [f"who-{number}".encode() for number in range(5)])

    def test_whois_of_a_stranger_is_undefined(self):
        self.assertIsNone_atom(self.erlang.eval(f"brood_driver:request('{N1}', {{whois, web, self()}})"))

    def test_get_pids_lists_the_instances(self):
        pid = self.start("pids")
        self.everywhere(self.request("get_pids", "pids"), [pid])
        self.assertEqual(self.ask(self.request("get_pids", "none")), [])

    def test_children_maps_ids_to_pid_and_spec(self):
        pid = self.start("in-children")
        table = self.ask(self.request("children"), N1)
        self.assertEqual(table[b"in-children"][0], pid)
        self.assertIn("start", table[b"in-children"][1])

    def test_which_children_is_global_or_local(self):
        pid = self.start("in-which")
        everywhere = self.ask(self.request("which_children", Atom("global")), N1)
        self.assertIn((b"in-which", pid, "worker", ["counter"]), everywhere)
        owner = Atom(pid.node)
        here = self.ask(self.request("which_children", Atom("local")), owner)
        self.assertIn(b"in-which", [child[0] for child in here])
        elsewhere = next(node for node in (N1, N2, N3) if node != owner)
        there = self.ask(self.request("which_children", Atom("local")), elsewhere)
        self.assertNotIn(b"in-which", [child[0] for child in there])

    def test_process_list_and_local_children_agree(self):
        pid = self.start("in-list")
        self.assertIn((b"in-list", [(pid.node, pid)]), self.ask(self.request("process_list", Atom("global"))))
        local = self.ask(self.request("process_list", Atom("local")), Atom(pid.node))
        pids = self.ask(self.request("local_children"), Atom(pid.node))
        self.assertEqual(sorted(p.id for _, instances in local for _, p in instances),
                         sorted(p.id for p in pids))

    def test_child_lookup_has_spec_instances_and_metadata(self):
        pid = self.start("lookup", metadata={Atom("colour"): "red"})
        spec, instances, metadata = self.ask(self.request("child_lookup", "lookup"))
        self.assertEqual(spec[Atom("id")], b"lookup")
        self.assertEqual(instances, [(pid.node, pid)])
        self.assertEqual(metadata, {"colour": b"red"})
        self.assertIsNone_atom(self.ask(self.request("child_lookup", "none")))

    def test_tag_query_finds_by_tag(self):
        pid = self.start("tagged", metadata={Atom("tag"): "blue"})
        self.start("untagged")
        self.everywhere(self.request("tag_query", "blue"), [(b"tagged", [(pid.node, pid)])])
        self.assertEqual(self.ask(self.request("tag_query", "green")), [])

    def test_registry_dump_has_everything(self):
        self.start("dumped")
        dump = self.ask(self.request("registry_dump"))
        self.assertEqual(len(dump[b"dumped"]), 3)

    def test_every_node_agrees_who_owns_a_key(self):
        owners = {self.ask(self.request("node_for", "some key"), node) for node in (N1, N2, N3)}
        self.assertEqual(len(owners), 1)
        owner = owners.pop()
        for node in (N1, N2, N3):
            self.assertEqual(self.ask(self.request("mine", "some key"), node),
                             "true" if node == owner else "false")

    def test_a_child_runs_where_node_for_says(self):
        for number in range(10):
            pid = self.start(f"owned-{number}")
            self.assertEqual(self.ask(self.request("node_for", f"owned-{number}")), pid.node)

    def test_nodes_are_the_members(self):
        self.everywhere(self.request("nodes"), [N1, N2, N3])

    # call, cast, send

    def test_call_reaches_the_child_from_every_node(self):
        self.start("called")
        for count, node in enumerate((N1, N2, N3), 1):
            self.assertEqual(self.ask(self.request("call", "called", (Atom("add"), 1), 5000), node), ("ok", count))

    def test_call_of_an_unknown_child_is_refused_by_every_node(self):
        for node in (N1, N2, N3):
            self.refused(self.ask(self.request("call", "nobody", Atom("get"), 5000), node), "no_such_child")

    def test_a_message_that_does_not_fit_is_an_error_to_its_caller_only(self):
        pid = self.start("misfit")
        answer = self.ask(self.request("call", "misfit", (Atom("nonsense"), 1, 2), 5000))
        self.refused(answer, "type_mismatch")
        self.assertEqual(self.ask(self.request("whereis", "misfit")), pid, "it lives on")

    def test_a_plain_gen_server_call_to_the_pid_works(self):
        self.start("plain")
        answer = self.erlang.eval(
            "P = brood_driver:request('n1@127.0.0.1', {whereis, web, <<\"plain\">>}), "
            "gen_server:call(P, {add, 5}), gen_server:cast(P, {add, 2}), gen_server:call(P, get)")
        self.assertEqual(answer, 7)

    def test_sys_asks_a_child_as_any_process_of_otp(self):
        self.start("sys")
        self.ask(self.request("call", "sys", (Atom("add"), 5), 5000))
        pid = "P = brood_driver:request('n1@127.0.0.1', {whereis, web, <<\"sys\">>}), "
        self.assertEqual(self.erlang.eval(pid + "sys:get_state(P, 1000)"), 5, "what its save() gives")
        status = self.erlang.eval(pid + "sys:get_status(P, 1000)")
        self.assertEqual(status[0], "status")
        self.assertEqual(status[2], ("module", "counter"))
        self.assertEqual(status[3][1], "running")
        self.assertEqual(self.erlang.eval(pid + "element(1, sys:suspend(P, 1000))"), "error")
        self.assertEqual(self.erlang.eval(pid + "sys:resume(P, 1000)"), "ok")
        self.assertEqual(self.erlang.eval(pid + "element(1, sys:log(P, get, 1000))"), "error")
        self.assertEqual(self.erlang.eval(
            "try sys:get_state({brood, 'n1@127.0.0.1'}, 1000) catch error:{Code, _} -> Code end"), "not_allowed")
        before = self.ask(self.request("whereis", "sys"))
        self.assertEqual(self.erlang.eval(pid + "sys:terminate(P, by_hand, 1000)"), "ok")
        self.wait(lambda: self.ask(self.request("whereis", "sys")) not in ("undefined", before), 10,
                  "it was started again, as after any end")
        self.assertEqual(self.ask(self.request("call", "sys", Atom("get"), 5000)), ("ok", 0))

    def test_an_erlang_monitor_sees_the_child_stop(self):
        self.start("monitored")
        answer = self.erlang.eval(
            "P = brood_driver:request('n1@127.0.0.1', {whereis, web, <<\"monitored\">>}), Me = self(), "
            "spawn(fun() -> R = erlang:monitor(process, P), Me ! ready, "
            "receive {'DOWN', R, process, P, Why} -> Me ! {down, Why} end end), receive ready -> ok end, "
            "ok = brood_driver:request('n2@127.0.0.1', {stop_child, web, <<\"monitored\">>}), "
            "receive {down, Why} -> Why after 5000 -> timeout end")
        self.assertEqual(answer, "shutdown")

    def test_a_call_to_a_pid_that_is_gone_fails_at_once_with_noproc(self):
        self.start("gone")
        answer = self.erlang.eval(
            "P = brood_driver:request('n1@127.0.0.1', {whereis, web, <<\"gone\">>}), "
            "ok = brood_driver:request('n1@127.0.0.1', {stop_child, web, <<\"gone\">>}), "
            "T0 = erlang:monotonic_time(millisecond), "
            "R = try gen_server:call(P, get, 5000) catch exit:{Why, _} -> Why end, "
            "{R, erlang:monotonic_time(millisecond) - T0}")
        self.assertEqual(answer[0], "noproc")
        self.assertLess(answer[1], 1000 * SLOW)

    def test_cast_and_send_reach_the_child(self):
        self.start("cast")
        self.assertEqual(self.ask(self.request("cast", "cast", (Atom("add"), 3)), N2), "ok")
        self.everywhere(self.request("call", "cast", Atom("get"), 5000), ("ok", 3))
        self.assertEqual(self.ask(self.request("send", "cast", (Atom("add"), 4)), N3), ("add", 4))
        self.everywhere(self.request("call", "cast", Atom("get"), 5000), ("ok", 7))
        self.assertEqual(self.ask(self.request("cast", "nobody", 1)), "ok", "a cast does not ask")
        self.assertIsNone_atom(self.ask(self.request("send", "nobody", 1)))

    # The supervisor itself

    def test_a_supervisor_that_is_not_there_is_said_so(self):
        answer = self.ask((Atom("nodes"), Atom("nobody")))
        self.assertEqual(answer[0], "error", answer)
        self.assertEqual(self.ask((Atom("is_alive"), Atom("nobody"))), "false")

    def test_supervisors_are_independent(self):
        self.start("independent")
        answer = self.ask((Atom("start_child"), Atom("other"), self.spec("independent", "echo")))
        self.assertEqual(answer[0], "ok", answer)
        self.assertEqual(self.ask((Atom("stop_child"), Atom("other"), "independent")), "ok")
        self.assertIsInstance(self.ask(self.request("whereis", "independent")), etf.Pid)

    def test_is_alive_locked_and_partitioned(self):
        self.assertEqual(self.ask(self.request("is_alive")), "true")
        self.assertEqual(self.ask(self.request("is_locked")), "false")
        self.assertEqual(self.ask(self.request("is_partitioned")), "false")

    def test_supervisors_are_listed(self):
        self.assertEqual(sorted(self.ask(Atom("supervisors"))), ["other", "web"])

    def test_describe_has_the_rows_that_ps_shows(self):
        pid = self.start("described", metadata={Atom("tag"): "t1"})
        for which in ((Atom("id"), "described"), (Atom("tag"), "t1")):
            answer = self.ask(self.request("describe", which))
            self.assertEqual(answer[0], "ok", answer)
            self.assertEqual(len(answer[1]), 1)
            row = answer[1][0]
            self.assertEqual(row[Atom("worker")], b"counter")
            self.assertEqual(row[Atom("tags")], [b"t1"])
            self.assertEqual(row[Atom("instances")][0][Atom("pid")], pid)
            self.assertEqual(row[Atom("instances")][0][Atom("phase")], "running")
        self.assertEqual(self.ask(self.request("describe", (Atom("id"), "none"))), ("ok", []))

    def test_node_info_lists_the_members(self):
        answer = self.ask(Atom("node_info"))
        self.assertEqual(answer[0], "ok", answer)
        self.assertEqual(sorted(row[Atom("name")] for row in answer[1]), [N1, N2, N3])

    def test_update_metadata_is_seen_everywhere(self):
        self.start("metadata", metadata={Atom("a"): 1})
        pid = self.ask(self.request("whereis", "metadata"))
        self.assertEqual(self.ask(self.request("update_metadata", "metadata", {Atom("a"): 2})), "ok")
        self.assertEqual(self.ask(self.request("whereis", "metadata")), pid, "it runs on")
        self.assertEqual(self.ask(self.request("update_metadata", "nobody", {})), ("error", "not_found"))
        for metadata, code in (({Atom("a"): 1}, "already_started"), ({Atom("a"): 2}, "already_started"), ({}, "conflict")):
            again = (Atom("start_child"), WEB, self.spec("metadata", metadata=metadata))
            self.assertEqual(self.ask(again)[1][0], code)
        for node in (N1, N2, N3):
            self.wait(lambda n=node: self.ask(self.request("child_lookup", "metadata"), n)[2] == {"a": 2}, 5,
                      "the new metadata")

    def test_a_request_that_nobody_knows_is_an_error_not_a_crash(self):
        for request in ("{no_such_request, web}", "no_such_request", "7", "{start_child}", "[]", "#{}",
                        "{start_child, 1, 2}", "{call, web}", "<<>>", "{whereis, web}"):
            with self.subTest(request):
                answer = self.erlang.eval(f"brood_driver:request('{N1}', {request}, 5000)")
                self.assertIsInstance(answer, tuple, answer)
                self.assertEqual(answer[0], "error", answer)
        self.assertEqual(self.ask(self.request("is_alive")), "true")


if __name__ == "__main__":
    main()
