"""Takes that are rendered from a score, and the parts of any take: how far they are, what they look and sound like."""

from __future__ import annotations

import functools
import io
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, request, url_for

from synth.media.sound import waveform_peaks
from synth.score import drawings
from synth.score.recipe import Recipe
from synth.score.score import ORIGINAL
from synth.voices.base import Hit
from synth.voices.hits.voice import BANK, bank_of, nearest_matches
from web.api import media
from web.api.jobs import reply
from web.api.operations import Operation, describes
from web.api.problems import Problem
from web.api.representations import outputs
from web.api.schemas import score as shapes
from web.context import site, viewer
from workers.errors import NotFound, ObjectNotFound
from workers.jobs import Job, State
from workers.owners.keys import Scope
from workers.records import Cancellation
from workers.score.renders import Renders

blueprint = Blueprint("takes", __name__)

_STATUS = {State.FINISHING: "running", State.EXPIRED: "failed"}
_PEAKS_TYPE = "application/octet-stream"
NEAREST = 5


@blueprint.get("/v1/jobs/<job_id>/takes/<int:take>")
@describes(
    Operation(
        "readTake",
        "How far a take is that is rendered from a score",
        {200: shapes.RenderedTake},
        ("not-found", "option"),
        query=shapes.WaitQuery,
        scope=Scope.READ,
    )
)
def read(job_id: str, take: int, query: shapes.WaitQuery) -> Response:
    """How far a take is; with ``wait_s`` as soon as it is over."""
    job = site().job(job_id)
    asked = Renders(site().jobs).get(job.id, take)
    if query.wait_s and asked is not None and asked.row is not None and not asked.row.state.final:
        with suppress(NotFound):  # it is done
            site().waits.until(site().jobs, asked.row, query.wait_s)
        job = site().job(job_id)
    return reply(rendered_json(job, take))


@blueprint.post("/v1/jobs/<job_id>/takes/<int:take>/cancel")
@describes(
    Operation(
        "cancelTake",
        "Stop a take that is rendered from a score",
        {200: shapes.RenderedTake, 202: shapes.RenderedTake},
        ("not-found", "disk-full"),
        scope=Scope.WRITE,
    )
)
def cancel(job_id: str, take: int) -> Response:
    """Stop it."""
    job = site().job(job_id)
    asked = Renders(site().jobs).get(job.id, take)
    if asked is None or asked.row is None:
        raise Problem("not-found", f"no take {take} is being rendered")
    outcome = site().submitter.cancel(asked.row.id, None)
    return reply(rendered_json(job, take), 202 if outcome is Cancellation.REQUESTED else 200)


@blueprint.delete("/v1/jobs/<job_id>/takes/<int:take>")
@describes(
    Operation(
        "deleteTake",
        "Delete a take that was rendered from a score",
        {204: None},
        ("not-found", "disk-full"),
        scope=Scope.WRITE,
    )
)
def delete(job_id: str, take: int) -> Response:
    """Delete it, and what only it needs."""
    job = site().job(job_id)
    for key in Renders(site().jobs).delete(job, take):
        site().storage.delete(key)
    return Response(status=204)


@blueprint.get("/v1/jobs/<job_id>/takes/<int:take>/stems")
@describes(
    Operation(
        "listStems",
        "The parts of a take's sound, the mix first",
        {200: shapes.TakeStems},
        ("not-found",),
        scope=Scope.READ,
    )
)
def stems(job_id: str, take: int) -> Response:
    """The parts of a take's sound."""
    job, entry = _take(job_id, take)
    base = f"/v1/jobs/{job.id}/takes/{take}"

    def told(name: str, rate_hz: int, sound: str, peak_dbfs: float | None, duration_s: float) -> dict[str, Any]:
        drawn = {kind: f"{base}/{kind}?stem={name}" for kind in ("peaks", "spectrogram") if entry.get("drawings_key")}
        links = {"sound": sound, **drawn}
        return {"name": name, "duration_s": duration_s, "rate_hz": rate_hz, "peak_dbfs": peak_dbfs, "links": links}

    duration_s, whole = float(entry["duration_s"]), f"/v1/jobs/{job.id}/outputs/{take}/sound"
    found = [told(drawings.MIX, int(entry["sample_rate_hz"]), whole, entry["true_peak_dbtp"], duration_s)]
    for one in entry.get("stems", ()):
        sound = f"{base}/stems/{one['name']}"
        found.append(told(one["name"], one["rate_hz"], sound, one["peak_dbfs"], one["duration_s"]))
    if entry.get("original_key"):
        found.append(told(ORIGINAL, 48_000, f"{base}/stems/{ORIGINAL}", None, duration_s))
    return reply({"stems": found})


@blueprint.get("/v1/jobs/<job_id>/takes/<int:take>/stems/<name>")
@describes(
    Operation(
        "readStem",
        "A part of a take's sound by itself, before mixing and mastering",
        {200: ("audio/wav", "audio/flac"), 206: ("audio/wav", "audio/flac"), 302: None, 304: None},
        ("not-found", "range", "damaged"),
        headers=("Range", "If-None-Match"),
        scope=Scope.READ,
    )
)
def stem(job_id: str, take: int, name: str) -> Response:
    """A part by itself."""
    job, entry = _take(job_id, take)
    keys = {str(one["name"]): str(one["key"]) for one in entry.get("stems", ())}
    if entry.get("original_key"):
        keys[ORIGINAL] = str(entry["original_key"])
    if name not in keys:
        raise Problem(
            "not-found", f"there is no part {name[:40]!r} of this take; there are {', '.join(keys) or 'none'}"
        )
    ending = keys[name].rpartition(".")[2]
    title = media.stored_name(job, entry, "sound").rpartition(".sonorized")[0]
    return media.send(media.Item(keys[name], f"{title}.{name}.{ending}"))


@blueprint.get("/v1/jobs/<job_id>/takes/<int:take>/peaks")
@describes(
    Operation(
        "readPeaks",
        "The waveform of a part of a take, as it is drawn",
        {200: shapes.Peaks, 304: None},
        ("not-found", "option", "damaged"),
        query=shapes.PeaksQuery,
        headers=("If-None-Match",),
        scope=Scope.READ,
    )
)
def peaks(job_id: str, take: int, query: shapes.PeaksQuery) -> Response:
    """The waveform in audiowaveform's JSON, or its binary form."""
    _, entry = _take(job_id, take)
    data = drawings.peaks(io.BytesIO(_drawings(entry)), query.stem, int(query.zoom))
    if data is None:
        raise Problem("not-found", f"the part {query.stem[:40]!r} of this take is not drawn")
    if request.accept_mimetypes.best_match(["application/json", _PEAKS_TYPE]) == _PEAKS_TYPE:
        return _lasting(Response(data, content_type=_PEAKS_TYPE), entry, f"{query.stem}-{query.zoom}-b")
    points, rate_hz, zoom = waveform_peaks.from_bytes(data)
    told = {"version": 2, "channels": 1, "sample_rate": rate_hz, "samples_per_pixel": zoom, "bits": 8}
    body = reply({**told, "length": len(points), "data": points.ravel().tolist()})
    return _lasting(body, entry, f"{query.stem}-{query.zoom}")


@blueprint.get("/v1/jobs/<job_id>/takes/<int:take>/spectrogram")
@describes(
    Operation(
        "readSpectrogram",
        "What frequencies are heard when in a part of a take, as a picture",
        {200: ("image/png",), 304: None},
        ("not-found", "option", "damaged"),
        query=shapes.StemQuery,
        headers=("If-None-Match",),
        scope=Scope.READ,
    )
)
def spectrogram(job_id: str, take: int, query: shapes.StemQuery) -> Response:
    """The spectrogram as PNG."""
    _, entry = _take(job_id, take)
    data = drawings.picture(io.BytesIO(_drawings(entry)), query.stem)
    if data is None:
        raise Problem("not-found", f"the part {query.stem[:40]!r} of this take is not drawn")
    return _lasting(Response(data, content_type="image/png"), entry, query.stem)


@blueprint.get("/v1/jobs/<job_id>/takes/<int:take>/nearest")
@describes(
    Operation(
        "findExemplars",
        "Sounds of the bank that fit what is seen at a moment, the best first",
        {200: shapes.Exemplars},
        ("not-found", "option", "damaged"),
        query=shapes.NearestQuery,
        scope=Scope.READ,
    )
)
def nearest(job_id: str, take: int, query: shapes.NearestQuery) -> Response:
    """The five that fit best; each can be listened to."""
    job, entry = _take(job_id, take)
    bank = str(job.options.get("bank") or BANK)
    controls = None
    if entry.get("recipe_key") and entry["mode"] == "hits" and not entry.get("ranges"):
        controls = _recipe(str(entry["recipe_key"])).controls
    hit = Hit(query.time_s, 0.5, query.material or "")
    found = nearest_matches(controls, hit, bank, NEAREST)
    loaded = bank_of(bank)
    told = []
    for name, distance in found:
        one = loaded.find(name)
        link = url_for("exemplars.sound", bank=bank, name=name)
        about = {"name": name, "material": one.material, "action": one.action, "distance": distance}
        told.append({**about, "links": {"sound": link}})
    return reply({"exemplars": told})


def rendered_json(job: Job, take: int) -> dict[str, Any]:
    """How far a take is.

    Raises:
        Problem: ``not-found``: it is not there, and nobody asked for it.
    """
    asked = Renders(site().jobs).get(job.id, take)
    job = site().jobs.get(job.id, None)  # afterwards: a take is joined in the moment in which its row goes
    there = next((entry for entry in outputs(job) if entry["take"] == take), None)
    if there is None and asked is None:
        raise Problem("not-found", f"the job has no take {take}")
    base = f"/v1/jobs/{job.id}"
    links = {"self": f"{base}/takes/{take}", "job": base, "score": f"{base}/score?take={take}"}
    if there is not None:
        score = there.get("score") or {}
        made = {"parent": there.get("parent"), "version": score.get("version"), "status": "succeeded"}
        links["result"] = f"{base}/outputs/{take}/video"
        return {"take": take, **made, "progress": 1.0, "error": None, "links": links}
    assert asked is not None
    row = asked.row
    # Its row is gone: it had its time, as the files of ended jobs have.
    status = "failed" if row is None else _STATUS.get(row.state, row.state.value)
    error = None if row is None or not row.error else {name: row.error[name] for name in ("code", "detail")}
    links["cancel"] = f"{base}/takes/{take}/cancel"
    return {
        "take": take,
        "parent": asked.parent,
        "version": asked.version,
        "status": status,
        "progress": 0.0 if row is None else round(float(row.progress or 0.0), 4),
        "error": error,
        "links": links,
    }


def _take(job_id: str, take: int) -> tuple[Job, Mapping[str, Any]]:
    job = site().jobs.get(job_id, viewer())
    found = next((entry for entry in outputs(job) if entry["take"] == take), None)
    if found is None:
        raise Problem("not-found", f"the job has no take {take}" if outputs(job) else "the job has no result yet")
    return job, found


def _drawings(entry: Mapping[str, Any]) -> bytes:
    key = entry.get("drawings_key")
    if key is None:
        raise Problem("not-found", "this take is not drawn: it was made by an older release, or was canceled")
    media.whole_size(str(key))
    return b"".join(site().storage.read(str(key)))


def _lasting(response: Response, entry: Mapping[str, Any], what: str) -> Response:
    """A response that never changes: each take has files of its own."""
    response.set_etag(f"{str(entry['drawings_key']).replace('/', '-')}-{what}")
    response.headers["Cache-Control"] = "private, max-age=86400, immutable"
    response.headers["Vary"] = "Accept"
    response.make_conditional(request)
    return response


@functools.lru_cache(maxsize=4)
def _recipe(key: str) -> Recipe:
    with site().submitter.spool.request() as folder:
        path = Path(folder) / "recipe.npz"
        try:
            site().storage.fetch(key, path)
        except ObjectNotFound as error:
            raise Problem("damaged", "what this take was made from is not stored any more") from error
        return Recipe.load(path)
