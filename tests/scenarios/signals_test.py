"""Signals to a node: none that is common ends it without handing its children over."""

import signal
import socket
import time

from support import ScenarioTest, main, witness_child

IDS = [f"w{number}" for number in range(6)]


class Signals(ScenarioTest):
    needs_chaos = True

    def filled(self, *names, **options):
        cluster = self.cluster(*names, **options)
        cluster.supervisors = {"web": ({}, [witness_child(cluster, name) for name in IDS])}
        return cluster

    def test_quit_int_and_the_like_end_a_node_in_good_order(self):
        cluster = self.filled("n1", "n2")
        cluster.start()
        for signum in (signal.SIGQUIT, signal.SIGINT, signal.SIGPWR, signal.SIGXCPU):
            with self.subTest(signum.name):
                cluster.wait_members(("n1", "n2"))
                cluster.wait_placed(IDS)
                cluster.process("n2").send_signal(signum)
                self.assertEqual(cluster.wait_left("n2"), 0, cluster.log("n2"))
                cluster.wait_witnessed(IDS, 1)
                self.assertIn("left: what ran here runs on other nodes", cluster.log("n2"))
                cluster.start("n2")
        self.assert_no_overlap(cluster)

    def test_what_means_nothing_to_a_node_harms_nothing_and_usr1_has_it_report(self):
        cluster = self.filled("n1", chaos=True)
        cluster.start()
        cluster.wait_placed(IDS)
        process = cluster.process("n1")
        for signum in (signal.SIGUSR2, signal.SIGALRM, signal.SIGPIPE, signal.SIGIO, signal.SIGXFSZ, signal.SIGUSR1):
            process.send_signal(signum)
        self.wait(lambda: "web: 6 children, 6 of them run here" in cluster.log("n1"), 10, lambda: cluster.log("n1"))
        self.assertIn("web: n1@127.0.0.1 is up", cluster.log("n1"))
        self.assertEqual(len(cluster.ps("n1")), len(IDS))
        for name in IDS:
            self.assertEqual(len(cluster.witness.intervals(name)), 1, f"{name} was never touched")

    def test_hup_reads_the_file_again_without_removing_anything(self):
        cluster = self.filled("n1")
        cluster.start()
        cluster.wait_placed(IDS)
        cluster.brood("stop", "w1", node="n1")
        children = [witness_child(cluster, name) for name in IDS[1:]]
        children.append({"id": "new", "exec": ["sleep", "1000"]})
        cluster.write("n1.toml", cluster.fleet_text("n1", supervisors={"web": ({}, children)}))
        cluster.process("n1").send_signal(signal.SIGHUP)
        left = [name for name in IDS if name != "w1"]
        cluster.wait_placed(left + ["new"])
        self.assertIn("web: 1 of 6 children in the file are new or changed; 1 that it no longer has run on",
                      cluster.log("n1"))
        for name in IDS:
            self.assertEqual(len(cluster.witness.intervals(name)), 1, f"{name} was not started anew")

    def test_hup_with_a_bad_file_changes_nothing(self):
        cluster = self.filled("n1")
        cluster.start()
        cluster.wait_placed(IDS)
        cluster.write("n1.toml", "[node]\nnmae = 1\n")
        cluster.process("n1").send_signal(signal.SIGHUP)
        self.wait(lambda: "is not applied: " in cluster.log("n1"), 10, lambda: cluster.log("n1"))
        self.assertIn("nmae", cluster.log("n1"))
        cluster.wait_placed(IDS)

    def test_hup_without_a_file_ends_a_node_in_good_order_unless_nohup_started_it(self):
        cluster = self.filled("n1", "n2")
        cluster.start("n1")
        cluster.launch("n2", ["--name", cluster.full("n2"), "--cookie-file", cluster.cookie_file, "--join",
                              cluster.full("n1"), "--supervisor", "web"])
        cluster.wait_up("n2")
        cluster.process("n2").send_signal(signal.SIGHUP)
        self.assertEqual(cluster.wait_left("n2"), 0, cluster.log("n2"))
        cluster.wait_placed(IDS, ("n1",))

        cluster.wrapper = ["nohup"]
        cluster.launch("n2", ["--name", cluster.full("n2"), "--cookie-file", cluster.cookie_file, "--join",
                              cluster.full("n1"), "--supervisor", "web"])
        cluster.wait_up("n2")
        for signum in (signal.SIGHUP, signal.SIGUSR2):
            cluster.process("n2").send_signal(signum)
        self.wait(lambda: "USR2" in cluster.log("n2"), 10, lambda: cluster.log("n2"))
        self.assertNotIn("hangup", cluster.log("n2"))
        self.assertEqual(cluster.leave("n2"), 0)

    def test_term_twice_at_once_as_timeout_sends_it_is_one_wish(self):
        cluster = self.filled("n1", "n2")
        cluster.start()
        cluster.wait_members(("n1", "n2"))
        cluster.wait_placed(IDS)
        begin = time.monotonic()
        cluster.begin_leave("n2")
        cluster.begin_leave("n2")
        self.assertEqual(cluster.wait_left("n2"), 0, cluster.log("n2"))
        self.note(f"left after {time.monotonic() - begin:.2f} s")
        cluster.wait_witnessed(IDS, 1)
        self.assert_no_overlap(cluster)

    def test_a_service_manager_is_told_that_it_is_up_lives_reads_its_file_and_ends(self):
        cluster = self.filled("n1")
        path = cluster.path("notify.sock")
        told = []
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
            listener.bind(str(path))
            listener.setblocking(False)

            def hears(text, count=1):
                while True:
                    try:
                        told.append(listener.recv(4096).decode())
                    except BlockingIOError:
                        return sum(message.startswith(text) for message in told) >= count

            cluster.launch("n1", environment={"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "400000"})
            self.wait(lambda: hears("READY=1\nSTATUS=n1@127.0.0.1 is up"), 20, lambda: str(told))
            self.wait(lambda: hears("WATCHDOG=1", 3), 10, lambda: str(told))
            cluster.process("n1").send_signal(signal.SIGHUP)
            self.wait(lambda: hears("RELOADING=1\nMONOTONIC_USEC=") and hears("READY=1", 2), 10, lambda: str(told))
            self.assertEqual(cluster.leave("n1"), 0)
            self.assertTrue(hears("STOPPING=1"), told)


if __name__ == "__main__":
    main()
