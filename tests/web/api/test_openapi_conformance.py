"""Schemathesis holds the published document against a real server: thousands of requests, allowed and not."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synth.media import audio
from tests.support.paths import ROOT
from tests.support.servers import wait_until
from tests.support.serving import serving
from web.client.sync import Client

EXAMPLES = 4

CONFIGURATION = """
hooks = "tests.web.api.schemathesis_hooks"
request-timeout = 30

[warnings]
enabled = false

# Of requests that fit the schema `only_documented_rules_refuse` says more precisely what may become of them.
[checks.positive_data_acceptance]
enabled = false

# 503 is documented: no worker was free in time.
[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", 503]

# 412 is how tus refuses another version of itself, 413 what is too large.
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 406, 409, 412, 413, 415, 422, 428, 429, "5xx"]

[checks.missing_required_header]
expected-statuses = [400, 401, 403, 404, 405, 406, 412, 415, 422]

[phases.stateful]
enabled = false
"""


@pytest.mark.slow
def test_the_server_does_what_its_document_says(flash_clip: Path, tmp_path: Path) -> None:
    Image.new("RGB", (32, 24)).save(tmp_path / "picture.png")
    audio.write(tmp_path / "sound.wav", np.zeros(22_050, np.float32), 22_050)
    (tmp_path / "schemathesis.toml").write_text(CONFIGURATION)
    with serving("--search-workers", "0", SONORIZE_MAX_QUEUED="1000000") as server, Client(server.address) as client:
        done = client.wait(client.create(flash_clip, {"mode": "hits"})["id"])
        assert done["status"] == "succeeded"
        batch = client.create_batch([flash_clip], {"mode": "hits"})
        wait_until(lambda: client._json("GET", batch["links"]["self"])["status"] == "finished")
        told = {
            "SONORIZE_TEST_CLIP": str(flash_clip),
            "SONORIZE_TEST_PICTURE": str(tmp_path / "picture.png"),
            "SONORIZE_TEST_SOUND": str(tmp_path / "sound.wav"),
            "SONORIZE_TEST_JOBS": done["id"],
            "SONORIZE_TEST_BATCHES": batch["id"],
            "PYTHONPATH": str(ROOT),
        }
        command = [
            str(Path(sys.executable).parent / "schemathesis"),
            "--config-file",
            str(tmp_path / "schemathesis.toml"),
        ]
        command += ["run", f"{server.address}/v1/openapi.json", "--seed", "1", "--max-examples", str(EXAMPLES)]
        with (tmp_path / "said").open("wb") as out:
            told |= {name: value for name, value in os.environ.items() if name not in told}
            run = subprocess.run(command, cwd=tmp_path, env=told, stdout=out, stderr=out, timeout=1500, check=False)
    said = (tmp_path / "said").read_text(errors="replace")
    assert run.returncode == 0, said[-8000:]
    count = re.search(r"([\d,]+) generated", said)
    assert count is not None
    assert int(count[1].replace(",", "")) >= 500
