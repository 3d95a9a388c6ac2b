#!/bin/sh
# Guess: aisfx 0.1.2 gives the same kind of embedding with spectrogram_type='essentia' and with the documented 'librosa'.
# Truth: its librosa spectrogram comes as [mel bands, frames], but blocks are cut along the first axis as if it were time:
# any sound becomes ONE block whose "time" is frequency, so embeddings of long sounds are of the wrong thing, silently.
# Versions: aisfx 0.1.2, librosa 0.10.2.post1; seen November 2026. Matters wherever aisfx is used without essentia.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --no-deps aisfx==0.1.2
"$folder/venv/bin/pip" install -q librosa==0.10.2.post1 numpy==1.26.4 soundfile==0.12.1 setuptools==75.8.0
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version
import importlib.util, numpy as np, soundfile

def module(file):  # by its file: the package itself imports torch, which plays no part here
    root = importlib.util.find_spec("aisfx").submodule_search_locations[0]
    spec = importlib.util.spec_from_file_location(file, f"{root}/{file}.py")
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made

blocking = module("preprocessing").blocking
compute_spectrogram = module("spectrogram/spectrogram_librosa").compute_spectrogram

rate = 44100
soundfile.write("tone.wav", 0.5 * np.sin(2 * np.pi * 440 * np.arange(20 * rate) / rate), rate)
spectrogram = compute_spectrogram("tone.wav", rate, 2048, 1024, 96, 0.0, 22050.0)
blocks = blocking(spectrogram, block_size=100, hop_size=50, drop_partial_block=True)
print(f"aisfx {version('aisfx')}, librosa {version('librosa')}: 20 s of sound at 44.1 kHz, 96 bands, hop 1024")
print(f"spectrogram {spectrogram.shape} (frames first would be (862, 96))")
print(f"blocks {blocks.shape} (of 100 frames every 50 there should be 16, each 100 x 96)")
assert spectrogram.shape[0] == 96 and blocks.shape[0] == 1, "the axes are as one expects: this finding is out of date"
PYTHON
