"""Clients that are no Erlang nodes: a C node made with OTP's libei, a Java node made with its Jinterface, and
OTP's own erl_call. And what every Erlang node may be asked: net_adm:ping, rpc, erpc, spawn."""

import pathlib
import shutil
import subprocess

from support import SLOW, ScenarioTest, main, processes

CLIENTS = pathlib.Path(__file__).resolve().parent.parent / "clients"
ERLANG = pathlib.Path("/usr/lib/erlang/usr")
JINTERFACE = pathlib.Path("/usr/share/java/OtpErlang.jar")
NODE = "n1@127.0.0.1"


class Clients(ScenarioTest):
    needs_erlang = True

    def begin(self, *names):
        cluster = self.cluster(*names or ("n1",), supervisors={"web": ({}, [])})
        cluster.start()
        cluster.wait_members(names or ("n1",))
        return cluster

    def run_client(self, cluster, command):
        """Its steps: name -> result."""
        process = processes.spawn(command, cluster.mark, cluster.environment, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, cwd=cluster.folder)
        try:
            out, err = process.communicate(timeout=60 * SLOW)
        finally:
            processes.reap(process)
        self.assertEqual(process.returncode, 0, f"{out.decode()}\n{err.decode()}\n{cluster.log('n1')}")
        return dict(line.split(" ", 1) for line in out.decode().splitlines() if " " in line)

    def test_a_c_node_is_a_client_like_any_other(self):
        self.assertTrue((ERLANG / "include" / "ei.h").exists(), "no libei: ./dev setup installs erlang-dev")
        cluster = self.begin()
        program = cluster.path("c_node")
        subprocess.run(["cc", "-std=gnu11", "-pthread", "-D_REENTRANT", "-o", str(program), str(CLIENTS / "c_node.c"),
                        f"-I{ERLANG}/include", f"-L{ERLANG}/lib", "-lei"], check=True)
        # Twice: it comes back under its name.
        for _ in range(2):
            steps = self.run_client(cluster, [program, "c1", cluster.cookie_file, NODE, "web", "of-c"])
            self.assertEqual(steps, {"ping": "yes", "start": f"ok {NODE}", "add": "5", "large": "300000",
                                     "exit": "of the child", "rpc": "{badrpc, notsup}"})

    def test_a_java_node_is_a_client_like_any_other(self):
        self.assertTrue(shutil.which("java") and JINTERFACE.exists(),
                        "no Jinterface or no Java: ./dev setup installs them")
        cluster = self.begin()
        process = processes.spawn(
            ["java", "-XX:TieredStopAtLevel=1", "-cp", JINTERFACE, CLIENTS / "JavaNode.java", "j1",
             cluster.cookie_file, NODE, "web", "of-java"],
            cluster.mark, cluster.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=cluster.folder)
        steps = {}
        try:
            for raw in process.stdout:
                name, _, result = raw.decode().strip().partition(" ")
                steps[name] = result
                if name == "ready":  # Jinterface answers pings too, and takes messages by name
                    erlang = cluster.erlang()
                    self.assertEqual(erlang.eval("net_adm:ping('j1@127.0.0.1')"), "pong")
                    erlang.eval("{box, 'j1@127.0.0.1'} ! hello")
            process.wait(30 * SLOW)
        finally:
            processes.reap(process)
            process.stdout.close()
        self.assertEqual(process.returncode, 0, f"{steps}\n{cluster.log('n1')}")
        self.assertIn(steps.pop("exit"), ("shutdown", "killed", "normal"))
        self.assertEqual(steps, {"ping": "pong", "start": f"ok {NODE}", "add": "5", "large": "300000", "stop": "ok",
                                 "rpc": "{badrpc,notsup}", "ready": "j1@127.0.0.1", "got": "hello"})

    def test_erl_call_is_refused_in_its_own_words(self):
        cluster = self.begin()
        command = ["erl_call", "-name", NODE, "-c", cluster.cookie]
        environment = dict(cluster.environment, HOME=str(cluster.folder), PATH="/usr/bin:/bin")
        for more in (["-a", "erlang node []"], ["-a", "erlang halt []"]):
            done = subprocess.run([*command, *more], capture_output=True, text=True, timeout=30 * SLOW, check=False,
                                  env=environment)
            self.assertEqual(done.stdout + done.stderr, "{badrpc, notsup}", more)
        # Only that it is there.
        done = subprocess.run(command, timeout=30 * SLOW, check=False, capture_output=True, env=environment)
        self.assertEqual(done.returncode, 0, done)

    def test_an_erlang_node_pings_and_what_it_may_not_do_is_refused_at_once(self):
        cluster = self.begin("n1", "n2")
        erlang = cluster.erlang()
        pings = f"[net_adm:ping(N) || N <- ['{NODE}', 'n2@127.0.0.1', '{NODE}']]"
        self.assertEqual(erlang.eval(pings), ["pong", "pong", "pong"])
        started = erlang.request(NODE, "{start_child, web, #{id => <<\"c\">>, start => {counter, []}}}")
        self.assertEqual(started[0], "ok", started)
        # Monitors and links outlive a ping.
        erlang.eval("register(watcher, spawn(fun() -> process_flag(trap_exit, true), "
                    f"P = brood_driver:request('{NODE}', {{whereis, web, <<\"c\">>}}), link(P), "
                    "M = monitor(process, P), (fun L(Seen) -> receive {get, F} -> F ! {seen, Seen}, L(Seen); "
                    "{'EXIT', P, _} -> L([exit | Seen]); {'DOWN', M, _, _, _} -> L([down | Seen]) end end)([]) end))")
        self.assertEqual(erlang.eval(pings), ["pong", "pong", "pong"])

        def seen():
            return erlang.eval("watcher ! {get, self()}, receive {seen, S} -> lists:sort(S) end")
        self.assertEqual(seen(), [])
        self.assertEqual(sorted(erlang.eval("nodes(hidden)")), [NODE, "n2@127.0.0.1"])
        self.assertEqual(erlang.eval("nodes()"), [])
        self.assertEqual(erlang.request(NODE, "{stop_child, web, <<\"c\">>}"), "ok")
        self.wait(lambda: seen() == ["down", "exit"], 10, lambda: f"both are told: {seen()}")

        refused = {
            f"rpc:call('{NODE}', erlang, node, [])": ("badrpc", "notsup"),
            f"rpc:block_call('{NODE}', erlang, node, [])": ("badrpc", "notsup"),
            f"try erpc:call('{NODE}', erlang, node, []) catch C:R -> {{C, R}} end": ("error", ("erpc", "notsup")),
            f"gen_server:call({{rex, '{NODE}'}}, {{call, erlang, node, [], self()}})": ("badrpc", "notsup"),
            f"gen_server:call({{net_kernel, '{NODE}'}}, anything)": ("error", "notsup"),
        }
        for expression, expected in refused.items():
            took, answer = erlang.eval(f"timer:tc(fun() -> {expression} end)")
            self.assertEqual(answer, expected, expression)
            self.assertLess(took, 2_000_000 * SLOW, expression)
        self.assertEqual(erlang.eval(f"rpc:cast('{NODE}', erlang, halt, [])"), "true")
        self.assertEqual(erlang.eval(pings), ["pong", "pong", "pong"])

    def test_a_message_beyond_the_limit_is_refused_and_the_connection_stays(self):
        cluster = self.begin()
        erlang = cluster.erlang()
        started = erlang.request(NODE, "{start_child, web, #{id => <<\"c\">>, start => {counter, []}}}")
        self.assertEqual(started[0], "ok", started)
        erlang.eval(f"register(watcher, spawn(fun() -> monitor_node('{NODE}', true), "
                    "(fun L(Down) -> receive {get, F} -> F ! {down, Down}, L(Down); {nodedown, _} -> L(Down + 1) end "
                    "end)(0) end))")
        big = "binary:copy(<<0>>, 257 * 1024 * 1024)"
        pid = f"brood_driver:request('{NODE}', {{whereis, web, <<\"c\">>}})"
        for call in (f"gen_server:call({{brood, '{NODE}'}}, {{call, web, <<\"c\">>, {big}}}, 60000)",
                     f"gen_server:call({pid}, {big}, 60000)"):
            answer = erlang.eval(call, 90)
            self.assertEqual(answer[:1] + answer[1][:1], ("error", "limit_exceeded"), call)
        erlang.eval(f"{pid} ! {big}, ok")  # not the message, which would come here as base64
        self.assertEqual(erlang.eval(f"gen_server:call({pid}, {{add, 2}}, 60000)", 90), 2)
        self.assertEqual(erlang.eval("watcher ! {get, self()}, receive {down, D} -> D end"), 0)
        self.assertIn("refused", cluster.log("n1"))


if __name__ == "__main__":
    main()
