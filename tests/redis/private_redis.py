"""A private Redis with the functions of src/redis/library.lua, and a client that is enough for it."""
import pathlib
import re
import socket
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVICE = ROOT / "deploy/services/redis"
LIBRARY = ROOT / "src/redis/library.lua"
KEYS = ["6"] + ["sluice:{m}:" + k for k in ("sale", "items", "orders", "users", "requests", "outbox")]


class PrivateRedis:
    """Started on entry; stopped and deleted on exit."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="sluice-redis-")
        self.data = self.folder.name + "/redis"
        out = subprocess.run([SERVICE, "start", self.data], check=True, capture_output=True, text=True)
        port = int(re.search(r"SLUICE_REDIS_URL=\S*:(\d+)", out.stdout).group(1))
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.replies = self.socket.makefile("rb")
        self.send("FUNCTION", "LOAD", "REPLACE", LIBRARY.read_bytes())
        return self

    def __exit__(self, *_):
        self.replies.close()
        self.socket.close()
        subprocess.run([SERVICE, "stop", self.data], check=True, capture_output=True)
        self.folder.cleanup()

    def send(self, *words):
        """The reply to one command; an error reply is an exception, returned and not raised."""
        words = [w if isinstance(w, bytes) else str(w).encode() for w in words]
        self.socket.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
        return self._read()

    def call(self, function, *arguments):
        return self.send("FCALL", "sluice_1_" + function, *KEYS, *arguments)

    def _read(self):
        line = self.replies.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b":":
            return int(rest)
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            return RuntimeError(rest.decode())
        if kind == b"$":
            size = int(rest)
            return None if size < 0 else self.replies.read(size + 2)[:-2].decode("utf8", "replace")
        return [self._read() for _ in range(int(rest))]
