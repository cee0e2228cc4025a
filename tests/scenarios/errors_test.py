"""Every error of a node's start and of its network: said clearly, and harming nobody else."""

import os
import pathlib
import random
import re
import shutil
import socket
import subprocess
import time

from support import ScenarioTest, brood_binary, main, ports, processes

from harness.cluster import chaos_library  # the path is set by support

HEADER = pathlib.Path(__file__).resolve().parents[2] / "include" / "brood" / "node.hpp"


class Errors(ScenarioTest):
    def fails(self, cluster, name, *words, status=None, seconds=20, **launch):
        """A node that must not come up: its words."""
        process = cluster.launch(name, **launch)
        self.wait(lambda: process.poll() is not None, seconds, f"{name} gives up")
        text = cluster.log(name) + cluster.out(name)
        self.assertNotEqual(process.returncode, 0, text)
        self.assertGreater(process.returncode, 0, "it ends by itself, not by a signal: " + text)
        if status is not None:
            self.assertEqual(process.returncode, status, text)
        for word in words:
            self.assertIn(word, text)
        self.assertNotIn("is up", cluster.out(name))
        return text

    def two_that_live(self):
        cluster = self.cluster("n1", "n2")
        cluster.start()
        cluster.wait_members()
        return cluster

    def lives(self, cluster):
        cluster.wait_members(("n1", "n2"))
        cluster.brood("start", f"alive-{random.random()}", "--worker", "echo", node="n1")

    def test_a_wrong_cookie_ends_the_node_and_is_said_on_both_sides(self):
        cluster = self.cluster("n1", "n2", supervisors={"web": ({}, [
            {"id": f"p{number}", "exec": ["sleep", "1000"]} for number in range(4)])})
        cluster.start()
        cluster.wait_placed([f"p{number}" for number in range(4)])
        wrong = cluster.write("wrong", "another cookie", 0o400)
        config = cluster.write("n3.toml", cluster.fleet_text("n3", node={"cookie_file": wrong}))
        self.fails(cluster, "n3", "it refused our cookie; give both nodes the same one", status=1, config=config)
        self.assertEqual(len(processes.with_environment("BROOD_NODE", cluster.full("n3"), cluster.mark)), 0)
        self.assertNotIn(" started", cluster.log("n3"), "nothing runs a second time")
        self.wait(lambda: "cookie" in (cluster.log("n1") + cluster.log("n2")).lower(), 20, "the others say so too")
        time.sleep(1)
        count = cluster.log("n1").lower().count("cookie")
        self.assertLessEqual(count, 3, "said once a minute, not each time")
        self.lives(cluster)

    def test_a_seed_with_a_wrong_cookie_among_good_ones_ends_nobody(self):
        cluster = self.cluster("n1", "n2", "n3")
        wrong = cluster.write("wrong", "another cookie", 0o400)
        alone = cluster.fleet_text("n3", node={"cookie_file": wrong, "join": []})
        cluster.launch("n3", config=cluster.write("alone.toml", alone))
        cluster.wait_up("n3")
        cluster.start("n1", "n2")
        cluster.wait_members(("n1", "n2"))
        self.assertIn("cookie", cluster.log("n1"))

    def test_a_node_that_is_up_outlives_one_with_a_wrong_cookie(self):
        cluster = self.cluster("n1", "n2")
        cluster.start("n1")
        wrong = cluster.write("wrong", "another cookie", 0o400)
        config = cluster.write("n2.toml", cluster.fleet_text("n2", node={"cookie_file": wrong}))
        self.fails(cluster, "n2", "cookie", status=1, config=config)
        cluster.brood("start", "x", "--worker", "echo", node="n1")

    def test_the_name_by_which_a_seed_calls_itself_is_said(self):
        cluster = self.cluster("n1", "n2")
        cluster.start("n1")
        config = cluster.write("n2.toml", cluster.fleet_text("n2", node={"join": ["n1@localhost"]}))
        cluster.launch("n2", config=config)
        self.wait(lambda: "n1@127.0.0.1, answers there; give `join` that name" in cluster.log("n2"), 20,
                  lambda: "n2 says what to write: " + cluster.log("n2"))
        self.assertIn("warning cannot join seed n1@localhost", cluster.log("n2"))

    def test_a_node_without_its_shim_says_at_its_start_that_programs_do_not_run(self):
        cluster = self.cluster("n1", chaos=False)
        alone = cluster.path("alone")
        os.mkdir(alone)
        shutil.copy(brood_binary(), alone)
        config = cluster.write("n1.toml", cluster.fleet_text("n1"))
        with open(cluster.path("alone.log"), "wb") as log:
            node = processes.spawn([os.path.join(alone, "brood"), "node", "--config", config], cluster.mark,
                                   cluster.environment, stderr=log, stdout=log)

        def text():
            with open(cluster.path("alone.log"), encoding="utf-8") as file:
                return file.read()
        self.wait(lambda: "is up" in text(), 20, text)
        self.assertIn("warning no programs (exec) can be started here: programs need brood-shim", text())
        node.terminate()
        self.assertEqual(node.wait(20), 0)

    def test_a_node_is_up_when_its_supervisors_are(self):
        cluster = self.cluster("n1", "n2")
        cluster.start("n1")
        self.assertEqual([row["up"] for row in cluster.nodes("n1") if row["name"] == cluster.full("n1")], [True])
        self.assertIn("not up yet: supervisor web still joins; not connected: n2@127.0.0.1", cluster.log("n1"))

    def test_a_node_with_other_settings_ends_and_says_what_differs(self):
        cluster = self.two_that_live()
        other = cluster.write("other.toml", cluster.fleet_text("n3", supervisors={"web": ({"migration": "hot_swap"}, [])}))
        self.fails(cluster, "n3", "setting `migration` is hot_swap/1 at n3@127.0.0.1 and cold_swap/1 at n",
                   "give all nodes the same", config=other, status=1)
        self.lives(cluster)

    def test_a_node_with_other_settings_goes_on_for_its_other_supervisors(self):
        cluster = self.two_that_live()
        both = cluster.write("both.toml", cluster.fleet_text("n3", supervisors={
            "web": ({"migration": "hot_swap"}, []), "own": ({}, [])}))
        process = cluster.launch("n3", config=both)
        self.wait(lambda: "is up, but for supervisor web: setting `migration`" in cluster.out("n3"), 20, "it is up")
        cluster.brood("start", "x", "--worker", "echo", "--supervisor", "own", node="n3")
        refused = cluster.brood("start", "y", "--worker", "echo", "--supervisor", "web", node="n3", status=1)
        self.assertIn("this node is no member of the supervisor: setting `migration`", refused.err)
        self.assertIsNone(process.poll())

    def test_an_address_of_another_machine_names_the_cure(self):
        cluster = self.cluster("n1", node={"name": "n1@192.0.2.1", "join": []})
        self.fails(cluster, "n1", "cannot listen at 192.0.2.1", "say with `listen` where it listens")

    def test_a_log_folder_that_cannot_be_had_is_told_at_the_start(self):
        cluster = self.cluster("n1")
        cluster.write("file", "")
        config = cluster.write("n1.toml", cluster.fleet_text("n1", node={"log_dir": cluster.path("file/logs")}))
        cluster.launch("n1", config=config)
        cluster.wait_up("n1")
        self.assertIn("no programs (exec) can be started here: cannot make the log folder", cluster.log("n1"))

    def test_a_child_that_the_cluster_has_otherwise_is_told_of_at_the_start(self):
        def children(*seconds):
            return {"web": ({}, [{"id": f"p{number}", "exec": ["sleep", str(time)]}
                                 for number, time in enumerate(seconds)])}

        cluster = self.cluster("n1", "n2", supervisors=children(1000, 1000))
        cluster.start()
        cluster.wait_placed(["p0", "p1"])
        self.assertNotIn("are others in the cluster", cluster.log("n1") + cluster.log("n2"))
        edited = cluster.write("edited.toml", cluster.fleet_text("n3", supervisors=children(1000, 2000)))
        cluster.launch("n3", config=edited)
        words = "1 of 2 children of this node's file are others in the cluster, which counts: p1; `brood apply"
        self.wait(lambda: words in cluster.log("n3"), 20, lambda: cluster.log("n3"))

    def test_a_name_in_use_is_refused(self):
        cluster = self.two_that_live()
        config = cluster.write("again.toml", cluster.fleet_text("n1"))
        self.fails(cluster, "again", "n1@127.0.0.1", config=config)
        self.lives(cluster)

    def test_a_port_taken_is_refused_with_address_and_port(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            cluster = self.cluster("n1", node={"port": port})
            self.fails(cluster, "n1", str(port), "127.0.0.1")

    def test_an_unknown_host_in_join_does_not_keep_a_node_down(self):
        cluster = self.cluster("n1", node={"join": ["n2@no-such-host.invalid", "n3@127.0.0.1"]})
        cluster.start("n1", seconds=40)
        cluster.brood("start", "x", "--worker", "echo", node="n1")
        self.assertIn("no-such-host.invalid", cluster.log("n1"))

    def test_a_name_with_an_unknown_host_is_refused(self):
        cluster = self.cluster("n1", node={"name": "n1@no-such-host.invalid", "join": []})
        self.fails(cluster, "n1", "no-such-host.invalid")

    def test_a_plug_in_of_another_version_is_refused_with_both_versions(self):
        version = re.search(r"#define BROOD_PLUGIN_VERSION (\d+)", HEADER.read_text(encoding="utf-8")).group(1)
        for name in ("libold_plugin.so", "libold_plugin_that_lacks.so"):
            plugin = chaos_library().parent / name
            cluster = self.cluster("n1")
            config = cluster.write("n1.toml", cluster.fleet_text("n1"))
            text = self.fails(cluster, "n1", f"{plugin} was built for version 1 of plug-ins, and this node has {version}; "
                              "build it with this node's headers", status=1, arguments=[
                                  "--config", config, "--worker-lib", str(plugin)])
            self.assertNotIn("undefined symbol", text)

    def test_a_bad_name_is_refused(self):
        for name in ("n1", "@127.0.0.1", "n1@", "a b@127.0.0.1"):
            with self.subTest(name):
                cluster = self.cluster("n1", node={"name": name, "join": []})
                self.fails(cluster, "n1", "name")

    def test_a_cookie_that_others_can_read_is_refused(self):
        cluster = self.cluster("n1")
        os.chmod(cluster.cookie_file, 0o444)
        self.fails(cluster, "n1", "cookie")

    def test_the_cookie_may_come_from_the_environment_and_programs_do_not_inherit_it(self):
        cluster = self.cluster("n1", node={"cookie_file": None, "exec_allow": True})
        cluster.launch("n1", environment={"BROOD_COOKIE": cluster.cookie})
        cluster.wait_up("n1")
        cluster.brood("start", "env", "--", "sh", "-c", "echo cookie=$BROOD_COOKIE child=$BROOD_CHILD; exec sleep 1000",
                      node="n1")
        self.wait(lambda: "child=env" in cluster.brood("logs", "env", node="n1").out, 10, "it has written")
        self.assertIn("cookie= child=env", cluster.brood("logs", "env", node="n1").out)

    def test_the_cookie_may_be_a_credential_of_systemd(self):
        cluster = self.cluster("n1", node={"cookie_file": None})
        os.mkdir(cluster.path("credentials"))
        cluster.write("credentials/brood.cookie", cluster.cookie, 0o400)
        cluster.launch("n1", environment={"CREDENTIALS_DIRECTORY": cluster.path("credentials")})
        cluster.wait_up("n1")
        cluster.brood("ps", node="n1")

    def test_a_missing_cookie_says_how_to_make_one(self):
        cluster = self.cluster("n1", node={"cookie_file": "/no/such/cookie"})
        self.fails(cluster, "n1", "/no/such/cookie")

    def test_a_bad_fleet_file_names_file_line_and_key(self):
        cases = {
            '[node]\nnmae = "n1@127.0.0.1"\n': ("bad.toml:2", "nmae", "name"),
            '[node]\nname = "n1@127.0.0.1"\n[[supervisor.web.child]]\nid = 7\nworker = "echo"\n':
                ("bad.toml:4", "id"),
            '[node]\nname = "n1@127.0.0.1"\n[[supervisor.web.child]]\nid = "a"\n': ("bad.toml:3", "worker"),
            '[node]\nname = "n1@127.0.0.1"\n[[supervisor.web.child]]\nid = "a"\nworker = "echo"\nexec = ["x"]\n':
                ("bad.toml", "exec"),
            '[node]\nname = "n1@127.0.0.1"\n[supervisor.web]\nmigration = "warm"\n': ("bad.toml:4", "cold_swap"),
            '[node]\nname = \n': ("bad.toml:2",),
            '[node]\nname = "n1@127.0.0.1"\n[[supervisor.web.child]]\nid = "a"\nworker = "echo"\n'
            '[[supervisor.web.child]]\nid = "a"\nworker = "echo"\n': ("bad.toml:7", '"a"'),
        }
        cluster = self.cluster("n1")
        for text, words in cases.items():
            with self.subTest(text):
                self.fails(cluster, "n1", *words, status=2, config=cluster.write("bad.toml", text))
        self.fails(cluster, "n1", "none.toml", status=2, config=cluster.path("none.toml"))

    def test_a_supervisor_may_be_there_only_once(self):
        cluster = self.cluster("n1")
        text = '[node]\nname = "n1@127.0.0.1"\n[supervisor.web]\n[supervisor.web]\n'
        self.fails(cluster, "n1", "web", status=2, config=cluster.write("bad.toml", text))

    def test_an_unknown_worker_in_the_file_harms_nothing_else_and_is_shown(self):
        cluster = self.cluster("n1", "n2", supervisors={"web": ({}, [
            {"id": "bad", "worker": "no_such_worker"}, {"id": "good", "worker": "echo"}])})
        cluster.start()
        self.wait(lambda: cluster.placed("n1").get("good"), 15, "the other one runs")
        self.assertEqual(cluster.placed("n2").get("bad", []), [])
        self.assertIn("no_such_worker", cluster.brood("show", "bad", node="n1", status=None).out
                      + cluster.log("n1") + cluster.log("n2"))
        for command in (["show", "bad"], ["ps"], ["where", "bad"]):
            self.assertIn("no member knows the worker no_such_worker", cluster.brood(*command, node="n1").out)

    def test_a_worker_library_that_is_none_is_refused_by_name(self):
        cluster = self.cluster("n1", chaos=False, node={"worker_libs": ["/no/such/libx.so"]})
        self.fails(cluster, "n1", "/no/such/libx.so")

    def test_a_lone_node_that_leaves_speaks_of_no_others(self):
        cluster = self.cluster("n1")
        cluster.start()
        cluster.leave("n1")
        self.assertIn("there is no other node", cluster.log("n1"))

    def test_garbage_on_the_port_harms_nobody(self):
        port = ports.free_port()
        cluster = self.cluster("n1", "n2")
        config = cluster.write("n1.toml", cluster.fleet_text("n1", node={"port": port}))
        cluster.launch("n1", config=config)
        cluster.launch("n2")
        cluster.wait_up("n1")
        cluster.wait_up("n2")
        cluster.wait_members()
        choice = random.Random(1)
        pieces = [b"", b"\0", b"GET / HTTP/1.0\r\n\r\n", b"\xff\xff" + b"x" * 100, b"\0\x05n" + b"\0" * 30,
                  b"\0\x02n\x00", choice.randbytes(70000), b"\0\x15N" + b"\xff" * 18 + b"zz"]
        for piece in pieces + [choice.randbytes(choice.randrange(1, 400)) for _ in range(60)]:
            with socket.create_connection(("127.0.0.1", port), 5) as link:
                link.settimeout(5)
                try:
                    link.sendall(piece)
                    link.shutdown(socket.SHUT_WR)
                    while link.recv(4096):
                        pass
                except OSError:
                    pass
        idle = [socket.create_connection(("127.0.0.1", port), 5) for _ in range(100)]
        self.lives(cluster)
        for link in idle:
            link.close()
        self.assertIsNone(cluster.process("n1").poll())

    def test_without_epmd_nodes_are_joined_by_port(self):
        both = [ports.free_port(), ports.free_port()]
        cluster = self.cluster("n1", "n2", own_epmd=False, node={"epmd": False})
        for index, name in enumerate(cluster.names):
            other = 1 - index
            options = {"port": both[index], "join": [f"{cluster.full(cluster.names[other])}:{both[other]}"]}
            cluster.launch(name, config=cluster.write(f"{name}.toml", cluster.fleet_text(name, node=options)))
        for name in cluster.names:
            cluster.wait_up(name)

        def both_there():
            nodes = cluster.brood("nodes", "--json", "--node", f"n1@127.0.0.1:{both[0]}").json
            return sum(node["up"] for node in nodes) == 2
        self.wait(both_there, 20, "two nodes without EPMD")
        cluster.brood("start", "x", "--worker", "echo", "--node", f"n2@127.0.0.1:{both[1]}")
        self.assertIn("x", cluster.brood("ps", "--node", f"n1@127.0.0.1:{both[0]}").out)

    def test_an_absent_epmd_is_started_or_said(self):
        cluster = self.cluster("n1", own_epmd=False)
        process = cluster.launch("n1")
        self.wait(lambda: process.poll() is not None or "is up" in cluster.out("n1"), 20, "up, or why not")
        if process.poll() is not None:
            self.assertIn("epmd", cluster.log("n1").lower())
        else:
            # It has started one, which stays as EPMD does: not as a leftover of this test.
            subprocess.run(["epmd", "-port", str(cluster.epmd_port), "-names"], check=True, capture_output=True,
                           env=dict(os.environ, **cluster.environment))
            self.assertIn("started EPMD, which did not run here, at 127.0.0.1", cluster.log("n1"))
            cluster.leave("n1")
            subprocess.run(["epmd", "-port", str(cluster.epmd_port), "-kill"], capture_output=True, check=False,
                           env=dict(os.environ, **cluster.environment))

    def test_an_epmd_that_restarts_is_registered_with_again(self):
        cluster = self.two_that_live()
        cluster.stop_epmd()
        time.sleep(0.2)
        cluster.start_epmd()
        self.wait(lambda: cluster.brood("ps", node="n1", status=None).status == 0, 30, "n1 is registered again")
        cluster.launch("n3")
        cluster.names.append("n3")
        cluster.wait_up("n3")
        cluster.wait_members(("n1", "n2", "n3"), 30)

    def test_a_node_without_a_name_says_how_to_give_one(self):
        cluster = self.cluster("n1")
        run = subprocess.run([str(brood_binary()), "node", "--config", cluster.write("no-name.toml", "[node]\n")],
                             capture_output=True, text=True, check=False, timeout=20,
                             env=dict(os.environ, **cluster.environment))
        self.assertEqual(run.returncode, 2, run.stderr)
        self.assertIn("name", run.stderr)


if __name__ == "__main__":
    main()
