#!/usr/bin/env python3
"""Each check of this folder catches a violation that is planted here, and is silent without it."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

TOOLS = pathlib.Path(__file__).resolve().parent


class Tree(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name)
        self.write("src/base/check.hpp", "// A check.\n#pragma once\n#include <string>\n")
        self.write("include/brood/result.hpp", "// A result.\n#pragma once\n#include <string>\n"
                                               "namespace brood { using Text = std::string; }\n")

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def run_check(self, script, *arguments):
        run = subprocess.run([sys.executable, str(TOOLS / script), *map(str, arguments)],
                             capture_output=True, text=True, check=False)
        return run.returncode, run.stdout + run.stderr

    def passes(self, script, *arguments):
        code, text = self.run_check(script, *arguments)
        self.assertEqual(code, 0, text)

    def refuses(self, words, script, *arguments):
        code, text = self.run_check(script, *arguments)
        self.assertEqual(code, 1, text)
        self.assertIn(words, text)


class Layers(Tree):
    def check(self, words):
        self.refuses(words, "check_layers.py", self.root)

    def test_a_clean_tree_passes(self):
        self.write("src/term/a.cpp", '#include "base/check.hpp"\n#include <brood/result.hpp>\n')
        self.passes("check_layers.py", self.root)

    def test_an_upward_include_is_refused(self):
        self.write("src/base/a.cpp", '#include "term/term.hpp"\n')
        self.check("base may not include term/term.hpp")

    def test_a_sideways_include_is_refused(self):
        self.write("src/process/a.cpp", '#include "core/core.hpp"\n')
        self.check("process may not include core/core.hpp")

    def test_a_public_header_of_a_higher_layer_is_refused(self):
        self.write("include/brood/worker.hpp", "// W.\n#pragma once\n")
        self.write("src/core/a.cpp", "#include <brood/worker.hpp>\n")
        self.check("core may not include <brood/worker.hpp>")

    def test_an_internal_header_in_a_public_one_is_refused(self):
        self.write("include/brood/term.hpp", '// T.\n#pragma once\n#include "term/etf.hpp"\n')
        self.check("a public header includes only public ones")

    def test_an_impure_header_in_a_pure_layer_is_refused(self):
        for header in ("thread", "random", "boost/asio.hpp", "sys/socket.h", "fstream"):
            self.write("src/core/a.cpp", f"#include <{header}>\n")
            self.check(f"core is pure: it may not include <{header}>")

    def test_a_part_of_the_core_that_is_not_below_is_refused(self):
        planted = {
            "src/core/base/a.hpp": ("core/rows/child.hpp", "base of the core may not include core/rows/child.hpp"),
            "src/core/placement/a.cpp": ("core/members/views.hpp", "placement of the core may not include"),
            "src/core/rows/a.hpp": ("core/children/locals.hpp", "rows of the core may not include"),
            "src/core/members/a.hpp": ("core/requests/origins.hpp", "members of the core may not include"),
            "src/core/requests/a.cpp": ("core/children/locals.hpp", "requests of the core may not include"),
            "src/core/children/a.cpp": ("core/requests/coordinator.hpp", "children of the core may not include"),
            "src/core/wire/a.cpp": ("core/rows/child.hpp", "wire of the core may not include"),
            "src/core/children/b.cpp": ("core/machine.hpp", "children of the core may not include core/machine.hpp"),
        }
        for name, (included, words) in planted.items():
            with self.subTest(name):
                path = self.write(name, f'// A.\n#include "{included}"\n')
                self.check(words)
                path.unlink()

    def test_parts_of_the_core_that_are_below_are_seen(self):
        self.write("src/core/children/a.cpp", '#include "core/members/views.hpp"\n#include "core/rows/rows.hpp"\n')
        self.write("src/core/machine.cpp", '#include "core/children/drain.hpp"\n#include "core/core.hpp"\n')
        self.write("src/core/children/a_test.cpp", '#include "core/testing.hpp"\n')
        self.write("src/core/base/settings.hpp", '// S.\n#include "core/placement/choice.hpp"\n')
        self.passes("check_layers.py", self.root)

    def test_an_exception_inside_the_core_is_for_one_file(self):
        self.write("src/core/base/other.hpp", '// O.\n#include "core/placement/choice.hpp"\n')
        self.check("base of the core may not include core/placement/choice.hpp")

    def test_an_exception_inside_the_core_that_is_not_needed_is_refused(self):
        self.write("src/core/base/settings.hpp", "// S.\n")
        self.check("does not include placement/choice.hpp any more")

    def test_an_unknown_folder_of_the_core_is_refused(self):
        self.write("src/core/misc/a.cpp", '#include "core/base/types.hpp"\n')
        self.check("misc is no part of the core")
        (self.root / "src/core/misc/a.cpp").unlink()
        self.write("src/core/rows/a.cpp", '#include "core/misc/a.hpp"\n')
        self.check("core/misc/a.hpp is in no part of the core")

    def test_the_simulator_sees_no_supervisor(self):
        self.write("sim/a.cpp", '#include "supervisor/driver/driver.hpp"\n')
        self.check("sim may not include supervisor/driver/driver.hpp")

    def test_apps_sim_sees_no_network(self):
        self.write("apps/sim/a.cpp", '#include "node/distribution.hpp"\n')
        self.check("apps/sim may not include node/distribution.hpp")

    def test_examples_see_public_headers_only(self):
        self.write("examples/a.cpp", '#include "base/check.hpp"\n')
        self.check("examples may not include base/check.hpp")

    def test_an_unknown_folder_under_src_is_refused(self):
        self.write("src/misc/a.cpp", "\n")
        self.check("misc is no layer")


class Purity(Tree):
    def archive(self, code):
        source = self.write("a.cpp", code)
        subprocess.run(["g++", "-std=c++20", "-c", str(source), "-o", str(self.root / "a.o")], check=True)
        archive = self.root / "libx.a"
        archive.unlink(missing_ok=True)
        subprocess.run(["ar", "rc", str(archive), str(self.root / "a.o")], check=True)
        return archive

    def test_pure_code_passes(self):
        self.passes("check_purity.py", self.archive(
            "#include <map>\n#include <memory>\n#include <string>\n#include <cstdio>\n#include <cstdlib>\n"
            "std::map<int, std::string> table;\nstd::shared_ptr<int> f() { return std::make_shared<int>(1); }\n"
            'void fail() { std::fputs("broken", stderr); std::abort(); }\n'))

    def test_each_kind_of_impurity_is_refused(self):
        planted = {
            "a clock": "#include <chrono>\nauto f() { return std::chrono::steady_clock::now(); }\n",
            "a thread": "#include <mutex>\nstd::mutex m; void f() { m.lock(); }\n",
            "a socket": "#include <sys/socket.h>\nint f() { return socket(1, 2, 3); }\n",
            "a file": "#include <fstream>\nvoid f() { std::ofstream(\"x\") << 1; }\n",
            "a random": "#include <random>\nunsigned f() { return std::random_device{}(); }\n",
            "a environment": "#include <cstdlib>\nchar* f() { return std::getenv(\"x\"); }\n",
        }
        for words, code in planted.items():
            with self.subTest(words):
                self.refuses(f"names {words}", "check_purity.py", self.archive(code))

    def test_a_missing_archive_is_refused(self):
        self.refuses("not there", "check_purity.py", self.root / "none.a")

    def test_an_empty_archive_is_refused(self):
        subprocess.run(["ar", "rc", str(self.root / "empty.a")], check=True)
        self.refuses("no object", "check_purity.py", self.root / "empty.a")


class Headers(Tree):
    def test_a_complete_header_passes(self):
        self.passes("check_headers.py", "--include", self.root / "include")

    def test_a_header_that_misses_an_include_is_refused(self):
        self.write("include/brood/bad.hpp", "// Bad.\n#pragma once\ninline std::string f() { return {}; }\n")
        self.refuses("bad.hpp: does not compile alone", "check_headers.py", "--include", self.root / "include")

    def test_a_header_without_guard_is_refused(self):
        self.write("include/brood/twice.hpp", "// Twice.\nstruct Twice {};\n")
        self.refuses("twice.hpp: does not compile alone", "check_headers.py", "--include", self.root / "include")

    def test_no_header_at_all_is_refused(self):
        self.refuses("no header here", "check_headers.py", "--include", self.root / "nothing")


class Docs(Tree):
    def check(self, words, text):
        self.write("docs/a.md", text)
        self.refuses(words, "check_docs.py", self.root)

    def test_what_is_there_passes(self):
        self.write("src/base/part.hpp", "// A part.\n#pragma once\nclass Part {\n  void work();\n};\n")
        self.write("docs/b.md", "# The second one\n")
        self.write("docs/a.md", "See [b](b.md#the-second-one), `src/base/part.hpp`, `src/base/` and `Part::work()`.\n"
                                "```\n`src/base/gone.hpp`\n```\n`std::map`, `[this](gone.md)`, [x](https://x.org)\n")
        self.passes("check_docs.py", self.root)

    def test_a_path_that_is_gone_is_refused(self):
        self.check("docs/a.md:2: names src/base/gone.hpp, which is not there", "# A\nIn `src/base/gone.hpp`.\n")

    def test_a_dead_link_is_refused(self):
        self.check("links to gone.md, which is not there", "[a](gone.md)\n")
        self.write("docs/b.md", "# The second one\n")
        self.check("links to b.md#third, but there is no such heading", "[a](b.md#third)\n")

    def test_a_test_that_is_gone_is_refused_among_the_features(self):
        self.write("src/base/part_test.cpp", "TEST(Part, Works) {}\nTEST_F(Whole, WorksToo) {}\n")
        self.write("tests/scenarios/web_test.py", "def test_it_serves(self):\n    pass\n")
        self.write("docs/features.md", "`Part.Works`, `Whole.WorksToo`, `web_test.py: it_serves`\n")
        self.passes("check_docs.py", self.root)
        self.write("docs/features.md", "`Part.Rests`\n")
        self.refuses("docs/features.md:1: names the test Part.Rests, which is not there", "check_docs.py", self.root)
        self.write("docs/features.md", "`web_test.py: it_sleeps`\n")
        self.refuses("names the test web_test.py: it_sleeps, which is not there", "check_docs.py", self.root)

    def test_a_page_of_the_guide_is_a_test(self):
        self.write("docs/guide/first-steps.md", "# First steps\n")
        self.write("docs/features.md", "`Guide.test_first_steps`\n")
        self.passes("check_docs.py", self.root)
        self.write("docs/features.md", "`Guide.test_last_steps`\n")
        self.refuses("docs/features.md:1: names the test Guide.test_last_steps, which is not there", "check_docs.py",
                     self.root)

    def test_a_member_that_is_gone_is_refused(self):
        self.write("src/base/part.hpp", "// A part.\n#pragma once\nclass Part {\n  void work();\n};\n")
        self.check("but nothing of Part is called rest", "`Part::rest()`\n")
        self.check("but there is no class Gone", "`Gone::work()`\n")


class Style(Tree):
    def check(self, words):
        self.refuses(words, "check_style.py", self.root)

    def test_a_clean_tree_passes(self):
        self.passes("check_style.py", self.root)

    def test_a_long_file_without_a_reason_is_refused(self):
        self.write("src/base/long.cpp", "// A thing.\n" + "int x();\n" * 700)
        self.check("701 lines")

    def test_a_long_file_with_a_reason_passes(self):
        self.write("src/base/long.cpp", "// One table; long because it is one table.\n" + "int x();\n" * 700)
        self.passes("check_style.py", self.root)

    def test_a_header_without_opening_comment_is_refused(self):
        self.write("src/base/a.hpp", "#pragma once\n")
        self.check("a header opens with a comment")

    def test_a_sleep_in_a_test_is_refused(self):
        self.write("src/base/a_test.cpp", "void f() { usleep(3); }\n")
        self.check("it does not sleep")

    def test_tabs_and_trailing_blanks_are_refused(self):
        self.write("src/base/a.cpp", "int\tx; \n")
        self.check("a tab")
        self.check("blanks at the end")


if __name__ == "__main__":
    unittest.main()
