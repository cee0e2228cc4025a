"""Where children run under each distribution, on real nodes: what an Erlang node with the same ring computes, what a
mapping says, and who is on the list of nodes."""

import subprocess

from support import SLOW, ScenarioTest, Atom, main, ports
from harness.cluster import binary_folder

WEB = Atom("web")

# libring's ring as an Erlang node computes it: 128 points a node, atoms by their encoding. One line, as the driver wants.
OWNERS = " ".join("""
begin
  Range = (1 bsl 32) - 1,
  Points = lists:keysort(1, [{erlang:phash2({Node, I}, Range), Node} || Node <- %s, I <- lists:seq(1, 128)]),
  Hash = fun(Key) when is_atom(Key) -> erlang:phash2(term_to_binary(Key), Range); (Key) -> erlang:phash2(Key, Range) end,
  [case lists:dropwhile(fun({Place, _}) -> Place < Hash(Key) end, Points) of
     [{_, Owner} | _] -> Owner;
     [] -> element(2, hd(Points))
   end || Key <- %s]
end""".split())


def node(number):
    return Atom(f"n{number}@127.0.0.1")


def child(name, **more):
    table = {Atom("id"): name, Atom("start"): (Atom("counter"), [])}
    table.update({Atom(key): value for key, value in more.items()})
    return table


class Distribution(ScenarioTest):
    needs_erlang = True

    def up(self, settings, children=(), names=("n1", "n2", "n3"), **options):
        cluster = self.cluster(*names, supervisors={"web": (settings, list(children))}, **options)
        cluster.start()
        cluster.wait_members()
        return cluster, cluster.erlang()

    def ask(self, erlang, request, at=1):
        return erlang.request(node(at), request)

    def started_on(self, erlang, spec, *options, at=1):
        answer = self.ask(erlang, (Atom("start_child"), WEB, spec, *options), at)
        self.assertEqual(answer[0], "ok", answer)
        return answer[1].node

    @staticmethod
    def placed(cluster):
        """id -> the only node on which it runs; without those of which there are none, or two."""
        return {name: on[0] for name, on in cluster.placed("n1").items() if len(on) == 1}

    # libring

    def test_a_ring_of_libring_has_the_owners_that_erlang_computes(self):
        cluster, erlang = self.up({"distribution": {"use": "libring"}})
        binaries = [f"child/{number}" for number in range(15)]
        atoms = [Atom(f"child_{number}") for number in range(15)]
        keys = "[" + ", ".join([f'<<"{key}">>' for key in binaries] + list(atoms)) + "]"
        owners = erlang.eval(OWNERS % ("['n1@127.0.0.1', 'n2@127.0.0.1', 'n3@127.0.0.1']", keys))
        self.assertEqual(len(set(owners)), 3, "a table that proves something")
        for key, owner in zip(binaries + atoms, owners):
            with self.subTest(key=str(key)):
                self.assertEqual(self.ask(erlang, (Atom("node_for"), WEB, key), 2), owner)
                self.assertEqual(self.started_on(erlang, child(key), at=3), owner)
        cluster.leave("n3")
        owners = erlang.eval(OWNERS % ("['n1@127.0.0.1', 'n2@127.0.0.1']", keys))
        self.wait(lambda: all(self.ask(erlang, (Atom("whereis"), WEB, key)) not in ("undefined", Atom("undefined"))
                              for key in binaries), 10, "all run again")
        for key, owner in zip(binaries, owners):
            self.wait(lambda key=key, owner=owner: self.ask(erlang, (Atom("whereis"), WEB, key)).node == owner, 10,
                      f"{key} runs on {owner}")

    # guided

    def test_a_guided_child_runs_where_its_mapping_says_and_nowhere_else(self):
        cluster, erlang = self.up({"distribution": "guided"},
                                  [{"id": "fixed", "worker": "counter", "mapping": ["n2@127.0.0.1"]}])
        self.wait(lambda: self.ask(erlang, (Atom("whereis"), WEB, "fixed")) != "undefined", 10, "the static child runs")
        self.assertEqual(self.ask(erlang, (Atom("whereis"), WEB, "fixed")).node, node(2))
        self.assertEqual(self.started_on(erlang, child("a", mapping=[node(3)])), node(3))
        mapping = {Atom("child_mapping"): {"b": [node(3)]}}
        self.assertEqual(self.started_on(erlang, child("b"), mapping, at=2), node(3))
        lookup = self.ask(erlang, (Atom("child_lookup"), WEB, "b"))
        self.assertEqual(lookup[0][Atom("mapping")], [node(3)])
        many = self.ask(erlang, (Atom("start_children"), WEB, [child("c"), child("d")],
                                 {Atom("child_mapping"): {"c": [node(1)], "d": [node(2)]}}))
        self.assertEqual({entry[0]: entry[1][0][0] for entry in many[1][Atom("started")]},
                         {b"c": node(1), b"d": node(2)})
        self.assertIn("started e on n1@127.0.0.1",
                      cluster.brood("start", "e", "--worker", "counter", "--mapping", "n1@127.0.0.1", node="n2").out)
        # Its node is lost: it waits, and says for what; it runs again when the node is back.
        cluster.kill("n3")
        self.wait(lambda: len(self.ask(erlang, (Atom("nodes"), WEB))) == 2, 20, "n3 is down")
        described = self.ask(erlang, (Atom("describe"), WEB, (Atom("id"), "a")))[1][0]
        self.assertEqual(described[Atom("instances")], [])
        self.assertIn(b"n3@127.0.0.1", described[Atom("waiting")])
        cluster.start("n3")
        for name in ("a", "b"):
            self.wait(lambda name=name: self.ask(erlang, (Atom("whereis"), WEB, name)) != "undefined", 20,
                      f"{name} runs again")
            self.assertEqual(self.ask(erlang, (Atom("whereis"), WEB, name)).node, node(3))

    def test_what_is_wrong_with_a_mapping_has_the_names_of_process_hub(self):
        _, erlang = self.up({"distribution": "guided"}, names=("n1",))
        option = Atom("child_mapping")
        cases = {
            "missing_child_mapping": [(Atom("start_child"), WEB, child("a")),
                                      (Atom("start_children"), WEB, [child("a")])],
            "invalid_child_mapping": [(Atom("start_child"), WEB, child("a"), {option: [node(1)]}),
                                      (Atom("start_child"), WEB, child("a"), {option: {"a": node(1)}}),
                                      (Atom("start_children"), WEB, [child("a")], {option: 7})],
            "child_mapping_mismatch": [(Atom("start_child"), WEB, child("a"), {option: {"b": [node(1)]}}),
                                       (Atom("start_children"), WEB, [child("a"), child("b")],
                                        {option: {"a": [node(1)]}})],
            "child_replication_mismatch": [(Atom("start_child"), WEB, child("a", mapping=[node(1), node(2)]))],
        }
        for word, requests in cases.items():
            for request in requests:
                with self.subTest(word=word, request=request):
                    self.assertEqual(self.ask(erlang, request), ("error", word))
        self.assertEqual(self.ask(erlang, (Atom("whereis"), WEB, "a")), "undefined")

    def test_a_mapping_is_refused_where_nobody_asks_for_it(self):
        _, erlang = self.up({}, names=("n1",))
        answer = self.ask(erlang, (Atom("start_child"), WEB, child("a", mapping=[node(1)])))
        self.assertEqual((answer[0], answer[1][0]), ("error", "invalid_argument"))

    # nodes, monitor_nodes

    def test_only_listed_nodes_get_children_and_the_list_can_be_changed(self):
        cluster, erlang = self.up({"nodes": ["n1@127.0.0.1"]})
        started = self.ask(erlang, (Atom("start_children"), WEB, [child(f"c{i}") for i in range(30)]), 2)
        self.assertEqual({entry[1][0][0] for entry in started[1][Atom("started")]}, {node(1)})
        self.assertEqual(self.ask(erlang, (Atom("nodes"), WEB), 3), [node(1)])
        self.assertEqual(self.ask(erlang, (Atom("call"), WEB, "c1", (Atom("add"), 5)), 3)[0], "ok")
        self.assertEqual(self.ask(erlang, (Atom("add_nodes"), WEB, [node(2), node(3)]), 2), "ok")
        self.wait(lambda: len(set(self.placed(cluster).values())) == 3, 20, "children came to the others")
        self.assertEqual(self.ask(erlang, (Atom("remove_nodes"), WEB, [node(1)]), 3), "ok")
        self.wait(lambda: set(self.placed(cluster).values()) == {"n2@127.0.0.1", "n3@127.0.0.1"}, 20, "n1 is empty")
        answer = self.ask(erlang, (Atom("remove_nodes"), WEB, [node(2), node(3)]))
        self.assertEqual((answer[0], answer[1][0]), ("error", "invalid_argument"))
        answer = self.ask(erlang, (Atom("add_nodes"), WEB, [7]))
        self.assertEqual((answer[0], answer[1][0]), ("error", "invalid_argument"))

    def test_a_fixed_ring_is_not_changed_by_nodes_that_come_and_go(self):
        names = [f"n{number}@127.0.0.1" for number in (1, 2)]
        cluster, erlang = self.up({"nodes": names, "monitor_nodes": False})
        ids = [f"c{i}" for i in range(30)]
        self.ask(erlang, (Atom("start_children"), WEB, [child(name) for name in ids]))
        before = self.placed(cluster)
        self.assertEqual(set(before.values()), set(names))
        cluster.kill("n2")
        self.wait(lambda: set(self.placed(cluster).values()) == {"n1@127.0.0.1"} and len(self.placed(cluster)) == 30, 20,
                  "what n2 had runs on n1")
        refused = 0
        for i in range(20):
            answer = self.ask(erlang, (Atom("start_child"), WEB, child(f"new{i}")), 3)
            if answer[0] == "error":
                self.assertEqual(answer[1][0], "no_target", answer)
                self.assertIn(b"n2@127.0.0.1", answer[1][1])
                refused += 1
        self.assertGreater(refused, 2)
        cluster.start("n2")
        self.wait(lambda: {key: self.placed(cluster).get(key) for key in ids} == before, 20,
                  "everything is where it was")

    # A distribution of one's own

    def test_the_example_keeps_the_rooms_of_a_building_together(self):
        numbers = [str(ports.free_port()) for _ in range(3)]
        done = subprocess.run([binary_folder() / "together", *numbers], capture_output=True, text=True,
                              timeout=60 * SLOW, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        lines = dict(line.split(": ") for line in done.stdout.splitlines())
        self.assertEqual(len(lines), 6, done.stdout)
        self.assertGreater(len(set(lines.values())), 1, "not all on one node")


if __name__ == "__main__":
    main()
