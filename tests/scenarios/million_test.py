"""A great many children on three nodes: started in one call or by many clients at once, beside clients that read
much or do not read at all, kept through a kill -9 and moved back. Single starts pass beside all that.

BROOD_TEST_CHILDREN: how many; a million in a full run.
"""

import os
import threading
import time

from support import SLOW, SMALL, ScenarioTest, Atom, etf, full_run, main
from harness.peer import Peer
from harness.scale import ScaleCluster

NODES = ("n1", "n2", "n3")
WEB = Atom("web")
USUAL = 10000 if SMALL else 100000
COUNT = int(os.environ.get("BROOD_TEST_CHILDREN") or (1000000 if full_run() else USUAL))
LARGE = full_run() or "BROOD_TEST_CHILDREN" in os.environ
# What a single start should take at most beside all that, and what it may take before a test fails: in a usual
# run, beside other tests on the same processors, only what is no delay but a hold-up.
AIM_MS = 100
SINGLE_MS = 500 if LARGE else 5000


class Scale(ScenarioTest):
    """What all tests here begin with, and look at."""

    def begin(self, **options):
        cluster = ScaleCluster(NODES, **options)
        self.clusters.append(cluster)
        for name in NODES:
            cluster.launch(name)
        for name in NODES:
            cluster.wait_up(name)
        cluster.wait_members(NODES)
        self.scale = cluster
        self.singles_made = 0
        self.late = []
        return cluster

    def singles(self, what, *names):
        """Begins single starts through each of these nodes, one after the other, until _Singles.end()."""
        return _Singles(self, what, names)

    def exactly_one(self, count, seconds, nodes=None):
        """Waits until `count` children run, each once, and all nodes' tables say the same. Node -> how many."""
        last = {}

        def once():
            up = self.scale.up()
            last["running"] = {name: node.running() for name, node in up.items()}
            if sum(last["running"].values()) != count:
                return None
            last["tables"] = tables = {name: node.ask("counts", 120) for name, node in up.items()}
            one = next(iter(tables.values()))
            if any(table["known"] != count or table["odd"] or table["digest"] != one["digest"]
                   for table in tables.values()):
                return None
            if sum(node.running() for node in up.values()) != count:
                return None
            placed = {name: one["nodes"].get(self.scale.full(name), 0) for name in up}
            return placed if placed == last["running"] and nodes in (None, placed) else None
        return self.wait(once, seconds, lambda: f"each of {count} once: {last}", 0.1)

    def harmless(self, lost=0):
        """Nobody was fenced, and no connection ended but those to `lost` nodes that were killed."""
        self.assertEqual(self.scale.fences(), [])
        for name, node in self.scale.up().items():
            self.assertLessEqual(len(node.lost()), lost, f"{name}: {node.connections}")
            self.assertEqual(node.stats()["processes"]["stuck"], 0, name)

    def timely(self):
        """Last, so that what is slow does not hide what is wrong."""
        self.assertEqual(self.late, [])

    def steps(self, what):
        for name, node in self.scale.up().items():
            core = node.stats()["core"]
            self.note(f"{what}, {name}: longest step {core['longest_step_us'] / 1000:.0f} ms "
                      f"({core['longest_step_cpu_us'] / 1000:.0f} ms of a processor), with its effects "
                      f"{core['longest_us'] / 1000:.0f} ms; {core['steps']} steps, busy {core['busy_us'] / 1e6:.1f} s; "
                      f"{core['messages_sent']} messages of {core['message_bytes_sent'] >> 20} MiB, "
                      f"{core['syncs_sent']} portions of tables, fell behind {core['fell_behind']}; "
                      f"{node.resident() >> 20} MiB")

    def client(self, name, node):
        made = Peer(self.scale, name, timeout=180 * SLOW)
        self.addCleanup(made.close)
        return made.connect(node)

    def bulk(self, name, count, prefix="c"):
        """One start_children; all of them must have been started. Milliseconds."""
        seconds = 60 + count // 2000
        answer = self.scale.node(name).ask(f"bulk {prefix} {count} {int(seconds * SLOW * 1000)}", seconds + 60)
        self.assertEqual(answer["refused"], {}, answer)
        return answer["ms"]


class _Singles:
    def __init__(self, test, what, names):
        self._test, self._what, self._names = test, what, names
        test.singles_made += 1
        self._slots = {name: test.scale.node(name).submit(f"singles s{test.singles_made}-{name}- 2")
                       for name in names}

    def end(self, bounded=True):
        """How many children they have made. bounded: none may have been slow; see timely()."""
        for name in self._names:
            self._test.scale.node(name).ask("enough")
        made = 0
        for name, slot in self._slots.items():
            answer = slot.wait(120)
            made += answer["started"]
            slowest = answer["slowest_us"] / 1000
            self._test.note(f"single starts beside {self._what} through {name}: {answer['started']}, median "
                            f"{answer['median_us'] / 1000:.1f} ms, 99 of 100 under {answer['p99_us'] / 1000:.0f} ms, "
                            f"slowest {slowest:.0f} ms after {answer['slowest_at_ms'] / 1000:.1f} s (aim: under "
                            f"{AIM_MS} ms)")
            self._test.assertEqual(answer["refused"], {}, answer)
            if bounded and slowest > SINGLE_MS * SLOW:
                self._test.late.append(f"{slowest:.0f} ms for a single start beside {self._what} through {name}")
        return made


class Million(Scale):
    def test_all_survive_a_kill(self):
        cluster = self.begin()
        empty = {name: node.resident() for name, node in cluster.up().items()}
        singles = self.singles("the bulk", "n1", "n2")
        took = self.bulk("n1", COUNT)
        self.note(f"{COUNT} children started in {took / 1000:.2f} s")
        self.steps("started")
        total = COUNT + singles.end()
        # The limit is generous: reading all tables is counted too.
        patience = 60 + COUNT // 1500
        before = self.exactly_one(total, patience)
        for name, node in cluster.up().items():
            self.note(f"{name}: {(node.resident() - empty[name]) / before[name]:.0f} bytes for each of the "
                      f"{before[name]} children that it runs")
        self.harmless()

        singles = self.singles("the loss of a node", "n1")
        cluster.kill("n2")
        killed = time.monotonic()
        cluster.wait_killed("n2")
        self.wait(lambda: sum(node.running() for node in cluster.up().values()) >= total, patience,
                  "as many run as before")
        self.note(f"kill -9 of one: as many run as before after {time.monotonic() - killed:.2f} s")
        total += singles.end(bounded=False)
        self.exactly_one(total, patience)
        self.note(f"exactly one of each after {time.monotonic() - killed:.2f} s, with the reading of all tables")
        self.steps("after the loss")
        self.harmless(lost=1)

        singles = self.singles("the return of a node", "n3")
        cluster.launch("n2")
        joined = time.monotonic()
        cluster.wait_up("n2", patience)
        self.note(f"joined again: a member after {time.monotonic() - joined:.2f} s")
        wanted = 0.9 * before["n2"]
        self.wait(lambda: cluster.node("n2").running() >= wanted, patience,
                  lambda: f"n2 has most of its children: {cluster.node('n2').running()} of {before['n2']}", 0.1)
        self.note(f"nine of ten of its children are back after {time.monotonic() - joined:.2f} s")
        total += singles.end(bounded=False)
        back = self.exactly_one(total, patience)
        self.note(f"exactly one of each after {time.monotonic() - joined:.2f} s: {back}")
        self.assertGreater(back["n2"], total // 4)
        self.steps("joined again")
        self.harmless(lost=1)
        self.timely()


class ManyClients(Scale):
    clients = 64 if LARGE else 16
    each = 5000 if LARGE else 1000

    def test_many_clients_start_many_each(self):
        cluster = self.begin()
        prepared = []
        for number in range(self.clients):
            specs = [{Atom("id"): f"k{number}-{child}", Atom("start"): (Atom("counter"), [])}
                     for child in range(self.each)]
            request = (Atom("start_children"), WEB, specs, {Atom("timeout"): int(120000 * SLOW)})
            prepared.append((self.client(f"client{number}", NODES[number % 3]), request))
        gate = threading.Barrier(self.clients + 1)
        answers = {}

        def run(number, peer, request):
            gate.wait()
            since = time.monotonic()
            reference = peer.ask(request)
            answers[number] = (peer.receive_answer(reference), time.monotonic() - since)
        threads = [threading.Thread(target=run, args=(number, *item)) for number, item in enumerate(prepared)]
        for thread in threads:
            thread.start()
        singles = self.singles(f"{self.clients} clients", "n1", "n2")
        since = time.monotonic()
        gate.wait()
        for thread in threads:
            thread.join(200 * SLOW)
        self.assertEqual(len(answers), self.clients)
        self.note(f"{self.clients} clients started {self.each} each in {time.monotonic() - since:.2f} s, the quickest "
                  f"in {min(took for _, took in answers.values()):.2f} s")
        total = self.clients * self.each + singles.end()
        for data, _ in answers.values():
            answer = etf.decode_first(data)[0]
            self.assertEqual((answer[0], answer[1]["status"], len(answer[1]["started"])), ("ok", "ok", self.each))
        self.exactly_one(total, 120)
        self.steps("many clients")
        self.harmless()
        self.timely()


class Readers(Scale):
    children = 100000 if LARGE else 20000
    readers = 20 if LARGE else 8
    seconds = 20 if LARGE else 8

    def test_single_starts_pass_beside_them(self):
        cluster = self.begin()
        self.bulk("n1", self.children)
        before = cluster.node("n1").resident()
        whole = (Atom("process_list"), WEB, Atom("global"))
        over = threading.Event()
        lists = []

        def read(peer):
            while not over.is_set():
                reference = peer.ask(whole)
                lists.append(len(peer.receive_answer(reference)))

        def page(peer):
            after = None
            while not over.is_set():
                answer = peer.request((*whole, {Atom("limit"): 1000, Atom("after"): after}))
                self.assertEqual(answer[0], "ok", answer)
                after = answer[1]["next"]

        def deaf(peer):
            while not over.is_set():
                try:
                    peer.ask(whole)
                except OSError:
                    return  # it was cut
                over.wait(0.05)
        works = ([(read, f"reader{number}") for number in range(self.readers - 2)] + [(page, "page1"), (page, "page2")])
        singles = self.singles(f"{self.readers} readers of {self.children}", "n1", "n2")
        threads = self.go(works)
        time.sleep(self.seconds)
        total = self.children + singles.end()
        self.note(f"{len(lists)} lists of {max(lists, default=0) >> 10} KiB were read in {self.seconds} s")
        self.assertGreater(len(lists), 0)
        deafs = self.go([(deaf, f"deaf{number}") for number in range(16)])
        singles = self.singles("16 clients more that do not read", "n1", "n2")
        most = 0
        end = time.monotonic() + self.seconds
        while time.monotonic() < end:
            most = max(most, cluster.node("n1").resident())
            time.sleep(0.05)
        total += singles.end()
        over.set()
        for thread in threads + deafs:
            thread.join(120 * SLOW)
        self.note(f"n1: {before >> 20} MiB before, at most {most >> 20} MiB beside readers and the deaf")
        self.assertLess(most - before, 512 << 20)
        self.steps("readers and the deaf")
        self.exactly_one(total, 120)
        # Clients are no members, and those that were cut or have left are none of what is lost here.
        self.assertEqual(cluster.fences(), [])
        members = {cluster.full(name) for name in NODES}
        for name, node in cluster.up().items():
            self.assertEqual([line for line in node.lost() if line.split()[1] in members], [], name)
        self.timely()

    def go(self, works):
        threads = [threading.Thread(target=work, args=(self.client(name, "n1"),)) for work, name in works]
        for thread in threads:
            thread.start()
        return threads


if __name__ == "__main__":
    main()
