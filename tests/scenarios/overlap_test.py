"""Programs that start on their new node before they end on the old one (start_before_stop)."""

import json

from support import ScenarioTest, main

NODES = ("n1", "n2", "n3")

# Says when it began, was ready and was told to end, in one file for all nodes; then goes on until it is told.
PROGRAM = r"""
import json, os, signal, socket, sys, time
def say(what):
    with open(sys.argv[1], "a") as out:
        out.write(json.dumps([time.monotonic(), os.environ["BROOD_CHILD"], os.environ["BROOD_NODE"], what]) + "\n")
say("began")
def end(*_):
    say("ended")
    os._exit(0)
signal.signal(signal.SIGTERM, end)
mode = open(sys.argv[2]).read().strip()
if mode == "dies":
    os._exit(3)
if mode != "silent":
    time.sleep(0.3)
    to = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    to.connect("\0" + os.environ["NOTIFY_SOCKET"][1:])
    say("ready")
    to.send(b"STATUS=at work\nREADY=1")
while True:
    time.sleep(100)
"""


class Overlap(ScenarioTest):
    def begin(self, *names, count=12, ready_ms=15000):
        cluster = self.cluster(*NODES)
        script = cluster.write("program.py", PROGRAM)
        self.said = cluster.write("said", "")
        self.mode = cluster.write("mode", "ready")
        self.ids = [f"p{number}" for number in range(count)]
        children = [{"id": name, "exec": ["python3", script, self.said, self.mode], "start_before_stop": True,
                     "ready_timeout_ms": ready_ms} for name in self.ids]
        cluster.supervisors = {"web": ({}, children)}
        cluster.start(*names)
        cluster.wait_members(names)
        cluster.wait_placed(self.ids, names)
        return cluster

    def set_mode(self, mode):
        with open(self.mode, "w", encoding="ascii") as file:
            file.write(mode)

    def lives(self, name):
        """(began, ready or None, ended or None, node) of each instance of a program, in order."""
        lives = []
        with open(self.said, encoding="ascii") as file:
            for line in file:
                at, who, node, what = json.loads(line)
                if who != name:
                    continue
                if what == "began":
                    lives.append([at, None, None, node])
                else:
                    mine = [life for life in lives if life[3] == node][-1]
                    mine[1 if what == "ready" else 2] = at
        return lives

    def expect_overlaps(self):
        """Each program that moved: the old one ended after the new one was ready. How many moved."""
        moved = 0
        for name in self.ids:
            lives = self.lives(name)
            self.assertTrue(lives, f"{name} has said nothing yet")
            for old, new in zip(lives, lives[1:]):
                self.assertIsNotNone(new[1], f"{name}: {lives}")
                self.assertIsNotNone(old[2], f"{name}: {lives}")
                self.assertLess(new[1], old[2], f"{name} ended before its successor was ready: {lives}")
                moved += 1
            self.assertIsNone(lives[-1][2], f"{name}: {lives}")
        return moved

    def test_a_join_and_a_drain_leave_no_gap(self):
        cluster = self.begin("n1", "n2")
        cluster.start("n3")
        cluster.wait_placed(self.ids)
        joined = self.wait(self.expect_overlaps_or_none, 30, "some moved to the node that joined")
        self.assertEqual(cluster.leave("n2", 60), 0)
        cluster.wait_placed(self.ids, ("n1", "n3"))
        self.assertGreater(self.expect_overlaps(), joined)
        self.note(f"{self.expect_overlaps()} programs moved, each ready before the old one ended")

    def expect_overlaps_or_none(self):
        try:
            return self.expect_overlaps() or None
        except AssertionError:
            return None

    def stays_until(self, mode):
        """While its successors do as `mode` says, each program runs on where it is; then it moves."""
        cluster = self.begin("n1", "n2", ready_ms=700)
        self.wait(lambda: all(self.lives(name) and self.lives(name)[0][1] for name in self.ids), 30,
                  "each has read its mode")
        self.set_mode(mode)
        cluster.start("n3")
        cluster.wait_members()
        self.wait(lambda: "and is handed over to" in cluster.log("n1") + cluster.log("n2"), 30, "it is said")
        for name in self.ids:
            self.assertIsNone(self.lives(name)[0][2], f"{name} has ended")
        self.set_mode("ready")
        wanted = [name for name in self.ids if any(life[3].startswith("n3@") for life in self.lives(name))]
        self.wait(lambda: all(self.lives(name)[0][2] for name in wanted), 60, "those that belong on n3 move there")
        cluster.wait_placed(self.ids)
        for name in wanted:
            first, last = self.lives(name)[0], self.lives(name)[-1]
            self.assertLess(last[1], first[2], f"{name} ended before its successor was ready")

    def test_one_that_is_never_ready_stays_where_it_is(self):
        self.stays_until("silent")

    def test_one_that_does_not_start_elsewhere_stays_where_it_is(self):
        self.stays_until("dies")

    def test_a_node_that_leaves_tries_it_once(self):
        cluster = self.begin("n1", "n2", ready_ms=700)
        self.wait(lambda: all(self.lives(name) and self.lives(name)[0][1] for name in self.ids), 30,
                  "each has read its mode")
        self.set_mode("silent")
        self.assertEqual(cluster.leave("n2", 60), 0)
        cluster.wait_placed(self.ids, ("n1",))

    def test_it_is_refused_for_workers_and_without_sense(self):
        cluster = self.cluster("n1", supervisors={"web": ({}, [])})
        cluster.start()
        answer = cluster.brood("start", "w", "--worker", "counter", "--start-before-stop", node="n1", status=2)
        self.assertIn("is for a program", answer.err)
        answer = cluster.brood("start", "p", "--ready-timeout", "5", "--", "true", node="n1", status=2)
        self.assertIn("--start-before-stop", answer.err)


if __name__ == "__main__":
    main()
