#!/usr/bin/env bash
# Guess: ffmpeg refuses a file with more tracks than -max_streams allows, as it does for mp4, or reads the first N whole.
# Truth: of a Matroska file it reads a few packets and exits with 0; only its stderr says that something went wrong.
# ffmpeg n9.0.2 (imageio-ffmpeg 0.8.1), 2026-11-30. It matters to whoever fences uploads with -max_streams and goes by the
# exit status: most of the film is missing, and a check that reads the copy through the same option finds nothing wrong.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq 'imageio-ffmpeg==0.8.1'
ffmpeg=$("$work/venv/bin/python" -c 'import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())')
"$ffmpeg" -version | head -1
maps=()
for _ in 1 2 3 4 5 6 7 8 9; do maps+=(-map 1); done
for kind in mkv mp4; do
    "$ffmpeg" -nostdin -v error -f lavfi -i testsrc=s=64x48:r=30:d=3 -f lavfi -i sine=d=3 -map 0 "${maps[@]}" \
        -c:v libx264 -pix_fmt yuv420p -c:a aac "$work/ten_tracks.$kind"
    status=0
    "$ffmpeg" -nostdin -v error -max_streams 8 -i "$work/ten_tracks.$kind" -map 0:v -c copy -f framecrc - \
        >"$work/$kind.txt" 2>"$work/$kind.err" || status=$?
    packets=$(grep -c '^0,' "$work/$kind.txt" || true)
    echo "$kind: exit status $status, $packets of 90 packets; $(head -1 "$work/$kind.err" | cut -d']' -f2-)"
    echo "$status $packets" >"$work/$kind.outcome"
done
read -r status packets <"$work/mkv.outcome"
[ "$status" = 0 ] && [ "$packets" -lt 90 ] || { echo "changed: Matroska behaves otherwise now"; exit 1; }
read -r status packets <"$work/mp4.outcome"
[ "$status" != 0 ] || { echo "changed: mp4 behaves otherwise now"; exit 1; }
