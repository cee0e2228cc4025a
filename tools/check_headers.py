#!/usr/bin/env python3
"""Compiles each public header alone, twice over: it must bring what it needs, and bear a second include.

usage: check_headers.py [--include DIR] [--compiler CXX] [HEADER...]   (default: all of DIR/brood)
"""

import argparse
import concurrent.futures
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def compile_alone(compiler, include, header):
    name = header.relative_to(include)
    text = f"#include <{name}>\n#include <{name}>\n"
    run = subprocess.run([compiler, "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow",
                          "-Werror", "-I", str(include), "-x", "c++", "-"],
                         input=text, capture_output=True, text=True, check=False)
    return name, run.returncode, run.stderr


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--include", type=pathlib.Path, default=ROOT / "include")
    parser.add_argument("--compiler", default=os.environ.get("CXX", "g++"))
    parser.add_argument("headers", nargs="*", type=pathlib.Path)
    arguments = parser.parse_args()
    include = arguments.include.resolve()
    headers = [path.resolve() for path in arguments.headers] or sorted((include / "brood").glob("*.hpp"))
    if not headers:
        print(f"{include}/brood: no header here")
        return 1
    status = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, code, text in pool.map(lambda h: compile_alone(arguments.compiler, include, h), headers):
            print(f"{name}: {'compiles alone' if code == 0 else 'does not compile alone'}")
            if code != 0:
                print("\n".join(text.splitlines()[:12]))
                status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
