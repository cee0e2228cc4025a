"""The Elixir example against three nodes, as its README says to run it."""

import os
import pathlib
import shutil
import subprocess

from support import SLOW, ScenarioTest, main, processes

EXAMPLE = pathlib.Path(__file__).resolve().parent.parent.parent / "examples" / "elixir"


class Elixir(ScenarioTest):
    def test_the_tour_ends_well(self):
        self.assertIsNotNone(shutil.which("elixir"), "no elixir: ./dev setup installs it")
        cluster = self.cluster(supervisors={"web": ({}, [])})
        cluster.start()
        cluster.wait_members()
        cluster.write(".erlang.cookie", cluster.cookie, 0o400)
        environment = dict(os.environ, **cluster.environment)
        environment[processes.MARK] = cluster.mark
        run = subprocess.run(["elixir", "--hidden", "--name", "tour@127.0.0.1", str(EXAMPLE / "tour.exs"),
                              *[cluster.full(name) for name in cluster.names]],
                             capture_output=True, text=True, timeout=60 * SLOW, env=environment, check=False,
                             cwd=cluster.folder, stdin=subprocess.DEVNULL)
        self.assertEqual((run.returncode, run.stderr), (0, ""), run.stdout)
        lines = run.stdout.splitlines()
        self.assertEqual(lines[-1], "done", run.stdout)
        counts = [int(line.split(" runs ")[1].split(" ")[0]) for line in lines if line.endswith(" of 100")]
        self.assertEqual((len(counts), sum(counts)), (3, 100), run.stdout)
        self.assertGreater(min(counts), 0, run.stdout)


if __name__ == "__main__":
    main()
