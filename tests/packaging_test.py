"""Packages, unit, container recipe and Kubernetes manifests: their form, and that what they name is there."""

import argparse
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
PACKAGING = ROOT / "packaging"
BROOD = None


def brood(*words, status=0):
    done = subprocess.run([BROOD, *words], capture_output=True, text=True, check=False)
    if done.returncode != status:
        raise AssertionError(f"brood {' '.join(words)}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def commands():
    """The commands of the command line, by the man page that is made from it."""
    return set(re.findall(r'(?m)^\.SS "?brood (\S+?)"?(?: |$)', brood("man"))) or set(
        re.findall(r"(?m)^  (\w+) {2,}", brood("--help")))


def options_of(command):
    return set(re.findall(r"(--[a-z-]+)", brood(command, "--help"))) | set(re.findall(r"(--[a-z-]+)", brood("--help")))


class Kubernetes(unittest.TestCase):
    def setUp(self):
        self.parts = list(yaml.safe_load_all((PACKAGING / "kubernetes/brood.yaml").read_text()))

    def the(self, kind):
        found = [part for part in self.parts if part["kind"] == kind]
        self.assertEqual(len(found), 1, kind)
        return found[0]

    def container(self):
        pod = self.the("StatefulSet")["spec"]["template"]["spec"]
        self.assertEqual(len(pod["containers"]), 1)
        return pod["containers"][0]

    def fleet(self):
        return self.the("ConfigMap")["data"]["fleet.toml"]

    def check_command(self, words):
        self.assertEqual(words[0], "brood")
        self.assertIn(words[1], commands())
        for word in words[2:]:
            if word.startswith("--"):
                self.assertIn(word, options_of(words[1]))

    def test_each_part_has_its_version_and_its_kind(self):
        versions = {"Secret": "v1", "ConfigMap": "v1", "Service": "v1", "StatefulSet": "apps/v1"}
        self.assertEqual({part["kind"]: part["apiVersion"] for part in self.parts}, versions)
        for part in self.parts:
            self.assertRegex(part["metadata"]["name"], r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")

    def test_the_service_is_headless_and_finds_pods_that_start(self):
        service, pods = self.the("Service"), self.the("StatefulSet")["spec"]
        self.assertEqual(service["spec"]["clusterIP"], "None")
        self.assertIs(service["spec"]["publishNotReadyAddresses"], True)
        self.assertEqual(pods["serviceName"], service["metadata"]["name"])
        self.assertEqual(service["spec"]["selector"], pods["selector"]["matchLabels"])
        self.assertEqual(pods["template"]["metadata"]["labels"], pods["selector"]["matchLabels"])
        ports = {one["name"]: one["port"] for one in service["spec"]["ports"]}
        self.assertEqual(ports, {one["name"]: one["containerPort"] for one in self.container()["ports"]})

    def test_the_fleet_file_is_one_and_agrees_with_the_rest(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "fleet.toml")
            file.write_text(self.fleet())
            brood("check", str(file))
        values = dict(re.findall(r"(?m)^(\w+) = (.+)$", self.fleet().partition("[[")[0]))
        service = self.the("Service")
        self.assertEqual(int(values["port"]), service["spec"]["ports"][0]["port"])
        self.assertEqual(values["discover_dns"].strip('"'), service["metadata"]["name"])
        self.assertEqual(int(values["expect"]), self.the("StatefulSet")["spec"]["replicas"])
        self.assertEqual(values["epmd"], "false")

    def test_the_container_runs_a_node_and_gets_what_it_refers_to(self):
        container = self.container()
        self.check_command(["brood", *container["args"]])
        self.assertIn(f"$(POD_IP):{self.the('Service')['spec']['ports'][0]['port']}", " ".join(container["args"]))
        env = {one["name"]: one for one in container["env"]}
        self.assertEqual(env["POD_IP"]["valueFrom"]["fieldRef"]["fieldPath"], "status.podIP")
        self.assertLess(list(env).index("POD_IP"), list(env).index("BROOD_NODE"), "only what stands before it is put in")
        secret = env["BROOD_COOKIE"]["valueFrom"]["secretKeyRef"]
        self.assertEqual(secret["name"], self.the("Secret")["metadata"]["name"])
        self.assertIn(secret["key"], self.the("Secret")["stringData"])
        volumes = {one["name"]: one for one in self.the("StatefulSet")["spec"]["template"]["spec"]["volumes"]}
        mounts = {one["name"]: one["mountPath"] for one in container["volumeMounts"]}
        self.assertEqual(set(mounts), set(volumes))
        self.assertEqual(volumes["fleet"]["configMap"]["name"], self.the("ConfigMap")["metadata"]["name"])
        config = container["args"][container["args"].index("--config") + 1]
        self.assertEqual(config, mounts["fleet"] + "/fleet.toml")
        self.assertIn("fleet.toml", self.the("ConfigMap")["data"])

    def test_probes_ask_the_node_and_the_end_drains_it_in_its_time(self):
        container, pod = self.container(), self.the("StatefulSet")["spec"]["template"]["spec"]
        for probe in ("startupProbe", "livenessProbe"):
            words = container[probe]["exec"]["command"]
            self.check_command(words)
            wait = int(words[words.index("--timeout") + 1]) / 1000
            self.assertLessEqual(wait, max(container[probe].get("timeoutSeconds", 1), container[probe]["periodSeconds"]))
        self.check_command(container["lifecycle"]["preStop"]["exec"]["command"])
        self.assertEqual(container["lifecycle"]["preStop"]["exec"]["command"][1], "drain")
        self.assertGreaterEqual(pod["terminationGracePeriodSeconds"], 60)
        self.assertIs(pod["securityContext"]["runAsNonRoot"], True)


class Container(unittest.TestCase):
    def setUp(self):
        text = re.sub(r"\\\n", " ", (PACKAGING / "container/Containerfile").read_text())
        self.lines = [line.split(None, 1) for line in text.splitlines() if line.strip() and not line.startswith("#")]

    def all(self, instruction):
        return [rest for word, rest in self.lines if word == instruction]

    def test_its_instructions_are_those_there_are(self):
        known = {"FROM", "WORKDIR", "COPY", "RUN", "USER", "EXPOSE", "STOPSIGNAL", "ENTRYPOINT", "CMD", "ENV", "ARG"}
        self.assertLessEqual({word for word, _ in self.lines}, known)
        self.assertEqual(self.lines[0][0], "FROM")
        self.assertEqual(self.all("USER"), ["brood"])

    def test_what_is_copied_is_what_the_package_of_the_daemon_has(self):
        stages = [re.search(r"AS (\w+)", rest) for rest in self.all("FROM")]
        names = {found.group(1) for found in stages if found}
        installed = (PACKAGING / "debian/brood.install").read_text().split()
        for rest in self.all("COPY"):
            words = rest.split()
            if not words[0].startswith("--from="):
                continue
            self.assertIn(words[0].removeprefix("--from="), names)
            source = words[1].removeprefix("/out/")
            self.assertTrue(any(path == source or path.startswith(source + "/") for path in installed), source)
        self.assertIn("./dev setup", " ".join(self.all("RUN")))

    def test_it_runs_a_node(self):
        entry = yaml.safe_load(self.all("ENTRYPOINT")[0])
        words = yaml.safe_load(self.all("CMD")[0])
        self.assertEqual(entry, ["/usr/bin/brood"])
        self.assertEqual(words[0], "node")
        for word in words[1:]:
            if word.startswith("--"):
                self.assertIn(word, options_of("node"))

    def test_the_libraries_that_it_installs_are_those_that_the_daemon_needs(self):
        needed = subprocess.run(["ldd", BROOD], capture_output=True, text=True, check=True).stdout
        if "not a dynamic" in needed or "asan" in needed or "tsan" in needed:
            self.skipTest("another build")
        libraries = set(re.findall(r"^\s*(lib(?:fmt|spdlog|ssl|crypto|jemalloc)\S*\.so\.\S+)", needed, re.MULTILINE))
        packages = {"libfmt.so.9": "libfmt9", "libspdlog.so.1.10": "libspdlog1.10", "libssl.so.3": "libssl3",
                    "libcrypto.so.3": "libssl3", "libjemalloc.so.2": "libjemalloc2"}
        runs = " ".join(self.all("RUN"))
        for library in libraries:
            self.assertIn(packages[library], shlex.split(runs.replace("&&", " ")))


class Debian(unittest.TestCase):
    def test_the_unit_tells_when_it_is_up_is_watched_and_may_part_its_cgroup(self):
        unit = (PACKAGING / "debian/brood@.service").read_text()
        lines = dict(line.split("=", 1) for line in unit.splitlines() if "=" in line and not line.startswith("#"))
        self.assertEqual(lines["Type"], "notify")
        self.assertEqual(lines["User"], "brood")
        self.assertEqual(lines["KillMode"], "mixed")
        self.assertEqual(lines["Delegate"], "yes")
        self.assertNotIn("ProtectControlGroups", lines, "it would take away what Delegate gives")
        self.assertIn("WatchdogSec", lines)
        self.assertTrue(lines["ExecReload"].startswith("/bin/sh -c"), "/bin/kill is not on every machine")
        words = shlex.split(lines["ExecStart"])
        self.assertEqual(words[:2], ["/usr/bin/brood", "node"])
        for word in words[2:]:
            if word.startswith("--"):
                self.assertIn(word, options_of("node"))

    def test_the_daemons_package_has_page_completions_and_shim(self):
        installed = (PACKAGING / "debian/brood.install").read_text()
        for path in ("usr/bin/brood", "usr/libexec/brood/brood-shim", "man1/brood.1", "bash-completion/completions/brood",
                     "zsh/vendor-completions/_brood", "fish/vendor_completions.d/brood.fish"):
            self.assertIn(path, installed)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--brood", required=True)
    given, rest = parser.parse_known_args()
    BROOD = given.brood
    unittest.main(argv=[sys.argv[0], *rest])
