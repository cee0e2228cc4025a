"""Ordinary programs as children: logs, exit status, signals, grandchildren, and nothing left behind."""

import os
import re
import resource
import signal
import subprocess
import threading
import time
import urllib.request

from support import SLOW, ScenarioTest, brood_binary, main, ports, processes, server_child

TICK_MS = 3000


class Programs(ScenarioTest):
    def one_node(self, *children, **options):
        options.setdefault("node", {"exec_allow": True, "tick_timeout_ms": TICK_MS})
        cluster = self.cluster("n1", supervisors={"web": ({}, list(children))}, **options)
        cluster.start()
        return cluster

    def instance(self, cluster, name, node="n1"):
        """The one instance of a child, or None."""
        for child in cluster.ps(node):
            if child["id"] == name and child["instances"]:
                return child["instances"][0]
        return None

    def running(self, cluster, name):
        def look():
            found = self.instance(cluster, name)
            return found if found and found["phase"] == "running" and found["os_pid"] else None
        return self.wait(look, 15, f"{name} runs")

    def family(self, cluster, name):
        """The processes that run under a child's name, its shim left out."""
        return [pid for pid in processes.with_environment("BROOD_CHILD", name, cluster.mark)
                if os.path.basename(processes.command_line(pid).split(" ")[0]) != "brood-shim"]

    def test_a_server_answers_and_its_group_is_its_own(self):
        port = ports.free_port()
        cluster = self.cluster("n1")
        cluster.supervisors = {"web": ({}, [server_child(cluster, "files", port)])}
        cluster.start()
        pid = self.running(cluster, "files")["os_pid"]
        cluster.wait_witnessed(["files"])
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
            words = answer.read().decode().split()
        self.assertEqual(words, ["files", str(pid), "n1@127.0.0.1"])
        self.assertEqual(os.getpgid(pid), pid)

    def test_a_program_that_ends_is_restarted_by_its_policy(self):
        cluster = self.one_node(
            {"id": "always", "exec": ["sh", "-c", "sleep 0.2"], "restart": "permanent"},
            {"id": "on-failure-ok", "exec": ["sh", "-c", "exit 0"], "restart": "transient"},
            {"id": "on-failure", "exec": ["sh", "-c", "sleep 0.2; exit 3"], "restart": "transient"},
            {"id": "never", "exec": ["sh", "-c", "exit 3"], "restart": "temporary"})
        self.wait(lambda: (self.instance(cluster, "always") or {"restarts": 0})["restarts"] >= 2, 20, "restarts")
        self.wait(lambda: (self.instance(cluster, "on-failure") or {"restarts": 0})["restarts"] >= 2, 20,
                  "restarts after status 3")
        self.wait(lambda: not {"never", "on-failure-ok"} & {child["id"] for child in cluster.ps("n1")}, 10,
                  "those that are not restarted are gone")

    def test_a_killed_program_is_restarted_with_another_process(self):
        cluster = self.one_node({"id": "victim", "exec": ["sleep", "1000"]})
        first = self.running(cluster, "victim")["os_pid"]
        os.kill(first, 9)
        self.wait(lambda: self.running(cluster, "victim")["os_pid"] != first, 10, "a new process")
        self.assertEqual(self.instance(cluster, "victim")["restarts"], 1)

    def test_a_program_that_stops_is_shown_with_its_log_until_it_has_ended(self):
        cluster = self.one_node({"id": "slow", "shutdown_ms": int(30000 * SLOW), "exec": [
            "sh", "-c", "trap 'echo going; sleep 2; exit 0' TERM; echo here; while :; do sleep 0.05; done"]})
        self.running(cluster, "slow")
        self.wait(lambda: "here" in cluster.brood("logs", "slow", node="n1").out, 10, "it has begun")
        stop = threading.Thread(target=cluster.brood, args=("stop", "slow"), kwargs={"node": "n1"})
        stop.start()
        self.wait(lambda: (self.instance(cluster, "slow") or {"phase": "gone"})["phase"] == "stopping", 10 * SLOW,
                  "it is shown as stopping")
        self.assertIn("here", cluster.brood("logs", "slow", node="n1").out)
        stop.join()
        self.wait(lambda: not cluster.ps("n1"), 5, "it is gone")

    def test_stop_ends_grandchildren_and_daemons_too(self):
        cluster = self.one_node({"id": "family", "exec": [
            "sh", "-c", "sleep 1001 & (setsid sh -c 'sleep 1002 & sleep 1003' &) ; sleep 1004"]})
        self.running(cluster, "family")
        self.wait(lambda: sum("sleep" in processes.command_line(pid) for pid in self.family(cluster, "family")) >= 4,
                  10, "the whole family runs")
        cluster.brood("stop", "family", node="n1")
        self.assertEqual(self.family(cluster, "family"), [])

    def test_a_program_that_ignores_its_stop_signal_is_killed_after_its_time(self):
        cluster = self.one_node({"id": "stubborn", "shutdown_ms": 700, "exec": [
            "sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"]})
        pid = self.running(cluster, "stubborn")["os_pid"]
        self.wait(lambda: "ready" in cluster.brood("logs", "stubborn", node="n1").out, 10, "it ignores SIGTERM")
        begin = time.monotonic()
        cluster.brood("stop", "stubborn", node="n1")
        took = time.monotonic() - begin
        self.assertGreater(took, 0.6)
        self.assertLess(took, 5 * SLOW)
        self.assertFalse(os.path.exists(f"/proc/{pid}"))

    def test_a_program_may_say_what_stops_it(self):
        cluster = self.one_node({"id": "polite", "stop_signal": "SIGINT", "shutdown_ms": int(10000 * SLOW), "exec": [
            "sh", "-c", "trap 'echo stopped by INT; exit 0' INT; echo ready; while :; do sleep 0.1; done"]})
        self.running(cluster, "polite")
        self.wait(lambda: "ready" in cluster.brood("logs", "polite", node="n1").out, 10, "ready")
        begin = time.monotonic()
        cluster.brood("stop", "polite", node="n1")
        self.assertLess(time.monotonic() - begin, 3 * SLOW)

    def shims(self, cluster, name):
        return [pid for pid in processes.with_environment("BROOD_CHILD", name, cluster.mark)
                if os.path.basename(processes.command_line(pid).split(" ")[0]) == "brood-shim"]

    def test_sigterm_to_every_process_of_a_node_leaves_programs_their_time(self):
        # What systemd does to a service by default: SIGTERM to all that is in its control group.
        cluster = self.one_node({"id": "tidy", "shutdown_ms": int(20000 * SLOW), "exec": [
            "sh", "-c", "trap 'sleep 1; echo tidied >tidied; exit 0' TERM; echo ready; while :; do sleep 0.05; done"],
            "cwd": "."})
        pid = self.running(cluster, "tidy")["os_pid"]
        self.wait(lambda: "ready" in cluster.brood("logs", "tidy", node="n1").out, 10, "ready")
        shims = self.shims(cluster, "tidy")
        self.assertEqual(len(shims), 1)
        for process in [*shims, pid]:
            os.kill(process, signal.SIGTERM)
        self.assertEqual(cluster.leave("n1"), 0, cluster.log("n1"))
        self.assertTrue(os.path.exists(cluster.path("tidied")), "it was not killed while it tidied up")

    def test_stop_asks_a_daemon_in_its_own_session_too(self):
        cluster = self.one_node({"id": "family", "shutdown_ms": int(20000 * SLOW), "cwd": ".", "exec": [
            "sh", "-c", "(setsid sh -c 'trap \"sleep 0.5; echo tidied >tidied; exit\" TERM; echo $$ >daemon; "
                        "while :; do sleep 0.05; done' &) ; exec sleep 1000"]})
        self.running(cluster, "family")
        self.wait(lambda: os.path.exists(cluster.path("daemon")), 10, "the daemon runs")
        cluster.brood("stop", "family", node="n1")
        self.assertTrue(os.path.exists(cluster.path("tidied")))
        self.assertEqual(self.family(cluster, "family"), [])

    def test_log_and_exit_status_of_what_ended_are_shown_by_every_node(self):
        cluster = self.cluster("n1", "n2", supervisors={"web": ({}, [
            {"id": "job", "exec": ["sh", "-c", "echo did it; exit 7"], "restart": "temporary"},
            {"id": "service", "exec": ["sh", "-c", "echo served; exec sleep 1000"]}])},
            node={"exec_allow": True})
        cluster.start()
        cluster.wait_placed(["service"])
        self.wait(lambda: "served" in cluster.brood("logs", "service", node="n1").out, 10, "it wrote")
        cluster.brood("stop", "service", node="n2")
        for node in ("n1", "n2"):
            for name, wrote, how in (("job", "did it\n", "exited with code 7"),
                                     ("service", "served\n", "stopped: ended by SIGTERM")):
                answer = cluster.brood("logs", name, node=node)
                self.assertEqual(answer.out, wrote)
                self.assertRegex(answer.err, rf"--- {how} at [-0-9]+ [0-9:]+ UTC ---")
                self.assertIn(how, cluster.brood("show", name, node=node).out)
        self.assertEqual(cluster.brood("logs", "job", "--json", node="n1").json["last_end"]["code"], 7)
        self.assertIn("no log of one", cluster.brood("logs", "never", node="n1", status=1).err)
        # One that is started again under the id does not pass the old text off as its own.
        cluster.brood("start", "job", "--restart", "temporary", "--", "sh", "-c", "echo did it again; exit 8", node="n1")
        self.wait(lambda: "code 8" in cluster.brood("logs", "job", node="n1").err, 10, "the second end")
        erlang = cluster.erlang()
        for node in ("n1", "n2"):
            answer = erlang.request(cluster.full(node), "{last_end, web, <<\"job\">>}")
            self.assertEqual(answer[0], "ok", answer)
            self.assertEqual(answer[1]["code"], 8)
            self.assertEqual(answer[1]["text"], b"exited with code 8")
            self.assertEqual(erlang.request(cluster.full(node), "{last_end, web, <<\"never\">>}"), ("ok", "undefined"))

    def test_restarts_are_marked_in_the_log_with_time_and_status(self):
        cluster = self.one_node({"id": "twice", "exec": [
            "sh", "-c", "echo run; test -e again && exec sleep 1000; touch again; exit 3"], "cwd": "."})
        self.wait(lambda: cluster.brood("logs", "twice", node="n1").out.count("run\n") == 2, 15, "two runs")
        lines = cluster.brood("logs", "twice", node="n1").out.splitlines()
        self.assertEqual((lines[0], lines[2]), ("run", "run"))
        self.assertRegex(lines[1], r"^\[brood: exited with code 3 at [-0-9]+ [0-9:]+ UTC; started at .* UTC\]$")

    def test_followed_output_is_complete_or_says_what_is_missing(self):
        line = "a line of forty bytes ................"
        cluster = self.one_node({"id": "fast", "restart": "temporary", "cwd": ".", "exec": [
            "sh", "-c", "while ! test -e go; do sleep 0.01; done; i=0; while [ $i -lt 60 ]; do "
                        f"yes '{line}' | head -n 5000; sleep 0.1; i=$((i+1)); done"]})
        self.running(cluster, "fast")
        command = [str(brood_binary()), "logs", "fast", "-f", "--node", cluster.full("n1"),
                   "--cookie-file", cluster.cookie_file]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env=dict(os.environ, **cluster.environment)) as follower:
            cluster.write("go", "")
            out, err = follower.communicate(timeout=120 * SLOW)
        lost = sum(int(number) for number in re.findall(r"--- (\d+) bytes lost ---", err))
        self.note(f"{len(out)} bytes followed, {lost} lost")
        self.assertEqual(len(out) + lost, 60 * 5000 * (len(line) + 1))
        self.assertGreater(len(out), 2 << 20, "more than is ever kept")
        self.assertEqual(set(out.splitlines()), {line}, "whole lines only")

    def test_a_program_has_the_file_limit_that_the_node_was_started_with(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        low = min(1024, hard)
        cluster = self.cluster("n1", node={"exec_allow": True}, supervisors={"web": ({}, [
            {"id": "limits", "exec": ["sh", "-c", "echo $(ulimit -Sn) $(ulimit -Hn); exec sleep 1000"]}])})
        resource.setrlimit(resource.RLIMIT_NOFILE, (low, hard))
        try:
            cluster.start()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        words = "unlimited" if hard == resource.RLIM_INFINITY else hard
        self.wait(lambda: cluster.brood("logs", "limits", node="n1").out, 10, "it wrote")
        self.assertEqual(cluster.brood("logs", "limits", node="n1").out, f"{low} {words}\n")

    def test_as_process_1_a_node_takes_away_processes_that_lost_their_parents(self):
        container = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
        if subprocess.run([*container, "true"], capture_output=True, check=False).returncode != 0:
            self.skipTest("no process namespace can be made here")
        cluster = self.cluster("n1", wrapper=container)
        cluster.start()

        def children(pid):
            found = []
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
                    found += file.read().split()
            return found
        node, = children(cluster.process("n1").pid)

        def ended():
            states = []
            for child in children(node):
                with open(f"/proc/{child}/stat", encoding="ascii") as file:
                    states.append(file.read().rsplit(")", 1)[1].split()[0])
            return "Z" in states
        subprocess.run(["nsenter", "-t", node, "-p", "-m", "sh", "-c", "(sleep 0.1 &) ; true"], check=True)
        self.wait(ended, 5, "an orphan has ended below the node")
        self.wait(lambda: not ended(), 30, "it is taken away")
        cluster.kill("n1")

    def test_a_log_whose_folder_was_removed_is_there_again(self):
        cluster = self.one_node({"id": "ticker", "exec": [
            "sh", "-c", "while :; do echo tick; sleep 0.05; done"]}, node={"exec_allow": True, "log_dir": "logs"})
        self.wait(lambda: "tick" in cluster.brood("logs", "ticker", node="n1").out, 10, "it wrote")
        subprocess.run(["rm", "-r", cluster.path("logs")], check=True)
        self.wait(lambda: "tick" in cluster.brood("logs", "ticker", node="n1").out, 10, "it is there again")

    def test_a_program_that_goes_to_the_background_is_told_to_stay(self):
        cluster = self.one_node({"id": "daemon", "restart": "temporary", "exec": [
            "sh", "-c", "(setsid sleep 1000 &) ; exit 0"]})
        self.wait(lambda: "stay in the foreground" in cluster.brood("logs", "daemon", node="n1", status=None).err, 15,
                  "its end says so")

    def test_the_log_is_bounded_and_keeps_the_newest(self):
        cluster = self.one_node({"id": "chatty", "exec": [
            "sh", "-c", "i=0; while [ $i -lt 60000 ]; do echo \"line $i ................................................"
                        "\"; i=$((i+1)); done; echo the end; exec sleep 1000"]}, node={"log_dir": "logs"})
        self.wait(lambda: "the end" in cluster.brood("logs", "chatty", "-n", "1", node="n1").out, 60, "all written")
        size = sum(os.path.getsize(os.path.join(folder, name))
                   for folder, _, names in os.walk(cluster.path("logs")) for name in names)
        self.assertLess(size, 3 << 20, "4 MB were written")
        tail = cluster.brood("logs", "chatty", "-n", "3", node="n1").out.splitlines()
        self.assertEqual(tail[-1], "the end")
        self.assertIn("line 59999", tail[-2])

    def test_a_full_disk_harms_neither_program_nor_node(self):
        if os.geteuid() != 0:
            self.skipTest("needs root for a small file system")
        cluster = self.cluster("n1", node={"log_dir": "full", "exec_allow": True})
        folder = cluster.path("full")
        os.mkdir(folder)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder],
                                 capture_output=True, check=False)
        if mounted.returncode != 0:
            self.skipTest("no tmpfs can be mounted here")
        try:
            cluster.supervisors = {"web": ({}, [{"id": "writer", "exec": [
                "sh", "-c", "i=0; while [ $i -lt 20000 ]; do echo \"line $i of many\"; i=$((i+1)); done; "
                            "touch done; exec sleep 1000"], "cwd": cluster.folder}])}
            cluster.start()
            self.wait(lambda: os.path.exists(cluster.path("done")), 60, "the program went on to its end")
            self.running(cluster, "writer")
            cluster.brood("logs", "writer", node="n1")
            cluster.brood("start", "more", "--worker", "counter", node="n1")
            cluster.brood("stop", "writer", node="n1")
            self.assertEqual(cluster.close(), {})
        finally:
            subprocess.run(["umount", "-l", folder], check=False, capture_output=True)

    def test_kill_9_of_the_node_leaves_no_program_running(self):
        cluster = self.one_node(
            {"id": "family", "exec": ["sh", "-c", "sleep 1001 & (setsid sleep 1002 &) ; sleep 1003"]},
            {"id": "stubborn", "exec": ["sh", "-c", "trap '' TERM INT HUP; while :; do sleep 1; done"]})
        self.running(cluster, "family")
        self.running(cluster, "stubborn")
        self.wait(lambda: len(self.family(cluster, "family")) >= 3, 10, "the family runs")
        cluster.kill("n1")
        begin = time.monotonic()
        self.wait(lambda: not self.family(cluster, "family") and not self.family(cluster, "stubborn"), 5,
                  "nothing is left")
        self.note(f"all gone {(time.monotonic() - begin) * 1000:.0f} ms after the kill")

    def test_a_stopped_node_leaves_no_program_running_and_restarts_it_when_it_wakes(self):
        cluster = self.cluster("n1", "n2", node={"tick_timeout_ms": TICK_MS})
        port = ports.free_port()
        cluster.supervisors = {"web": ({}, [server_child(cluster, f"s{n}", ports.free_port() if n else port)
                                            for n in range(6)])}
        ids = [f"s{n}" for n in range(6)]
        cluster.start()
        cluster.wait_placed(ids)
        cluster.wait_witnessed(ids)
        held = [name for name, node in cluster.wait_placed(ids).items() if node == cluster.full("n1")]
        self.assertTrue(held)
        cluster.pause("n1")
        begin = time.monotonic()
        moved = {"n2": None}

        def all_on_n2():
            moved["n2"] = {name: nodes for name, nodes in cluster.placed("n2").items()}
            return all(nodes == [cluster.full("n2")] for nodes in moved["n2"].values())
        self.wait(all_on_n2, 3 * TICK_MS / 1000 + 10, lambda: f"n2 took over: {moved['n2']}")
        self.note(f"taken over {time.monotonic() - begin:.1f} s after SIGSTOP (tick time-out {TICK_MS} ms)")
        cluster.wait_witnessed(ids)
        cluster.resume("n1")
        cluster.wait_members(("n1", "n2"), 30)
        cluster.wait_placed(ids)
        cluster.wait_witnessed(ids)
        self.assert_no_overlap(cluster)

    def test_a_lone_node_that_slept_starts_its_programs_again_at_the_first_try(self):
        cluster = self.cluster("n1", node={"tick_timeout_ms": TICK_MS}, supervisors={"web": ({}, [
            {"id": name, "exec": ["sleep", "1000"]} for name in ("a", "b", "c")])})
        cluster.start()
        cluster.wait_placed(["a", "b", "c"])
        cluster.pause("n1")
        time.sleep(TICK_MS / 1000)
        cluster.resume("n1")
        self.wait(lambda: cluster.log("n1").count("its shim") == 3, 20, lambda: cluster.log("n1"))
        cluster.wait_placed(["a", "b", "c"])
        self.assertNotIn("could not be started", cluster.log("n1"))

    def test_a_program_that_does_not_exist_is_refused_with_its_name(self):
        cluster = self.one_node()
        answer = cluster.brood("start", "none", "--json", "--", "/no/such/program", node="n1", status=1)
        self.assertEqual(answer.json["error"]["code"], "start_failed")
        self.assertIn("/no/such/program", answer.json["error"]["message"])
        self.assertEqual(cluster.ps("n1"), [])

    def test_a_command_is_not_allowed_where_the_node_does_not_say_so(self):
        cluster = self.one_node(node={})
        answer = cluster.brood("start", "shell", "--json", "--", "sleep", "1000", node="n1", status=1)
        self.assertEqual(answer.json["error"]["code"], "not_allowed")
        self.assertIn("exec_allow", answer.json["error"]["message"])
        self.assertEqual(processes.with_environment("BROOD_CHILD", "shell", cluster.mark), [])

    def test_a_node_that_leaves_alone_stops_its_programs(self):
        cluster = self.one_node({"id": "last", "exec": ["sleep", "1000"]})
        pid = self.running(cluster, "last")["os_pid"]
        self.assertEqual(cluster.leave("n1"), 0, cluster.log("n1"))
        self.assertFalse(os.path.exists(f"/proc/{pid}"))


if __name__ == "__main__":
    main()
