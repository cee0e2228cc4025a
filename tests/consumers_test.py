"""brood in other people's builds: installed, as a part of their tree, fetched; with g++ and with clang.

What takes minutes, to build all of brood once more inside of another project, is done by `./dev test --full`; else
that project is only configured, and what it would do is read.
"""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
CONSUMERS = ROOT / "tests" / "consumers"
BANK = ROOT / "examples" / "bank" / "bank.cpp"
BUILD = pathlib.Path(os.environ.get("BROOD_BUILD_DIR", ROOT / "build" / "release"))
FULL = bool(os.environ.get("BROOD_TEST_FULL"))
COMPILERS = [name for name in ("g++", "clang++") if shutil.which(name)]


def run(*command, **more):
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False, timeout=900, **more)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}\n{done.stdout}")
    return done.stdout


class Consumer(unittest.TestCase):
    def folder(self):
        made = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, made, True)
        return made

    def configure(self, source, *definitions, compiler="g++", **more):
        build = self.folder()
        out = run("cmake", "-G", "Ninja", "-S", CONSUMERS / source, "-B", build, f"-DBANK={BANK}",
                  f"-DCMAKE_CXX_COMPILER={compiler}", *definitions, **more)
        return build, out

    def works(self, program, **more):
        self.assertIn("alice: 125 cents", run(program, **more))


class Installed(Consumer):
    @classmethod
    def setUpClass(cls):
        cls.prefix = pathlib.Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.prefix, True)
        run("cmake", "--install", BUILD, "--prefix", cls.prefix)
        cls.lib = next(cls.prefix.glob("lib/**/libbrood.so")).parent

    def test_what_is_installed(self):
        there = {str(path.relative_to(self.prefix)) for path in self.prefix.rglob("*") if not path.is_dir()}
        lib = self.lib.relative_to(self.prefix)
        for name in ("bin/brood", "libexec/brood/brood-shim", "include/brood/brood.hpp", f"{lib}/libbrood.a",
                     f"{lib}/libbrood.so", f"{lib}/libbrood.so.0", f"{lib}/pkgconfig/brood.pc",
                     f"{lib}/cmake/brood/brood-config.cmake"):
            self.assertIn(name, there)
        self.assertEqual({name for name in there if name.startswith("include/") and
                          not name.startswith("include/brood/")}, set())

    def test_the_shared_library_shows_what_the_headers_declare_and_nothing_else(self):
        shown = run("nm", "-DC", "--defined-only", self.lib / "libbrood.so").splitlines()
        names = [line.split(None, 2)[2] for line in shown if len(line.split(None, 2)) == 3]
        self.assertTrue(any(name.startswith("brood::v0::Supervisor::start_child(") for name in names))
        inner = [name for name in names for part in ("core", "process", "node", "exec", "supervisor", "etf")
                 if name.startswith(f"brood::{part}::")]
        self.assertEqual(inner, [])
        self.assertIn("SONAME", run("readelf", "-d", self.lib / "libbrood.so"))

    def test_find_package_by_each_compiler_shared_and_static(self):
        for compiler in COMPILERS:
            for kind in ("shared", "static"):
                with self.subTest(compiler=compiler, kind=kind):
                    build, _ = self.configure("installed", f"-DCMAKE_PREFIX_PATH={self.prefix}", f"-DKIND={kind}",
                                              compiler=compiler)
                    run("cmake", "--build", build)
                    needed = run("readelf", "-d", build / "bank")
                    self.assertEqual("libbrood.so.0" in needed, kind == "shared")
                    self.works(build / "bank")

    def test_a_version_that_is_not_there_is_refused(self):
        with self.assertRaisesRegex(AssertionError, "brood"):
            run("cmake", "-P", self.script("find_package(brood 7 REQUIRED)"))

    def script(self, text):
        path = self.folder() / "CMakeLists.txt"
        path.write_text(f"set(CMAKE_PREFIX_PATH {self.prefix})\n{text}\n")
        return path

    def test_pkg_config(self):
        env = {**os.environ, "PKG_CONFIG_PATH": str(self.lib / "pkgconfig")}
        flags = run("pkg-config", "--cflags", "--libs", "brood", env=env).split()
        program = self.folder() / "bank"
        run("g++", "-std=c++20", "-o", program, BANK, *flags)
        self.works(program, env={**os.environ, "LD_LIBRARY_PATH": str(self.lib)})
        static = run("pkg-config", "--static", "--libs", "brood", env=env)
        for name in ("-lbrood", "-lspdlog", "-lssl"):
            self.assertIn(name, static)

    def test_pkg_config_of_the_static_library(self):
        env = {**os.environ, "PKG_CONFIG_PATH": str(self.lib / "pkgconfig")}
        flags = run("pkg-config", "--cflags", "--libs", "brood-static", env=env).split()
        program = self.folder() / "bank"
        run("g++", "-std=c++20", "-o", program, BANK, *flags)
        self.assertNotIn("libbrood", run("readelf", "-d", program))
        self.works(program)


class AsAPart(Consumer):
    def test_a_subproject_leaves_the_parent_alone(self):
        build, out = self.configure("subproject", f"-DBROOD={ROOT}", "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON")
        commands = json.loads((build / "compile_commands.json").read_text())
        bank = [entry["command"] for entry in commands if entry["file"] == str(BANK)]
        self.assertEqual(len(bank), 1)
        for flag in ("-W", "-fvisibility", "-fno-omit", "-I" + str(ROOT / "src")):
            self.assertNotIn(flag, bank[0])
        # Nobody's code is refused for a warning of a compiler that we have not seen.
        self.assertNotIn("-Werror", " ".join(entry["command"] for entry in commands))
        self.assertIn("Total Tests: 0", run("ctest", "--test-dir", build, "-N"))
        new = out.split("new variables: ")[1].splitlines()[0].split(";")
        # Those of CMake itself and of what brood is built on are known by their names.
        known = ("brood", "cmake_", "find_package_", "fmt", "spdlog", "openssl", "pc_", "pkg_config", "threads", "_openssl", "__pkg_config", "pkgcfg_lib", "_gnuinstalldirs", "prefix_result")
        self.assertEqual([name for name in new if name and not name.lower().startswith(known)], [])
        targets = run("cmake", "--build", build, "--target", "help")
        own = {line.split(":")[0] for line in targets.splitlines() if line.endswith(": phony")}
        self.assertEqual({name for name in own if name.endswith("_test")}, set())
        if FULL:
            run("cmake", "--build", build)
            self.works(build / "bank")

    @unittest.skipUnless((ROOT / ".git").exists(), "no clone of the repository")
    def test_fetch_content(self):
        build, _ = self.configure("fetched", f"-DBROOD={ROOT}", f"-DCMAKE_EXPORT_COMPILE_COMMANDS=ON")
        self.assertIn("libbrood.a", run("cmake", "--build", build, "--target", "help"))
        if FULL:
            run("cmake", "--build", build)
            self.works(build / "bank")


if __name__ == "__main__":
    unittest.main()
