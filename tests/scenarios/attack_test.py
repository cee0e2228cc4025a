"""What a hostile peer tries, with the cookie and without: each attack is refused, counted, said once in the log, and
neither the node nor its members come to harm."""

import os
import select
import socket
import struct
import threading

from support import SLOW, ScenarioTest, Atom, etf, main, peers
from harness.peer import FLAGS, PROOF, Peer, Refused, Wire

WEB = Atom("web")


def program(name, *command):
    """A spec for a command."""
    return {Atom("id"): name, Atom("start"): (Atom("exec"), {Atom("argv"): list(command)})}


def memory_of(process):
    """Bytes of main memory that a process has now."""
    with open(f"/proc/{process.pid}/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmRSS"))


def descriptors_of(process):
    return len(os.listdir(f"/proc/{process.pid}/fd"))


class Attack(ScenarioTest):
    def peer(self, cluster, name, node="n1", **more):
        made = Peer(cluster, name, **more)
        self.addCleanup(made.close)
        return made.connect(node) if node else made

    def unharmed(self, cluster, children=()):
        """All members see each other, and each child runs once."""
        cluster.wait_members()
        cluster.wait_placed(children)

    # In the name of others.

    def test_messages_in_the_name_of_a_member_part_nobody(self):
        children = [f"c{number}" for number in range(6)]
        cluster = self.cluster("n1", "n2", supervisors={
            "web": ({}, [{"id": name, "worker": "counter"} for name in children])})
        cluster.start()
        self.unharmed(cluster, children)
        goodbye = etf.encode((Atom("goodbye"), {}))
        refusal = etf.encode((Atom("refusal"), 0, {}))
        for node, other in (("n1", "n2"), ("n2", "n1")):
            mole = self.peer(cluster, f"mole-{node}", node)
            victim = etf.Pid(cluster.full(other), 0, 0, mole.creation)
            for message in (goodbye, refusal) * 5:
                mole.send_named("brood_peer", (WEB, message), sender=victim)
            # The same words in his own name are understood: it is the name that they are refused for.
            mole.send_named("brood_peer", (WEB, goodbye))
            counters = mole.counters()
            self.assertEqual(counters["senders_forged"], 10)
            self.assertNotIn("was not understood", cluster.log(node))
            self.assertEqual(cluster.log(node).count("in the name of"), 1, cluster.log(node))
        self.unharmed(cluster, children)
        for node in ("n1", "n2"):
            self.assertNotIn("left the cluster", cluster.log(node))

    def test_who_does_not_prove_to_be_a_brood_node_is_no_member(self):
        cluster = self.cluster("n1", "n2")
        cluster.start()
        self.unharmed(cluster)
        erlang = self.peer(cluster, "n3", flags=FLAGS)
        for _ in range(5):
            erlang.send_named("brood_peer", Atom("hello"))
            erlang.send_named("brood_peer", (WEB, etf.encode((Atom("goodbye"), {}))))
        self.assertEqual(erlang.counters()["unproven_refused"], 10)
        self.assertEqual(cluster.log("n1").count("has not proved to be it"), 1, cluster.log("n1"))
        peers_of = {row["name"]: row for row in erlang.request(Atom("network_info"))[1]["peers"]}
        self.assertEqual(peers_of[cluster.full("n2")]["proven"], "true")
        self.assertEqual(peers_of[cluster.full("n3")]["proven"], "false")
        self.unharmed(cluster)

    # Without the cookie.

    def dialled(self, listener):
        """A connection of the node on which it has said its name, and still waits. It has given up those from before
        it was up, and dials anew."""
        while True:
            dialled, _ = listener.accept()
            ours = Wire(dialled)
            self.assertEqual(ours.packet()[:1], b"N")
            readable, _, _ = select.select([dialled], [], [], 0)
            if not readable:
                return ours
            ours.close()

    def borrowed_handshake(self, cluster, listener, name, flags, seed="s"):
        """The node dials the taken name; what it answers there opens a connection of ours to it, as `name`, and the
        other way round. The side that we dialled, and the side that dialled us."""
        ours = self.dialled(listener)
        ours.send_packet(b"sok")
        way_in = Peer(cluster, name, flags=flags, cookie="unknown").dial("n1")
        self.addCleanup(way_in.close)
        self.addCleanup(ours.close)
        way_in.say_name()
        challenge = way_in.read_challenge()[3]
        taken = cluster.full(seed)
        ours.send_packet(b"N" + struct.pack(">QIIH", flags, challenge, 4711, len(taken)) + taken.encode())
        reply = ours.packet()
        node_challenge, borrowed = reply[1:5], reply[5:]
        way_in.wire.send_packet(b"r" + node_challenge + borrowed)
        ack = way_in.wire.packet()
        self.assertEqual(ack[:1], b"a", "the relay itself is a good one")
        ours.send_packet(ack)
        return way_in, ours

    def squat(self, cluster, seed="s"):
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(20 * SLOW)
        self.addCleanup(listener.close)
        held = peers.register_in_epmd(seed, listener.getsockname()[1], cluster.epmd_port)
        self.addCleanup(held.close)
        return listener

    def test_a_handshake_that_was_relayed_opens_nothing(self):
        cluster = self.cluster("n1", node={"join": ["s@127.0.0.1"], "exec_allow": True})
        listener = self.squat(cluster)
        cluster.start()
        # As a brood node: there the proof is asked for, and cannot be borrowed.
        way_in, ours = self.borrowed_handshake(cluster, listener, "evil", FLAGS | PROOF)
        proof = way_in.wire.packet()
        self.assertEqual(proof[:1], b"p")
        self.assertEqual(ours.packet()[:1], b"p")
        ours.send_packet(proof)
        way_in.wire.send_packet(proof)
        self.assertTrue(way_in.wire.is_closed())
        self.assertTrue(ours.is_closed())
        self.wait(lambda: "stands between" in cluster.log("n1"), 10, "n1 says that somebody stands between")
        # As a node that knows no proof: it comes in, for Erlang nodes may, and can start nothing.
        way_in, ours = self.borrowed_handshake(cluster, listener, "evil", FLAGS)
        marker = cluster.path("taken")
        way_in.request(Atom("node_info"))
        shell = program("shell", "touch", marker)
        answer = way_in.request((Atom("start_child"), WEB, shell))
        self.assertEqual(answer[0], "error", answer)
        self.assertEqual(answer[1][0], "not_allowed", answer)
        self.assertIn(b"unproven_exec", answer[1][1])
        answer = way_in.request((Atom("start_children"), WEB, [shell]))
        self.assertEqual(answer[1][0], "not_allowed", answer)
        answer = way_in.request((Atom("fleet"), {WEB: [shell]}, {}))
        self.assertEqual(answer[1][0], "not_allowed", answer)
        self.assertFalse(os.path.exists(marker))
        counters = way_in.counters()
        self.assertEqual(counters["proofs_refused"], 2)
        self.assertEqual(counters["commands_refused"], 3)
        self.assertEqual(cluster.log("n1").count("refused to start a command"), 1, cluster.log("n1"))
        cluster.wait_members()
        self.assertIn("exec_allow without TLS", cluster.log("n1"))

    def test_where_unproven_peers_are_refused_a_relay_gets_no_connection(self):
        cluster = self.cluster("n1", node={"join": ["s@127.0.0.1"], "unproven_peers": False})
        listener = self.squat(cluster)
        cluster.start()
        with self.assertRaises(Refused):
            self.borrowed_handshake(cluster, listener, "evil", FLAGS)
        for _ in range(3):
            with self.assertRaises(Refused):
                self.peer(cluster, "otp", flags=FLAGS)
        inside = self.peer(cluster, "mole")
        self.assertGreaterEqual(inside.counters()["proofs_refused"], 4)
        self.assertEqual(cluster.log("n1").count("otp@127.0.0.1 at 127.0.0.1"), 1, cluster.log("n1"))
        self.unharmed(cluster)

    def test_the_command_line_tells_nothing_to_who_took_a_nodes_name(self):
        cluster = self.cluster("n1")
        cluster.start()
        listener = self.squat(cluster, "n7")

        def pretend():
            link, _ = listener.accept()
            self.addCleanup(link.close)
            wire = Wire(link)
            wire.packet()
            wire.send_packet(b"sok")
            name = cluster.full("n7")
            wire.send_packet(b"N" + struct.pack(">QIIH", FLAGS, 1, 4711, len(name)) + name.encode())
            self.assertEqual(wire.link.recv(100), b"", "not even a digest of the cookie is said")
        thread = threading.Thread(target=pretend)
        thread.start()
        answer = cluster.brood("nodes", "--json", node="n7", status=None)
        thread.join(20)
        self.assertNotEqual(answer.status, 0)
        self.assertIn("not_proven", answer.out + answer.err)

    def test_an_erlang_node_may_start_commands_where_the_file_says_so(self):
        cluster = self.cluster("n1", node={"exec_allow": True, "unproven_exec": True})
        cluster.start()
        otp = self.peer(cluster, "otp", flags=FLAGS)
        self.assertEqual(otp.request((Atom("start_child"), WEB, program("job", "sleep", "1000")))[0], "ok")
        # A command of the node's own file needs no such leave, and a worker is no command.
        listed = self.cluster("n1", supervisors={"web": ({}, [{"id": "job", "exec": ["sleep", "1000"]}])})
        listed.start()
        listed.wait_placed(["job"])
        otp = self.peer(listed, "otp", flags=FLAGS)
        self.assertEqual(otp.request((Atom("start_child"), WEB, program("again", "sleep", "1000")))[0], "ok")
        self.assertEqual(otp.request((Atom("start_child"), WEB, {
            Atom("id"): "counter", Atom("start"): (Atom("counter"), [])}))[0], "ok")
        proven = self.peer(listed, "tool")
        other = program("other", "sleep", "999")
        for peer, words in ((otp, b"unproven_exec"), (proven, b"exec_allow")):
            answer = peer.request((Atom("start_child"), WEB, other))
            self.assertEqual(answer[1][0], "not_allowed", answer)
            self.assertIn(words, answer[1][1])

    # Memory and descriptors.

    def test_clients_that_do_not_read_hold_no_more_than_their_share_together(self):
        cluster = self.cluster("n1")
        cluster.start()
        process = cluster.process("n1")
        good = self.peer(cluster, "good", timeout=60 * SLOW)
        answer = good.request((Atom("start_child"), WEB, {
            Atom("id"): "big", Atom("start"): (Atom("counter"), []), Atom("metadata"): {
                Atom("filling"): bytes(1000 * 1000)}}))
        self.assertEqual(answer[0], "ok", answer)
        before = memory_of(process)
        deaf = [self.peer(cluster, f"deaf{number}") for number in range(16)]
        request = (Atom("child_lookup"), WEB, "big")
        most = 0
        for _ in range(40):
            for peer in deaf:
                try:
                    peer.ask(request)
                except OSError:
                    pass  # it has been cut
            # Who reads is served meanwhile.
            self.assertEqual(len(good.request(request)), 3)
            most = max(most, memory_of(process))
        counters = good.counters()
        self.note(f"{before >> 20} MiB before, at most {most >> 20} MiB while 16 clients did not read, "
                  f"{counters['slowest_cut']} of them cut")
        self.assertLess(most, 512 << 20)
        self.assertGreater(counters["slowest_cut"], 0)
        self.assertLessEqual(counters["bytes_waiting"], 257 << 20)
        self.assertIn(" is cut: ", cluster.log("n1"))
        for peer in deaf:
            peer.close()
        self.wait(lambda: memory_of(process) < before + (64 << 20), 20,
                  lambda: f"memory is given back: {memory_of(process) >> 20} MiB")

    def test_answers_to_nodes_that_nobody_knows_connect_to_nobody(self):
        cluster = self.cluster("n1")
        cluster.start()
        process = cluster.process("n1")
        mole = self.peer(cluster, "mole")
        mole.request(Atom("worker_names"))
        before = descriptors_of(process)
        most = 0
        for number in range(2000):
            stranger = etf.Pid(f"x{number}@127.0.0.{number % 250 + 2}", 1, 0, 77)
            mole.ask(Atom("worker_names"), caller=stranger)
            if number % 100 == 0:
                most = max(most, descriptors_of(process))

        def all_dropped():
            return mole.counters()["answers_dropped"] >= 2000
        self.wait(all_dropped, 30, "all answers are dropped")
        most = max(most, descriptors_of(process))
        self.assertLessEqual(most, before + 4)
        # Nor do the signals that a request makes, nor a scope of pg that is not there.
        for number in range(200):
            stranger = etf.Pid(f"y{number}@127.0.0.{number % 250 + 2}", 1, 0, 77)
            mole.send_named("web", (Atom("discover"), stranger))
            mole.send((peers.MONITOR, stranger, Atom("web"), mole.reference()))
            mole.send((peers.LINK, stranger, etf.Pid(cluster.full("n1"), 1, 0, 1)))
        mole.counters()
        self.assertLessEqual(descriptors_of(process), before + 4)
        # Nor is a process of another node subscribed, which would be watched, and so connected to.
        for number in range(20):
            mole.ask((Atom("subscribe"), WEB, Atom("all")),
                     caller=etf.Pid(f"z{number}@127.0.0.{number + 2}", 1, 0, 77))
        self.assertEqual(mole.request((Atom("hooks"), WEB))[1]["subscribers"], 0)
        self.assertEqual(mole.request((Atom("subscribe"), WEB, Atom("all")))[0], Atom("ok"))
        self.assertEqual(mole.request((Atom("hooks"), WEB))[1]["subscribers"], 1)
        self.assertEqual(cluster.log("n1").count("in the name of"), 1, cluster.log("n1"))

    def test_a_crowd_of_names_leaves_the_node_as_it_was(self):
        cluster = self.cluster("n1")
        cluster.start()
        process = cluster.process("n1")
        self.unharmed(cluster)
        before = descriptors_of(process)
        for number in range(300):
            client = Peer(cluster, f"client{number}").connect("n1")
            client.request((Atom("is_alive"), WEB))
            client.close()
        mole = self.peer(cluster, "mole")
        self.wait(lambda: len(mole.request(Atom("network_info"))[1]["peers"]) == 1, 20, "they are gone")
        self.assertLessEqual(descriptors_of(process), before + 4)
        self.unharmed(cluster)


if __name__ == "__main__":
    main()
