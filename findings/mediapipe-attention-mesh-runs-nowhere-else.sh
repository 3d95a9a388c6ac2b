#!/usr/bin/env bash
# Guess: a .tflite file runs on LiteRT; mediapipe's wheel ships two face meshes, and the one with attention is the better.
# Truth: face_landmark_with_attention.tflite asks for operators that only mediapipe's own runtime registers, and raises as
# its tensors are allocated; face_landmark.tflite beside it runs. ai-edge-litert 2.3.0, mediapipe 0.10.14, Python 3.11,
# 2026-11-30. It matters where the mesh alone is wanted, without mediapipe's further hundred megabytes of dependencies.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq 'ai-edge-litert==2.3.0' 'numpy==2.4.6'
"$work/venv/bin/pip" download -qq --no-deps 'mediapipe==0.10.14' -d "$work"
cat >"$work/mesh.py" <<'PYTHON'
import glob
import importlib.metadata
import sys
import zipfile

from ai_edge_litert.interpreter import Interpreter

wheel = zipfile.ZipFile(glob.glob(f"{sys.argv[1]}/mediapipe-*.whl")[0])
print(f"ai-edge-litert {importlib.metadata.version('ai-edge-litert')}, {wheel.filename.rsplit('/', 1)[1][:17]}")
said = {}
for name in ("face_landmark", "face_landmark_with_attention"):
    interpreter = Interpreter(model_content=wheel.read(f"mediapipe/modules/face_landmark/{name}.tflite"))
    try:
        interpreter.allocate_tensors()
        said[name] = "runs"
    except RuntimeError as error:
        said[name] = str(error).splitlines()[0]
    print(f"{name}: {said[name]}")
sys.exit(not (said["face_landmark"] == "runs" and "custom op" in said["face_landmark_with_attention"]))
PYTHON
"$work/venv/bin/python" "$work/mesh.py" "$work" || { echo "changed: the mesh with attention runs on LiteRT now"; exit 1; }
