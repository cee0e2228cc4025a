"""The options of programs, each on a real one: as whom it runs, its limits, its files, which ends are good ones."""

import os
import pathlib
import signal
import sys
import time

from support import SLOW, ScenarioTest, main, ports, processes

STATUS = "exec cat /proc/self/status /proc/self/limits"


def alive(pid):
    """Whether that process runs; one that nobody has reaped does not."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


class Options(ScenarioTest):
    def one_node(self, *children, **options):
        options.setdefault("node", {"exec_allow": True})
        cluster = self.cluster("n1", supervisors={"web": ({}, list(children))}, **options)
        cluster.start()
        return cluster

    def logged(self, cluster, name, *words):
        """What a program wrote, once all these words are there."""
        def look():
            out = cluster.brood("logs", name, node="n1", status=None).out
            return out if all(word in out for word in words) else None
        return self.wait(look, 15, f"{name} has written {words}")

    def show(self, cluster, name):
        return cluster.brood("show", name, "--json", node="n1").json

    def child(self, cluster, name):
        return next((child for child in cluster.ps("n1") if child["id"] == name), None)

    def instance(self, cluster, name):
        found = self.child(cluster, name)
        return found["instances"][0] if found and found["instances"] else None

    # ---- as whom, and with what

    def test_limits_umask_and_niceness_are_those_of_the_file(self):
        cluster = self.one_node(
            {"id": "tight", "exec": ["sh", "-c", f"umask; nice; {STATUS}"], "restart": "temporary", "umask": "027",
             "nice": 5, "limits": {"nofile": "100:200", "core": 0, "as": "2GiB", "stack": "4MiB"}})
        out = self.logged(cluster, "tight", "Max realtime timeout")
        self.assertEqual(out.split()[:2], ["0027", "5"])
        self.assertRegex(out, r"Max open files +100 +200 ")
        self.assertRegex(out, r"Max core file size +0 +0 ")
        self.assertRegex(out, rf"Max address space +{2 << 30} +{2 << 30} ")
        self.assertRegex(out, rf"Max stack size +{4 << 20} +{4 << 20} ")

    def test_options_of_the_command_line_are_shown_and_hold(self):
        cluster = self.one_node()
        cluster.brood("start", "job", "--umask", "077", "--nice", "3", "--limit", "nofile=64", "--limit", "core=0:1MiB",
                      "--exit-codes", "0,3", "--start-period", "10", "--backoff", "40", "--backoff-max", "90", "--",
                      "sh", "-c", "umask; ulimit -n; sleep 1000", node="n1")
        self.assertEqual(self.logged(cluster, "job", "64").split()[:2], ["0077", "64"])
        self.assertEqual(self.show(cluster, "job")["options"], {
            "umask": "077", "nice": 3, "limits": {"core": "0:1048576", "nofile": 64}, "exit_codes": [0, 3],
            "start_period_ms": 10, "backoff_ms": 40, "backoff_max_ms": 90})
        text = cluster.brood("show", "job", node="n1").out
        self.assertRegex(text, r"(?m)^limits +core=0:1048576, nofile=64$")
        self.assertRegex(text, r"(?m)^exit_codes +0, 3$")
        self.assertRegex(text, r"(?m)^backoff_max_ms +90$")

    def test_wrong_options_are_refused_alike_by_the_file_the_command_line_and_requests(self):
        cluster = self.one_node()
        answer = cluster.brood("start", "x", "--umask", "99", "--", "true", node="n1", status=2)
        self.assertIn("start: --umask must be octal digits as text", answer.err)
        answer = cluster.brood("start", "x", "--limit", "files=1", "--", "true", node="n1", status=2)
        self.assertIn('start: --limit has no "files"; allowed: as, core', answer.err)
        answer = cluster.brood("start", "x", "--backoff", "100", "--backoff-max", "50", "--", "true", node="n1", status=2)
        self.assertIn("backoff_ms 100 is more than backoff_max_ms 50", answer.err)
        answer = cluster.brood("start", "x", "--nice", "1", "--worker", "counter", node="n1", status=2)
        self.assertIn("--nice is for commands", answer.err)
        path = pathlib.Path(cluster.path("wrong.toml"))
        path.write_text('[supervisor.web]\n[[supervisor.web.child]]\nid = "a"\nexec = ["true"]\numask = "99"\n'
                        'limits = { files = 1 }\nexit_codes = []\nbackoff_ms = 9\nbackoff_max_ms = 8\n')
        answer = cluster.brood("check", str(path), status=2)
        for words in (":5: supervisor.web.child[0].umask: must be octal", ":6: supervisor.web.child[0].limits: has no",
                      ":7: supervisor.web.child[0].exit_codes: must be a list",
                      ":8: supervisor.web.child[0].backoff_ms: backoff_ms 9 is more than backoff_max_ms 8"):
            self.assertIn(words, answer.err + answer.out)

    def test_a_limit_that_may_not_be_given_is_named(self):
        cluster = self.one_node()
        answer = cluster.brood("start", "x", "--limit", "nofile=unlimited", "--", "true", node="n1", status=1)
        self.assertRegex(answer.err, r"limits\.nofile = unlimited: Operation not permitted; this node may give at most \d+")

    def test_a_program_runs_as_the_user_of_its_options(self):
        if os.geteuid() != 0:
            self.skipTest("only root can run programs as others")
        cluster = self.one_node(
            {"id": "nobody", "exec": ["sh", "-c", f"echo $USER $HOME; {STATUS}"], "cwd": "/", "restart": "temporary",
             "user": "nobody"},
            {"id": "numbers", "exec": ["sh", "-c", STATUS], "cwd": "/", "restart": "temporary", "user": "4321",
             "group": "1234"},
            {"id": "killed", "exec": ["sleep", "1000"], "cwd": "/", "user": "nobody"})
        out = self.logged(cluster, "nobody", "Max realtime timeout")
        self.assertEqual(out.split()[0], "nobody")
        self.assertRegex(out, r"Uid:\s+65534\s+65534\s+65534\s+65534")
        self.assertRegex(out, r"Gid:\s+65534\s+65534\s+65534\s+65534")
        self.assertRegex(out, r"CapEff:\s+0+\n")
        out = self.logged(cluster, "numbers", "Max realtime timeout")
        self.assertRegex(out, r"Uid:\s+4321\s+4321\s+4321\s+4321")
        self.assertRegex(out, r"Gid:\s+1234\s+1234\s+1234\s+1234")
        self.assertRegex(out, r"Groups:\s+1234\s*\n")
        answer = cluster.brood("start", "x", "--user", "no-such-user", "--", "true", node="n1", status=1)
        self.assertIn('user "no-such-user": there is none of that name on this machine', answer.err)
        # A change of user takes away what ends a program with its shim; it must be there all the same, without the node.
        pid = self.wait(lambda: (self.instance(cluster, "killed") or {}).get("os_pid"), 10, "it runs")
        cluster.pause("n1")
        shim = next(one for one in processes.with_environment("BROOD_CHILD", "killed", cluster.mark)
                    if os.path.basename(processes.command_line(one).split(" ")[0]) == "brood-shim")
        os.kill(shim, signal.SIGKILL)
        self.wait(lambda: not alive(pid), 10, "it ends with its shim")
        cluster.kill("n1")

    # ---- files

    def test_an_env_file_is_read_at_each_start_and_named_where_it_is_missing(self):
        cluster = self.cluster("n1")
        pathlib.Path(cluster.path("app.env")).write_text('# ours\nexport A=1\nB="two words"\nC=from the file\n')
        cluster.supervisors = {"web": ({}, [
            {"id": "app", "exec": ["sh", "-c", 'echo "<$A|$B|$C>"; sleep 1000'], "env": {"C": "own"}, "env_file": "app.env"}])}
        cluster.start()
        self.logged(cluster, "app", "<1|two words|own>")
        pathlib.Path(cluster.path("app.env")).write_text("A=2\n")
        cluster.brood("restart", "app", node="n1")
        self.logged(cluster, "app", "<2||own>")
        os.remove(cluster.path("app.env"))
        answer = cluster.brood("restart", "app", node="n1", status=1)
        self.assertIn(f'env_file "{cluster.path("app.env")}": No such file or directory', answer.err)

    def test_stdin_is_nothing_or_a_file(self):
        cluster = self.cluster("n1", node={"exec_allow": True})
        pathlib.Path(cluster.path("words.txt")).write_text("from a file\n")
        cluster.supervisors = {"web": ({}, [
            {"id": "file", "exec": ["cat"], "stdin": "words.txt", "restart": "temporary"},
            {"id": "nothing", "exec": ["sh", "-c", "readlink /proc/self/fd/0"], "restart": "temporary"}])}
        cluster.start()
        self.logged(cluster, "file", "from a file")
        self.logged(cluster, "nothing", "/dev/null")
        answer = cluster.brood("start", "x", "--stdin", "/no/such/file", "--", "cat", node="n1", status=1)
        self.assertIn('stdin "/no/such/file": No such file or directory', answer.err)

    # ---- which ends are good ones

    def test_exit_codes_say_which_ends_are_normal(self):
        cluster = self.one_node(
            {"id": "good", "exec": ["sh", "-c", "exit 3"], "restart": "transient", "exit_codes": [0, 3]},
            {"id": "bad", "exec": ["sh", "-c", "exit 0"], "restart": "transient", "exit_codes": [3]})
        self.wait(lambda: self.child(cluster, "good") is None, 10, "it has ended for good")
        self.wait(lambda: (self.instance(cluster, "bad") or {"restarts": 0})["restarts"] >= 2, 10, "0 is no good end")

    def test_one_that_ends_within_its_start_period_waits_before_it_is_tried_again(self):
        cluster = self.one_node(
            {"id": "early", "exec": ["sh", "-c", "exit 0"], "restart": "transient", "start_period_ms": 5000,
             "backoff_ms": 60000, "backoff_max_ms": 60000})
        found = self.wait(lambda: (lambda one: one if one and one["phase"] == "restarting" else None)(
            self.instance(cluster, "early")), 10, "it waits")
        self.assertEqual(found["restarts"], 1, "once tried, it waits a minute")
        self.assertIn("next try in", cluster.brood("show", "early", node="n1").out)


    # ---- health

    def health_of(self, cluster, name):
        return (self.instance(cluster, name) or {}).get("health")

    def test_a_page_says_whether_a_program_is_well_and_an_unhealthy_one_is_restarted(self):
        port = ports.free_port()
        cluster = self.cluster("n1")
        flag = cluster.path("ill")
        server = ("import http.server, os, socketserver, sys\n"
                  "class H(http.server.BaseHTTPRequestHandler):\n"
                  "  def do_GET(self):\n"
                  "    self.send_response(503 if os.path.exists(sys.argv[2]) else 204)\n"
                  "    self.end_headers()\n"
                  "  def log_message(self, *a): pass\n"
                  "socketserver.TCPServer.allow_reuse_address = True\n"
                  "socketserver.TCPServer(('127.0.0.1', int(sys.argv[1])), H).serve_forever()\n")
        cluster.supervisors = {"web": ({}, [
            {"id": "web", "exec": [sys.executable, "-c", server, str(port), flag],
             "health": {"http": f"http://127.0.0.1:{port}/healthz", "interval_ms": 100, "threshold": 2, "start_period_ms": 3600000,
                        "timeout_ms": int(2000 * SLOW)}}])}
        cluster.start()
        answer = cluster.brood("wait", "web", "--for", "healthy", node="n1")
        self.assertIn("web is healthy on n1@127.0.0.1", answer.out)
        before = self.instance(cluster, "web")
        self.assertEqual(before["health"], "healthy")
        pathlib.Path(flag).write_text("")
        ended = self.wait(lambda: (lambda one: one if one and one["restarts"] > before["restarts"] else None)(
            self.instance(cluster, "web")), 20, "it is restarted")
        self.assertGreater(ended["restarts"], before["restarts"])
        self.assertIn("unhealthy: http://127.0.0.1", cluster.brood("show", "web", node="n1").out)
        self.assertIn("503", cluster.brood("show", "web", node="n1").out)
        os.remove(flag)
        cluster.brood("wait", "web", "--for", "healthy", node="n1")
        self.assertNotEqual(self.instance(cluster, "web")["os_pid"], before["os_pid"])
        self.assertIn("healthy", cluster.brood("show", "web", node="n1").out)

    def test_an_unhealthy_one_that_is_only_reported_goes_on(self):
        cluster = self.cluster("n1")
        flag = cluster.path("well")
        cluster.supervisors = {"web": ({}, [
            {"id": "told", "exec": ["sleep", "1000"], "cwd": ".",
             "health": {"exec": ["sh", "-c", "test -e well || { echo no flag here; exit 3; }"], "interval_ms": 100,
                        "threshold": 1, "timeout_ms": int(5000 * SLOW), "on_failure": "report"}}])}
        cluster.start()
        self.wait(lambda: self.health_of(cluster, "told") == "unhealthy", 20, "it is told")
        one = self.instance(cluster, "told")
        self.assertEqual((one["phase"], one["restarts"]), ("running", 0))
        self.assertIn("running (unhealthy)", cluster.brood("ps", node="n1").out)
        self.assertIn("unhealthy: sh: exited with code 3: no flag here", cluster.brood("show", "told", node="n1").out)
        self.assertEqual([child["id"] for child in cluster.brood("ps", "--phase", "unhealthy", "--json", node="n1").json],
                         ["told"])
        answer = cluster.brood("restart", "told", "--rolling", node="n1", status=1)
        self.assertIn("told is not healthy after its restart", answer.err)
        pathlib.Path(flag).write_text("")
        cluster.brood("wait", "told", "--for", "healthy", node="n1")
        cluster.brood("restart", "told", "--rolling", node="n1")
        self.assertEqual(self.health_of(cluster, "told"), "healthy", "it was waited for")

    def test_a_port_says_whether_a_program_is_well(self):
        port = ports.free_port()
        listener = ("import socket, sys, time\ntime.sleep(0.3)\ns = socket.socket()\n"
                    "s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n"
                    "s.bind(('127.0.0.1', int(sys.argv[1])))\ns.listen(50)\ntime.sleep(1000)\n")
        cluster = self.one_node()
        cluster.brood("start", "port", "--health-tcp", f"127.0.0.1:{port}", "--health-interval", "200", "--health-start-period",
                      "60000", "--", sys.executable, "-c", listener, str(port), node="n1")
        self.assertIn(self.health_of(cluster, "port"), ("starting", "healthy"))
        cluster.brood("wait", "port", "--for", "healthy", node="n1")
        cluster.brood("start", "unchecked", "--", "sleep", "1000", node="n1")
        answer = cluster.brood("wait", "unchecked", "--for", "healthy", node="n1", status=1)
        self.assertIn("it has no health check", answer.err)

    # ---- order

    def test_a_child_starts_after_those_before_it_and_a_circle_is_refused(self):
        cluster = self.cluster("n1", "n2")
        flag = cluster.path("up")
        checked = {"exec": ["test", "-e", flag], "interval_ms": 100, "start_period_ms": 3600000, "timeout_ms": 10000}
        cluster.supervisors = {"web": ({}, [
            {"id": "api", "exec": ["sleep", "1000"], "after": ["db", "job"]},
            {"id": "db", "exec": ["sleep", "1000"], "health": checked},
            {"id": "job", "exec": ["true"], "restart": "temporary"}])}
        cluster.start()
        self.wait(lambda: self.health_of(cluster, "db") == "starting", 15, "db runs, and is not healthy yet")
        self.assertIn("it starts after 'db', which is starting", cluster.brood("show", "api", node="n2").out)
        self.assertIsNone(self.instance(cluster, "api"))
        pathlib.Path(flag).write_text("")
        self.wait(lambda: self.instance(cluster, "api"), 15, "it starts")
        answer = cluster.brood("start", "late", "--after", "nobody", "--", "true", node="n1", status=1)
        self.assertIn("'late' is to start after 'nobody', and there is no such child", answer.err)
        path = pathlib.Path(cluster.path("circle.toml"))
        path.write_text('[supervisor.web]\n[[supervisor.web.child]]\nid = "a"\nexec = ["true"]\nafter = ["b"]\n'
                        '[[supervisor.web.child]]\nid = "b"\nexec = ["true"]\nafter = ["a"]\n')
        for command in ("check", "apply"):
            answer = cluster.brood(command, str(path), node="n1", status=2)
            self.assertRegex(answer.err + answer.out, r":3: supervisor\.web\.child: `after` goes in a circle.*: a after b after a")
        path.write_text('[supervisor.web]\n[[supervisor.web.child]]\nid = "a"\nexec = ["true"]\nafter = ["bee"]\n')
        self.assertIn('"a" starts after "bee", which is no child of this supervisor',
                      cluster.brood("check", str(path), status=2).err)

    # ---- changes

    def test_a_change_of_how_a_program_is_looked_after_leaves_it_running(self):
        port = ports.free_port()
        script = "trap 'echo asked; exit 7' INT; trap '' TERM; while :; do sleep 0.05; test -e go && cat go && rm go; done"
        first = {"id": "job", "exec": ["sh", "-c", script], "cwd": ".", "restart": "permanent"}
        cluster = self.cluster("n1", supervisors={"web": ({}, [first])}, node={"exec_allow": True})
        cluster.start()
        before = self.wait(lambda: self.instance(cluster, "job"), 15, "it runs")

        def apply(child, *words, **options):
            file = cluster.write("next.toml", cluster.fleet_text("n1", {"web": ({}, [child])}))
            return cluster.brood("apply", file, *words, node="n1", **options)
        second = dict(first, restart="transient", tag="t", metadata={"team": "a"}, shutdown_ms=60000, exit_codes=[7],
                      stop_signal="SIGINT", log_size="10KiB", log_files=3, log_timestamps=True, backoff_ms=60000,
                      backoff_max_ms=60000, give_up_after=3, start_period_ms=5,
                      health={"tcp": f"127.0.0.1:{port}", "interval_ms": 100, "threshold": 2, "on_failure": "report"})
        dry = apply(second, "--dry-run").out
        self.assertIn("will change 1 in web (they go on running): job", dry)
        for key in ("health", "log_size", "exit_codes", "stop_signal", "restart", "shutdown", "tag", "backoff_ms"):
            self.assertIn(key, dry)
        self.assertIn("changed 1 in web: job", apply(second).out)
        after = self.wait(lambda: (lambda one: one if one and one.get("health") == "unhealthy" else None)(
            self.instance(cluster, "job")), 20, "the new check is asked")
        self.assertEqual((after["os_pid"], after["restarts"], after["pid"]),
                         (before["os_pid"], before["restarts"], before["pid"]))
        cluster.write("go", "hello\n")
        self.assertRegex(self.logged(cluster, "job", "hello"), r"(?m)^\d{4}-\d\d-\d\dT\S+Z hello$")
        shown = self.show(cluster, "job")
        self.assertEqual(shown["restart"], "transient")
        self.assertEqual(shown["options"]["metadata"], {"team": "a"})
        self.assertEqual(shown["options"]["give_up_after"], 3)

        # Without the check it is neither well nor unwell.
        third = {key: value for key, value in second.items() if key != "health"}
        apply(third)
        self.wait(lambda: "health" not in self.instance(cluster, "job"), 15, "the check is gone")
        self.assertEqual(self.instance(cluster, "job")["os_pid"], before["os_pid"])
        # Its stop signal and its good exit code are the new ones.
        os.kill(before["os_pid"], signal.SIGINT)
        self.wait(lambda: self.child(cluster, "job") is None, 15, "7 is a good end of a transient one by now")
        self.assertIn("asked", cluster.brood("logs", "job", node="n1").out)

    def test_a_new_stop_signal_and_time_count_for_what_runs(self):
        script = "trap 'sleep 1; echo asked; exit 0' INT; trap '' TERM; echo up; while :; do sleep 0.05; done"
        first = {"id": "job", "exec": ["sh", "-c", script], "shutdown_ms": 100}
        cluster = self.one_node(first)
        self.logged(cluster, "job", "up")
        file = cluster.write("next.toml", cluster.fleet_text("n1", {"web": ({}, [
            dict(first, stop_signal="SIGINT", shutdown_ms=60000)])}))
        self.assertIn("(they go on running): job", cluster.brood("apply", file, node="n1").out)
        cluster.brood("stop", "job", node="n1")
        out = cluster.brood("logs", "job", node="n1")
        self.assertEqual(out.out, "up\nasked\n")
        self.assertIn("stopped: exited with code 0", out.err)

    def test_a_change_of_what_a_process_has_starts_it_anew(self):
        first = {"id": "job", "exec": ["sleep", "1000"]}
        cluster = self.one_node(first)
        self.wait(lambda: self.instance(cluster, "job"), 15, "it runs")
        for more in ({"nice": 1}, {"env": {"A": "1"}}, {"log_size": 0}, {"pty": True}):
            file = cluster.write("next.toml", cluster.fleet_text("n1", {"web": ({}, [dict(first, **more)])}))
            self.assertIn("(each is ended and started anew): job (exec)",
                          cluster.brood("apply", file, "--dry-run", node="n1").out)

    # ---- a terminal, a cgroup, other logs

    def test_a_program_has_a_terminal_of_its_size(self):
        cluster = self.one_node({"id": "screen", "exec": ["sh", "-c", "test -t 0 && stty size; sleep 1000"], "pty": "132x40"})
        self.assertEqual(self.logged(cluster, "screen", "40 132"), "40 132\n")
        self.assertEqual(self.show(cluster, "screen")["options"]["pty"], "132x40")
        cluster.brood("start", "small", "--pty", "true", "--restart", "temporary", "--", "stty", "size", node="n1")
        self.assertEqual(self.logged(cluster, "small", "24 80"), "24 80\n")
        answer = cluster.brood("start", "x", "--pty", "wide", "--", "true", node="n1", status=2)
        self.assertIn('start: --pty must be true, false, or columns and rows as "132x40", not "wide"', answer.err)
        cluster.brood("stop", "screen", node="n1")

    def cgroup_for_a_node(self, cluster, *controllers):
        """A cgroup with these controllers, given to whoever is moved into it as systemd would; or skips the test."""
        if os.geteuid() != 0:
            self.skipTest("only root can make a cgroup and give it to a node")
        mount = next((line.split()[4] for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()
                      if " - cgroup2 " in line), None)
        if mount is None:
            self.skipTest("no cgroup2 file system is mounted")
        has = pathlib.Path(mount, "cgroup.controllers").read_text().split()
        missing = [one for one in controllers if one not in has]
        if missing:
            self.skipTest(f"the cgroups (version 2) of this machine do not have {missing}: {has}")
        for one in controllers:
            pathlib.Path(mount, "cgroup.subtree_control").write_text(f"+{one}")
        path = pathlib.Path(mount, f"brood-test-{os.getpid()}")
        path.mkdir()
        os.setxattr(path, "user.delegate", b"1")

        def remove():
            cluster.close()
            for folder in (path / "brood-node", path):
                if folder.exists():
                    folder.rmdir()
        self.addCleanup(remove)
        return path

    def test_where_no_cgroup_is_to_be_had_the_start_says_what_to_do(self):
        cluster = self.one_node()
        answer = cluster.brood("start", "x", "--cgroup", "pids=5", "--", "true", node="n1", status=1)
        self.assertRegex(answer.err, r"cgroup: (this machine has no cgroups of version 2|pids cannot be limited here|"
                                     r"the cgroup that this node runs in .* is not its own)")
        answer = cluster.brood("start", "x", "--cgroup", "cpu=fast", "--", "true", node="n1", status=2)
        self.assertIn('start: --cgroup cpu must be a number of processors, 0.01 to 10000, not "fast"', answer.err)

    def test_a_cgroup_bounds_a_program_and_an_end_without_memory_is_told(self):
        cluster = self.cluster("n1", node={"exec_allow": True}, supervisors={"web": ({}, [])})
        path = self.cgroup_for_a_node(cluster, "memory", "cpu", "pids")
        cluster.launch("n1")
        (path / "cgroup.procs").write_text(str(cluster.process("n1").pid))
        cluster.wait_up("n1")
        cluster.brood("start", "hog", "--cgroup", "memory=32MiB", "--cgroup", "cpu=0.5", "--cgroup", "pids=20", "--restart",
                      "temporary", "--", "sh", "-c", "sleep 1000 & x=x; while :; do x=$x$x; done", node="n1")
        cluster.brood("wait", "hog", "--for", "stopped", node="n1")
        self.assertIn("killed by the kernel: out of memory", cluster.brood("show", "hog", node="n1").out)
        self.assertIn("out of memory", cluster.brood("logs", "hog", node="n1").err)
        self.assertIn("out of memory", cluster.brood("why", "hog", node="n1").out)
        self.assertIn("out of memory", cluster.log("n1"))
        self.assertTrue((path / "brood-node").is_dir())
        self.assertEqual(list(path.glob("child-*")), [])

    def test_where_there_is_no_journal_the_start_says_so(self):
        cluster = self.one_node()
        if os.path.exists("/run/systemd/journal/socket"):
            cluster.brood("start", "x", "--log-to", "file,journal", "--", "echo", "hello", node="n1")
            self.assertEqual(self.show(cluster, "x")["options"]["log_to"], ["file", "journal"])
            return
        answer = cluster.brood("start", "x", "--log-to", "file,journal", "--", "true", node="n1", status=1)
        self.assertIn('log_to "journal": there is none here', answer.err)

    # ---- an end to tries

    def test_one_that_fails_for_so_many_rounds_is_given_up_where_that_is_asked_for(self):
        cluster = self.one_node({"id": "never", "exec": ["false"], "give_up_after": 1, "backoff_ms": 1, "backoff_max_ms": 1})
        found = self.wait(lambda: (lambda one: one if one and one.get("failure") else None)(self.child(cluster, "never")),
                          30, "it is given up")
        self.assertIn("failed on every node that may run it", found["failure"])
        self.assertEqual([one["id"] for one in cluster.brood("ps", "--phase", "failed", "--json", node="n1").json], ["never"])
        self.assertEqual(self.show(cluster, "never")["options"]["give_up_after"], 1)
        self.assertIn("failed", cluster.brood("ps", node="n1").out)
        cluster.brood("start", "too", "--give-up-after", "1", "--backoff", "1", "--backoff-max", "1", "--", "false", node="n1")
        self.wait(lambda: (self.child(cluster, "too") or {}).get("failure"), 30, "it is given up too")

    # ---- all of them

    def test_every_option_of_the_file_is_one_of_the_command_line_and_is_shown(self):
        cluster = self.cluster("n1", node={"exec_allow": True}, supervisors={"web": ({}, [])})
        pathlib.Path(cluster.path("e.env")).write_text("A=1\n")
        pathlib.Path(cluster.path("in.txt")).write_text("x\n")
        child = {"id": "all", "exec": ["sleep", "1000"], "cwd": cluster.path(""), "env": {"B": "2"}, "stop_signal": "sigint",
                 "umask": "027", "nice": 3, "limits": {"nofile": 64}, "env_file": cluster.path("e.env"), "pty": "100x30",
                 "stdin": cluster.path("in.txt"), "exit_codes": [0, 3], "log_size": 10240, "log_files": 3,
                 "log_timestamps": True, "start_period_ms": 10, "backoff_ms": 40, "backoff_max_ms": 90, "give_up_after": 4,
                 "start_before_stop": True, "ready_timeout_ms": 5000, "nodes": ["n1@127.0.0.1"], "metadata": {"team": "a"},
                 "health": {"exec": ["true"], "interval_ms": 200, "timeout_ms": 9000, "threshold": 4, "start_period_ms": 50,
                            "on_failure": "report"}}
        cluster.supervisors = {"web": ({}, [child])}
        cluster.start()
        self.wait(lambda: self.health_of(cluster, "all") == "healthy", 20, "it is well")
        shown = self.show(cluster, "all")["options"]
        cluster.brood("start", "same", "--cwd", cluster.path(""), "--env", "B=2", "--stop-signal", "INT", "--umask", "027", "--nice",
                      "3", "--limit", "nofile=64", "--env-file", cluster.path("e.env"), "--pty", "100x30", "--stdin",
                      cluster.path("in.txt"), "--exit-codes", "0,3", "--log-size", "10240", "--log-files", "3",
                      "--log-timestamps", "--start-period", "10", "--backoff", "40", "--backoff-max", "90", "--give-up-after",
                      "4", "--start-before-stop", "--ready-timeout", "5000", "--nodes", "n1@127.0.0.1", "--metadata",
                      '#{team => <<"a">>}', "--health-exec", "true", "--health-interval", "200", "--health-timeout", "9000",
                      "--health-threshold", "4", "--health-start-period", "50", "--health-on-failure", "report", "--", "sleep",
                      "1000", node="n1")
        self.assertEqual(self.show(cluster, "same")["options"], shown)
        wanted = set(child) - {"id", "exec", "env"}
        self.assertEqual(set(shown), wanted)
        text = cluster.brood("show", "all", node="n1").out
        for key in wanted:
            self.assertRegex(text, rf"(?m)^{key} +\S")
        self.assertRegex(text, r"(?m)^env +B$")

    # ---- logs

    def test_log_options_bound_and_stamp_what_is_kept(self):
        cluster = self.one_node(
            {"id": "small", "exec": ["sh", "-c", "i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done; sleep 1000"],
             "log_size": "10KiB", "log_files": 5},
            {"id": "stamped", "exec": ["sh", "-c", "printf 'one\\ntw'; sleep 0.1; echo o; sleep 1000"], "log_timestamps": True})
        out = self.logged(cluster, "small", "line 2999")
        self.assertLessEqual(len(out), 10 * 1024)
        self.assertGreaterEqual(len(out), 10 * 1024 * 4 // 5 - 200)
        lines = self.logged(cluster, "stamped", "two").splitlines()
        for line, words in zip(lines, ("one", "two"), strict=True):
            self.assertRegex(line, rf"^\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{3}}Z {words}$")

    def test_logs_since_a_time_of_the_run_before_and_of_several(self):
        script = "echo first of $BROOD_CHILD; read -r word <go; echo second of $BROOD_CHILD; sleep 1000"
        cluster = self.cluster("n1")
        for name in ("go",):
            os.mkfifo(cluster.path(name))
        cluster.supervisors = {"web": ({}, [{"id": "long-name", "exec": ["sh", "-c", script], "cwd": "."},
                                            {"id": "b", "exec": ["sh", "-c", "echo only; sleep 1000"]}])}
        cluster.start()
        self.logged(cluster, "long-name", "first")
        self.logged(cluster, "b", "only")
        time.sleep(2.2)  # times are kept to the second
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        with open(cluster.path("go"), "w", encoding="utf-8") as pipe:
            pipe.write("go\n")
        self.logged(cluster, "long-name", "second")
        self.assertEqual(cluster.brood("logs", "long-name", "--since", since, node="n1").out, "second of long-name\n")
        self.assertEqual(cluster.brood("logs", "long-name", "--since", "1h", node="n1").out,
                         "first of long-name\nsecond of long-name\n")
        answer = cluster.brood("logs", "b", "--since", "soon", node="n1", status=2)
        self.assertIn("--since takes 10m", answer.err)
        both = cluster.brood("logs", "long-name", "b", node="n1").out
        self.assertEqual(both, "long-name | first of long-name\nlong-name | second of long-name\nb         | only\n")
        self.assertIn("\x1b[33mb         | \x1b[0monly", cluster.brood("logs", "long-name", "b", "--color", "always", node="n1").out)
        self.assertEqual([one["id"] for one in cluster.brood("logs", "long-name", "b", "--json", node="n1").json],
                         ["long-name", "b"])
        answer = cluster.brood("logs", "b", "--previous", node="n1", status=1)
        self.assertIn("it has run only once", answer.err)
        cluster.brood("restart", "long-name", node="n1")
        self.wait(lambda: cluster.brood("logs", "long-name", node="n1").out.count("first of") == 2, 10, "it runs again")
        self.assertEqual(cluster.brood("logs", "long-name", "--previous", node="n1").out,
                         "first of long-name\nsecond of long-name\n")

    # ---- ps

    def test_ps_filters_sorts_and_pages(self):
        cluster = self.one_node({"id": "w{n}", "count": 25, "exec": ["sleep", "1000"], "tag": "w"},
                                {"id": "x", "exec": ["sh", "-c", "exit 1"], "backoff_ms": 60000, "backoff_max_ms": 60000})
        self.wait(lambda: len([c for c in cluster.ps("n1") if c["instances"] and c["instances"][0]["phase"] == "running"]) == 25,
                  20, "they run")
        ids = lambda *words: [child["id"] for child in cluster.brood("ps", *words, "--json", node="n1").json]
        self.assertEqual(ids("--id", "x"), ["x"])
        self.assertEqual(len(ids("--phase", "running", "--on", "n1@127.0.0.1")), 25)
        answer = cluster.brood("ps", "--on", "n9@nowhere", node="n1", status=1)
        self.assertIn("--on n9@nowhere: no such node in the cluster; `brood nodes` shows those there are", answer.err)
        self.wait(lambda: ids("--phase", "restarting") == ["x"], 10, "it waits")
        self.assertIn("on n1@127.0.0.1 (restarting)", cluster.brood("why", "x", node="n1").out)
        self.assertEqual(ids("--sort", "restarts", "--limit", "1"), ["x"])
        self.assertEqual(ids("--sort", "id", "--limit", "3"), ["w1", "w10", "w11"])
        seen, after = [], []
        while True:
            page = cluster.brood("ps", "--tag", "w", "--limit", "10", *after, "--json", node="n1").json
            seen += [child["id"] for child in page["children"]]
            if page["next"] is None:
                break
            after = ["--after", page["next"]]
        self.assertEqual(sorted(seen), sorted(f"w{n}" for n in range(1, 26)))
        self.assertIn("--- more: brood ps ... --after", cluster.brood("ps", "--limit", "10", node="n1").err)
        cluster.brood("ps", "--after", "w1", node="n1", status=2)


if __name__ == "__main__":
    main()
