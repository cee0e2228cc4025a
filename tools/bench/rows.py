"""What is measured: the runs, the rows that come of each, what others reach and what is aimed at.

A run is one start of the measuring programs (bench/cluster, and bench/otp and bench/caf where they have a counterpart);
it tells some figures, which become rows `RUN.FIGURE`. `others` and `aim` are of the table of the issue "Speed": `others` was measured
elsewhere, on a machine of the same kind, and is here to be read, not to be compared with to the last digit.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Run:
    name: str
    children: int
    what: str
    program_group: str = ""  # of the programs; "" is the name
    group: str = ""  # for ./dev bench GROUP; "" is the name
    otp: bool = True
    caf: bool = False  # it has actors and a network, and nothing that supervises them
    full: bool = False  # only with --full

    @property
    def measures(self):
        return self.program_group or self.name

    @property
    def belongs(self):
        return self.group or self.name


RUNS = [
    Run("life_1000", 1000, "three nodes with 1,000 children from start to kill -9", "life", "life"),
    Run("life_10000", 10_000, "the same with 10,000", "life", "life"),
    Run("life_100000", 100_000, "the same with 100,000", "life", "life"),
    Run("life_1000000", 1_000_000, "the same with 1,000,000", "life", "life", full=True),
    Run("alone", 100_000, "100,000 children on one node"),
    Run("single", 1000, "one start after the other"),
    Run("lookup_10000", 10_000, "look-ups by id among 10,000", "lookup", "lookup"),
    Run("lookup_100000", 100_000, "look-ups by id among 100,000", "lookup", "lookup"),
    Run("local", 1000, "calls to children of the caller's node", caf=True),
    Run("quick", 1000, "the same to workers that are `is_quick`", caf=True),
    Run("remote", 1000, "calls to children of another node, and bare TCP", caf=True),
    Run("one_way", 0, "messages that nobody answers", caf=True),
    Run("hot", 10_000, "a node joins with hot swap, also beside 64 callers", otp=False),
    Run("silent", 10_000, "a node stands still with its sockets open", otp=False),
    Run("balance", 10_000, "the keys of ten nodes"),
]


@dataclasses.dataclass(frozen=True)
class Row:
    key: str  # RUN.FIGURE
    title: str
    unit: str  # s, B, B/s, /s, x (a ratio), n (a count)
    others: str = ""
    aim: str = ""

    @property
    def more_is_better(self):
        return self.unit in ("/s", "B/s")


ROWS = [
    Row("life_10000.start", "start 10,000 on 3 nodes: acknowledged, and listed by every node", "s",
        "0.86 s ProcessHub", "0.03 s"),
    Row("life_100000.start", "start 100,000", "s", "3.05 s ProcessHub (check off)", "0.2 s"),
    Row("life_1000000.start", "start 1,000,000", "s", "", "2.5 s"),
    Row("alone.start", "start 100,000 on one node", "s"),
    Row("single.one_start_p50", "one start, acknowledged, p50", "s", "", "60 us"),
    Row("single.one_start_p99", "the same, p99", "s", "", "150 us"),
    Row("lookup_10000.lookup", "look up an id among 10,000", "s", "237 ns ProcessHub", "25 ns"),
    Row("lookup_100000.lookup", "among 100,000", "s", "", "25 ns"),
    Row("lookup_100000.lookup_two_threads", "among 100,000, two threads at once, each", "s", "", "25 ns"),
    Row("lookup_100000.lookup_beside_starts", "among 100,000, beside starts", "s", "", "25 ns"),
    Row("local.local_call_p50", "local call by id, plain thread to an idle child, p50", "s",
        "1.6 us raw OTP, 3.0 us DistributedSupervisor", "0.1 us inline, 1.5 us without"),
    Row("quick.local_call_p50", "the same, of a worker that is `is_quick`: its caller runs it", "s",
        "1.6 us raw OTP, 3.0 us DistributedSupervisor", "0.1 us inline"),
    Row("local.local_calls_64_threads", "local calls by id, 64 threads", "/s",
        "463,000/s raw OTP, 318,000/s ProcessHub", "5,000,000/s"),
    Row("quick.local_calls_64_threads", "the same, of workers that are `is_quick`", "/s",
        "463,000/s raw OTP, 318,000/s ProcessHub", "5,000,000/s"),
    Row("local.local_calls_64_coroutines", "the same, 64 coroutines", "/s", "", "5,000,000/s"),
    Row("local.local_calls_64_in_flight", "local calls in flight by pid, 64", "/s", "CAF 2.5 M/s", "5 M/s"),
    Row("remote.raw_tcp_round_trip", "bare TCP round trip of as many bytes, mean", "s"),
    Row("remote.remote_call_p50", "remote call by id, one thread, p50", "s", "95 us ProcessHub",
        "1.3 times bare TCP"),
    Row("remote.call_by_tcp", "the same by the bare TCP round trip of the same run", "x", "", "1.3"),
    Row("remote.remote_call_by_pid_p50", "remote call by pid, one thread, p50", "s"),
    Row("remote.remote_calls_64_threads", "remote calls by id, 64 threads", "/s", "59,000/s", "600,000/s"),
    Row("remote.remote_calls_256_threads", "256 threads", "/s", "64,000/s", "1,000,000/s"),
    Row("remote.remote_calls_64_coroutines", "remote calls by id, 64 coroutines", "/s", "", "600,000/s"),
    Row("remote.remote_calls_256_coroutines", "256 coroutines", "/s", "", "1,000,000/s"),
    Row("remote.remote_calls_64_in_flight", "remote calls in flight by pid, 64", "/s", "117,000/s CAF", "1 M/s"),
    Row("remote.remote_calls_256_in_flight", "256", "/s", "131,000/s CAF", "1.5 M/s"),
    Row("one_way.one_way_64B", "one-way messages of 64 B", "/s", "748,000/s OTP", "5 M/s"),
    Row("one_way.one_way_4KiB", "of 4 KiB", "/s", "187,000/s OTP", "1 M/s"),
    Row("one_way.one_way_1MiB", "of 1 MiB", "B/s", "2,261 MB/s OTP", "2 times OTP"),
    Row("life_10000.kill", "kill -9 of one of three nodes, 10,000 children, closed socket: all run again", "s",
        "0.50 s Pogo", "0.03 s"),
    Row("life_100000.kill", "100,000 children", "s", "", "0.2 s"),
    Row("life_1000000.kill", "1,000,000 children", "s"),
    Row("silent.silent", "silent host, 10,000 children: all run again, beyond the tick time-out of 2 s", "s"),
    Row("life_10000.join", "a third node joins 10,000 children: settled, cold swap", "s", "0.81 s ProcessHub", "0.06 s"),
    Row("hot.join", "the same, hot swap", "s", "", "0.15 s"),
    Row("life_100000.join", "a third node joins 100,000 children, cold swap", "s"),
    Row("life_100000.drain", "drain of a node that has a third of 100,000 children", "s", "", "0.5 s"),
    Row("life_1000000.drain", "a third of 1,000,000", "s"),
    Row("hot.call_p99_quiet", "64 callers at full rate: p99 of a call", "s"),
    Row("hot.call_p99_beside_join", "the same while a node joins 10,000 children with hot swap", "s", "",
        "under 10 times the quiet p99"),
    Row("hot.p99_factor", "the one by the other", "x", "", "10"),
    Row("hot.calls_failed", "calls that failed meanwhile", "n", "", "0"),
    Row("alone.memory", "memory of a node per child that it runs, one node, 100,000", "B", "3.0 kB raw OTP (no registry)",
        "0.7 kB"),
    Row("life_100000.memory", "the same on three nodes, with its copy of the whole registry", "B", "5.0 kB ProcessHub",
        "1.1 kB: 0.7 of its own, 0.2 for each of the others' two"),
    Row("life_10000.calls", "calls by id to any of 10,000 children on 3 nodes, 64 threads", "/s"),
    Row("life_100000.calls", "of 100,000", "/s"),
    Row("balance.balance", "balance, 10,000 children on 10 nodes: largest part by mean part", "x", "1.07 Horde", "1.05"),
]

# The curves: figures of the `life` runs over their children.
CURVES = [
    ("start", "start: children a second", "", lambda seconds, children: children / seconds),
    ("kill", "kill -9: all run again after", "s", lambda seconds, children: seconds),
    ("join", "a third node joins: settled after", "s", lambda seconds, children: seconds),
    ("drain", "drain of a third", "s", lambda seconds, children: seconds),
    ("calls", "calls by id a second, 64 threads", "", lambda rate, children: rate),
    ("memory", "memory of a node per child it runs", "B", lambda size, children: size),
]


def derived(figures):
    """Figures of a run that come from others of it."""
    if "raw_tcp_round_trip" in figures:
        yield "call_by_tcp", figures["remote_call_p50"] / figures["raw_tcp_round_trip"]
    if "call_p99_quiet" in figures:
        yield "p99_factor", figures["call_p99_beside_join"] / figures["call_p99_quiet"]
