"""Every block of the guide that is no C++ (that is the test guide_cpp): TOML is checked, shell, Erlang and Elixir run
against three nodes, page by page and block by block, and what a page says is printed is printed.

tools/guide_blocks.py says how blocks are marked. In `sh` every line is a command that has to end well, also where it
goes on behind a backslash. In `console`, and where a line of `sh` begins with `$ `, what stands below a command is what
it prints. In Elixir and Erlang `# => VALUE` and `% => VALUE` say what the text before them is, as does the line below a
prompt of iex or erl. Pids, times, nodes and the width of columns may be others; `...` and `…` are anything."""

import base64
import json
import os
import pathlib
import queue
import re
import subprocess
import sys
import tempfile
import threading
import unittest

from support import SLOW, Cluster, main, processes
from harness.cluster import ROOT, binary_folder, brood_binary

sys.path.insert(0, str(ROOT / "tools"))
import guide_blocks  # noqa: E402

NODES = ("n1", "n2", "n3")
QUORUM = {"partition": {"use": "majority_quorum", "initial_cluster_size": 3}}
# What the pages' supervisors are, in the file of each node.
SUPERVISORS = {"web": ({}, []), "my_hub": (QUORUM, []), "dist_sup": ({}, []), "monitors": ({}, [])}
EVALUATOR = ROOT / "tests" / "harness" / "evaluator.exs"


class Wrong(AssertionError):
    """What a block says is not so. line: of the page."""

    def __init__(self, block, line, what):
        super().__init__(f"docs/guide/{block.page}:{line}: {what}")


# What may differ between what a page shows and what is there.
VARIES = [(re.compile(r"#PID<[\d.]+>|<[\w@.]*\d+\.\d+\.\d+>"), "PID"), (re.compile(r"#Reference<[\d.]+>|#Ref<[\d.]+>"), "REF"),
          (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?"), "TIME"), (re.compile(r"\bn\d@[\w.]+"), "NODE"),
          (re.compile(r"\b\d+(\.\d+)?(s|m|h|d)\b( \d+(s|m|h)\b)?"), "SPAN"), (re.compile(r"(?<=running) +\d+\b"), " NUMBER")]


def plain(text):
    for pattern, word in VARIES:
        text = pattern.sub(word, text)
    return " ".join(text.split())


def same(expected, found):
    """`...` alone on a line is any lines, within a line anything."""
    def pattern(line):
        return ".*".join(re.escape(part) for part in re.split(r"\.\.\.|…", plain(line)))
    lines = [line for line in expected if line.strip()]
    # Anything is any lines only where it stands alone.
    whole = "".join(r"(?:.*\n)*" if line.strip() == "..." else pattern(line) + r"\n" for line in lines)
    return re.fullmatch(whole, "".join(plain(line) + "\n" for line in found if line.strip())) is not None


def commands(block):
    """(line, command, what it is to print or None)."""
    lines = block.text.splitlines()
    shown = any(line.startswith("$ ") for line in lines)
    at = 0
    while at < len(lines):
        number, line = block.line + 1 + at, lines[at]
        at += 1
        if shown and not line.startswith("$ "):
            raise Wrong(block, number, "what is printed, and no command above it")
        if not shown and (not line.strip() or line.startswith("#")):
            continue
        command = line[2:] if shown else line
        while command.endswith("\\") and at < len(lines):
            command = command[:-1] + lines[at].strip()
            at += 1
        printed = None
        if shown:
            printed = []
            while at < len(lines) and not lines[at].startswith("$ "):
                printed.append(lines[at])
                at += 1
        else:
            said = re.search(r"\s{2,}# (.*)$", command)
            if said and command.startswith("brood call"):
                printed = [said[1]]
        yield number, command, printed or None


class Shell:
    """One bash for a page, in a folder of its own: what a command exports, the next one has."""

    def __init__(self, cluster, folder):
        environment = dict(cluster.environment, PATH=f"{binary_folder()}:{os.environ['PATH']}", COLUMNS="200")
        self.process = processes.spawn(["bash", "--norc"], cluster.mark, environment, stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=folder)
        self.lines = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.ends = 0

    def _read(self):
        for raw in self.process.stdout:
            self.lines.put(raw.decode(errors="replace").rstrip("\n"))

    def run(self, command, seconds=30):
        """(lines, status)."""
        self.ends += 1
        end = f"--end-{self.ends}--"
        self.process.stdin.write(f"{{ {command}\n}} </dev/null\nstatus=$?; echo; echo {end} $status\n".encode())
        self.process.stdin.flush()
        lines = []
        while True:
            try:
                line = self.lines.get(timeout=seconds * SLOW)
            except queue.Empty:
                return lines + [f"(no end within {seconds} s)"], -1
            if line.startswith(end):
                return lines[:-1] if lines and not lines[-1] else lines, int(line.split()[1])
            lines.append(line)

    def close(self):
        processes.reap(self.process)
        self.reader.join(10)
        self.process.stdout.close()


class Evaluator:
    """Elixir with Erlang's expressions in it, as a hidden node beside the cluster."""

    def __init__(self, cluster):
        cluster.write(".erlang.cookie", cluster.cookie, 0o400)
        self.errors = open(cluster.path("evaluator"), "wb")
        self.process = processes.spawn(["elixir", "--hidden", "--name", "guide@127.0.0.1", EVALUATOR], cluster.mark,
                                       dict(cluster.environment, BROOD_SOURCE=str(ROOT)), stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, stderr=self.errors)
        self.lines = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.answer()

    def _read(self):
        for raw in self.process.stdout:
            self.lines.put(raw.decode().split())

    def answer(self):
        try:
            word, *data = self.lines.get(timeout=30 * SLOW)
        except queue.Empty:
            return False, "no answer within 30 s"
        return word == "ok", base64.b64decode(data[0]).decode() if data and word != "ready" else ""

    def run(self, kind, text):
        self.process.stdin.write(f"{kind} {base64.b64encode(text.encode()).decode() or 'x'}\n".encode())
        self.process.stdin.flush()
        return self.answer()

    def close(self):
        processes.reap(self.process)
        self.reader.join(10)
        self.process.stdout.close()
        self.errors.close()


def expressions(block):
    """(line, text, what it is or None) of Elixir and Erlang."""
    lines, mark = block.text.splitlines(), "#" if block.language == "elixir" else "%"
    prompt = re.compile(r"(?:iex(?:\([^)]*\))?(?:\d+)?>|\d+>) ?(.*)")
    more = re.compile(r"\.\.\.(?:\([^)]*\))?>? ?(.*)")
    if any(prompt.match(line) for line in lines):
        at = 0
        while at < len(lines):
            number, first = block.line + 1 + at, prompt.match(lines[at])
            if not first:
                raise Wrong(block, number, "an answer without a question")
            text, at = first[1], at + 1
            while at < len(lines) and more.match(lines[at]) and lines[at].strip() != "...":
                text, at = text + "\n" + more.match(lines[at])[1], at + 1
            said = []
            while at < len(lines) and not prompt.match(lines[at]):
                said.append(lines[at])
                at += 1
            yield number, text, " ".join(said).strip() or None
        return
    begin, text = block.line + 1, []
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if not line.strip().startswith(f"{mark} =>"):
            text.append(line)
            continue
        said = line.split("=>", 1)[1]
        while at < len(lines) and lines[at].strip().startswith(f"{mark}    "):
            said += " " + lines[at].strip()[1:].strip()
            at += 1
        yield begin, "\n".join(text), said.strip()
        begin, text = block.line + 1 + at, []
    if "".join(text).strip():
        yield begin, "\n".join(text), None


def squeezed(text):
    return re.sub(r"\s", "", plain(text))


class Runner:
    """Runs the pages of a folder, those that need a cluster against one that it starts with the first of them."""

    def __init__(self):
        self.cluster = self.evaluator = None

    def close(self):
        if self.evaluator:
            self.evaluator.close()
        return self.cluster.close() if self.cluster else {}

    def _up(self):
        if self.cluster:
            return self.cluster
        self.cluster = Cluster(NODES, supervisors=SUPERVISORS, node={"expect": len(NODES), "exec_allow": True})
        self.cluster.start()
        self.cluster.wait_members()
        self.evaluator = Evaluator(self.cluster)
        return self.cluster

    def run(self, page):
        if page.wrong:
            raise AssertionError("\n".join(f"docs/guide/{page.name}:{line}: {what}" for line, what in page.wrong))
        alone = Cluster((), supervisors={}) if page.alone else None
        cluster = alone or self._up()
        folder = tempfile.mkdtemp(prefix=page.name, dir=cluster.folder)
        # Nodes of the page's own end when it does, so that they leave nothing for the next one.
        self.background = []
        shell = Shell(cluster, folder)
        try:
            if not page.alone:
                self.evaluator.run("reset", "")
                shell.run(f"export BROOD_NODE=n1@127.0.0.1 BROOD_SUPERVISOR=web BROOD_COOKIE_FILE={cluster.cookie_file}")
            for block in page.blocks:
                if "file" in block.marks:
                    (pathlib.Path(folder) / block.marks["file"]).write_text(block.text, encoding="utf-8")
                if block.runs:
                    getattr(self, f"_{block.language}", lambda *_: None)(block, shell, folder)
        finally:
            for process in self.background:
                processes.reap(process)
            shell.close()
            if alone:
                left = alone.close()
            else:
                left = {}
                self._empty()
        if left:
            raise AssertionError(f"docs/guide/{page.name}: something was left behind: {left}")

    def _empty(self):
        """The next page begins without the children of this one."""
        for supervisor in SUPERVISORS:
            done, words = self.evaluator.run("elixir", f"""
                ask = fn request -> GenServer.call({{:brood, :"n1@127.0.0.1"}}, request, 30_000) end
                ids = Map.keys(ask.({{:registry_dump, :{supervisor}}}))
                {{:ok, %{{status: :ok}}}} = if ids == [], do: {{:ok, %{{status: :ok}}}},
                  else: ask.({{:stop_children, :{supervisor}, ids, %{{}}}})""")
            assert done, words

    # A language each.

    def _toml(self, block, shell, folder):
        text = block.text
        if not re.search(r"^\[", text, re.MULTILINE):
            text = "[supervisor.web]\n" + text
        path = pathlib.Path(folder) / "checked.toml"
        path.write_text(text, encoding="utf-8")
        run = subprocess.run([brood_binary(), "check", path], capture_output=True, text=True, check=False)
        if run.returncode != 0:
            raise Wrong(block, block.line, run.stdout + run.stderr)

    def _json(self, block, shell, folder):
        try:
            json.loads(block.text)
        except ValueError as error:
            raise Wrong(block, block.line, f"no JSON: {error}") from None

    def _sh(self, block, shell, folder):
        if "background" in block.marks:
            self._start(block, shell, folder)
            return
        for line, command, printed in commands(block):
            found, status = shell.run(command)
            if printed is not None:
                if not same(printed, found):
                    raise Wrong(block, line, f"{command}: says\n" + "\n".join(found) + "\nand not\n" + "\n".join(printed))
            elif status != 0:
                raise Wrong(block, line, f"{command}: status {status}\n" + "\n".join(found))

    _console = _sh

    def _start(self, block, shell, folder):
        environment = dict(line.split("=", 1) for line in shell.run("env")[0] if "=" in line)
        started = []
        for line, command, _ in commands(block):
            output = pathlib.Path(folder) / f"background-{len(self.background)}"
            with open(output, "wb") as file:
                process = processes.spawn(["bash", "-c", f"exec {command}"], environment[processes.MARK], environment,
                                          stdout=file, stderr=file, cwd=folder)
            self.background.append(process)
            shell.run(f"export BACKGROUND_{len(self.background)}={process.pid}")
            started.append((line, command, output, process))
        for line, command, output, process in started:
            def up(output=output, process=process, line=line, command=command):
                ended = process.poll() is not None
                text = output.read_text(errors="replace")
                if ended:
                    raise Wrong(block, line, f"{command}: ended\n{text}")
                return any(row.endswith("is up") for row in text.splitlines())
            processes.wait_for(up, 30 * SLOW,
                               lambda output=output, command=command: f"{command} is up: {output.read_text()}")

    def _elixir(self, block, shell, folder):
        for line, text, said in expressions(block):
            done, value = self.evaluator.run(block.language, text)
            if not done:
                raise Wrong(block, line, f"{text}\n{value}")
            if said is not None and not re.fullmatch(
                    ".*".join(re.escape(part) for part in squeezed(said).split("...")), squeezed(value)):
                raise Wrong(block, line, f"{text}\nis {value}\nand not {said}")

    def _erlang(self, block, shell, folder):
        self._elixir(block, shell, folder)


RUNNER = Runner()


def tearDownModule():
    left = RUNNER.close()
    assert left == {}, f"something was left behind: {left}"


class Guide(unittest.TestCase):
    """A test for each page is added below."""


def add(page):
    setattr(Guide, "test_" + re.sub(r"\W", "_", page.name.removesuffix(".md")), lambda self: RUNNER.run(page))


for each in guide_blocks.pages():
    add(each)


class Mistakes(unittest.TestCase):
    """What would be wrong in a page is told, with the line."""

    def told(self, *lines):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "page.md"
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
            page = guide_blocks.Page(path)
        with self.assertRaises(AssertionError) as raised:
            RUNNER.run(page)
        return str(raised.exception)

    def test_each_language(self):
        for line, *block in ((4, "toml", "[nod]"), (5, "sh", "brood call nobody get"), (5, "console", "$ echo a", "b"),
                             (5, "console", "$ true", "$ echo a", "b"), (5, "elixir", "1 + 1", "# => 3"),
                             (5, "elixir", "no_such(1)"), (5, "erlang", "1> 1 + 1.", "3"), (5, "erlang", "1 = 2."),
                             (5, "erlang", "f(X) ->", "    #{after => X}."), (4, "json", "{")):
            line += block[0] == "console" and block[1] == "$ true"
            with self.subTest(block):
                told = self.told("# A page", "", "Words.", f"```{block[0]}", *block[1:], "```")
                self.assertTrue(told.startswith(f"docs/guide/page.md:{line}: "), told)

    def test_what_cpp_is_said_to_be_is_checked(self):
        with tempfile.TemporaryDirectory() as folder:
            page, program = pathlib.Path(folder) / "page.md", pathlib.Path(folder) / "out.cpp"
            page.write_text("```cpp\nint a = 1;\na;  // a == 2\n```\n", encoding="utf-8")
            subprocess.run([sys.executable, ROOT / "tools" / "guide_program.py", program, page], check=True)
            self.assertIn('check(a == 2, "docs/guide/page.md", 3, "a == 2");', program.read_text(encoding="utf-8"))

    def test_marks(self):
        for line, *lines in ((1, "```", "code", "```"), (1, "```c", "int x;", "```"), (1, "<!-- not run -->", "```sh", "x", "```"),
                             (2, "<!-- not run: why -->", "words", "```sh", "true", "```"), (1, "<!-- other -->"),
                             (1, "```sh", "true")):
            self.assertTrue(self.told(*lines).startswith(f"docs/guide/page.md:{line}: "), lines)


if __name__ == "__main__":
    main()
