"""What callers get to see of a job: the JSON of the API, also the ground that the pages stand on.

Storage keys, temporary paths and worker names stay inside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, Final

from web.api.semantics.conditional import coarse_s
from web.context import favourites, owner_retention_days, queue_view, site, viewer
from workers.batches import refusals
from workers.jobs import Job, State
from workers.owners import retention
from workers.records import moment

FILES: Final = {
    "video": "key",
    "sound": "wav_key",
    "flac": "flac_key",
    "score": "score_key",
    "hits": "hits_key",
    "thumbnail": "thumbnail_key",
    "maps": "maps_key",
    "heat-maps": "sheet_key",
    "heat-map-avol": "heat_avol_key",
    "heat-map-attention": "heat_attention_key",
    "heat-units": "units_key",
}
"""Kind of file of a take -> the name of its storage key in the row."""
KINDS: Final = (*FILES, "stems", "provenance")
METHODS: Final = {"avol": "AVOL-Net", "attention": "Attention"}
"""How a heat map was made -> its name for people; a test compares with :mod:`synth.description.heat_map`."""
_OURS: Final = frozenset({"music", "poster_key"})
"""What stands in a clip's row beside what was seen of it."""
_ALWAYS: Final = frozenset({"video", "sound", "provenance", "thumbnail"})


def job_json(job: Job, *, hits: bool = True) -> dict[str, Any]:
    """One job.

    Args:
        hits: whether each take comes with its list of hits, which may be long.
    """
    return {
        "id": job.id,
        "status": job.state.value,
        "title": job.title,
        "mode": job.mode,
        "options": dict(job.options),
        "favourite": job.id in favourites(),
        "clip": {name: value for name, value in job.info.items() if name not in _OURS},
        "progress": _progress(job),
        "queue": _queue(job),
        "attempt": job.attempt,
        "batch_id": job.batch_id,
        "custom_id": job.custom_id,
        "cancel_requested": bool(job.cancel_requested),
        "webhook_id": job.webhook_id,
        "cancel_at": moment(job.cancel_at),
        "error": dict(job.error) if job.error else None,
        "created_at": moment(job.created_at),
        "started_at": moment(job.started_at),
        "finished_at": moment(job.finished_at),
        "expires_at": moment(expires_at(job)),
        "description": description_json(job),
        "music": music_json(job),
        "outputs": [output_json(job, output, hits=hits) for output in outputs(job)],
        "links": links(job),
    }


def expires_at(job: Job) -> float | None:
    """When a job's files are deleted; ``None`` before it has ended, unless that was said, and once they are."""
    if job.state is State.EXPIRED:
        return None
    # How long the owner's are kept is looked up only where it matters: it has ended, and nothing was said of it.
    days = None if job.finished_at is None or job.keep_until else owner_retention_days(job.owner)
    return retention.expires_at(job, days, site().settings.retention_days)


def links(job: Job) -> dict[str, str]:
    """Where to go from a job; nobody needs to build these addresses."""
    base = f"/v1/jobs/{job.id}"
    found = {
        "self": base,
        "events": f"{base}/events",
        "cancel": f"{base}/cancel",
        "retry": f"{base}/retry",
        "variants": f"{base}/variants",
        "page": f"/jobs/{job.id}",
        "boxes": f"{base}/boxes",
        "music": f"{base}/music",
        "shares": f"{base}/shares",
    }
    if (job.result or {}).get("thumbnail_key") or job.info.get("poster_key"):
        found["thumbnail"] = f"{base}/thumbnail"
    if takes := outputs(job):
        found["result"] = f"{base}/outputs/{takes[0]['take']}/video"
    if job.batch_id:
        found["batch"] = f"/v1/batches/{job.batch_id}"
    return found


def outputs(job: Job) -> list[Mapping[str, Any]]:
    """The takes of a job that ended as its worker left them, storage keys included."""
    result = job.result or {}
    shared = {"thumbnail_key": result.get("thumbnail_key")}
    shared |= {name: result[name] for name in ("units_key", "recipe_key", "original_key") if name in result}
    return [{**entry, **shared} for entry in result.get("outputs", ())]


def output_json(job: Job, output: Mapping[str, Any], *, hits: bool = True) -> dict[str, Any]:
    """One take."""
    take = int(output["take"])
    shown = {
        "take": take,
        "mode": output["mode"],
        "seed": output["seed"],
        "duration_s": output["duration_s"],
        "sample_rate_hz": output["sample_rate_hz"],
        "channels": output.get("channels", "mono"),  # of results of older releases, which had one
        "hit_count": len(output["hits"]),
        "loudness_lufs": output["loudness_lufs"],
        "true_peak_dbtp": output["true_peak_dbtp"],
        "container": str(output["key"]).rpartition(".")[2],
        "warnings": list(output["warnings"]),
        "sound_class": output.get("sound_class"),  # results of older releases have none
        "made_s": output.get("made_s"),
        "mode_reason": output.get("mode_reason"),
        "ranges": list(output.get("ranges", ())),
        "synthetic_speech": synthetic_speech(output),
        "picture": output.get("picture", "copied"),
        "digests": output.get("digests"),
        "delivered": output.get("delivered"),
        "description": output.get("description"),
        "parent": output.get("parent"),
        "score": output.get("score"),
        "editable": output.get("score_key") is not None and output.get("recipe_key") is not None,
        "links": take_links(job, output),
    }
    if hits:
        shown["hits"] = list(output["hits"])
        shown["library"] = list(output.get("library", ()))
        shown["layers"] = list(output.get("layers", ()))
        shown["words"] = list(output.get("words", ()))
        shown["stages_s"] = dict(output["stages_s"])
    return shown


def take_links(job: Job, output: Mapping[str, Any]) -> dict[str, str]:
    """Where the files of a take are, and its heat maps over its video: drawn when somebody first asks for them."""
    base, take = f"/v1/jobs/{job.id}", int(output["take"])
    found = {
        kind: f"{base}/outputs/{take}/{kind}" for kind in KINDS if kind in _ALWAYS or output.get(FILES.get(kind, kind))
    }
    drawn = [method for method in METHODS if f"heat-map-{method}" in found and "maps" in found]
    return found | {f"heat-map-video-{method}": f"{base}/takes/{take}/heat-map.mp4?method={method}" for method in drawn}


def description_json(job: Job) -> dict[str, Any] | None:
    """What the stage that looks at a result says of it; nothing without one, or with one of an older release."""
    told = (job.result or {}).get("description")
    if told is None:
        return None
    return {"described": False, "reason": None, "times_s": [], "ranking": [], "units": [], "stages_s": {}, **told}


def music_json(job: Job) -> dict[str, Any]:
    """The music that was suggested for a job, and that which lies under its sound."""
    told, asked = (job.result or {}).get("music") or {}, job.info.get("music")
    base = f"/v1/jobs/{job.id}/music"
    known: Mapping[str, Any] = next((entry["music"] for entry in outputs(job) if entry.get("music")), {})
    laid = {name: known.get(name) for name in ("title", "author", "licence")}
    return {
        "suggestions": [
            {**one, "links": {"sound": f"{base}/{number}"}} for number, one in enumerate(told.get("suggestions", ()))
        ],
        "reason": told.get("reason"),
        "laid": {**asked, **laid} if asked else None,
    }


def synthetic_speech(output: Mapping[str, Any]) -> bool:
    """Whether somebody is heard to speak who did not say it like that: the mark of the take's provenance."""
    return bool(output.get("provenance", {}).get("synthetic_speech", False))


def batch_json(batch_id: str, jobs: Iterable[Job]) -> dict[str, Any]:
    """One batch: counts by state, its jobs in brief, and what of its request was refused."""
    members = list(jobs)
    counts = {state.value: sum(job.state is state for job in members) for state in State}
    base = f"/v1/batches/{batch_id}"
    return {
        "id": batch_id,
        "status": "finished" if all(job.state.final for job in members) else "running",
        "counts": {"total": len(members), **counts},
        "refused": [asdict(one) for one in refusals.of_batch(site().jobs.database, batch_id, viewer())],
        "jobs": [job_json(job, hits=False) for job in members],
        "links": {
            "self": base,
            "cancel": f"{base}/cancel",
            "result": f"{base}/result.zip",
            "results": f"{base}/results.zip",
            "table": f"{base}/results.csv",
            "page": f"/batches/{batch_id}",
        },
    }


def eta_s(job: Job) -> float | None:
    """Seconds until a job should be done, as people would say it; ``None`` where it has ended or nobody knows."""
    return None if job.state.final else coarse_s(site().jobs.eta_s(job, queue_view()))


def _progress(job: Job) -> dict[str, Any]:
    return {
        "stage": job.stage or None,
        "fraction": round(float(job.progress or 0.0), 4),
        "eta_s": None if job.state is State.QUEUED else eta_s(job),
    }


def _queue(job: Job) -> dict[str, Any] | None:
    if job.state is not State.QUEUED:
        return None
    view = queue_view()
    return {
        "position": max(1, view.position(job)),  # it may have been claimed this very moment
        "eta_s": eta_s(job),
        "workers": view.workers,
    }
