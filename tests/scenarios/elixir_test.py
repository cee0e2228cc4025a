"""The Elixir example against three nodes, as its README says to run it."""

import os
import pathlib
import shutil
import subprocess

from support import SLOW, ScenarioTest, main, processes

EXAMPLE = pathlib.Path(__file__).resolve().parent.parent.parent / "examples" / "elixir"


class Elixir(ScenarioTest):
    def run_script(self, name):
        """A script of the example against a cluster of its own: what it wrote."""
        self.assertIsNotNone(shutil.which("elixir"), "no elixir: ./dev setup installs it")
        cluster = self.cluster(supervisors={"web": ({}, [])})
        cluster.start()
        cluster.wait_members()
        cluster.write(".erlang.cookie", cluster.cookie, 0o400)
        environment = dict(os.environ, **cluster.environment)
        environment[processes.MARK] = cluster.mark
        run = subprocess.run(["elixir", "--hidden", "--name", "script@127.0.0.1", str(EXAMPLE / name),
                              *[cluster.full(name) for name in cluster.names]],
                             capture_output=True, text=True, timeout=60 * SLOW, env=environment, check=False,
                             cwd=cluster.folder, stdin=subprocess.DEVNULL)
        self.assertEqual((run.returncode, run.stderr), (0, ""), run.stdout)
        return run.stdout

    def test_the_tour_ends_well(self):
        out = self.run_script("tour.exs")
        lines = out.splitlines()
        self.assertEqual(lines[-1], "done", out)
        counts = [int(line.split(" runs ")[1].split(" ")[0]) for line in lines if line.endswith(" of 100")]
        self.assertEqual((len(counts), sum(counts)), (3, 100), out)
        self.assertGreater(min(counts), 0, out)

    def test_the_client_module_does_what_it_says(self):
        out = self.run_script("brood_test.exs")
        self.assertIn("6 tests, 0 failures", out)


if __name__ == "__main__":
    main()
