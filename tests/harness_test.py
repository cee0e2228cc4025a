"""The harness itself: a witness that cannot see an overlap would make every scenario pass."""

import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
import unittest
import unittest.mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from harness import etf, processes, sanitizers, toml  # noqa: E402
from harness.cluster import Cluster, SERVER  # noqa: E402
from harness.erlang import ErlangError, ErlangNode  # noqa: E402
from harness.witness import Witness  # noqa: E402


class Reporter:
    def __init__(self, witness):
        self.witness = witness
        self.link = socket.create_connection((witness.host, witness.port))

    def say(self, line):
        seen = self.witness.lines
        self.link.sendall((line + "\n").encode())
        processes.wait_for(lambda: self.witness.lines > seen, 5, line, 0.001)

    def close(self):
        self.link.close()


class TheWitness(unittest.TestCase):
    def setUp(self):
        self.witness = Witness()
        self.addCleanup(self.witness.close)
        self.one, self.two = Reporter(self.witness), Reporter(self.witness)
        self.addCleanup(self.one.close)
        self.addCleanup(self.two.close)

    def overlaps(self):
        return [overlap.id for overlap in self.witness.overlaps()]

    def test_sees_two_instances_at_once(self):
        self.one.say("start a n1 p1 1")
        self.two.say("start a n2 p2 2")
        self.assertEqual(self.overlaps(), ["a"])

    def test_sees_an_overlap_that_is_over(self):
        self.one.say("start a n1 p1 1")
        self.two.say("start a n2 p2 2")
        self.one.say("stop a n1 p1 1")
        self.two.say("stop a n2 p2 2")
        self.assertEqual(self.overlaps(), ["a"])
        self.assertGreater(self.witness.overlaps()[0].seconds, 0)

    def test_sees_a_long_instance_that_spans_short_ones(self):
        self.one.say("start a n1 p1 1")
        self.two.say("start a n2 p2 2")
        self.two.say("stop a n2 p2 2")
        self.two.say("start a n2 p3 3")
        self.assertEqual(self.overlaps(), ["a", "a"])

    def test_a_clean_move_is_no_overlap(self):
        self.one.say("start a n1 p1 1")
        self.one.say("stop a n1 p1 1")
        self.two.say("start a n2 p2 2")
        self.assertEqual(self.overlaps(), [])
        self.assertEqual(self.witness.counts(), {"a": 1})

    def test_ten_thousand_clean_moves_between_two_connections_are_no_overlap(self):
        for number in range(5000):
            first, second = (self.one, self.two) if number % 2 else (self.two, self.one)
            first.link.sendall(f"start a n {number} 1\nstop@{time.monotonic():.6f} a n {number} 1\n".encode())
            second.link.sendall(f"start a m {number} 1\n".encode())
            second.link.sendall(f"stop@{time.monotonic():.6f} a m {number} 1\n".encode())
        processes.wait_for(lambda: self.witness.lines == 20000, 20, "all lines")
        self.assertEqual(self.overlaps(), [])
        self.assertEqual(self.witness.starts(), 10000)
        self.assertEqual(self.witness.counts(), {"a": 0})

    def test_a_stop_that_is_read_late_was_when_it_says(self):
        self.one.say("start a n1 p1 1")
        then = time.monotonic()
        self.two.say("start a n2 p2 2")
        self.one.say(f"stop@{then:.6f} a n1 p1 1")
        self.assertEqual(self.overlaps(), [])
        self.two.say("start a n3 p3 3")
        self.one.say(f"stop@{time.monotonic():.6f} a n2 p2 2")
        self.assertEqual(self.overlaps(), ["a"])

    def test_a_killed_node_ends_its_workers(self):
        self.one.say("start a n1 p1 1")
        self.witness.killed("n1")
        self.two.say("start a n2 p2 2")
        self.assertEqual(self.overlaps(), [])

    def test_a_killed_node_does_not_end_its_programs(self):
        self.one.say("hold a n1 p1 1")
        self.witness.killed("n1")
        self.two.say("hold a n2 p2 2")
        self.assertEqual(self.overlaps(), ["a"])

    def test_a_program_ends_with_its_connection(self):
        self.one.say("hold a n1 p1 1")
        self.one.close()
        processes.wait_for(lambda: self.witness.counts() == {"a": 0}, 5, "closed")
        self.two.say("hold a n2 p2 2")
        self.assertEqual(self.overlaps(), [])

    def test_a_paused_node_does_not_run_its_workers(self):
        self.one.say("start a n1 p1 1")
        self.witness.paused("n1")
        self.two.say("start a n2 p2 2")
        self.assertEqual(self.overlaps(), [])

    def test_a_woken_instance_that_is_stopped_is_a_tail(self):
        self.one.say("start a n1 p1 1")
        self.witness.paused("n1")
        self.two.say("start a n2 p2 2")
        self.witness.resumed("n1")
        self.one.say("stop a n1 p1 1")
        self.assertEqual(self.overlaps(), [])
        self.assertGreater(self.witness.fenced_tail(), 0)

    def test_a_sleep_long_ago_excuses_nothing(self):
        self.one.say("start a n1 p1 1")
        self.witness.paused("n1")
        self.witness.resumed("n1")
        with unittest.mock.patch("harness.witness.FENCED_SECONDS", 0.0):
            self.two.say("start a n2 p2 2")
            self.one.say("stop a n1 p1 1")
            self.assertEqual(self.overlaps(), ["a"])

    def test_a_woken_instance_that_stays_is_an_overlap(self):
        self.one.say("start a n1 p1 1")
        self.witness.paused("n1")
        self.two.say("start a n2 p2 2")
        self.witness.resumed("n1")
        time.sleep(0.002)
        self.assertEqual(self.overlaps(), ["a"])

    def test_a_program_of_a_paused_node_goes_on_running(self):
        self.one.say("hold a n1 p1 1")
        self.witness.paused("n1")
        self.two.say("hold a n2 p2 2")
        self.assertEqual(self.overlaps(), ["a"])

    def test_ids_may_hold_blanks(self):
        self.one.say("start a b/c n1 p1 1")
        self.assertEqual(self.witness.counts(), {"a b/c": 1})

    def test_says_how_long_a_child_was_away(self):
        self.one.say("start a n1 p1 1")
        now = time.monotonic()
        self.witness.killed("n1")
        time.sleep(0.02)
        self.two.say("start a n2 p2 2")
        away = self.witness.away(now)
        self.assertEqual(list(away), ["a"])
        self.assertGreaterEqual(away["a"], 0.02)

    def test_keeps_lines_that_it_does_not_understand(self):
        self.one.say("hello")
        self.assertEqual(self.witness.bad_lines(), ["hello"])


class Processes(unittest.TestCase):
    def test_a_daemon_of_a_program_still_carries_the_mark(self):
        mark = processes.new_mark()
        process = processes.spawn(["sh", "-c", "setsid sleep 1000 & setsid sleep 1000"], mark)
        processes.wait_for(lambda: len(processes.marked(mark)) >= 3, 5, "three processes")
        processes.reap(process)
        self.assertGreaterEqual(len(processes.marked(mark)), 2)
        processes.kill_marked(mark)
        self.assertEqual(processes.marked(mark), {})

    def test_programs_die_with_the_test(self):
        mark = processes.new_mark()
        code = ("import sys; sys.path.insert(0, sys.argv[1]); from harness import processes\n"
                "processes.spawn(['sleep', '1000'], sys.argv[2]); print('up', flush=True)\n"
                "import time; time.sleep(1000)")
        parent = subprocess.Popen([sys.executable, "-c", code, os.path.dirname(__file__), mark],
                                  stdout=subprocess.PIPE)
        parent.stdout.readline()
        processes.wait_for(lambda: processes.marked(mark), 5, "it runs")
        parent.kill()
        parent.wait()
        parent.stdout.close()
        processes.wait_for(lambda: not processes.marked(mark), 5, "it died with the test")

    def test_a_server_holds_its_line_to_the_witness_and_answers(self):
        cluster = Cluster(own_epmd=False)
        try:
            process = processes.spawn(
                [sys.executable, SERVER, "--witness", f"127.0.0.1:{cluster.witness.port}", "--grandchild"],
                cluster.mark, {"BROOD_CHILD": "s 1", "BROOD_NODE": "n1@127.0.0.1", "BROOD_EPOCH": "7"})
            cluster.wait_witnessed({"s 1"}, 10)
            processes.wait_for(lambda: cluster.witness.counts().get("s 1/daemon") == 1, 10, "its daemon")
            self.assertEqual(cluster.witness.intervals("s 1")[0].epoch, 7)
            processes.reap(process)
            processes.wait_for(lambda: cluster.witness.counts().get("s 1") == 0, 5, "its end is seen")
            left = processes.marked(cluster.mark)
            self.assertEqual(len(left), 1, "the daemon is seen as a leftover")
            processes.kill_marked(cluster.mark)
        finally:
            cluster.close()


class FleetFiles(unittest.TestCase):
    def test_what_is_written_is_what_a_reader_reads(self):
        children = [{"id": 'a "b"\\', "exec": ["x", "y z"], "args": {"port": 1, "on": True}}]
        text = toml.fleet({"name": "n1@h", "join": []}, {"web": ({"migration": "cold_swap"}, children)})
        read = tomllib.loads(text)
        self.assertEqual(read["supervisor"]["web"]["child"], children)
        self.assertEqual(read["supervisor"]["web"]["migration"], "cold_swap")
        self.assertEqual(read["node"], {"name": "n1@h", "join": []})


@unittest.skipUnless(ErlangNode.available(), "no Erlang here")
class Terms(unittest.TestCase):
    def test_what_is_encoded_is_what_is_decoded(self):
        for value in (0, 1, -1, 300, 1 << 40, -(1 << 70), b"x", etf.Atom("a"), (1, [2, 3], {etf.Atom("k"): b"v"}), [],
                      etf.Pid("n@h", 1, 2, 3), etf.Reference("n@h", 5, (1, 2, 3))):
            self.assertEqual(etf.decode(etf.encode(value)), value)
        self.assertEqual(etf.decode_first(etf.encode((1, 2))[1:] + b"rest"), ((1, 2), b"rest"))


class Erlang(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster()
        cls.erlang = cls.cluster.erlang()

    @classmethod
    def tearDownClass(cls):
        left = cls.cluster.close()
        assert left == {}, left

    def test_terms_travel_both_ways(self):
        for value in (0, -1, 255, 1 << 40, -(1 << 70), 1.5, b"bytes", etf.Atom("an atom"), etf.Atom("it's"),
                      (1, (2, [3, b"x"])), {b"k": [1, b"v"], etf.Atom("a"): {}}, [], [b"a"] * 300, [1, 2, 3]):
            self.assertEqual(self.erlang.eval(etf.text(value)), value)
        self.assertEqual(self.erlang.eval("self()").node, "driver@127.0.0.1")
        self.assertIsInstance(self.erlang.eval("make_ref()"), etf.Reference)

    def test_a_failing_expression_is_an_error_here(self):
        with self.assertRaises(ErlangError):
            self.erlang.eval("1 = 2")

    def test_evaluations_run_side_by_side(self):
        slow = self.erlang.submit("timer:sleep(3000), slow")
        self.assertEqual(self.erlang.eval("quick", 2), "quick")
        self.assertFalse(slow.done())

    def test_a_call_to_a_node_that_is_not_there_exits_at_once(self):
        start = time.monotonic()
        answer = self.erlang.request("nobody@127.0.0.1", (etf.Atom("nodes"), etf.Atom("web")))
        self.assertEqual(answer[0], "exit")
        self.assertLess(time.monotonic() - start, 5)

    def test_the_race_driver_sees_a_wrong_answer(self):
        stand_in = (
            "Loop = fun L() -> receive {'$gen_call', {P, T}, {start_child, _, #{id := Id}}} -> "
            "gen:reply({P, T}, %s), L() end end, spawn(fun() -> "
            "catch unregister(brood), register(brood, self()), Loop() end), timer:sleep(100)")
        race = ("brood_driver:same_id_race([node(), node()], web, <<\"x\">>, 3, {counter, []}, 2)")
        self.erlang.eval(stand_in % "{ok, self(), Id}")
        self.assertEqual(self.erlang.eval(race)[0], 0, "two ok for one id")
        self.erlang.eval(
            "catch unregister(brood), " + stand_in %
            "case get(Id) of undefined -> put(Id, self()), {ok, self(), Id}; "
            "X -> {error, {already_started, X}} end")
        self.assertEqual(self.erlang.eval(race), (3, []))


class Sanitizers(unittest.TestCase):
    def setUp(self):
        self.cluster = Cluster(own_epmd=False)

    def run_python(self, code):
        process = processes.spawn([sys.executable, "-c", code], self.cluster.mark, self.cluster.environment)
        self.assertEqual(process.wait(20), 0)

    def test_a_report_of_any_program_is_found_at_the_end(self):
        # Writes where the runtime of a sanitizer would: every sanitizer is told the same place.
        for name in sanitizers.VARIABLES:
            self.run_python(f"import os; open(os.environ['{name}'].rpartition('log_path=')[2] + '.{name}', 'w')"
                            ".write('WARNING: a data race')")
        self.assertEqual(sorted(self.cluster.close().values()), [["WARNING: a data race"]] * 4)

    def test_a_report_in_the_log_of_a_node_is_found_at_the_end(self):
        self.cluster.write("n1.1.log", "up\na.cpp:1:2: runtime error: signed integer overflow\n    #0 f a.cpp:1\n")
        self.assertEqual(self.cluster.close(),
                         {"n1.1.log": ["a.cpp:1:2: runtime error: signed integer overflow", "    #0 f a.cpp:1"]})

    def test_a_quiet_program_leaves_nothing(self):
        self.run_python("pass")
        self.cluster.write("n1.1.log", "an error of the usual kind\n")
        self.assertEqual(self.cluster.close(), {})


class Folder(unittest.TestCase):
    def test_a_closed_cluster_leaves_no_folder(self):
        cluster = Cluster(own_epmd=False)
        folder = cluster.folder
        self.assertTrue(folder.startswith(tempfile.gettempdir()))
        cluster.close()
        self.assertFalse(os.path.exists(folder))


if __name__ == "__main__":
    unittest.main()
