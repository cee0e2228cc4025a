"""How changes reach the other nodes: gossip between real nodes, and the example of a synchronisation of one's own."""

import subprocess

from support import SLOW, ScenarioTest, main
from harness import ports
from harness.cluster import binary_folder


class SynchronisationTest(ScenarioTest):
    def test_the_example_tells_its_changes_along_a_chain(self):
        numbers = [str(ports.free_port()) for _ in range(4)]
        done = subprocess.run([binary_folder() / "chain", *numbers], capture_output=True, text=True,
                              timeout=60 * SLOW, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual([line.split(" ", 1)[1] for line in done.stdout.splitlines()], ["knows 30 lamps"] * 4)


if __name__ == "__main__":
    main()
