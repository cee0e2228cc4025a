"""Certificates for tests: an authority of their own, made with the openssl program."""

import os
import subprocess


class Authority:
    """A CA in a folder: ca.pem, and NAME.pem with NAME.key for whatever it issues."""

    def __init__(self, folder, name="test ca"):
        self.folder = str(folder)
        os.makedirs(self.folder, exist_ok=True)
        self.ca_file = self.path("ca.pem")
        self._run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                  "-subj", f"/CN={name}", "-keyout", self.path("ca.key"), "-out", self.ca_file)

    def path(self, name):
        return os.path.join(self.folder, name)

    def _run(self, *arguments):
        done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False,
                              stdin=subprocess.DEVNULL)
        if done.returncode:
            raise AssertionError(f"openssl {' '.join(arguments)}: {done.stderr}")

    def issue(self, name, names="IP:127.0.0.1,DNS:127.0.0.1,DNS:localhost"):
        """Makes or replaces NAME's files; what [node.tls] holds."""
        new_key, new_cert = self.path(name + ".key.new"), self.path(name + ".pem.new")
        request, extensions = self.path(name + ".csr"), self.path(name + ".ext")
        self._run("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                  "-subj", f"/CN={name}", "-keyout", new_key, "-out", request)
        with open(extensions, "w", encoding="utf-8") as file:
            file.write(f"subjectAltName={names}\n")
        self._run("x509", "-req", "-in", request, "-CA", self.ca_file, "-CAkey", self.path("ca.key"),
                  "-CAcreateserial", "-days", "30", "-extfile", extensions, "-out", new_cert)
        os.chmod(new_key, 0o400)
        os.rename(new_key, self.path(name + ".key"))
        os.rename(new_cert, self.path(name + ".pem"))
        return self.files(name)

    def files(self, name):
        return {"cert_file": self.path(name + ".pem"), "key_file": self.path(name + ".key"),
                "ca_file": self.ca_file}

    def environment(self, name):
        """The same for the command line."""
        files = self.files(name)
        return {"BROOD_TLS_CERT": files["cert_file"], "BROOD_TLS_KEY": files["key_file"],
                "BROOD_TLS_CA": files["ca_file"]}

    def erlang_arguments(self, name):
        """A stock Erlang node with everything verified on both sides."""
        files = self.files(name)
        common = (f'{{certfile,"{files["cert_file"]}"}},{{keyfile,"{files["key_file"]}"}},'
                  f'{{cacertfile,"{files["ca_file"]}"}},{{verify,verify_peer}},'
                  "{versions,['tlsv1.3','tlsv1.2']}")
        path = self.path(name + ".dist.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"[{{server,[{common},{{fail_if_no_peer_cert,true}}]}},{{client,[{common}]}}].\n")
        return ["-proto_dist", "inet_tls", "-ssl_dist_optfile", path]
