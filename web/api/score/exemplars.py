"""Sounds of a bank that ships, to listen to, and the materials that they are of."""

from __future__ import annotations

import functools
import io

import soundfile
from flask import Blueprint, Response, request

from synth import weights
from synth.errors import OptionError
from synth.materials import MATERIALS
from synth.voices.hits.voice import bank_of
from web.api import media
from web.api.jobs import reply
from web.api.operations import Operation, describes
from web.api.problems import Problem
from web.api.schemas import score as shapes
from workers.owners.keys import Scope

blueprint = Blueprint("exemplars", __name__)


@blueprint.get("/v1/exemplars/<bank>/<name>.wav")
@describes(
    Operation(
        "listenToExemplar",
        "One sound of a bank that ships",
        {200: ("audio/wav",), 304: None},
        ("not-found",),
        headers=("If-None-Match",),
        scope=Scope.READ,
    )
)
def sound(bank: str, name: str) -> Response:
    """A sound of a bank as WAV."""
    entry = weights.entries().get(bank)
    if entry is None or entry.kind != "bank":
        known = ", ".join(known for known, one in weights.entries().items() if one.kind == "bank")
        raise Problem("not-found", f"there is no bank {bank[:40]!r}; there are {known}")
    try:
        data = _wav(bank, name)
    except OptionError as error:
        raise Problem("not-found", str(error)) from error
    response = Response(data, content_type="audio/wav")
    response.set_etag(f"{entry.sha256[:16]}-{name}")
    response.headers["Cache-Control"] = "private, max-age=86400"
    response.make_conditional(request)
    return media.dressed(response, f"{name}.wav")


@blueprint.get("/v1/materials")
@describes(
    Operation("listMaterials", "What things may be made of", {200: shapes.Materials}, scope=Scope.READ),
)
def materials() -> Response:
    """What things may be made of."""
    return reply({"materials": list(MATERIALS)})


@functools.lru_cache(maxsize=64)
def _wav(bank: str, name: str) -> bytes:
    loaded, file = bank_of(bank), io.BytesIO()
    soundfile.write(file, loaded.find(name).sound, loaded.rate_hz, format="WAV", subtype="PCM_16")
    return file.getvalue()
