"""One id started from everywhere at once, and starts that meet stops: the answers are true and one is left."""

from support import SMALL, ScenarioTest, main, rounds, witness_start


class Race(ScenarioTest):
    needs_erlang = True
    needs_chaos = True

    def setUp(self):
        super().setUp()
        self.rounds = rounds(200 if SMALL else 1000, 1000)
        self.cluster_ = self.cluster("n1", "n2", "n3")
        self.cluster_.start()
        self.cluster_.wait_members()
        self.erlang = self.cluster_.erlang()
        self.nodes = "[" + ",".join(f"'{self.cluster_.full(name)}'" for name in self.cluster_.names) + "]"

    def test_an_id_started_from_every_node_at_once_runs_once(self):
        good, bad = self.erlang.eval(
            f"brood_driver:same_id_race({self.nodes}, web, <<\"r\">>, {self.rounds}, "
            f"{witness_start(self.cluster_)}, 8)", 300)
        self.assertEqual(bad, [], "one ok, and the others already_started with its pid")
        self.assertEqual(good, self.rounds)
        ids = [f"r{number}" for number in range(1, self.rounds + 1)]
        self.cluster_.wait_placed(ids)
        self.cluster_.wait_witnessed(ids)
        self.assertEqual(self.cluster_.witness.starts(), self.rounds, "not even briefly twice")
        self.assert_no_overlap(self.cluster_)

    def test_starts_and_stops_that_meet_answer_the_truth(self):
        kinds, bad = self.erlang.eval(
            f"brood_driver:start_stop_race({self.nodes}, web, <<\"s\">>, {self.rounds}, "
            f"{witness_start(self.cluster_)})", 600)
        self.note(f"how they met: { {str(k): v for k, v in kinds.items()} }")
        self.assertEqual(bad, [])
        self.assertEqual(sum(kinds.values()), self.rounds)
        self.cluster_.wait_placed([])
        self.cluster_.wait_witnessed([])
        self.assert_no_overlap(self.cluster_)


if __name__ == "__main__":
    main()
