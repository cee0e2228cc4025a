#!/usr/bin/env python3
"""Compiles each public header alone, twice over: it must bring what it needs, and bear a second include, with the
warnings of programs that are careful. Then the examples of a worker and of a supervisor in USE, whose templates a header
alone does not make.

usage: check_headers.py [--include DIR] [--compiler CXX]... [HEADER...]   (default: all of DIR/brood)

Without --compiler: g++ and clang++, of which there must be one."""

import argparse
import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]

# A worker with all that it may have, and what a program does with it.
USE = """
#include <brood/brood.hpp>
#include <optional>
#include <string>
#include <vector>

struct put { std::string key; std::int64_t value; };
struct get { using reply = std::optional<std::int64_t>; std::string key; };
struct wait_for { std::string id; };
struct expired {};
enum class colour { red, green };
struct paint { colour with; std::vector<double> where; };

class Box : public brood::Worker {
 public:
  static constexpr std::uint64_t state_version = 2;
  using handles = brood::messages<put, get, wait_for, paint>;
  using infos = brood::messages<expired>;
  explicit Box(std::int64_t first = 0) : held_{first} { (void)send_after(std::chrono::seconds(1), expired{}); }
  void on(const put& message) { held_.push_back(message.value); }
  brood::Result<std::optional<std::int64_t>> on(const get&) const { return std::optional<std::int64_t>(held_.front()); }
  brood::Later<bool> on(paint) {
    auto [later, promise] = defer<bool>();
    promise.set(true);
    return later;
  }
  brood::Task<brood::Result<std::int64_t>> on(wait_for other) {
    const auto asked = child<Box>(other.id).call(get{"a"});
    const auto answer = co_await asked;
    if (!answer) co_return answer.error();
    co_return answer->value_or(0);
  }
  void info(expired) {}
  void info(const brood::Term&) {}
  void on_down(const brood::Down&) {}
  void on_role(brood::Role) {}
  void on_unhandled(const brood::Term&) {}
  void terminate(const brood::ExitReason&) {}
  std::vector<std::int64_t> save() const { return held_; }
  void restore(std::vector<std::int64_t> held) { held_ = std::move(held); }
  static std::vector<std::int64_t> convert(std::uint64_t, const brood::Term&) { return {}; }

 private:
  std::vector<std::int64_t> held_;
};

int main() {
  brood::Node node(brood::NodeOptions{});
  (void)node.workers().add<Box>("box");
  brood::Supervisor boxes(node, {.name = "boxes", .children = {brood::ChildSpec::of<Box>("a", std::int64_t{1})}});
  const brood::StartOptions options{.on_failure = brood::OnFailure::rollback};
  (void)boxes.start_child({.id = "b", .run = brood::WorkerSpec{"box", brood::args(1)}}, options).get();
  (void)boxes.start_child({.run = brood::Command{{"true"}}, .restart = brood::Restart::temporary}).get();
  (void)boxes.start_child({.id = "c", .run = brood::SupervisorSpec{.children = {brood::InnerSpec::of<Box>("d")}}}).get();
  const brood::ChildRef<Box> box(boxes, "b");
  box.cast(put{"a", 1});
  (void)box.call(get{"a"}).then([](const auto& answer) { return answer.has_value(); }).get();
  (void)boxes.call(brood::Id("b"), get{"a"}).get();
  (void)boxes.hooks().add(brood::on<brood::hooks::RegistryPidInsert>("mine", [](const auto&) {}));
  return node.call<std::int64_t>(brood::remote("name", "n@h"), put{"a", 1}).get().has_value() ? 0 : 1;
}
"""


def compiles(compiler, include, name, text):
    run = subprocess.run([compiler, "-std=c++20", "-fsyntax-only", *WARNINGS, "-I", str(include), "-x", "c++", "-"],
                         input=text, capture_output=True, text=True, check=False)
    return compiler, name, run.returncode, run.stderr


def compilers_here():
    return [name for name in ("g++", "clang++") if shutil.which(name)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--include", type=pathlib.Path, default=ROOT / "include")
    parser.add_argument("--compiler", action="append")
    parser.add_argument("headers", nargs="*", type=pathlib.Path)
    arguments = parser.parse_args()
    include = arguments.include.resolve()
    headers = [path.resolve() for path in arguments.headers] or sorted((include / "brood").glob("*.hpp"))
    if not headers:
        print(f"{include}/brood: no header here")
        return 1
    compilers = arguments.compiler or compilers_here()
    if not compilers:
        print("neither g++ nor clang++ is here")
        return 1
    names = [path.relative_to(include) for path in headers]
    texts = [(name, f"#include <{name}>\n#include <{name}>\n") for name in names]
    if pathlib.Path("brood/brood.hpp") in names:
        texts.append(("a program that uses them", USE))
    status = 0
    work = [(compiler, include, name, text) for compiler in compilers for name, text in texts]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for compiler, name, code, text in pool.map(lambda one: compiles(*one), work):
            print(f"{compiler}, {name}: {'compiles alone' if code == 0 else 'does not compile alone'}")
            if code != 0:
                print("\n".join(text.splitlines()[:12]))
                status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
