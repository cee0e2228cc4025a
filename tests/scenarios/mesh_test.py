"""Ten C++ nodes and two stock Erlang nodes, each in a network namespace: whichever is killed, stopped or cut off,
all others see what Erlang sees of an Erlang node.

Each node notes the nodes that come and go, with reasons, and monitors a process of each (tests/programs/mesh_node,
brood_driver:watch_nodes). What one Erlang node notes of the other is the measure of all the rest.
"""

import signal
import subprocess
import time

from support import SLOW, ScenarioTest, main, processes
from harness import netns
from harness.cluster import binary_folder
from harness.erlang import ErlangNode

CPP = {f"n{number}": number for number in range(1, 11)}
ERLANG = {"e1": 11, "e2": 12}
HOSTS = {**CPP, **ERLANG}
# Erlang takes whole seconds. A node that is busy for a quarter of it must not pass for a lost one.
TICK = 3 if SLOW == 1 else 12
CHILDREN = 30
IDS = {f"c{number}" for number in range(1, CHILDREN + 1)}


def now():
    return int(time.time() * 1000)


class MeshCluster(netns.HostsCluster):
    """The nodes of CPP run mesh_node, those of ERLANG stock Erlang."""

    def __init__(self):
        super().__init__(HOSTS)
        self.names = list(CPP)
        self.away = set()
        self.erlangs = {}

    def launch(self, name, seed="n1"):
        number = self._starts[name] = self._starts.get(name, 0) + 1
        seeds = [] if seed == name else [self.full(seed)]
        with open(self.path(f"{name}.{number}.out"), "wb") as out, \
                open(self.path(f"{name}.{number}.log"), "wb") as log:
            self._processes[name] = processes.spawn(
                [*self.prefix(name), binary_folder() / "mesh_node", self.full(name),
                 self.cookie_file, TICK * 1000, CHILDREN, *seeds],
                self.mark, self.environment, stdin=subprocess.PIPE, stdout=out, stderr=log)
        self.away.discard(name)

    def launch_erlang(self, name):
        """As it is out of the box, but for the tick time."""
        node = ErlangNode(self, name, hidden=False, host=self.address(name), wrapper=self.prefix(name),
                          arguments=["-kernel", "net_ticktime", str(TICK), "+S", "1:1"])
        node.eval("brood_driver:watch_nodes(target)")
        self.erlangs[name] = node
        self._erlang.append(node)
        self._processes[name] = node.process
        self.away.discard(name)

    def kill(self, name):
        self.away.add(name)
        processes.kill(self._processes[name])
        self._processes[name].wait(10)
        self._processes[name].stdin.close()

    def up_names(self):
        return [name for name in self.names if self.alive(name) and name not in self.away]

    def seen(self, observer):
        """[(time, what, node, detail)] as the node has noted it, of the nodes of this mesh."""
        if observer in self.erlangs:
            noted = [(entry[0], *map(str, entry[1:])) for entry in
                     self.erlangs[observer].eval("brood_driver:watched(target)")]
        else:
            # The log of a program that sets up none goes to its output as well.
            lines = [line.split(" ", 3) for line in self.out(observer).splitlines(keepends=True)
                     if line.endswith("\n") and line[0].isdigit()]
            noted = [(int(line[0]), line[1], line[2], line[3].strip()) for line in lines]
        return [entry for entry in noted if entry[2] in self.by_full]

    @property
    def by_full(self):
        return {self.full(name): name for name in self.hosts}

    def connected(self, observer):
        """The nodes that it is connected to, with the time of it."""
        up = {}
        for moment, what, node, _ in self.seen(observer):
            if what == "up":
                up[self.by_full[node]] = moment
            elif what == "down":
                up.pop(self.by_full[node], None)
        return up

    def connect_erlang(self):
        """Erlang nodes do not come back by themselves, neither to each other nor to brood's."""
        for name, node in self.erlangs.items():
            if name in self.away:
                continue
            others = ",".join(f"'{self.full(other)}'" for other in self.hosts if other != name and other not in self.away)
            node.eval(f"[net_kernel:connect_node(N) || N <- [{others}]]")


class Mesh(ScenarioTest):
    needs_erlang = True

    def begin(self):
        cluster = MeshCluster()
        self.clusters.append(cluster)
        for name in CPP:
            cluster.launch(name)
        for name in ERLANG:
            cluster.launch_erlang(name)
        self.whole(cluster, "the start")
        return cluster

    def whole(self, cluster, what, back=None, since=0, seconds=20):
        """Everyone is connected to everyone, `back` and the others since then, and each child runs once."""
        began = time.monotonic()
        last = {}

        def meshed():
            cluster.connect_erlang()
            last["lacks"] = {}
            for name in HOSTS:
                up = cluster.connected(name)
                lacks = [other for other in HOSTS if other != name and
                         up.get(other, -1) < (since if back in (name, other) else 0)]
                if lacks:
                    last["lacks"][name] = lacks
            return not last["lacks"]
        self.wait(meshed, seconds, lambda: f"{what}: everyone sees everyone; lacking: {last['lacks']}", 0.1)
        seconds = time.monotonic() - began
        cluster.wait_placed(IDS, ["n2", "n9"])
        self.note(f"{what}: whole after {seconds:.1f} s")

    def gone(self, cluster, subject, since, least, most):
        """All others see that `subject` has gone, between `least` and `most` seconds after `since`, and nobody else.
        The reasons as C++ and as Erlang nodes have them."""
        node = cluster.full(subject)
        observers = [name for name in HOSTS if name != subject]
        found = {}

        def all_saw():
            for name in observers:
                entries = [entry for entry in cluster.seen(name) if entry[0] >= since and entry[2] == node]
                down = [entry for entry in entries if entry[1] == "down"]
                fired = [entry for entry in entries if entry[1] == "monitor"]
                if not down or not fired:
                    found["lacks"] = f"{name} has {entries}"
                    return False
                found[name] = (down[0][0], down[0][3], fired[0][3])
            return True
        self.wait(all_saw, most + 5, lambda: f"all see that {subject} is gone: {found['lacks']}")
        delays = {name: (found[name][0] - since) / 1000 for name in observers}
        for name in observers:
            self.assertEqual(found[name][2], "noconnection", f"{name}'s monitor at {subject}")
            self.assertGreaterEqual(delays[name], least, f"{name} gave {subject} up too early: {delays}")
            self.assertLessEqual(delays[name], most * SLOW, f"{name} gave {subject} up too late: {delays}")
            others = [entry for entry in cluster.seen(name) if entry[0] >= since and entry[1] == "down"
                      and entry[2] != node]
            self.assertEqual(others, [], f"{name} lost others too")
        self.note(f"{subject}: seen after {min(delays.values()):.2f} to {max(delays.values()):.2f} s")
        return ({found[name][1] for name in observers if name in CPP},
                {found[name][1] for name in observers if name in ERLANG})

    def alone(self, cluster, subject, since):
        """The one that is cut off sees all others go. The reasons."""
        others = {cluster.full(name) for name in HOSTS if name != subject}
        last = {}

        def all_gone():
            last["down"] = {entry[2]: entry[3] for entry in cluster.seen(subject)
                            if entry[0] >= since and entry[1] == "down"}
            return others == set(last["down"])
        self.wait(all_gone, TICK, lambda: f"{subject} is alone; it has lost {last['down']}")
        return set(last["down"].values())

    def both_kinds(self, cluster, what, subject, act, undo, least, most, sees=False):
        """The same befalls an Erlang node and a C++ node. What the Erlang node sees of the first is the oracle.
        sees: whom it befalls sees something too."""
        oracle = None
        for subject in ("e1", subject):
            cluster.away.add(subject)
            since = now()
            act(subject)
            by_cpp, by_erlang = self.gone(cluster, subject, since, least, most)
            if oracle is None:
                oracle = by_erlang
                self.note(f"{what}: Erlang says {oracle} of an Erlang node")
            self.assertEqual(len(oracle), 1, oracle)
            self.assertEqual(by_erlang, oracle, f"{what}: Erlang of {subject}")
            self.assertEqual(by_cpp, oracle, f"{what}: C++ nodes of {subject}")
            if sees:
                self.assertEqual(self.alone(cluster, subject, since), oracle, f"{what}: {subject} of the others")
            cluster.wait_placed(IDS, ["n2", "n9"])
            healed = now()
            undo(subject)
            cluster.away.discard(subject)
            self.whole(cluster, f"{what} of {subject} undone", subject, healed)

    def deaf(self, cluster, least, most):
        """Whose words still arrive hears nothing, gives all up, and closes: others hear of that, unless their own
        count is over first, which depends on when who last spoke."""
        reasons = {}
        for subject in ("e1", "n8"):
            cluster.away.add(subject)
            since = now()
            cluster.network.deafen(HOSTS[subject])
            by_cpp, by_erlang = self.gone(cluster, subject, since, least, most)
            reasons[subject] = by_cpp | by_erlang
            self.assertLessEqual(reasons[subject], {"connection_closed", "net_tick_timeout"})
            self.assertEqual(self.alone(cluster, subject, since), {"net_tick_timeout"}, subject)
            cluster.wait_placed(IDS, ["n2", "n9"])
            healed = now()
            cluster.network.undeafen(HOSTS[subject])
            cluster.away.discard(subject)
            self.whole(cluster, f"{subject} is deaf no more", subject, healed)
        self.note(f"what others see of a deaf node: {reasons}")

    def test_all_see_a_loss_as_erlang_does(self):
        cluster = self.begin()

        def start_again(name):
            if name in CPP:
                cluster.launch(name, seed="n2")
            else:
                cluster.erlangs.pop(name).close()
                cluster.launch_erlang(name)

        # Another C++ node each time: a child that was just started on two nodes as they were lost is blamed for it.
        self.both_kinds(cluster, "kill -9", "n5", cluster.kill, start_again, 0, 1)
        # The last sign of life may be a quarter of the time-out old.
        early, late = TICK * 0.75 - 0.1, TICK * 1.3 + 1
        self.both_kinds(cluster, "SIGSTOP", "n6",
                        lambda name: cluster.process(name).send_signal(signal.SIGSTOP),
                        lambda name: cluster.process(name).send_signal(signal.SIGCONT), early, late)
        self.both_kinds(cluster, "a pulled cable", "n7",
                        lambda name: cluster.network.unplug(HOSTS[name]),
                        lambda name: cluster.network.plug(HOSTS[name]), early, late, sees=True)
        self.deaf(cluster, early, late + TICK / 4)  # its last words may come a tick later


if __name__ == "__main__":
    netns.enter()
    main()
