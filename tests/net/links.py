"""Two network namespaces and the link between them, which can be cut and made bad."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXCHANGE_ADDRESS, CLIENT_ADDRESS = "10.177.0.1", "10.177.0.2"
_RELAY = Path(__file__).with_name("relay.py")


class NotHere(Exception):
    """This machine or user cannot have such a network."""


def run(*command):
    result = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    if result.returncode:
        raise NotHere(f"{' '.join(command)}: {result.stderr.strip()}")


class Network:
    """``exchange`` and ``client`` are commands that start something on that side.

    The two sides are joined by one pair of interfaces; where the kernel has no netem, by two pairs and a program
    between them.
    """

    def __init__(self):
        if shutil.which("ip") is None or shutil.which("tc") is None:
            raise NotHere("iproute2 is not installed")
        name = f"us{os.getpid()}"
        self._sides = {"exchange": f"{name}e", "client": f"{name}c"}
        self._middle = f"{name}m"
        self._made = []
        self._relay = None
        try:
            self._build()
        except BaseException:
            self.remove()
            raise

    def _build(self):
        for namespace in self._sides.values():
            self._add(namespace)
        exchange, client = self._sides.values()
        run(*self._pair("link0", exchange, "link0", client))
        self.has_netem = True
        try:
            self._netem("delay", "0ms")
        except NotHere:
            self.has_netem = False
            run("ip", "-n", exchange, "link", "del", "link0")
            self._build_relay(exchange, client)
        for namespace, address in ((exchange, EXCHANGE_ADDRESS), (client, CLIENT_ADDRESS)):
            run("ip", "-n", namespace, "address", "add", f"{address}/24", "dev", "link0")
            run("ip", "-n", namespace, "link", "set", "lo", "up")
            run("ip", "-n", namespace, "link", "set", "link0", "up")

    def _build_relay(self, exchange, client):
        self._add(self._middle)
        run(*self._pair("link0", exchange, "side0", self._middle))
        run(*self._pair("link0", client, "side1", self._middle))
        for interface in ("side0", "side1"):
            run("ip", "-n", self._middle, "link", "set", interface, "up")
        command = ("ip", "netns", "exec", self._middle, sys.executable, str(_RELAY), "side0", "side1")
        self._relay = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self._relay.stdout.readline() != "ready\n":
            raise NotHere("frames cannot be passed by a program here")

    def _add(self, namespace):
        run("ip", "netns", "add", namespace)
        self._made.append(namespace)

    @staticmethod
    def _pair(one, namespace, other, other_namespace):
        return (
            "ip",
            "link",
            "add",
            one,
            "netns",
            namespace,
            "type",
            "veth",
            "peer",
            "name",
            other,
            "netns",
            other_namespace,
        )

    @property
    def exchange(self):
        return ("ip", "netns", "exec", self._sides["exchange"])

    @property
    def client(self):
        return ("ip", "netns", "exec", self._sides["client"])

    def cut(self):
        """Take the exchange's interface down: not one more packet, to either side."""
        run("ip", "-n", self._sides["exchange"], "link", "set", "link0", "down")

    def mend(self):
        """Bring it up again."""
        run("ip", "-n", self._sides["exchange"], "link", "set", "link0", "up")

    def spoil(self, *, delay_ms=0, jitter_ms=0, loss=0.0, seed=0):
        """From now on, in both directions, each packet is late, by chance more or less, or lost."""
        if self._relay is None:
            delay = ("delay", f"{delay_ms}ms", f"{jitter_ms}ms") if delay_ms else ()
            self._netem(*delay, "loss", f"{loss:.0%}")
            return
        rules = {"delay_ms": delay_ms, "jitter_ms": jitter_ms, "loss": loss, "seed": seed}
        self._relay.stdin.write(json.dumps(rules) + "\n")
        self._relay.stdin.flush()
        assert self._relay.stdout.readline() == "done\n"

    def _netem(self, *what):
        for namespace in self._sides.values():
            run("ip", "netns", "exec", namespace, "tc", "qdisc", "replace", "dev", "link0", "root", "netem", *what)

    def remove(self):
        if self._relay is not None:
            self._relay.kill()
            self._relay.communicate()
        for namespace in self._made:
            subprocess.run(["ip", "netns", "del", namespace], capture_output=True, timeout=20, check=False)


@pytest.fixture
def network():
    try:
        made = Network()
    except NotHere as reason:
        pytest.skip(f"no network namespaces here: {reason}")
    yield made
    made.remove()
