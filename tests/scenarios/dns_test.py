"""Discovery by DNS: a real server, whose records come while the nodes run."""

import os
import shutil
import subprocess

from support import ScenarioTest, main, processes
from harness import netns

NAME = "brood.test"


class DnsServer:
    """dnsmasq on the switch, with nothing but the records that are written down for it."""

    def __init__(self, cluster):
        self._folder = cluster.path("records")
        os.mkdir(self._folder)
        # It notices files that come or change in that folder.
        self._process = processes.spawn(
            ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--user=root",
             "--pid-file=", f"--listen-address={netns.HUB}", "--bind-interfaces", f"--hostsdir={self._folder}",
             "--local=/test/"], cluster.mark, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def add(self, address):
        path = os.path.join(self._folder, address)
        with open(path + "~", "w", encoding="utf-8") as file:  # of names that end so it takes no notice
            file.write(f"{address} {NAME}\n")
        os.rename(path + "~", path)

    def close(self):
        processes.reap(self._process)


class DnsCluster(netns.HostsCluster):
    def __init__(self, ipv6=False):
        super().__init__({name: number for number, name in enumerate(("n1", "n2", "n3", "n4"), 1)}, base="n",
                         ipv6=ipv6, files={"/etc/resolv.conf": f"nameserver {netns.HUB}\n"},
                         node={"join": None, "discover_dns": NAME, "discover_every_ms": 200, "form_wait_ms": 500})
        self.dns = DnsServer(self)

    def stop_epmd(self):
        self.dns.close()
        super().stop_epmd()


class Dns(ScenarioTest):
    def setUp(self):
        super().setUp()
        self.assertTrue(shutil.which("dnsmasq"), "no dnsmasq: ./dev setup installs it")

    def members_follow_records(self, ipv6):
        cluster = DnsCluster(ipv6)
        self.clusters.append(cluster)
        # The name has no address: each is alone. The fourth looks for nobody.
        for name in ("n1", "n2", "n3"):
            cluster.launch(name)
        cluster.node_options = {"join": None}
        cluster.launch("n4")
        for name in cluster.names:
            cluster.wait_up(name)
            cluster.wait_members([name])
        # Two addresses; the third node asks for them too.
        for name in ("n1", "n2"):
            cluster.dns.add(cluster.address(name))
        for name in ("n1", "n2", "n3"):
            self.wait_sees(cluster, name, ("n1", "n2", "n3"))
        self.wait_sees(cluster, "n4", ("n4",))
        # One more, which all others find.
        cluster.dns.add(cluster.address("n4"))
        cluster.wait_members()

    def wait_sees(self, cluster, name, names):
        last = {}

        def seen():
            last["seen"] = sorted(node["name"] for node in cluster.nodes(name) if node["up"])
            return last["seen"] == sorted(cluster.full(other) for other in names)
        self.wait(seen, 30, lambda: f"{name} sees {names}: {last['seen']}", 0.05)

    def test_members_follow_the_addresses_of_a_name(self):
        self.members_follow_records(ipv6=False)

    def test_members_follow_its_ipv6_addresses_where_they_are_named_by_such(self):
        self.members_follow_records(ipv6=True)


if __name__ == "__main__":
    netns.enter()
    main()
