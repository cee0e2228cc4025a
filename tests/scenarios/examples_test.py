"""The six uses of examples/uses, each as nodes on one machine as its README says, and what each is there to show."""

import queue
import subprocess
import tempfile
import threading
import unittest

from support import SLOW, main, ports, processes
from harness.cluster import binary_folder


class Node:
    """One `uses` program; ask() types a line and takes the answer. What it prints of its own accord is in `told`."""

    def __init__(self, use, names, mark, log):
        self.name = names[0].rsplit(":", 1)[0]
        self.told, self._answers = [], queue.Queue()
        self.process = processes.spawn([binary_folder() / "uses", use, *names], mark, stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, stderr=log)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for raw in self.process.stdout:
            line = raw.decode().strip()
            if line.startswith("ALARM") or line.split(" ")[0].endswith(":"):
                self.told.append(line)
            else:
                self._answers.put(line)

    def answer(self):
        return self._answers.get(timeout=40 * SLOW)

    def ask(self, line):
        self.process.stdin.write((line + "\n").encode())
        self.process.stdin.flush()
        return self.answer()

    def leave(self):
        self.process.stdin.close()
        return self.process.wait(40 * SLOW)

    def kill(self):
        processes.kill(self.process)
        self.process.wait(10)

    def end(self):
        processes.reap(self.process)
        self._reader.join(10)
        self.process.stdout.close()


class Uses(unittest.TestCase):
    def up(self, use, count=3):
        names = [f"n{number}@127.0.0.1:{ports.free_port()}" for number in range(1, count + 1)]
        nodes = [self.start(use, [name, *(other for other in names if other != name)]) for name in names]
        for node in nodes:
            self.assertEqual(node.answer(), f"{node.name} is up")
        return nodes

    def start(self, use, names):
        node = Node(use, names, self.mark, self.log)
        self.addCleanup(node.end)
        return node

    def setUp(self):
        self.mark = processes.new_mark()
        self.log = tempfile.TemporaryFile()
        self.addCleanup(self.log.close)

    def tearDown(self):
        if not self._outcome.success:
            self.log.seek(0)
            print(self.log.read().decode(errors="replace"))

    def wait(self, condition, what):
        return processes.wait_for(condition, 20 * SLOW, what, 0.05)

    def after_loss(self, node, line):
        """The first answer that is not that the call was under way to the node that was killed just before."""
        answers = []

        def answered():
            answers.append(node.ask(line))
            return "connection was lost" not in answers[-1]
        self.wait(answered, lambda: f"{line}: {answers[-1]}")
        return answers[-1]

    @staticmethod
    def named_on(nodes, prefix, node, put):
        """The first name that `put` has brought to a node."""
        for number in range(1, 100):
            name = f"{prefix}{number}"
            put(name)
            if nodes[0].ask(f"where {name}") == node.name:
                return name
        raise AssertionError(f"nothing runs on {node.name}")

    def test_a_session_survives_a_node_that_leaves_and_one_that_is_killed(self):
        first, second, third = nodes = self.up("sessions")
        key = self.named_on(nodes, "s", second, lambda name: self.assertEqual(first.ask(f"login {name}"), "begun"))
        self.assertEqual(third.ask(f"login {key}"), "goes on")
        self.assertEqual(third.ask(f"set {key} colour red"), "red")
        self.assertEqual(second.leave(), 0)
        self.assertEqual(first.ask(f"get {key} colour"), "red")
        self.assertEqual(first.ask(f"set {key} colour blue"), "blue")
        home = first.ask(f"where {key}")
        gone, stays = (first, third) if home == first.name else (third, first)
        # Two nodes are left: the other one has come to hold the session when an answer has waited for it.
        gone.kill()
        self.assertEqual(self.after_loss(stays, f"get {key} colour"), "blue")
        self.assertEqual(stays.ask(f"logout {key}"), "ok")
        self.assertIn(f"no child '{key}'", stays.ask(f"get {key} colour"))

    def test_a_session_that_nobody_uses_ends_everywhere(self):
        first, second = self.up("sessions", 2)
        self.assertEqual(first.ask("login short 1500"), "begun")
        self.assertEqual(first.ask("login long"), "begun")
        self.assertEqual(second.ask("set short colour red"), "red")
        for node in (first, second):
            self.wait(lambda node=node: node.ask("where short") == "nowhere", "it has ended")
        self.assertEqual(second.ask("login short"), "begun")
        self.assertEqual(first.ask("get short colour"), "-")
        self.assertEqual(first.ask("login long"), "goes on")

    def test_a_cache_keeps_all_that_was_not_on_the_node_that_is_killed(self):
        first, second, third = nodes = self.up("cache")
        self.wait(lambda: sum(int(node.ask("here")) for node in nodes) == 32, "all shards run")
        keys = [f"key{number}" for number in range(60)]
        for key in keys:
            self.assertEqual(first.ask(f"put {key} of-{key}"), "ok")
        homes = {key: second.ask(f"where {key}") for key in keys}
        self.assertEqual(len(set(homes.values())), 3, homes)
        self.assertEqual(second.leave(), 0)
        self.assertEqual([third.ask(f"get {key}") for key in keys], [f"of-{key}" for key in keys])
        homes = {key: first.ask(f"where {key}") for key in keys}
        third.kill()
        for key in keys:
            self.assertEqual(self.after_loss(first, f"get {key}"), "miss" if homes[key] == "n3@127.0.0.1" else f"of-{key}")
        self.assertEqual(first.ask(f"put {keys[0]} again"), "ok")
        self.assertEqual(first.ask("here"), "32")

    def test_a_job_is_done_once_and_goes_on_where_its_node_was_killed(self):
        first, second, third = nodes = self.up("jobs")
        self.wait(lambda: first.ask("done any") == "0", "what is done is written down somewhere")
        job = self.named_on(nodes, "job", third, lambda name: self.assertEqual(first.ask(f"submit {name} 40"), "submitted"))
        self.assertEqual(second.ask(f"submit {job} 40"), "is at work")
        self.wait(lambda: int(first.ask(f"done {job}")) >= 3, "it has begun")
        third.kill()
        done = int(self.after_loss(first, f"done {job}"))
        self.assertGreaterEqual(done, 3)
        self.wait(lambda: first.ask(f"done {job}") == "40", "it is done")
        self.wait(lambda: second.ask(f"where {job}") == "nowhere", "it is gone")
        self.assertEqual(second.ask(f"submit {job} 40"), "done already")

    def test_devices_are_watched_once_each_and_by_others_when_a_node_is_killed(self):
        first, second, third = nodes = self.up("devices")
        devices = [f"d{number}" for number in range(1, 10)]
        for device in devices:
            self.assertEqual(first.ask(f"watch {device} north 600000"), "watched")
        self.assertEqual(first.ask("watch quiet south 100"), "watched")
        shares = [int(node.ask("here")) for node in nodes]
        self.assertEqual((sum(shares), min(shares) > 0), (10, True), shares)
        self.wait(lambda: second.ask("report south") == "quiet silent;", "a device that does not beat is told")
        self.wait(lambda: sum(node.told.count("ALARM: quiet is silent") for node in nodes) == 1, "by one node")
        third.kill()
        self.wait(lambda: int(first.ask("here")) + int(second.ask("here")) == 10, "two watch all")
        self.assertEqual(first.ask("report north").count(" well;"), 9)
        self.assertEqual(second.ask("beat d1"), "told")

    def test_what_is_said_in_a_room_reaches_all_while_the_room_moves(self):
        first, second, third = nodes = self.up("rooms")
        room = self.named_on(nodes, "room", third, lambda name: first.ask(f"enter {name}"))
        stays = self.named_on(nodes, "hall", first, lambda name: first.ask(f"enter {name}"))
        for name in (room, stays):
            self.assertEqual(second.ask(f"enter {name}"), "entered, number 2")
        self.assertEqual(second.ask(f"say {room} hello"), "line 1")
        self.assertEqual(third.leave(), 0)
        self.assertEqual(first.ask(f"say {room} again"), "line 2")
        for node in (first, second):
            self.wait(lambda node=node: node.told == [f"{room}: hello", f"{room}: again"], f"{node.name} heard it all")
        second.kill()
        self.wait(lambda: first.ask(f"guests {stays}") == "1", "the guest of the node that was killed has left")

    def test_a_lock_is_held_by_one_and_its_epoch_fences_the_former_holder(self):
        first, second, third = nodes = self.up("locks")
        lock = self.named_on(nodes, "lock", third, lambda name: self.assertEqual(first.ask(f"lock {name}"), "locked"))
        self.assertIn("held by n1@127.0.0.1", second.ask(f"lock {lock}"))
        self.assertEqual(first.ask(f"write {lock} a"), "a")
        # The lock's own node dies, and what it knew of its holder: the next one gets a greater token.
        third.kill()
        self.wait(lambda: second.ask(f"lock {lock}") == "locked", "the lock is free")
        self.assertEqual(self.after_loss(second, f"write {lock} b"), "a b")
        self.assertIn("another has held the lock since", first.ask(f"write {lock} c"))
        self.assertEqual(first.ask("read"), "a b")
        self.assertIn("held by n2@127.0.0.1", first.ask(f"lock {lock}"))
        second.kill()
        self.wait(lambda: first.ask(f"lock {lock}") == "locked", "what a lost node held is free")
        self.assertEqual(first.ask(f"write {lock} d"), "a b d")


if __name__ == "__main__":
    main()
