"""A witness outside the cluster: programs and workers tell it of each start and stop, and it knows when two
instances of one child ran at the same time.

Protocol: lines over TCP, `start ID NODE PID EPOCH` and `stop ID NODE PID EPOCH` (`beat`, with the same words,
says that it still runs, and is not needed). A start may also be given by
`hold ID NODE PID EPOCH`: it lasts until this very connection ends, which is how a program (one connection
each) says "as long as I live": the kernel closes its socket however it dies.

A stop may say when it was, `stop@SECONDS` by CLOCK_MONOTONIC, as C++ workers do: then it does not matter how late
it is read. All other times are the witness's own, at arrival. What was said first on one connection may be read later than what was
said then on another, so one thread reads them all, look by look, and a start counts only after the next look:
whatever was said before it has been read by then. An overlap that lasts longer than two looks (some
three milliseconds) is seen. What the test does to a node is told beforehand: killed() ends all
intervals of that node at once; paused() and resumed() frame the time in which its workers cannot run.

An interval that begins before its predecessor's end is an overlap. Of an instance that was paused: the time
of the pause does not count, nor does what follows the pause if the instance only woke to be stopped (its node
is fenced: no handler runs). The longest such tail is reported, so that a test can bound it.
"""

import collections
import dataclasses
import socket
import selectors
import threading
import time


@dataclasses.dataclass
class Interval:
    id: str
    node: str
    pid: str
    epoch: int
    start: float
    end: float = None
    held: bool = False
    how: str = ""   # how it ended: stop, killed, closed

    def text(self, origin):
        end = "..." if self.end is None else f"{self.end - origin:.3f}"
        return f"{self.node} {self.pid} epoch {self.epoch}: {self.start - origin:.3f} to {end} {self.how}".rstrip()


@dataclasses.dataclass
class Overlap:
    id: str
    seconds: float
    first: Interval
    second: Interval

    def text(self, origin):
        return (f"{self.id}: {self.seconds * 1000:.1f} ms\n    {self.first.text(origin)}\n"
                f"    {self.second.text(origin)}")


# A woken node knows within this time whether it was replaced.
FENCED_SECONDS = 2.0


class _Connection:
    def __init__(self, link):
        self.link = link
        self.rest = b""
        self.held = set()      # keys that last as long as it does
        self.reported = set()  # keys it said have started


class Witness:
    def __init__(self, address="127.0.0.1"):
        self.origin = time.monotonic()
        self._lock = threading.Lock()
        self._open = {}                                   # (id, node, pid, epoch) -> Interval
        self._all = collections.defaultdict(list)         # id -> [Interval]
        self._pauses = collections.defaultdict(list)      # node -> [[from, to or None]]
        self._bad = []
        self.lines = 0
        self._listener = socket.create_server(("0.0.0.0", 0) if address != "127.0.0.1" else (address, 0), backlog=1024)
        self._listener.setblocking(False)
        # The address need not be there yet.
        self.host, self.port = address, self._listener.getsockname()[1]
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ, None)
        self._closing = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self):
        self._closing = True
        self._thread.join(5)

    # What arrives.

    def _run(self):
        held_back = []   # starts of the last look, and what follows them
        while not self._closing:
            lines, ended = [], []
            if held_back:
                time.sleep(0.001)  # not a wait: what was sent before those starts gets the time to arrive
            for key, _ in self._selector.select(0 if held_back else 0.05):
                if key.data is None:
                    self._accept()
                else:
                    self._receive(key.data, lines, ended)
            held_back = self._apply(held_back, lines, ended)
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()
        self._selector.close()

    def _accept(self):
        try:
            while True:
                link = self._listener.accept()[0]
                link.setblocking(False)
                self._selector.register(link, selectors.EVENT_READ, _Connection(link))
        except BlockingIOError:
            pass

    def _receive(self, connection, lines, ended):
        """All that has arrived on a connection: whole lines to `lines`, the connection to `ended` if it is over."""
        while True:
            try:
                data = connection.link.recv(1 << 16)
            except BlockingIOError:
                break
            except OSError:
                data = b""
            if not data:
                self._selector.unregister(connection.link)
                connection.link.close()
                ended.append(connection)
                break
            connection.rest += data
            if len(data) < 1 << 16:
                break
        whole, newline, connection.rest = connection.rest.rpartition(b"\n")
        if newline:
            lines += [(connection, line) for line in whole.decode(errors="replace").split("\n")]

    def _apply(self, held_back, lines, ended):
        """Ends of this look, then the starts of the last one. Returns this look's starts; what one connection
        says of one instance stays in its order."""
        now = time.monotonic()
        waiting = {words.partition(" ")[2] for _, words in held_back if words}
        speakers = {connection for connection, _ in held_back}
        begun, later = set(), []
        for connection, line in lines:
            words = line.strip()
            kind, _, what = words.partition(" ")
            if kind in ("start", "hold"):
                begun.add(what)
            if kind in ("start", "hold") or what in begun or what in waiting:
                later.append((connection, words))
            else:
                self._line(words, now, connection)
        for connection in ended:
            if connection not in speakers:
                self._over(connection, now)
        for connection, words in held_back:
            if words is None:
                self._over(connection, now)
            else:
                self._line(words, now, connection)
        # A connection that said a start and is over: its end comes after that.
        for connection in ended:
            if connection in speakers or any(item[0] is connection for item in later):
                later.append((connection, None))
        return later

    def _over(self, connection, now):
        """A connection that ends takes with it what it holds, and what its (dead) node had reported."""
        with self._lock:
            for key in connection.held | connection.reported:
                self._end(key, now, "closed")

    def _line(self, line, now, connection):
        parts = line.split(" ")
        with self._lock:
            self.lines += 1
            if len(parts) >= 5 and parts[0] == "beat":
                return
            kind, _, said = parts[0].partition("@")
            if len(parts) < 5 or kind not in ("start", "stop", "hold"):
                if line:
                    self._bad.append(line)
                return
            name = " ".join(parts[1:-3])
            node, pid, epoch = parts[-3], parts[-2], parts[-1]
            key = (name, node, pid, epoch)
            if kind == "stop":
                self._end(key, min(now, float(said)) if said else now, "stop")
                connection.reported.discard(key)
                return
            interval = Interval(name, node, pid, int(epoch) if epoch.lstrip("-").isdigit() else 0, now,
                                held=kind == "hold")
            self._all[name].append(interval)
            self._open[key] = interval
            if kind == "hold":
                connection.held.add(key)
            else:
                connection.reported.add(key)

    def _end(self, key, now, how):
        interval = self._open.pop(key, None)
        if interval:
            interval.end, interval.how = now, how

    # What the test does to nodes; call before doing it.

    def killed(self, node):
        """All that C++ workers of the node ran ends here. Programs end when they do (their connection)."""
        now = time.monotonic()
        with self._lock:
            for key, interval in list(self._open.items()):
                if interval.node == node and not interval.held:
                    self._end(key, now, "killed")

    def paused(self, node):
        with self._lock:
            self._pauses[node].append([time.monotonic(), None])

    def resumed(self, node):
        with self._lock:
            self._pauses[node][-1][1] = time.monotonic()

    # What it knows.

    def running(self):
        """id -> list of the open intervals."""
        found = collections.defaultdict(list)
        with self._lock:
            for interval in self._open.values():
                found[interval.id].append(interval)
        return dict(found)

    def counts(self):
        """id -> number of running instances, for every id ever seen."""
        running = self.running()
        with self._lock:
            return {name: len(running.get(name, [])) for name in self._all}

    def intervals(self, name):
        with self._lock:
            return list(self._all.get(name, []))

    def ids(self):
        with self._lock:
            return list(self._all)

    def bad_lines(self):
        with self._lock:
            return list(self._bad)

    def starts(self):
        """How many starts were ever reported."""
        with self._lock:
            return sum(len(intervals) for intervals in self._all.values())

    def _segments(self, interval, others, now):
        """The parts of an interval in which it really ran, and the length of a fenced tail left out."""
        end = now if interval.end is None else interval.end
        if interval.held:
            # A program is stopped by its shim, not with its node: it runs whatever happens to the node.
            return [(interval.start, end)], 0.0
        segments, start, tail = [], interval.start, 0.0
        for begin, until in self._pauses.get(interval.node, []):
            until = now if until is None else until
            if until <= start or begin >= end:
                continue
            if begin > start:
                segments.append((start, begin))
            start = max(start, until)
            # While it slept, or before it learned of it. What starts later has nothing to do with that sleep.
            last = max(until, min(end, until + FENCED_SECONDS))
            replaced = any(begin < other.start < last for other in others if other is not interval)
            if interval.end is not None and replaced and interval.how in ("stop", "closed"):
                tail = max(0.0, end - start)
                start = end
                break
        if start < end:
            segments.append((start, end))
        return segments, tail

    def overlaps(self, least=0.0):
        """Every two instances of one child that ran at once for longer than `least` seconds."""
        now = time.monotonic()
        found = []
        with self._lock:
            for name, intervals in self._all.items():
                pieces = []
                for interval in intervals:
                    for start, end in self._segments(interval, intervals, now)[0]:
                        pieces.append((start, end, interval))
                pieces.sort(key=lambda piece: piece[0])
                last = None
                for piece in pieces:
                    if last and piece[2] is not last[2] and piece[0] < last[1]:
                        seconds = min(last[1], piece[1]) - piece[0]
                        if seconds > least:
                            found.append(Overlap(name, seconds, last[2], piece[2]))
                    if last is None or piece[1] > last[1]:
                        last = piece
        return found

    def fenced_tail(self):
        """The longest time a woken instance was still there, without running handlers, before its stop."""
        now = time.monotonic()
        with self._lock:
            return max((self._segments(interval, intervals, now)[1]
                        for intervals in self._all.values() for interval in intervals), default=0.0)

    def away(self, since):
        """id -> seconds between the end of the instance that ended last before or after `since` and the
        start of its successor; only for ids that moved after `since`."""
        found = {}
        with self._lock:
            for name, intervals in self._all.items():
                for before, after in zip(intervals, intervals[1:]):
                    if before.end is not None and after.start >= since and before.end >= since - 0.001:
                        found[name] = max(found.get(name, 0.0), after.start - before.end)
        return found

    def report(self, overlaps):
        return "\n".join(overlap.text(self.origin) for overlap in overlaps[:20]) + (
            f"\n... and {len(overlaps) - 20} more" if len(overlaps) > 20 else "")
