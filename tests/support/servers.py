"""Real servers for the tests, each started once, on free ports, gone afterwards; and a way to wait without guessing."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from tests.support.patience import shared_by

T = TypeVar("T")

BROKER_PASSWORD = "hush"
BUCKET = "tests"
PATIENCE_S = 60.0  # generous: a test that passes never waits so long


def wait_until(
    found: Callable[[], T], patience_s: float = PATIENCE_S, every_s: float = 0.02, what: str = "what was expected"
) -> T:
    """The first true value of ``found``; an assertion when there is none in time, more of it on a busy machine.

    How busy it is is asked again when the time is over: most of the load of a test run comes after its waits began.
    """
    began, busy = time.monotonic(), shared_by()
    while not (value := found()):
        if time.monotonic() - began > patience_s * busy:
            busy = max(busy, shared_by())
            assert time.monotonic() - began <= patience_s * busy, f"waited {patience_s * busy:.0f} s for {what} in vain"
        time.sleep(every_s)
    return value


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, below those that connections get by themselves: these come and go meanwhile."""
    found: list[int] = []
    with contextlib.ExitStack() as held:
        while len(found) < count:
            one = held.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                one.bind(("127.0.0.1", random.randrange(12_000, 32_000)))
                found.append(int(one.getsockname()[1]))
    return found


@dataclass(frozen=True)
class S3Server:
    endpoint: str
    access_key: str = "tests"
    secret_key: str = "nobody-guesses-this"
    pid: int = 0

    def url(self, bucket: str, *, public: bool = True) -> str:
        return f"s3://{bucket}?endpoint={self.endpoint}" + (f"&public={self.endpoint}" if public else "")

    def make_bucket(self, bucket: str) -> None:
        with (
            self._client() as client,
            contextlib.suppress(client.exceptions.BucketAlreadyExists, client.exceptions.BucketAlreadyOwnedByYou),
        ):
            client.create_bucket(Bucket=bucket)

    def try_an_object(self) -> None:
        """Write and read one, in a bucket of its own: a server that makes buckets may not know yet where files lie.

        Raises:
            Exception: it cannot, or not yet.
        """
        self.make_bucket("tried")
        with self._client() as client:
            client.put_object(Bucket="tried", Key="tried", Body=b"tried")
            client.get_object(Bucket="tried", Key="tried")["Body"].read()

    def delete_bucket(self, bucket: str) -> None:
        """With whatever lies in it."""
        with self._client() as client:
            for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
                for item in page.get("Contents", ()):
                    client.delete_object(Bucket=bucket, Key=item["Key"])
            client.delete_bucket(Bucket=bucket)

    @contextlib.contextmanager
    def _client(self) -> Iterator[Any]:
        import boto3

        keys = {"aws_access_key_id": self.access_key, "aws_secret_access_key": self.secret_key}
        client = boto3.session.Session().client("s3", endpoint_url=self.endpoint, region_name="us-east-1", **keys)
        try:
            yield client
        finally:
            client.close()


@contextlib.contextmanager
def valkey(port: int, *, databases: int = 16, address: str = "127.0.0.1") -> Iterator[subprocess.Popen[bytes]]:
    """The broker on a TCP port, as a Redis elsewhere would be: with a password, and nobody who starts it again."""
    from workers.embedded.services import broker_program

    command = [str(broker_program()), "--port", str(port), "--bind", address, "--requirepass", BROKER_PASSWORD]
    command += ["--databases", str(databases)]
    with subprocess.Popen([*command, "--save", ""], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def weed() -> str | None:
    """SeaweedFS's program, out of its wheel."""
    return shutil.which("weed", path=str(Path(sys.executable).parent)) or shutil.which("weed")


def seaweed_ports() -> dict[str, int]:
    """Of one SeaweedFS; it needs the same ones when it is started again over the same folder."""
    names = ("master", "volume", "filer", "s3", "admin")
    return dict(zip([*names, *(f"{name}.grpc" for name in names)], free_ports(10), strict=True))


@contextlib.contextmanager
def seaweed(folder: Path, ports: dict[str, int] | None = None, *, address: str = "127.0.0.1") -> Iterator[S3Server]:
    program = weed()
    assert program is not None
    ports = ports or seaweed_ports()
    server = S3Server(f"http://{address}:{ports['s3']}")
    keys = {"accessKey": server.access_key, "secretKey": server.secret_key}
    identity = {"name": "tests", "credentials": [keys], "actions": ["Admin", "Read", "Write", "List"]}
    config = folder / "s3.json"
    config.write_text(json.dumps({"identities": [identity]}))
    command = [program, "mini", f"-dir={folder}", f"-ip={address}", f"-ip.bind={address}", f"-s3.config={config}"]
    command += ["-s3.port.iceberg=0", "-s3.port.lance=0", "-webdav=false", "-admin.ui=false"]
    command += [
        f"-{name.replace('.grpc', '.port.grpc') if '.grpc' in name else f'{name}.port'}={port}"
        for name, port in ports.items()
    ]
    with (folder / "weed.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    server = replace(server, pid=process.pid)
    try:

        def answers() -> bool:
            assert process.poll() is None, (folder / "weed.log").read_text()[-2000:]
            try:
                server.make_bucket(BUCKET)
                server.try_an_object()
            except Exception:
                return False
            return True

        wait_until(answers, every_s=0.2)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def postgres_programs() -> Path | None:
    """The folder of PostgreSQL's programs."""
    initdb = shutil.which("initdb")
    return Path(initdb).resolve().parent if initdb and shutil.which("pg_ctl") else None


@contextlib.contextmanager
def postgres(address: str = "", port: int = 5432) -> Iterator[str]:
    """A server on a unix socket, or open to the network of an address; the URL of its database.

    It refuses to run as root, so another user's it is then.
    """
    programs = postgres_programs()
    assert programs is not None
    who = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.getuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="sonorize-pg-"))
    if who:
        account = pwd.getpwnam("postgres")
        os.chown(folder, account.pw_uid, account.pw_gid)

    def call(*command: str) -> None:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, **who)  # type: ignore[call-overload]
        assert done.returncode == 0, done.stderr + done.stdout

    data = str(folder / "data")
    try:
        call(str(programs / "initdb"), "-D", data, "-U", "tests", "-A", "trust", "--no-sync", "-E", "UTF8")
        how = f"-k {folder} -p {port} -c listen_addresses={address} -c fsync=off -c max_connections=200"
        if address:
            with (folder / "data" / "pg_hba.conf").open("a") as access:
                access.write(f"host all all {address}/24 trust\n")
        call(str(programs / "pg_ctl"), "-D", data, "-l", str(folder / "log"), "-o", how, "-w", "start")
        try:
            yield (
                f"postgresql://tests@{address}:{port}/postgres"
                if address
                else f"postgresql://tests@/postgres?host={folder}"
            )
        finally:
            call(str(programs / "pg_ctl"), "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def emptied(url: str) -> str:
    """The same database with nothing in it."""
    import sqlalchemy as sa

    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE; CREATE SCHEMA public"))
    engine.dispose()
    return url
