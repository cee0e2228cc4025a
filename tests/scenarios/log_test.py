"""The node's log: what it tells, and that no reader of it can hold the node, however he stalls."""

import array
import fcntl
import os
import pty
import signal
import termios
import time

from support import SLOW, ScenarioTest, main, processes

PROGRAMS = [f"p{number}" for number in range(6)]


def waiting(fd):
    """Bytes that a reader of this end would get at once."""
    count = array.array("i", [0])
    fcntl.ioctl(fd, termios.FIONREAD, count)
    return count[0]


class Log(ScenarioTest):
    def setUp(self):
        super().setUp()
        self.ends = []

    def tearDown(self):
        super().tearDown()
        for fd in self.ends:
            os.close(fd)

    def two_with_log_in(self, stderr):
        cluster = self.cluster("n1", "n2", chaos=False, supervisors={"web": ({}, [
            {"id": name, "exec": ["sleep", "1000"]} for name in PROGRAMS])})
        cluster.launch("n1", stderr=stderr)
        os.close(stderr)
        cluster.launch("n2")
        for name in cluster.names:
            cluster.wait_up(name)
        cluster.wait_placed(PROGRAMS)
        return cluster

    def pipe(self):
        read, write = os.pipe()
        self.ends.append(read)
        return read, write

    def flood(self, cluster, full):
        """Has n1 write to its log until full() says that the writer must be stuck, and then much more."""
        process = cluster.process("n1")

        def more():
            for _ in range(200):
                process.send_signal(signal.SIGUSR1)
            return full()
        self.wait(more, 60, "n1's log is full", 0)
        end = time.monotonic() + 2 * SLOW
        while time.monotonic() < end:
            process.send_signal(signal.SIGUSR1)

    def everything_works(self, cluster):
        cluster.kill("n2")
        cluster.wait_placed(PROGRAMS, ("n1",), 20)
        cluster.wait_members(("n1",))
        cluster.brood("start", "one-more", "--worker", "echo", node="n1")
        begin = time.monotonic()
        self.assertEqual(cluster.leave("n1", 20), 0)
        self.note(f"ended {time.monotonic() - begin:.2f} s after SIGTERM")

    def test_a_pipe_that_nobody_reads_holds_nothing(self):
        read, write = self.pipe()
        cluster = self.two_with_log_in(write)
        self.flood(cluster, lambda: waiting(read) > 60_000)
        self.everything_works(cluster)

    def test_a_terminal_that_was_stopped_holds_nothing(self):
        master, slave = pty.openpty()
        self.ends.append(master)
        cluster = self.two_with_log_in(slave)
        os.write(master, b"\x13")
        # What a stopped terminal has taken cannot be seen: the flood is larger than any buffer in between.
        end = time.monotonic() + 2
        self.flood(cluster, lambda: time.monotonic() > end)
        self.everything_works(cluster)

    def test_a_reader_that_has_gone_and_a_full_disk_hold_nothing(self):
        for name in ("gone", "full"):
            with self.subTest(name):
                if name == "gone":
                    read, write = os.pipe()
                    os.close(read)
                else:
                    write = os.open("/dev/full", os.O_WRONLY)
                cluster = self.two_with_log_in(write)
                self.everything_works(cluster)

    def test_what_was_dropped_is_told_once_there_is_room(self):
        read, write = self.pipe()
        cluster = self.two_with_log_in(write)
        os.set_blocking(read, False)
        text = [b""]

        def told():
            self.flood(cluster, lambda: waiting(read) > 60_000)
            cluster.process("n1").send_signal(signal.SIGUSR1)

            def all_read():
                try:
                    while b"of the log were dropped" not in text[0]:
                        text[0] = text[0][-300:] + os.read(read, 1 << 16)
                    return True
                except BlockingIOError:
                    return False
            try:
                return self.wait(all_read, 5, "it is told")
            except processes.Timeout:
                return False
        self.wait(told, 60, lambda: text[0].decode())
        self.assertRegex(text[0].decode(), r"warning \d+ lines of the log were dropped: written faster than")

    def test_starts_ends_stops_and_a_crash_loop_are_told(self):
        cluster = self.cluster("n1", chaos=False, supervisors={"web": ({}, [
            {"id": "steady", "exec": ["sleep", "1000"]}, {"id": "loop", "exec": ["sh", "-c", "exit 7"]}])})
        cluster.start()
        self.wait(lambda: "web: loop ended: exited with code 7" in cluster.log("n1"), 20, lambda: cluster.log("n1"))
        self.wait(lambda: "s after its end" in cluster.log("n1"), 20, lambda: cluster.log("n1"))
        cluster.brood("stop", "steady", node="n1")
        self.wait(lambda: "web: steady stopped (" in cluster.log("n1"), 20, lambda: cluster.log("n1"))
        self.assertIn("web: steady started (process ", cluster.log("n1"))
        self.assertIn("web: told to stop steady", cluster.log("n1"))
        self.assertEqual(cluster.leave("n1", 40), 0)
        self.assertLess(cluster.log("n1").count("web: loop"), 10, "a loop is told of, and not each time")

    def test_a_start_that_is_not_to_be_logged_is_not_told(self):
        cluster = self.cluster("n1")
        cluster.start()
        erlang = cluster.erlang()
        for name, options in (("hushed", "#{disable_logging => true}"), ("told", "#{}")):
            answer = erlang.request(cluster.full("n1"), f"{{start_children, web, [#{{id => <<\"{name}\">>, "
                                                        f"start => {{counter, []}}}}], {options}}}")
            self.assertEqual(answer[1]["status"], "ok", answer)
        self.wait(lambda: "web: told started" in cluster.log("n1"), 10, lambda: cluster.log("n1"))
        self.assertNotIn("hushed", cluster.log("n1"))
        cluster.brood("stop", "hushed", node="n1")
        self.wait(lambda: "web: hushed stopped" in cluster.log("n1"), 10, "only its start was not to be told")

    def test_stdout_has_nothing_but_that_the_node_is_up(self):
        cluster = self.cluster("n1")
        cluster.start()
        cluster.brood("start", "x", "--worker", "echo", node="n1")
        self.assertEqual(cluster.leave("n1"), 0)
        self.assertEqual(cluster.out("n1"), "brood: node n1@127.0.0.1 is up\n")


if __name__ == "__main__":
    main()
