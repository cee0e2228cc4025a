#!/usr/bin/env python3
"""Refuses a pure layer's archive that needs a clock, thread, socket, file, random device or environment.

usage: check_purity.py ARCHIVE...   looks at the undefined symbols (`nm -u -C`). A missing or empty archive
fails: a check that looks at nothing proves nothing. Writing to stderr and abort() are allowed: a broken
invariant says so before it ends the program.
"""

import pathlib
import re
import subprocess
import sys

C_NAMES = {
    "clock": "time clock clock_gettime clock_getres clock_nanosleep gettimeofday timespec_get nanosleep sleep "
             "usleep localtime localtime_r timer_create setitimer alarm",
    "thread": "sched_yield sem_init sem_wait sem_post sem_timedwait thrd_create mtx_lock call_once syscall",
    "socket": "socket connect bind listen accept accept4 send recv sendto recvfrom sendmsg recvmsg poll ppoll "
              "select epoll_create1 epoll_wait epoll_ctl getaddrinfo gethostbyname shutdown setsockopt eventfd",
    "file": "open open64 openat fopen fopen64 freopen read write pread pwrite creat stat fstat lstat unlink "
            "rename mkdir rmdir opendir readdir mmap mmap64 mkstemp tmpfile fread fgets getline puts printf "
            "putchar vprintf scanf",
    "random": "rand srand rand_r random srandom drand48 getrandom getentropy arc4random",
    "environment": "getenv secure_getenv setenv putenv unsetenv environ __environ getpid gethostname uname "
                   "getcwd fork vfork execve execvp posix_spawn system popen kill signal sigaction raise",
}
IMPURE_C = {name: kind for kind, names in C_NAMES.items() for name in names.split()}

IMPURE_CPP = [
    ("clock", re.compile(r"std::chrono::.*_clock::now")),
    ("thread", re.compile(r"^pthread_|std::thread::|std::(recursive_)?(timed_)?mutex|std::condition_variable|"
                          r"std::this_thread|std::__future_base|std::__once_proxy|std::call_once|boost::thread")),
    ("socket", re.compile(r"boost::asio::")),
    ("file", re.compile(r"std::basic_[io]?fstream|std::basic_filebuf|std::filesystem|std::c(out|in|log)$|"
                        r"fmt::v\d+::v?print|spdlog::")),
    ("random", re.compile(r"std::random_device")),
]


def impurity(symbol):
    """The kind of impurity a demangled undefined symbol stands for, or None."""
    plain = symbol.split("@")[0]
    if plain in IMPURE_C:
        return IMPURE_C[plain]
    for kind, pattern in IMPURE_CPP:
        if pattern.search(plain):
            return kind
    return None


def undefined(archive):
    run = subprocess.run(["nm", "-u", "-C", str(archive)], capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise OSError(run.stderr.strip() or f"nm failed on {archive}")
    member = "?"
    count = 0
    for line in run.stdout.splitlines():
        if line.endswith(".o:"):
            member = line[:-1]
            count += 1
            continue
        found = re.match(r"^\s+[UwV]\s+(.*)$", line)
        if found:
            yield member, found.group(1)
    if not count:
        raise OSError(f"{archive}: no object in it")


def main():
    archives = [pathlib.Path(name) for name in sys.argv[1:]]
    if not archives:
        print(__doc__, file=sys.stderr)
        return 2
    status = 0
    for archive in archives:
        if not archive.is_file():
            print(f"{archive}: not there: build it first (an unchecked layer does not count as pure)")
            status = 1
            continue
        try:
            found = sorted({(kind, symbol, member) for member, symbol in undefined(archive)
                            if (kind := impurity(symbol))})
        except OSError as error:
            print(error)
            status = 1
            continue
        for kind, symbol, member in found:
            print(f"{archive.name}({member}): names a {kind}: {symbol}")
            status = 1
        if not found:
            print(f"{archive.name}: pure")
    return status


if __name__ == "__main__":
    sys.exit(main())
