"""A cluster over TLS: nodes, command line and a stock Erlang node; certificates that change; strangers."""

import os
import socket
import ssl

from support import ScenarioTest, main
from harness.tls import Authority


class Tls(ScenarioTest):
    needs_chaos = True
    needs_erlang = True

    def port_of(self, cluster, name):
        """Where a node listens, as EPMD has it."""
        with socket.create_connection(("127.0.0.1", cluster.epmd_port)) as epmd:
            request = b"z" + name.encode()
            epmd.sendall(len(request).to_bytes(2, "big") + request)
            answer = epmd.makefile("rb").read()
        self.assertEqual(answer[:2], b"w\0", answer)
        return int.from_bytes(answer[2:4], "big")

    def serial_of(self, cluster, name):
        """The number of the certificate that a node shows to a new connection."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        files = cluster.authority.files("cli")
        context.load_verify_locations(files["ca_file"])
        context.load_cert_chain(files["cert_file"], files["key_file"])
        with socket.create_connection(("127.0.0.1", self.port_of(cluster, name))) as raw:
            with context.wrap_socket(raw, server_hostname="127.0.0.1") as stream:
                return stream.getpeercert()["serialNumber"]

    def test_a_cluster_works_and_survives_a_kill(self):
        ids = [f"c{i}" for i in range(20)]
        children = [{"id": name, "worker": "counter", "args": [1]} for name in ids]
        cluster = self.cluster(supervisors={"web": ({}, children)}, tls=True)
        cluster.start()
        cluster.wait_members()
        cluster.wait_placed(ids)
        # Each node's log has nothing to complain of; nobody listens in plain text.
        self.assertNotIn("plain text", "".join(cluster.log(name) for name in cluster.names))
        self.assertEqual(cluster.brood("call", "c1", "{add, 2}", node="n2").out.strip(), "3")
        erlang = cluster.erlang()
        for number, name in enumerate(cluster.names):
            self.assertEqual(erlang.eval("begin P = gen_server:call({brood, '" + cluster.full(name) + "'}, "
                                         "{whereis, web, <<\"c1\">>}), gen_server:call(P, {add, 1}) end"), 4 + number)
        victim = next(name for name in cluster.names if cluster.full(name) == cluster.placed("n1")["c1"][0])
        cluster.kill(victim)
        cluster.wait_members()
        cluster.wait_placed(ids)
        self.assertEqual(sorted(erlang.eval("nodes(hidden)")),
                         sorted(cluster.full(name) for name in cluster.up_names()))
        cluster.start(victim)
        cluster.wait_members()
        cluster.wait_placed(ids)

    def test_new_certificates_need_no_restart(self):
        cluster = self.cluster("n1", "n2", tls=True)
        cluster.start()
        cluster.wait_members()
        before = self.serial_of(cluster, "n1")
        self.assertEqual(self.serial_of(cluster, "n1"), before)
        cluster.authority.issue("n1")
        after = self.serial_of(cluster, "n1")
        self.assertNotEqual(after, before)
        # A broken one changes nothing but the log, once.
        path = cluster.authority.files("n1")["cert_file"]
        with open(path, "w", encoding="utf-8") as file:
            file.write("half a certificate")
        for _ in range(3):
            self.assertEqual(self.serial_of(cluster, "n1"), after)
        self.assertEqual(cluster.log("n1").count("the changed TLS files are not used"), 1, cluster.log("n1"))
        self.assertIn(path, cluster.log("n1"))
        cluster.authority.issue("n1")
        self.assertNotIn(self.serial_of(cluster, "n1"), (before, after))
        # Those that were connected all the while still are.
        self.assertEqual([node["up"] for node in cluster.nodes("n2")], [True, True])
        self.assertNotIn("down", cluster.log("n2"))

    def test_strangers_are_refused_in_words(self):
        cluster = self.cluster("n1", tls=True)
        cluster.start()
        no_tls = {name: "" for name in cluster.authority.environment("cli")}
        plain = cluster.brood("nodes", node="n1", status=3, environment=no_tls)
        self.assertIn("it speaks TLS, and this node was given no certificate to do the same; give --tls-cert, "
                      "--tls-key and --tls-ca", plain.err)
        other = Authority(os.path.join(cluster.folder, "other"), "other ca")
        other.issue("cli")
        trusting = dict(other.environment("cli"), BROOD_TLS_CA=cluster.authority.ca_file)
        refused = cluster.brood("nodes", node="n1", status=3, environment=trusting)
        self.assertIn("it does not accept our certificate: unknown CA", refused.err)
        self.assertIn("signed by CN=other ca", cluster.log("n1"))
        stranger = cluster.brood("nodes", "--json", node="n1", status=3, environment=other.environment("cli"))
        self.assertEqual(stranger.json["error"]["code"], "bad_certificate", stranger)
        self.assertIn("it has CN=n1, signed by CN=test ca", stranger.out)
        # Wrong files are the user's own matter.
        lacking = cluster.brood("nodes", node="n1", status=2, environment={"BROOD_TLS_KEY": ""})
        self.assertIn("give --tls-key FILE (or BROOD_TLS_KEY) too", lacking.err)
        key = cluster.authority.files("cli")["key_file"]
        os.chmod(key, 0o440)
        shared = cluster.brood("nodes", node="n1", status=2)
        self.assertIn(f"the TLS key {key} can be accessed by others (mode 440); run `chmod 400 {key}`", shared.err)
        os.chmod(key, 0o400)
        cluster.brood("nodes", node="n1")
        # A node for another host is warned, and nobody comes.
        cluster.authority.issue("n1", "DNS:elsewhere")
        elsewhere = cluster.brood("nodes", node="n1", status=3)
        self.assertIn("its certificate is for elsewhere (subjectAltName), not for 127.0.0.1", elsewhere.err)


if __name__ == "__main__":
    main()
