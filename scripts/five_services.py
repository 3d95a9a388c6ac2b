"""Start the compose file's services by hand and send a job through them: for machines without a container engine.

    python scripts/five_services.py [--preload MODULE] CLIP

Commands, environment and health checks are read from docker-compose.yml and used as they stand there. What an engine
would do is done with Linux itself: a network of our own (`unshare`), in which the services' names lead to this
machine, and accounts that are not root. Needs root, PostgreSQL, redis-server, SeaweedFS's `weed` and wget.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parent.parent
CLONE_NEWNS, CLONE_NEWNET, MS_REC, MS_PRIVATE, MS_BIND = 0x20000, 0x40000000, 0x4000, 1 << 18, 0x1000
READY_S: Final = 180.0
SERVICES: Final = ("postgres", "redis", "s3", "web", "worker-cpu")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--preload", default="", help="module that the worker imports first")
    asked = parser.parse_args()
    clip = asked.clip.resolve()
    own_network()
    with tempfile.TemporaryDirectory(prefix="five-") as name, ExitStack() as running:
        folder = Path(name)
        folder.chmod(0o755)
        key, env_file = filled_in(asked.preload)
        compose = read_compose(env_file)
        names_lead_here(folder, SERVICES)
        begin = time.monotonic()
        for service in SERVICES:
            start = Start(service, compose["services"][service], env_file, folder / service)
            running.enter_context(start.running())
            start.wait_until_healthy()
            print(f"{service}: healthy after {time.monotonic() - begin:.1f} s", flush=True)
        submit(clip, key, folder)
        print(f"done after {time.monotonic() - begin:.1f} s", flush=True)


def filled_in(preload: str) -> tuple[str, dict[str, str]]:
    """A key, and .env.example as somebody would fill it in."""
    made = json.loads(
        subprocess.run(
            [sys.executable, "-m", "web.cli", "keys", "create", "anna", "--json"],
            cwd=ROOT, check=True, capture_output=True, text=True,
        ).stdout
    )  # fmt: skip
    lines = (ROOT / ".env.example").read_text().splitlines()
    values = dict(line.split("=", 1) for line in lines if re.match(r"[A-Z]", line))
    values |= {name: secrets.token_hex(24) for name in ("POSTGRES_PASSWORD", "REDIS_PASSWORD", "S3_SECRET_KEY")}
    values |= {"SONORIZE_API_KEYS": made["entry"], "SONORIZE_SECRET_KEY": secrets.token_hex(24)}
    return made["key"], values | {"SONORIZE_PRELOAD": preload}


def read_compose(values: Mapping[str, str]) -> dict[str, Any]:
    """The compose file with its variables put in, as `docker compose config` shows it."""

    def put_in(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        value = values.get(match["name"]) or match["default"]
        if value is None:  # an empty default is one
            sys.exit(f"{match['name']} is not set")
        return value

    text = (ROOT / "docker-compose.yml").read_text()
    pattern = r"\$\$|\$\{(?P<name>[A-Z0-9_]+)(?::-(?P<default>[^}]*)|:\?[^}]*)?\}"
    found: dict[str, Any] = yaml.safe_load(re.sub(pattern, put_in, text))
    return found


def own_network() -> None:
    """A network with nothing but this process's own loopback, and mounts that nobody else sees."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS | CLONE_NEWNET) or libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None):
        sys.exit(f"this needs root and a kernel that lets it: {os.strerror(ctypes.get_errno())}")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def names_lead_here(folder: Path, names: Sequence[str]) -> None:
    """The services find each other by name, as on the compose file's network."""
    hosts = folder / "hosts"
    hosts.write_text("".join(f"127.0.0.1 {name}\n" for name in ("localhost", *names)))
    if ctypes.CDLL(None).mount(bytes(hosts), b"/etc/hosts", None, MS_BIND, None):
        sys.exit("/etc/hosts cannot be covered")


class Start:
    """One service as the compose file describes it, as a process of this machine."""

    def __init__(self, name: str, spec: Mapping[str, Any], env_file: Mapping[str, str], folder: Path) -> None:
        self.name, self.spec, self.folder = name, spec, folder
        folder.mkdir(mode=0o755)
        given = dict(env_file) if spec.get("env_file") else {}
        tools = f"{postgres_tools()}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        self.environment = {**given, **spec.get("environment", {}), "PATH": tools, "HOME": str(folder)}
        if name in ("web", "worker-cpu"):
            # /data is the volume of the container; here each has a folder of its own.
            self.environment |= {"SONORIZE_DATA_DIR": str(folder / "data"), "PYTHONPATH": str(ROOT)}

    @contextmanager
    def running(self) -> Iterator[None]:
        log = (self.folder / "log").open("wb")
        process = subprocess.Popen(
            self.command(), env=self.environment, cwd=self.folder, stdout=log, stderr=log, start_new_session=True
        )
        try:
            yield
        except BaseException:
            print(
                f"---- {self.name} said:\n{(self.folder / 'log').read_text(errors='replace')[-3000:]}", file=sys.stderr
            )
            raise
        finally:
            begin = time.monotonic()
            if self.name == "postgres":
                os.killpg(process.pid, signal.SIGINT)  # the image's stop signal; runuser would keep it to itself
            else:
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(60)
                print(f"{self.name}: stopped after {time.monotonic() - begin:.1f} s, exit code {process.returncode}")
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                print(f"{self.name}: did not stop within its grace period", file=sys.stderr)
            log.close()

    def command(self) -> list[str]:
        """What the image's entry point would run."""
        command: list[str] = self.spec.get("command", [])
        if self.name == "postgres":
            return self.postgres()
        if self.name == "redis":
            return [part.replace("--dir /data", f"--dir {self.folder}") for part in command]
        if self.name == "s3":
            return ["weed", *(part.replace("-dir=/data", f"-dir={self.folder}") for part in command)]
        return [sys.executable, "-m", "web.cli", *command]

    def postgres(self) -> list[str]:
        """What the image's entry point does: a new cluster with the account, password and database asked for."""
        shutil.chown(self.folder, "postgres")
        as_postgres = ["runuser", "-u", "postgres", "--"]
        password = self.folder / "password"
        password.write_text(self.environment["POSTGRES_PASSWORD"])
        shutil.chown(password, "postgres")
        data, user = self.folder / "data", self.environment["POSTGRES_USER"]
        init = ["initdb", "-D", data, "-U", user, f"--pwfile={password}", "-A", "scram-sha-256", "-E", "UTF8"]
        run = {
            "env": self.environment,
            "cwd": self.folder,
            "check": True,
            "stdout": subprocess.DEVNULL,
            "stderr": subprocess.DEVNULL,
        }
        subprocess.run([*as_postgres, *init], **run)  # type: ignore[call-overload]
        with (data / "postgresql.conf").open("a") as conf:
            conf.write(f"unix_socket_directories = '{self.folder}'\nlisten_addresses = '*'\n")
        single = [*as_postgres, "postgres", "--single", "-D", data, "postgres"]
        create = f'CREATE DATABASE "{self.environment["POSTGRES_DB"]}";\n'.encode()
        subprocess.run(single, input=create, **run)  # type: ignore[call-overload]
        return [*as_postgres, "postgres", "-D", str(data)]

    def healthy(self) -> bool:
        kind, *test = self.spec["healthcheck"]["test"]
        command = ["sh", "-c", test[0]] if kind == "CMD-SHELL" else list(test)
        if command[0] == "sonorize":
            command = [sys.executable, "-m", "web.cli", *command[1:]]
        elif command[0] == "python":
            command[0] = sys.executable
        how = {"env": self.environment, "cwd": self.folder, "capture_output": True, "timeout": 60}
        return subprocess.run(command, check=False, **how).returncode == 0  # type: ignore[call-overload,no-any-return]

    def wait_until_healthy(self) -> None:
        deadline = time.monotonic() + READY_S
        # A check that cannot fail proves nothing: right after the start of a program it must.
        failed_first = not self.healthy()
        while not self.healthy():
            if time.monotonic() > deadline:
                sys.exit(f"{self.name} is not healthy after {READY_S:g} s")
            time.sleep(0.5)
        print(f"{self.name}: its health check {'failed before it was ready' if failed_first else 'never failed'}")


def postgres_tools() -> str:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return str(found[0]) if found else "/usr/bin"


def submit(clip: Path, key: str, folder: Path) -> None:
    """The whole way of a job, from outside: the published address and a key."""
    with socket.create_connection(("127.0.0.1", 8080), timeout=5):
        pass
    ours = {"PYTHONPATH": str(ROOT), "SONORIZE_API_KEY": key, "SONORIZE_SERVER": "http://web:8080"}
    environment = {**os.environ, **ours}
    command = [sys.executable, "-m", "web.cli", "submit", str(clip), "-o", str(folder / "out"), "--json"]
    done = subprocess.run(command, env=environment, cwd=folder, check=False, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"submit: {done.stderr}")
    told = json.loads(done.stdout)["jobs"][0]
    from synth.media import video

    ((file,),) = (told["files"],)
    same = video.packet_digest(Path(file)) == video.packet_digest(clip)
    print(f"job {told['job']['id']}: {told['job']['status']}, picture {'identical' if same else 'DIFFERS'}", flush=True)
    if not same:
        sys.exit(1)


if __name__ == "__main__":
    main()
