"""Clients that ask much beside clients that ask little: the small requests pass, what nobody waits for goes."""

from support import SLOW, SMALL, ScenarioTest, Atom, main

N1 = Atom("n1@127.0.0.1")
COUNT = 4000 if SMALL else 20000
WEB = Atom("web")


class Load(ScenarioTest):
    needs_erlang = True

    def begin(self):
        cluster = self.cluster("n1", supervisors={"web": ({}, [])})
        cluster.start()
        cluster.wait_members(("n1",))
        erlang = cluster.erlang()
        answer = erlang.eval(f"brood_driver:bulk('{N1}', web, <<\"c\">>, {COUNT}, {{counter, []}}, 60000)", 90)
        self.assertEqual(answer[1][:3], ("ok", "ok", COUNT), answer)
        return cluster, erlang

    def requests(self, erlang):
        answer = erlang.request(N1, (Atom("stats"), WEB))
        self.assertEqual(answer[0], "ok", answer)
        return answer[1][Atom("requests")]

    def test_small_requests_pass_beside_big_ones_of_the_same_and_of_other_clients(self):
        cluster, erlang = self.begin()
        readers = [erlang, cluster.erlang("reader-1"), cluster.erlang("reader-2")]
        for reader in readers:
            reader.eval("register(readers, spawn(fun() -> [spawn_link(fun L() -> "
                        f"brood_driver:request('{N1}', Request, 60000), L() end) || Request <- "
                        "[{process_list, web, global}, {registry_dump, web}, {describe, web, all}, {children, web}]],"
                        " receive stop -> exit(stopped) end end))")
        # The slowest of each kind, in microseconds, while all that goes on.
        slowest = erlang.eval(
            "[begin Times = [element(1, timer:tc(fun() -> "
            f"true = Good(brood_driver:request('{N1}', Request)) end)) || _ <- lists:seq(1, 100)], "
            "{Name, lists:max(Times) div 1000} end || {Name, Request, Good} <- ["
            "{whereis, {whereis, web, <<\"c1\">>}, fun erlang:is_pid/1}, "
            "{lookup, {child_lookup, web, <<\"c1\">>}, fun erlang:is_tuple/1}, "
            "{call, {call, web, <<\"c1\">>, get}, fun(R) -> R =:= {ok, 0} end}]]", 120)
        self.note(f"slowest of 100 beside 12 readers of {COUNT} children: {slowest} ms")
        for reader in readers:
            reader.eval("readers ! stop")
        for name, milliseconds in slowest:
            # The lists take seconds by now: who waited for one, or for a dozen, would be far above this.
            self.assertLess(milliseconds, 1000 * SLOW, name)

    def test_what_a_client_asked_that_has_gone_is_not_answered(self):
        cluster, erlang = self.begin()
        other = cluster.erlang("greedy")
        other.eval("[spawn(fun() -> gen_server:call({brood, '" + N1 + "'}, {registry_dump, web}, 60000) end) "
                   "|| _ <- lists:seq(1, 500)]")
        self.wait(lambda: self.requests(erlang)[Atom("open")] > 100, 10, "its requests wait")
        other.close()
        self.wait(lambda: self.requests(erlang)[Atom("open")] <= 1, 5, lambda: f"dropped: {self.requests(erlang)}")
        self.assertGreater(self.requests(erlang)[Atom("dropped")], 100)

    def test_a_client_that_asks_too_much_is_told_so_and_others_are_not(self):
        cluster, erlang = self.begin()
        other = cluster.erlang("great")
        # Requests of 20 MB: three of a client have room.
        answers = other.eval(
            "Me = self(), Big = binary:copy(<<1>>, 20000000), "
            "[spawn(fun() -> Me ! {answer, brood_driver:request('" + N1 + "', {call, web, <<\"none\">>, Big}, 30000)} "
            "end) || _ <- lists:seq(1, 30)], [receive {answer, {error, {Code, _}}} -> Code end || _ <- lists:seq(1, 30)]",
            90)
        self.assertLessEqual(set(answers), {"busy", "no_such_child"}, answers)
        self.assertIn("no_such_child", answers)
        self.assertEqual(erlang.request(N1, "{call, web, <<\"c1\">>, get}"), ("ok", 0))


if __name__ == "__main__":
    main()
