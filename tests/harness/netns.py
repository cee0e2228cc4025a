"""A network of its own for a test: hosts on a switch, each in a network namespace with its own EPMD.

enter() moves the test itself into a new, empty namespace, which holds the switch; there it is the address
`HUB`. The namespaces have no names and live by the processes in them: the kernel removes all of it when the
test ends, however it ends.
"""

import os
import subprocess
import sys

from . import processes
from .cluster import Cluster

HUB = "10.77.0.254"
SKIPPED = 77  # ctest's SKIP_RETURN_CODE

_ENTERED = "BROOD_TEST_NETNS"


def enter():
    """To be called before anything else: starts this program again inside. Not permitted here: skipped."""
    if os.environ.get(_ENTERED):
        return
    command = ["unshare", "--net", *([] if os.geteuid() == 0 else ["--map-root-user"]), "--"]
    setup = "ip link add br0 type bridge && ip link del br0"
    probe = subprocess.run([*command, "sh", "-c", setup], capture_output=True, text=True, check=False)
    if probe.returncode:
        # Where all is to be tested, what is left out is a failure.
        must = os.environ.get("CI", "") not in ("", "0", "false")
        print(f"{'failed' if must else 'skipped'}: network namespaces are not permitted here: {probe.stderr.strip()}")
        sys.exit(1 if must else SKIPPED)
    os.environ[_ENTERED] = "1"
    os.execvp(command[0], [*command, sys.executable, *sys.argv])


def _ip(lines, wrapper=()):
    subprocess.run([*wrapper, "ip", "-batch", "-"], input="\n".join(lines) + "\n", text=True, check=True)


class Network:
    def __init__(self, mark, environment):
        """environment: of the EPMDs, and thus of whoever they are for."""
        self._mark = mark
        self._environment = environment
        self._hosts = {}
        _ip(["link set lo up", "link add br0 type bridge", f"addr add {HUB}/24 dev br0",
             "addr add fd77::fe/64 dev br0 nodad", "link set br0 up"])

    @staticmethod
    def address(number):
        return f"10.77.0.{number}"

    @staticmethod
    def address6(number):
        return f"fd77::{number:x}"

    def add_host(self, number, mounts=()):
        """A host with that number's addresses. mounts: (file, over which file) pairs that only it sees."""
        over = "".join(f"mount --bind '{file}' '{target}' && " for file, target in mounts)
        # EPMD holds the namespace, and is the last of the host to go.
        holder = processes.spawn(
            ["unshare", "--net", "--mount", "--", "sh", "-c",
             f"{over}ip link set lo up && exec epmd -relaxed_command_check"], self._mark, self._environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._hosts[number] = holder
        processes.wait_for(lambda: self._is_epmd(holder), 10, f"host {number} is there")
        _ip([f"link add veth{number} type veth peer name eth0 netns {holder.pid}",
             f"link set veth{number} master br0 up"])
        _ip([f"addr add {self.address(number)}/24 dev eth0", f"addr add {self.address6(number)}/64 dev eth0 nodad",
             "link set eth0 up"], self.wrapper(number))

    @staticmethod
    def _is_epmd(holder):
        if holder.poll() is not None:
            raise AssertionError(f"no host: its first program ended with {holder.returncode}")
        return processes.command_line(holder.pid).startswith("epmd ")

    def wrapper(self, number):
        """The first words of a command that is to run on that host."""
        return ["nsenter", "--target", str(self._hosts[number].pid), "--net", "--mount", f"--wd={os.getcwd()}", "--"]

    def unplug(self, number):
        """As a cable that is pulled: nothing passes, and nobody is told."""
        _ip([f"link set veth{number} down"])

    def plug(self, number):
        _ip([f"link set veth{number} up"])

    def deafen(self, number):
        """What the host sends arrives; what is sent to it does not."""
        rules = ("add table inet cut\n"
                 "add chain inet cut in { type filter hook input priority 0; }\n"
                 "add rule inet cut in iifname eth0 drop\n")
        subprocess.run([*self.wrapper(number), "nft", "-f", "-"], input=rules, text=True, check=True)

    def undeafen(self, number):
        subprocess.run([*self.wrapper(number), "nft", "delete", "table", "inet", "cut"], check=True)

    def cut(self, number, others):
        """What these hosts send does not reach that one; nobody is told."""
        addresses = ", ".join(self.address(other) for other in others)
        self.uncut(number)
        rules = ("add table inet split\n"
                 "add chain inet split in { type filter hook input priority 0; }\n"
                 f"add rule inet split in ip saddr {{ {addresses} }} drop\n")
        subprocess.run([*self.wrapper(number), "nft", "-f", "-"], input=rules, text=True, check=True)

    def uncut(self, number):
        subprocess.run([*self.wrapper(number), "nft", "delete", "table", "inet", "split"], check=False,
                       stderr=subprocess.DEVNULL)

    def split(self, parts):
        """No part reaches another."""
        for part in parts:
            others = [number for other in parts if other is not part for number in other]
            for number in part:
                self.cut(number, others)

    def heal(self):
        for number in self._hosts:
            self.uncut(number)

    def close(self):
        # Here, because the kernel takes its time over a namespace that nobody is in any more.
        for name in [*(f"veth{number}" for number in self._hosts), "br0"]:
            subprocess.run(["ip", "link", "del", name], check=False)
        for holder in self._hosts.values():
            processes.reap(holder)
        self._hosts = {}


class HostsCluster(Cluster):
    """Each node on a host of its own; hosts: its number by the node's name. Nodes are called by the addresses of
    their hosts: full("n1") is BASE@ADDRESS, with base or else n1 before the @. files: what the hosts
    see in place of files of this machine, by path."""

    def __init__(self, hosts, base=None, ipv6=False, files=None, **options):
        super().__init__(list(hosts), own_epmd=False, **options)
        # Each host has an EPMD at the usual port.
        for key in ("ERL_EPMD_PORT", "ERL_EPMD_ADDRESS"):
            del self.environment[key]
        self.hosts = dict(hosts)
        self._base = base
        self._ipv6 = ipv6
        self._epmd = self.network = Network(self.mark, self.environment)
        mounts = [(self.write(os.path.basename(path), text), path) for path, text in (files or {}).items()]
        for number in self.hosts.values():
            self.network.add_host(number, mounts)

    def stop_epmd(self):
        self.network.close()

    def address(self, name):
        return (self.network.address6 if self._ipv6 else self.network.address)(self.hosts[name])

    def full(self, name):
        return name if "@" in name else f"{self._base or name}@{self.address(name)}"

    def prefix(self, name):
        return self.network.wrapper(self.hosts[name])
