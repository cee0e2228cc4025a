"""The command line: what each command prints, as text and as JSON, and its exit status."""

import fcntl
import json
import os
import pathlib
import pty
import re
import select
import struct
import subprocess
import termios
import threading
import time

from support import Cluster, ScenarioTest, brood_binary, main, ports, processes, server_child


def json_keys(value, depth, path=""):
    """The keys of a document: "id", "[]id" in the items of a list, down to so many lists."""
    if isinstance(value, list):
        return set().union(*(json_keys(item, depth - 1, path + "[]") for item in value)) if depth > 0 else set()
    if not isinstance(value, dict) or (path and not path.endswith("[]")):
        return set()
    found = {path + key for key in value}
    for key, item in value.items():
        if isinstance(item, list) and depth > 0:
            found |= json_keys(item, depth, path + key)
    return found


class CommandLine(ScenarioTest):
    @classmethod
    def setUpClass(cls):
        cls.shared = Cluster(("n1", "n2", "n3"), node={"exec_allow": True})
        cls.port = ports.free_port()
        cls.shared.supervisors = {"web": ({}, [
            server_child(cls.shared, "files", cls.port, tag="server"),
            {"id": "monitor/files", "worker": "tcp_monitor", "tag": "monitor",
             "args": {"host": "127.0.0.1", "port": cls.port, "every_ms": 100}},
            {"id": "c{n}", "worker": "counter", "count": 20},
        ])}
        cls.count = 22
        try:
            cls.shared.start()
            cls.shared.wait_members()
        except BaseException:
            print(cls.shared.logs_text())
            cls.shared.close()
            raise

    @classmethod
    def tearDownClass(cls):
        left = cls.shared.close()
        assert left == {}, f"something was left behind: {left}"

    def tearDown(self):
        if not self._outcome.success:
            print(self.shared.logs_text(15))

    def brood(self, *words, node="n1", status=0, **more):
        return self.shared.brood(*words, node=node, status=status, **more)

    def error(self, answer):
        """The code of a --json error."""
        self.assertEqual(answer.err.strip() if answer.err else "", answer.err.strip())
        self.assertEqual(set(answer.json), {"error"} | set(answer.json))
        self.assertTrue(answer.json["error"]["message"])
        return answer.json["error"]["code"]

    # Restarting, waiting

    def test_restart_begins_anew_where_the_child_is(self):
        self.brood("wait", "c3", "files")
        before = {child["id"]: child for child in self.brood("ps", "--json").json}
        self.brood("call", "c3", "{add, 7}")
        for node, words in (("n1", ("c3",)), ("n2", ("--tag", "server", "--rolling"))):
            answer = self.brood("restart", *words, "--json", node=node)
            self.assertEqual(answer.json["restarted"], ["c3"] if words == ("c3",) else ["files"])
        after = {child["id"]: child for child in self.brood("ps", "--json").json}
        self.assertEqual(self.brood("call", "c3", "get").out.strip(), "0", "it was started anew")
        for name in ("c3", "files"):
            self.assertEqual(after[name]["instances"][0]["node"], before[name]["instances"][0]["node"])
            self.assertNotEqual(after[name]["instances"][0]["pid"], before[name]["instances"][0]["pid"])
        self.assertNotEqual(after["files"]["instances"][0]["os_pid"], before["files"]["instances"][0]["os_pid"])
        self.assertEqual(self.error(self.brood("restart", "nobody", "--json", status=1)), "no_such_child")
        ends = [event["text"] for event in self.brood("why", "c3", "--json").json["events"] if event["event"] == "ended"]
        self.assertTrue(ends and ends[-1].endswith("or was to begin anew"), ends)

    def test_what_was_stopped_is_listed_and_started_by_its_id(self):
        cluster = self.cluster("n1", "n2", supervisors={"web": ({}, [
            {"id": name, "exec": ["sleep", "1000"], "tag": "server", "shutdown_ms": 1234} for name in ("s1", "s2")])})
        cluster.start()
        cluster.wait_placed(["s1", "s2"])
        cluster.brood("stop", "--tag", "server", node="n1")
        self.assertEqual(cluster.ps("n2"), [])
        self.assertEqual([(row["id"], row["instances"]) for row in cluster.ps("n2", "-a")], [("s1", []), ("s2", [])])
        cluster.brood("start", "s2", node="n2")
        self.assertEqual([row["id"] for row in cluster.ps("n1")], ["s2"])
        shown = cluster.brood("show", "s2", "--json", node="n1").json
        self.assertEqual((shown["tags"], shown["shutdown"], shown["static"]), (["server"], "1234", True), shown)
        self.assertIn("already", cluster.brood("start", "s2", node="n1", status=1).err)
        # What was started by hand is forgotten when it is stopped.
        cluster.brood("start", "h", "--worker", "counter", node="n1")
        cluster.brood("stop", "h", node="n1")
        self.assertIn("Give --worker", cluster.brood("start", "h", node="n1", status=2).err)

    def test_signal_reaches_a_program_from_every_node(self):
        script = "trap 'echo was told' HUP; echo ready; while :; do sleep 0.05; done"
        self.brood("start", "listens", "--", "sh", "-c", script)
        self.addCleanup(self.brood, "stop", "listens")
        self.wait(lambda: "ready" in self.brood("logs", "listens").out, 10, "it listens")
        for count, node in enumerate(("n1", "n2", "n3"), 1):
            self.brood("signal", "listens", "HUP", node=node)
            self.wait(lambda: self.brood("logs", "listens").out.count("was told") == count, 10, f"it heard of {node}")
        self.assertEqual(self.error(self.brood("signal", "c3", "HUP", "--json", status=1)), "invalid_argument")
        self.assertEqual(self.error(self.brood("signal", "nobody", "HUP", "--json", status=1)), "no_such_child")

    def test_wait_for_a_job_says_how_it_ended(self):
        self.brood("start", "job", "--restart", "temporary", "--", "sh", "-c", "sleep 0.3; exit 7")
        self.assertIn("exited with code 7", self.brood("wait", "job", "--for", "stopped").out)
        self.assertEqual(self.error(self.brood("wait", "job", "--timeout", "200", "--json", status=1)), "timeout")

    def test_completions_know_ids_and_nodes(self):
        self.assertIn("c3", self.brood("ps", "-q").out.split())
        self.assertEqual(set(self.brood("nodes", "-q").out.split()),
                         {self.shared.full(name) for name in ("n1", "n2", "n3")})

    # Looking

    def test_ps_json_has_the_promised_keys(self):
        self.wait(lambda: len(self.brood("ps", "--json").json) >= self.count, 20, "all children are there")
        for child in self.brood("ps", "--json").json:
            self.assertLessEqual({"id", "worker", "restart", "tags", "instances"}, set(child))
            for instance in child["instances"]:
                self.assertLessEqual({"node", "pid", "os_pid", "phase", "role", "restarts", "uptime_s"},
                                     set(instance))
        by_id = {child["id"]: child for child in self.brood("ps", "--json").json}
        files = by_id["files"]["instances"][0]
        self.assertTrue(os.path.exists(f"/proc/{files['os_pid']}"))
        self.assertEqual(by_id["files"]["tags"], ["server"])
        self.assertEqual(by_id["c1"]["instances"][0]["os_pid"], 0)

    def test_ps_local_of_all_nodes_is_ps(self):
        local = [child["id"] for node in ("n1", "n2", "n3")
                 for child in self.brood("ps", "--json", "--local", node=node).json]
        everything = [child["id"] for child in self.brood("ps", "--json").json]
        self.assertEqual(sorted(local), sorted(everything))

    def test_ps_by_tag(self):
        self.assertEqual([child["id"] for child in self.brood("ps", "--json", "--tag", "server").json], ["files"])
        self.assertEqual(self.brood("ps", "--json", "--tag", "nothing").json, [])

    def test_ps_as_text_names_every_child_and_keeps_its_lines_whole(self):
        children = [child["id"] for child in self.brood("ps", "--json").json]
        text = self.brood("ps").out
        heading, *lines = text.splitlines()
        self.assertIn("ID", heading.split())
        self.assertEqual(len(lines), len(children))
        for name in children:
            self.assertTrue(any(name in line.split() for line in lines), f"{name}:\n{text}")
        self.assertNotIn("\x1b[", text, "no colours where there is no terminal")

    def test_nodes_json_has_the_promised_keys(self):
        nodes = self.brood("nodes", "--json").json
        self.assertEqual(sorted(node["name"] for node in nodes), [self.shared.full(n) for n in ("n1", "n2", "n3")])
        for node in nodes:
            self.assertIs(node["up"], True)
            self.assertIsInstance(node["supervisors"]["web"]["children"], int)
        self.assertEqual([node["name"] for node in nodes if node["self"]], [self.shared.full("n1")])

    def test_show_and_where(self):
        shown = self.brood("show", "files", "--json").json
        self.assertEqual(shown["id"], "files")
        where = self.brood("where", "files", "--json").json
        self.assertEqual(where["runs_on"], shown["instances"][0]["node"])
        self.assertEqual(where["node"], where["runs_on"])
        self.assertIn(where["node"], self.brood("where", "files").out)
        self.assertEqual(self.error(self.brood("show", "nobody", "--json", status=1)), "no_such_child")

    def test_workers_are_listed(self):
        self.assertLessEqual({"counter", "echo", "tcp_monitor"}, set(self.brood("workers", "--json").json))

    def test_supervisor_may_be_named_and_must_exist(self):
        self.brood("ps", "--supervisor", "web")
        self.brood("ps", "--supervisor", "nobody", status=1)

    # Changing

    def test_start_call_cast_stop(self):
        self.brood("start", "mine", "--worker", "counter", "--tag", "t")
        self.assertEqual(self.brood("call", "mine", "{add, 5}").out.strip(), "5")
        self.brood("cast", "mine", "{add, 2}", node="n2")
        self.wait(lambda: self.brood("call", "mine", "get", node="n3").out.strip() == "7", 5, "the cast arrived")
        self.assertEqual(self.brood("call", "mine", "get", "--json").json["value"], 7)
        again = self.brood("start", "mine", "--worker", "counter", "--tag", "t", "--json", status=1)
        self.assertEqual(self.error(again), "already_started")
        self.brood("stop", "mine", node="n3")
        self.assertEqual(self.error(self.brood("stop", "mine", "--json", status=1)), "no_such_child")
        self.assertEqual(self.error(self.brood("call", "mine", "get", "--json", status=1)), "no_such_child")

    def test_start_on_a_node(self):
        for node in ("n1", "n2", "n3"):
            full = self.shared.full(node)
            self.brood("start", f"at-{node}", "--worker", "echo", "--on", full)
            self.assertEqual(self.brood("where", f"at-{node}", "--json").json["runs_on"], full)
        refused = self.brood("start", "at-n9", "--worker", "echo", "--on", "n9@127.0.0.1", "--json", status=1)
        self.assertEqual(self.error(refused), "not_member")

    def test_several_are_stopped_at_once(self):
        ids = [f"slow-{i}" for i in range(4)]
        for name in ids:
            self.brood("start", name, "--shutdown", "2000", "--", "sh", "-c", "trap '' TERM; while :; do sleep 0.1; done")
        since = time.monotonic()
        self.assertEqual(self.brood("stop", *ids).out, "".join(f"stopped {name}\n" for name in ids))
        self.assertLess(time.monotonic() - since, 2.0 * len(ids), "not one after the other")
        some = self.brood("stop", "nobody", "no-one", "--json", status=1)
        self.assertEqual([error["id"] for error in some.json["errors"]], ["nobody", "no-one"])

    def test_a_command_that_ends_at_once_is_said_to(self):
        self.assertIn("it ended at once", self.brood("start", "loop", "--", "false").out)
        self.brood("stop", "loop")
        self.assertIn("ended already", self.brood("start", "once", "--restart", "temporary", "--", "true").out)

    def test_up_is_the_age_of_the_process(self):
        self.brood("start", "aging", "--", "sleep", "1000")

        def instance(node):
            return self.brood("show", "aging", "--json", node=node).json["instances"][0]
        self.wait(lambda: instance("n1")["uptime_s"] > 0.5, 10, "it has aged")
        before = instance("n1")["os_pid"]
        since = time.monotonic()
        os.kill(before, 9)
        self.wait(lambda: instance("n1")["os_pid"] not in (0, before), 10, "it runs again")
        for node in ("n1", "n2", "n3"):
            self.assertLess(instance(node)["uptime_s"], time.monotonic() - since + 0.2)
        self.brood("stop", "aging")

    def test_a_message_that_a_child_does_not_know_is_status_1(self):
        self.brood("start", "picky", "--worker", "counter")
        answer = self.brood("call", "picky", "nonsense", "--json", status=1)
        self.assertEqual(self.error(answer), "type_mismatch")
        self.brood("stop", "picky")

    def test_where_a_pinned_child_belongs_is_where_it_may_run(self):
        for name in ("n1", "n2", "n3"):
            full = self.shared.full(name)
            pinned = self.shared.write("pinned.toml", self.shared.fleet_text("n1", {"web": (
                {}, [{"id": f"pinned-{name}", "worker": "echo", "nodes": [full]}])}))
            self.brood("apply", pinned)
            where = self.brood("where", f"pinned-{name}", "--json").json
            self.assertEqual((where["node"], where["runs_on"]), (full, full))
        self.brood("stop", "pinned-n1", "pinned-n2", "pinned-n3")

    def test_ids_that_begin_with_a_colon_are_atoms(self):
        self.brood("start", ":atom", "--worker", "echo")
        self.brood("stop", "atom", status=1)
        self.brood("stop", ":atom")

    def test_a_terms_own_syntax_comes_back(self):
        self.brood("start", "mirror", "--worker", "echo")
        for term in ("{a, [1, 2.5, <<\"x\">>], #{k => 'an atom'}}", "[]", "\"text\"", "1180591620717411303424"):
            self.assertEqual(self.brood("call", "mirror", term).out.strip().replace(" ", ""),
                             term.replace(" ", ""))
        self.brood("stop", "mirror")

    def test_a_command_runs_and_its_output_is_kept(self):
        self.brood("start", "talker", "--restart", "temporary", "--", "sh", "-c",
                   "echo out $BROOD_CHILD; echo err >&2; exec sleep 1000")

        def logged():
            text = self.brood("logs", "talker").out
            return "out talker" in text and "err" in text
        self.wait(logged, 10, "both lines are in its log")
        self.assertIn("out talker", self.brood("logs", "talker", node="n2").out)
        self.assertEqual(self.brood("logs", "talker", "-n", "1").out.strip().count("\n"), 0)
        self.brood("stop", "talker", node="n3")
        self.brood("logs", "nobody", status=1)

    def test_logs_follow_until_interrupted(self):
        self.brood("start", "ticker", "--", "sh", "-c", "n=0; while :; do n=$((n+1)); echo line $n; sleep 0.1; done")
        command = [str(brood_binary()), "logs", "ticker", "-f", "--node", self.shared.full("n1"),
                   "--cookie-file", self.shared.cookie_file]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True,
                              env=dict(os.environ, **self.shared.environment)) as follower:
            seen = [follower.stdout.readline() for _ in range(8)]
            follower.send_signal(2)
            follower.stdout.read()
            status = follower.wait(10)
        self.assertTrue(all(line.startswith("line ") for line in seen), seen)
        numbers = [int(line.split()[1]) for line in seen]
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + 8)), "no line twice, none missing")
        self.assertIn(status, (0, 130, -2))
        self.brood("stop", "ticker")

    # Refused, wrong, unreachable

    def test_wrong_use_is_status_2_and_says_how_to_do_it(self):
        for words in (["no_such_command"], [], ["ps", "--no-such-option"], ["call", "x"], ["call", "x", "{a"],
                      ["start", "x", "--tag", "t"], ["start", "x", "--worker", "echo", "--", "sleep"], ["logs"],
                      ["start", "x", "--worker", "echo", "--restart", "sometimes"], ["stop"],
                      ["start", "i" * 256, "--worker", "echo"]):
            with self.subTest(words):
                answer = self.shared.brood(*words, node="n1" if words else None, cookie=bool(words), status=2)
                self.assertEqual(answer.out, "")
                self.assertGreater(len(answer.err), 10)

    def test_without_a_node_it_says_how_to_name_one(self):
        answer = self.shared.brood("ps", status=2)
        self.assertIn("--node", answer.err)
        self.assertIn("BROOD_NODE", answer.err)

    def test_the_environment_names_the_node(self):
        self.shared.brood("ps", environment={"BROOD_NODE": self.shared.full("n2")})

    def test_of_several_nodes_the_first_that_can_be_reached_answers(self):
        free = ports.free_port()
        several = f"n9@127.0.0.1:{free},{self.shared.full('n3')} {self.shared.full('n1')}"
        nodes = self.shared.brood("nodes", "--json", environment={"BROOD_NODE": several}).json
        self.assertEqual([node["name"] for node in nodes if node["self"]], [self.shared.full("n3")])
        none = self.shared.brood("nodes", environment={"BROOD_NODE": f"n8@127.0.0.1,n9@127.0.0.1:{free}"}, status=3)
        self.assertIn("n8@127.0.0.1", none.err)
        self.assertIn("n9@127.0.0.1", none.err)
        self.shared.brood("drain", environment={"BROOD_NODE": several}, status=2)

    def test_the_environment_names_supervisor_and_cookie(self):
        self.brood("ps", environment={"BROOD_SUPERVISOR": "web"})
        self.brood("ps", environment={"BROOD_SUPERVISOR": "nobody"}, status=1)
        self.brood("ps", cookie=False, environment={"BROOD_COOKIE": self.shared.cookie})
        wrong = self.brood("ps", cookie=False, environment={"BROOD_COOKIE": "another"}, status=3)
        self.assertIn("cookie", wrong.err)

    def test_a_cookie_file_with_more_lines_is_remarked_on(self):
        two = self.shared.write("two-lines", self.shared.cookie + "\nmore\n", 0o400)
        answer = self.brood("ps", "--cookie-file", two, cookie=False)
        self.assertIn("only the first line", answer.err)

    def test_a_node_that_cannot_be_reached_is_status_3_and_says_why(self):
        wrong = self.shared.write("wrong-cookie", "another", 0o400)
        free = ports.free_port()
        cases = {
            "not registered": (["ps", "--node", "n9@127.0.0.1"], {}),
            "no such host": (["ps", "--node", "n1@no-such-host.invalid"], {}),
            "EPMD down": (["ps", "--node", self.shared.full("n1")], {"ERL_EPMD_PORT": str(free)}),
            "connection refused": (["ps", "--node", f"n1@127.0.0.1:{free}"], {}),
        }
        texts = set()
        for why, (words, environment) in cases.items():
            with self.subTest(why):
                answer = self.shared.brood(*words, "--json", status=3, environment=environment)
                self.assertNotEqual(self.error(answer), "")
                texts.add(answer.json["error"]["message"])
        self.assertEqual(len(texts), len(cases), f"each in its own words: {texts}")
        self.assertEqual(sum("`brood node --name " in text for text in texts), 3, f"how to start one: {texts}")
        answer = self.shared.brood("ps", "--node", self.shared.full("n1"), "--cookie-file", wrong, "--json",
                                   cookie=False, status=3)
        self.assertIn("cookie", answer.json["error"]["message"])

    def test_a_cookie_that_others_can_read_is_refused(self):
        open_to_all = self.shared.write("open-cookie", self.shared.cookie, 0o644)
        answer = self.shared.brood("ps", "--node", self.shared.full("n1"), "--cookie-file", open_to_all,
                                   cookie=False, status=2)
        self.assertIn("open-cookie", answer.err)

    def test_json_is_one_document_also_for_errors(self):
        for words, status in ((["ps"], 0), (["nodes"], 0), (["show", "nobody"], 1), (["ps", "--nonsense"], 2),
                              (["where", "anything"], 0), (["stop", "nobody"], 1)):
            with self.subTest(words):
                json.loads(self.brood(*words, "--json", status=status).out)

    def test_json_has_the_keys_that_the_guide_lists(self):
        """Of each command's row: the keys without brackets are there, and no others but those in brackets."""
        page = (pathlib.Path(__file__).parents[2] / "docs/guide/command-line.md").read_text(encoding="utf-8")
        rows = re.findall(r"(?m)^\| `([a-z -]+\d?)` \| (.+) \|$", page.partition("## What --json prints")[2])
        cluster = self.cluster("n1", "n2", node={"exec_allow": True},
                               supervisors={"web": ({}, [{"id": "c", "worker": "counter"}])})
        cluster.start()
        cluster.wait_placed(["c"])
        file = cluster.write("new.toml", cluster.fleet_text("n1", {"web": ({}, [
            {"id": "c", "worker": "counter"}, {"id": "d", "worker": "echo"}])}))
        procfile = cluster.write("Procfile", "web: sleep 1000\n")
        node = cluster.full("n2")
        words = {"start": ["x", "--", "sh", "-c", "echo hello; sleep 1000"], "signal": ["x", "USR1"], "wait": ["c"], "show": ["x"],
                 "call": ["c", "get"], "cast": ["c", "{add, 1}"], "where": ["c"], "why": ["c"], "logs": ["x"], "move": ["c", node],
                 "apply": [file], "check": [file], "init": [procfile, "--output", cluster.path("made.toml")], "restart": ["c"],
                 "retry": ["c"], "stop": ["x"], "undrain": [node], "drain": [node]}
        order = ["start", "ps", "ps --limit 5", "show", "call", "cast", "nodes", "where", "partition", "wait", "restart", "signal",
                 "why", "events", "logs", "apply", "check", "init", "stop", "move", "undrain", "drain"]
        self.assertEqual(set(order) | {"retry"}, {name for name, _ in rows})
        for name in order:
            listed = dict(rows)[name]
            maybe = set(re.findall(r"\(`([^`]+)`\)", listed))
            always = set(re.findall(r"`([^`]+)`", listed)) - maybe
            command = name.split()
            asks = [] if name in ("check", "init") else ["--supervisor", "web"] if name not in ("nodes", "drain", "undrain") else []
            answer = cluster.brood(*command, *asks, "--json", *words.get(command[0], []),
                                   node=None if name in ("check", "init") else "n1").json
            depth = max(key.count("[]") for key in always | maybe)
            with self.subTest(name):
                self.assertLessEqual(always, (keys := json_keys(answer, depth)))
                self.assertLessEqual(keys, always | maybe)

    def test_a_closed_pipe_ends_it_quietly(self):
        command = (f"'{brood_binary()}' ps --node {self.shared.full('n1')} --cookie-file "
                   f"'{self.shared.cookie_file}' | head -n 1; echo ${{PIPESTATUS[0]}}")
        run = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False,
                             env=dict(os.environ, **self.shared.environment), timeout=30)
        self.assertEqual(run.stderr, "")
        self.assertIn(run.stdout.splitlines()[-1], ("0", "141"))

    def test_help_and_version(self):
        self.assertIn("brood", self.shared.brood("--version", cookie=False).out)
        for command in ("node", "start", "stop", "ps", "show", "call", "cast", "nodes", "where", "logs", "drain",
                        "apply"):
            with self.subTest(command):
                self.assertIn(command, self.shared.brood("--help", cookie=False).out)
                self.shared.brood(command, "--help", cookie=False)


class Draining(ScenarioTest):
    def test_a_drain_is_taken_back_while_it_lasts(self):
        script = "trap 'sleep 4; exit 0' TERM; echo up; while :; do sleep 0.05; done"
        cluster = self.cluster("n1", "n2", node={"exec_allow": True}, supervisors={"web": ({}, [
            {"id": "c{n}", "worker": "counter", "count": 20}])})
        cluster.start()
        cluster.wait_members()
        cluster.brood("start", "slow", "--on", cluster.full("n2"), "--shutdown", "60000", "--", "sh", "-c", script, node="n1")
        self.wait(lambda: "up" in cluster.brood("logs", "slow", node="n1").out, 10, "it can be stopped")

        def state():
            return next(one["state"] for one in cluster.nodes("n1") if one["name"] == cluster.full("n2"))
        drains = []
        drain = threading.Thread(target=lambda: drains.append(cluster.brood("drain", cluster.full("n2"), node="n1", status=1)))
        drain.start()
        self.wait(lambda: state() == "draining", 10, "it drains")
        self.assertIn("gets children again", cluster.brood("undrain", cluster.full("n2"), node="n1").out)
        drain.join(30)
        self.assertIn("the drain was taken back", drains[0].err)
        self.wait(lambda: state() == "up", 10, "it is up")
        placed = cluster.wait_placed([f"c{n}" for n in range(1, 21)] + ["slow"])
        self.assertGreater(sum(node == cluster.full("n2") for node in placed.values()), 0, "children are there again")
        cluster.brood("drain", cluster.full("n2"), node="n1")
        answer = cluster.brood("undrain", cluster.full("n2"), node="n1", status=1)
        self.assertIn("has been drained and has left: end it and start it anew", answer.err)


class Screen:
    """A program on a terminal of 100 by 24; what it has written so far."""

    def __init__(self, cluster, *words):
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
            environment = dict(os.environ, **cluster.environment, TERM="xterm-256color")
            environment[processes.MARK] = cluster.mark
            os.execve(str(brood_binary()), [str(brood_binary()), *words, "--cookie-file", cluster.cookie_file],
                      environment)
        self.text = ""

    def read(self):
        """What has come meanwhile; waits for a tenth of a second at most."""
        if not select.select([self._terminal], [], [], 0.1)[0]:
            return ""
        try:
            new = os.read(self._terminal, 65536).decode(errors="replace")
        except OSError:
            return ""  # it has ended
        self.text += new
        return new

    def press(self, key):
        os.write(self._terminal, key.encode())

    def close(self):
        """Its exit status."""
        try:
            return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        finally:
            os.close(self._terminal)


class Top(ScenarioTest):
    def test_top_goes_on_when_its_node_does_not(self):
        cluster = self.cluster("n1", "n2", supervisors={"web": ({}, [{"id": "c{n}", "worker": "counter", "count": 3}])})
        cluster.start()
        cluster.wait_members()
        screen = Screen(cluster, "top", "--every", "200", "--node", f"{cluster.full('n1')},{cluster.full('n2')}")
        self.wait(lambda: "2 of 2 nodes up" in screen.read(), 20, lambda: screen.text)
        cluster.kill("n1")
        self.wait(lambda: "1 of 2 nodes up" in screen.read(), 20, lambda: screen.text)
        cluster.kill("n2")
        self.wait(lambda: "as it was; trying again: cannot reach n1@127.0.0.1" in screen.read(), 20,
                  lambda: screen.text)
        cluster.launch("n1")
        self.wait(lambda: "1 of 1 nodes up" in screen.read(), 30, lambda: screen.text)
        screen.press("q")
        self.assertEqual(screen.close(), 0)


class Apply(ScenarioTest):
    def test_a_node_that_joins_waits_until_it_knows_what_there_is(self):
        children = [{"id": "keep", "worker": "counter"}, {"id": "remove", "worker": "counter"}]
        cluster = self.cluster("n1", "n2", supervisors={"web": ({}, children)})
        cluster.start("n1")
        cluster.wait_placed(["keep", "remove"], ("n1",))
        cluster.pause("n1")
        cluster.launch("n2")
        self.wait(lambda: "not up yet" in cluster.log("n2"), 20, "n2 waits for n1")
        file = cluster.write("new.toml", cluster.fleet_text("n2", {"web": ({}, children[:1])}))
        self.assertIn("joins still; nothing was changed",
                      cluster.brood("apply", file, "--prune", "--timeout", "300", node="n2", status=None).err)
        self.assertIn("joins still", cluster.brood("restart", "keep", "--timeout", "300", node="n2", status=None).err)
        threading.Timer(1, cluster.resume, ["n1"]).start()
        cluster.brood("restart", "keep", node="n2")
        self.assertIn("removed 1 in web: remove", cluster.brood("apply", file, "--prune", node="n2").out)
        cluster.wait_placed(["keep"], ("n1", "n2"))

    def test_apply_starts_replaces_and_removes_and_says_so_first(self):
        first = [{"id": "keep", "worker": "counter"}, {"id": "change", "worker": "counter", "args": [1]},
                 {"id": "remove", "worker": "echo"}]
        second = [{"id": "keep", "worker": "counter"}, {"id": "change", "worker": "counter", "args": [2]},
                  {"id": "new", "worker": "echo"}]
        cluster = self.cluster("n1", "n2", supervisors={"web": ({}, first)})
        cluster.start()
        cluster.wait_placed(["keep", "change", "remove"])
        cluster.brood("start", "by-hand", "--worker", "echo", node="n1")
        cluster.brood("call", "keep", "{add, 7}", node="n1")
        file = cluster.write("new.toml", cluster.fleet_text("n1", {"web": ({}, second)}))

        dry = cluster.brood("apply", file, "--dry-run", node="n2")
        for word in ("new", "change", "remove"):
            self.assertIn(word, dry.out)
        self.assertNotIn("keep", dry.out)
        cluster.wait_placed(["keep", "change", "remove", "by-hand"])

        # What the file lacks may be misspelt there: nothing is removed unless that is asked for.
        done = cluster.brood("apply", file, node="n2")
        self.assertIn("started 1 in web: new", done.out)
        self.assertIn("--prune", done.out)
        cluster.wait_placed(["keep", "change", "remove", "new", "by-hand"])
        pruned = cluster.brood("apply", file, "--prune", node="n2")
        self.assertIn("removed 1 in web: remove", pruned.out)
        cluster.wait_placed(["keep", "change", "new", "by-hand"])
        self.assertEqual(cluster.brood("call", "keep", "get", node="n1").out.strip(), "7", "it was left alone")
        self.assertEqual(cluster.brood("call", "change", "get", node="n1").out.strip(), "2")
        again = cluster.brood("apply", file, "--json", node="n1")
        self.assertIsNotNone(again.json)
        # A node that restarts with the old file does not bring back what was removed.
        cluster.leave("n1")
        cluster.start("n1")
        cluster.wait_members()
        cluster.wait_placed(["keep", "change", "new", "by-hand"])

    def test_apply_changes_nothing_where_something_would_be_refused(self):
        port = ports.free_port()
        cluster = self.cluster("n1", "n2", supervisors={"web": ({}, [{"id": "old", "worker": "echo"}])})
        cluster.start()
        cluster.wait_placed(["old"])
        cases = {
            "no_such_worker": {"id": "bad", "worker": "cuonter"},
            "not_allowed": {"id": "bad", "exec": ["sleep", str(port)]},
            "no_target": {"id": "bad", "worker": "echo", "nodes": ["n9@127.0.0.1"]},
        }
        for code, bad in cases.items():
            file = cluster.write("bad.toml", cluster.fleet_text("n1", {"web": ({}, [
                {"id": "fine", "worker": "echo"}, bad])}))
            for words in (["--dry-run"], [], ["--prune"]):
                with self.subTest(f"{code} {words}"):
                    answer = cluster.brood("apply", file, *words, "--json", node="n1", status=1)
                    self.assertEqual(answer.json["error"]["code"], code)
                    self.assertIn("nothing was changed", answer.json["error"]["message"])
        refused = cluster.brood("apply", file, node="n1", status=1)
        self.assertIn("only n9@127.0.0.1 may run it", refused.err)
        cluster.wait_placed(["old"])
        self.assertIn("it runs: web", cluster.brood("apply", cluster.write(
            "other.toml", cluster.fleet_text("n1", {"wbe": ({}, [])})), node="n1", status=1).err)

    def test_apply_leaves_what_was_stopped_and_what_has_ended_for_good(self):
        children = {"web": ({}, [{"id": "kept", "worker": "echo"}, {"id": "stopped", "worker": "echo"},
                                 {"id": "job", "exec": ["sh", "-c", "echo ran >> runs"], "restart": "transient",
                                  "cwd": "."}])}
        cluster = self.cluster("n1", supervisors=children)
        cluster.start()
        self.wait(lambda: not cluster.brood("show", "job", "--json", node="n1").json["wanted"], 20,
                  "the job has ended")
        cluster.brood("stop", "stopped", node="n1")
        file = cluster.path("n1.toml")

        def runs():
            with open(cluster.path("runs"), encoding="utf-8") as lines:
                return len(lines.readlines())
        for _ in range(2):
            out = cluster.brood("apply", file, node="n1").out
            self.assertIn("nothing to do", out)
            self.assertIn("left stopped: 2 in web", out)
            self.assertIn("unchanged 1 in web", out)
        self.assertEqual(runs(), 1)
        self.assertIn("no: exited with code 0", cluster.brood("show", "job", node="n1").out)
        cluster.wait_placed(["kept"])
        self.assertIn("started 2 in web: job, stopped", cluster.brood("apply", file, "--start-stopped", node="n1").out)
        self.wait(lambda: runs() == 2, 10, "the job has run again")
        self.wait(lambda: set(cluster.placed("n1")) == {"kept", "stopped"}, 10, "the stopped one runs")

    def test_on_a_terminal_removals_are_asked_for(self):
        cluster = self.cluster("n1", supervisors={"web": ({}, [{"id": "a", "worker": "echo"},
                                                              {"id": "b", "worker": "echo"}])})
        cluster.start()
        file = cluster.write("new.toml", cluster.fleet_text("n1", {"web": ({}, [{"id": "a", "worker": "echo"}])}))
        command = [str(brood_binary()), "apply", file, "--node", cluster.full("n1"), "--cookie-file",
                   cluster.cookie_file]
        for answer, left in ((b"no\n", ["a", "b"]), (b"yes\n", ["a"])):
            parent, child = os.openpty()
            with subprocess.Popen(command, stdin=child, stdout=subprocess.PIPE, stderr=child,
                                  env=dict(os.environ, **cluster.environment)) as run:
                os.close(child)
                seen = b""
                while b"Type yes" not in seen:
                    seen += os.read(parent, 1000)
                os.write(parent, answer)
                run.stdout.read()
                self.assertEqual(run.wait(30), 0)
            os.close(parent)
            cluster.wait_placed(left)

    def test_a_changed_command_runs_where_the_nodes_own_files_have_it(self):
        def says(word):
            return {"web": ({}, [{"id": "talker", "exec": ["sh", "-c", f"echo {word}; exec sleep 1000"]}])}

        def logged(word, node):
            return lambda: word in cluster.brood("logs", "talker", node=node).out
        cluster = self.cluster("n1", "n2", "n3", supervisors=says("one"))
        cluster.start()
        host = cluster.wait_placed(["talker"])["talker"].split("@")[0]
        self.wait(logged("one", "n1"), 10, "the first command has run")
        other, third = (name for name in cluster.names if name != host)
        two = cluster.write("two.toml", cluster.fleet_text("n1", says("two")))

        # No node's own file has it: whoever has the cookie must not be able to bring commands in.
        refused = cluster.brood("apply", two, node=other, status=1)
        self.assertIn("no member allows that command", refused.err)
        self.assertIn("give the file to the nodes", refused.err)
        self.assertEqual(cluster.wait_placed(["talker"])["talker"], cluster.full(host), "it was left alone")

        # One node's file has it: it moves there.
        cluster.write(f"{other}.toml", cluster.fleet_text(other, says("two")))
        cluster.brood("apply", two, node=third)
        self.assertEqual(cluster.wait_placed(["talker"])["talker"], cluster.full(other))
        self.wait(logged("two", third), 10, "the second command has run")
        stays = cluster.brood("drain", cluster.full(other), node=third, status=1)
        self.assertIn("no other member that is up could take talker", stays.err)

        # All have it: nothing is to be done, but the nodes know of it from then on.
        for name in (host, third):
            cluster.write(f"{name}.toml", cluster.fleet_text(name, says("two")))
        self.assertIn("nothing to do", cluster.brood("apply", two, node=third).out)
        home = cluster.wait_placed(["talker"])["talker"].split("@")[0]
        cluster.leave(home)
        cluster.wait_placed(["talker"])
        self.wait(logged("two", cluster.up_names()[0]), 10, "it runs elsewhere")

    def test_logs_follow_a_program_from_node_to_node(self):
        program = ("exec 2>/dev/null; trap 'echo last $BROOD_EPOCH; exit 0' TERM; echo first $BROOD_EPOCH; "
                   "while :; do sleep 0.01; done")
        cluster = self.cluster("n1", "n2", "n3", supervisors={"web": ({}, [
            {"id": "talker", "exec": ["sh", "-c", program]}])})
        cluster.start()
        host = cluster.wait_placed(["talker"])["talker"].split("@")[0]
        # The node that is asked is the last to have it; the others leave in turn.
        asked = next(name for name in cluster.names if name != host)
        command = [str(brood_binary()), "logs", "talker", "-f", "--node", cluster.full(asked),
                   "--cookie-file", cluster.cookie_file]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                              env=dict(os.environ, **cluster.environment)) as follower:
            lines = [follower.stdout.readline()]
            while host != asked:
                cluster.brood("drain", cluster.full(host), node=asked)
                lines += [follower.stdout.readline(), follower.stdout.readline()]  # last words, first words
                host = cluster.wait_placed(["talker"], [asked])["talker"].split("@")[0]
            cluster.brood("stop", "talker", node=asked)
            lines += follower.stdout.readlines()
            follower.wait(20)
        words = [line.split() for line in lines]
        self.assertEqual([word for word, *_ in words], ["first", "last"] * (len(words) // 2), lines)
        self.assertGreaterEqual(len(words), 4)
        epochs = [int(epoch) for _, epoch in words]
        self.assertEqual(epochs[::2], epochs[1::2], "each life's last words are its own")
        self.assertEqual(epochs, sorted(epochs))

    def test_a_bad_file_names_file_line_and_key(self):
        cluster = self.cluster("n1")
        cluster.start()
        bad = cluster.write("bad.toml", '[node]\nname = "n1@127.0.0.1"\n\n[[supervisor.web.child]]\n'
                                        'id = "x"\nworker = "echo"\nrestart = "sometimes"\n')
        for words in (["apply", bad], ["apply", bad, "--dry-run"]):
            answer = cluster.brood(*words, node="n1", status=2)
            self.assertIn("bad.toml:7", answer.err)
            self.assertIn("restart", answer.err)
            self.assertIn("permanent", answer.err)
        missing = cluster.brood("apply", cluster.path("none.toml"), node="n1", status=2)
        self.assertIn("none.toml", missing.err)
        self.assertEqual(processes.with_environment("BROOD_CHILD", "x", cluster.mark), [])


if __name__ == "__main__":
    main()
