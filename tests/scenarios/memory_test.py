"""A node under valgrind: it starts, works, leaves, and has lost no memory and touched none that is not its."""

import os
import re
import shutil

from support import SLOW, ScenarioTest, main

SUPPRESSIONS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "valgrind.supp")


class Memory(ScenarioTest):
    needs_chaos = True

    def test_a_node_shuts_down_valgrind_clean(self):
        if SLOW > 1.5:
            self.skipTest("a sanitizer's build does not run under valgrind")
        self.assertIsNotNone(shutil.which("valgrind"), "no valgrind: ./dev setup installs it")
        # Under valgrind all threads share one core: times are far off, so nothing must hang on them.
        cluster = self.cluster(
            "n1", node={"tick_timeout_ms": 60000, "stuck_after_ms": 60000, "exec_allow": True},
            supervisors={"web": ({}, [
                {"id": "c{n}", "worker": "counter", "count": 50},
                {"id": "of-a-plug-in", "worker": "exiter"},
                {"id": "monitor", "worker": "tcp_monitor", "args": {"host": "127.0.0.1", "port": 9,
                                                                    "every_ms": 200}},
                {"id": "program", "exec": ["sh", "-c", "echo hello; exec sleep 1000"]}])},
            wrapper=["valgrind", "--error-exitcode=99", "--leak-check=full", "--fair-sched=yes",
                     "--errors-for-leak-kinds=definite,indirect,possible", "--show-leak-kinds=definite,indirect,possible",
                     "--child-silent-after-fork=yes", "--soname-synonyms=somalloc=*jemalloc*",
                     "--suppressions=" + SUPPRESSIONS])
        cluster.start(seconds=120)
        self.wait(lambda: len(cluster.brood("ps", "--json", "--timeout", "30000", node="n1").json) == 53, 60,
                  "all children are there")
        cluster.brood("start", "more", "--worker", "echo", "--timeout", "30000", node="n1")
        cluster.brood("call", "more", "{hello, [1, 2, 3]}", "--timeout", "30000", node="n1")
        cluster.brood("call", "more", "{hello", node="n1", status=2)
        cluster.brood("stop", "more", "c1", "--timeout", "30000", node="n1")
        status = cluster.leave("n1", 120)
        text = cluster.log("n1")
        self.assertEqual(status, 0, text[-6000:])
        self.assertRegex(text, "ERROR SUMMARY: 0 errors")
        lost = re.findall(r"definitely lost: ([\d,]+) bytes", text)
        self.assertIn(lost, ([], ["0"]))
        self.assertTrue(os.path.exists(cluster.path("n1.toml")))


if __name__ == "__main__":
    main()
