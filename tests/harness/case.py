"""ScenarioTest: a test case with clusters that are always ended, whose logs are shown when it fails."""

import os
import sys
import time
import unittest

from . import processes
from .cluster import SLOW, Cluster, brood_binary, chaos_library
from .erlang import ErlangNode


def full_run():
    return bool(os.environ.get("BROOD_TEST_FULL"))


def rounds(usual, full):
    """How often to repeat: BROOD_TEST_ROUNDS, or the full number in a full run, else the usual one."""
    given = os.environ.get("BROOD_TEST_ROUNDS")
    return int(given) if given else full if full_run() else usual


class ScenarioTest(unittest.TestCase):
    needs_chaos = False
    needs_erlang = False

    def setUp(self):
        self.clusters = []
        self.started = time.monotonic()
        # A test of a program that is not there must not pass.
        self.assertTrue(brood_binary().exists(), f"no program {brood_binary()}: build it first (./dev build)")
        if self.needs_chaos:
            self.assertTrue(chaos_library().exists(), f"no plug-in {chaos_library()}: build it first")
        if self.needs_erlang:
            self.assertTrue(ErlangNode.available(), "no erl and erlc: ./dev setup installs them")

    def cluster(self, *names, **options):
        cluster = Cluster(names or ("n1", "n2", "n3"), **options)
        self.clusters.append(cluster)
        return cluster

    def tearDown(self):
        failed = self.has_failed()
        left = {}
        for cluster in self.clusters:
            logs = cluster.logs_text() if failed else ""
            if failed and logs:
                print(logs, file=sys.stderr)
            left.update(cluster.close())
        if not failed:
            self.assertEqual(left, {}, "something was left behind")

    def has_failed(self):
        result = self._outcome.result
        found = getattr(result, "failures", []) + getattr(result, "errors", [])
        return not self._outcome.success or any(self in (test, getattr(test, "test_case", None)) for test, _ in found)

    def note(self, text):
        """A measured figure: printed, never gated."""
        print(f"    [{self.id().rsplit('.', 1)[1]}] {text}", flush=True)

    def assert_no_overlap(self, cluster, least=0.0):
        found = cluster.witness.overlaps(least)
        self.assertEqual(len(found), 0, "two instances ran at once:\n" + cluster.witness.report(found))
        self.assertEqual(cluster.witness.bad_lines(), [])

    def wait(self, condition, seconds, what, pause=0.02):
        return processes.wait_for(condition, seconds * SLOW, what, pause)


def main():
    unittest.main(verbosity=2, failfast=bool(os.environ.get("BROOD_TEST_FAILFAST")))
