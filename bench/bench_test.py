#!/usr/bin/env python3
"""The measure works: with the smallest sizes every row of the table gets a number, of brood, of OTP, and of CAF where that
was built. What the numbers are is not looked at."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOOLS = ROOT / "tools" / "bench"
sys.path.insert(0, str(TOOLS))
import contenders  # noqa: E402
import report  # noqa: E402
from rows import ROWS, RUNS  # noqa: E402

# What OTP has no counterpart of: coroutines, and what only a supervisor over nodes does.
OURS_ONLY = ("coroutines", "raw_tcp", "call_by_tcp", "hot.", "silent.")
# Of the runs that CAF has part in.
NOT_OF_CAF = ("raw_tcp", "call_by_tcp")


class Measure(unittest.TestCase):
    def test_every_row_gets_a_number(self):
        with tempfile.TemporaryDirectory() as folder:
            run = subprocess.run([sys.executable, TOOLS, "--smoke", "--full", "--out", folder], text=True, check=False,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            self.assertEqual(run.returncode, 0, run.stdout)
            written = json.loads((pathlib.Path(folder) / "results.json").read_text())
            page = (pathlib.Path(folder) / "RESULTS.md").read_text()
            self.assertIn("<svg", (pathlib.Path(folder) / "bench.svg").read_text())
        values = written["values"]
        of_caf = {run.name for run in RUNS if run.caf} if contenders.Caf.available() else set()
        for row in ROWS:
            self.assertTrue(values["brood"].get(row.key), row)
            self.assertIn(f"| {row.title} |", page)
            if contenders.Otp.available() and not any(part in row.key for part in OURS_ONLY):
                self.assertTrue(values["OTP"].get(row.key), row)
            if row.key.split(".")[0] in of_caf and not any(part in row.key for part in NOT_OF_CAF):
                self.assertTrue(values["CAF"].get(row.key), row)
        self.assertEqual(values["brood"]["hot.calls_failed"], [0])
        self.assertEqual("CAF" in values, contenders.Caf.available())
        self.assertEqual("ratio to CAF" in page, contenders.Caf.available())
        self.assertEqual(written["facts"]["CAF"] == "not measured", not contenders.Caf.available())

    def test_rows_are_of_runs_and_once(self):
        names = {run.name for run in RUNS}
        keys = [row.key for row in ROWS]
        self.assertEqual(len(keys), len(set(keys)))
        self.assertLessEqual({key.split(".")[0] for key in keys}, names)


class Report(unittest.TestCase):
    def test_a_ratio_says_how_many_times_better_ours_is(self):
        less = next(row for row in ROWS if row.unit == "s")
        more = next(row for row in ROWS if row.unit == "/s")
        self.assertEqual(report.ratio(less, [1.0, 2.0, 9.0], [4.0]), 2)
        self.assertEqual(report.ratio(more, [8.0], [4.0]), 2)
        self.assertIsNone(report.ratio(more, [], [4.0]))

    def test_caf_has_columns_only_where_it_was_measured(self):
        rows = [row for row in ROWS if row.key in ("local.local_call_p50", "single.one_start_p50")]
        measured = report.Measured()
        for row in rows:
            measured.add("brood", row.key, 1e-6)
        without = report.table(rows, measured)
        self.assertNotIn("CAF", without)
        measured.add("CAF", "local.local_call_p50", 3e-6)
        lines = report.table(rows, measured).splitlines()
        self.assertEqual([line.count("|") for line in lines], [without.splitlines()[0].count("|") + 2] * 4)
        self.assertIn("| 1 us | - | - | - | - |", lines[2])
        self.assertIn("| 1 us | - | - | 3 us | 3.00 |", lines[3])

    def test_a_cell_has_median_least_and_most(self):
        self.assertEqual(report.cell([0.003, 0.001, 0.002], "s"), "2 ms (1 ms to 3 ms)")
        self.assertEqual(report.cell([2.5e9], "B/s"), "2,500 MB/s")
        self.assertEqual(report.cell([], "s"), "-")

    def test_only_runs_that_do_not_overlap_are_apart(self):
        self.assertTrue(report.apart([1, 2, 3], [4, 5, 6]))
        self.assertFalse(report.apart([1, 2, 5], [4, 5, 6]))
        self.assertFalse(report.apart([1, 2], [3, 4]))


if __name__ == "__main__":
    if not contenders.binary_folder().joinpath("cluster_bench").exists():
        sys.exit(77)
    unittest.main()
