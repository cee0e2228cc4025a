#!/usr/bin/env python3
"""A small real server for tests: answers HTTP on a port and holds a line to the witness while it lives.

usage: server.py --port P --witness HOST:PORT [--id ID] [--ignore-term] [--grandchild]
The id and the node come from BROOD_CHILD, BROOD_NODE and BROOD_EPOCH unless given.
"""

import argparse
import http.server
import os
import signal
import socket
import subprocess
import sys


def tell(witness, kind, name, label=""):
    host, port = witness.rsplit(":", 1)
    link = socket.create_connection((host, int(port)), 10)
    node = os.environ.get("BROOD_NODE", "?")
    epoch = os.environ.get("BROOD_EPOCH", "0").split("@")[0].split(".")[0]
    link.sendall(f"{kind} {name}{label} {node} {os.getpid()} {epoch or 0}\n".encode())
    return link


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"{self.server.child} {os.getpid()} {os.environ.get('BROOD_NODE', '?')}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


class Server(http.server.ThreadingHTTPServer):
    # Two copies must not be able to share the port unseen, but a port in TIME_WAIT is no reason to fail.
    allow_reuse_address = True
    daemon_threads = True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--witness", default="")
    parser.add_argument("--id", default=os.environ.get("BROOD_CHILD", "?"))
    parser.add_argument("--ignore-term", action="store_true", help="SIGTERM does not end it")
    parser.add_argument("--grandchild", action="store_true", help="starts a daemon of its own, also a witness")
    arguments = parser.parse_args()
    if arguments.ignore_term:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    link = None
    if arguments.witness:
        link = tell(arguments.witness, "hold", arguments.id)
    if arguments.grandchild:
        subprocess.Popen([sys.executable, __file__, "--witness", arguments.witness, "--id",
                          arguments.id + "/daemon"], start_new_session=True)
    if arguments.port:
        server = Server(("127.0.0.1", arguments.port), Answer)
        server.child = arguments.id
        print(f"serving {arguments.id} on {arguments.port}", flush=True)
        server.serve_forever()
    else:
        while True:
            signal.pause()
    return link


if __name__ == "__main__":
    main()
