#!/bin/sh
# Guess: a picture that ffmpeg copies into Matroska without a word can be decoded there.
# Truth (ffmpeg 9.0.2 of imageio-ffmpeg 0.8.1, 2026-11-30): QuickTime Animation (qtrle) arrives with every byte and exit
# status 0, but without its bits a sample, so that ffmpeg itself refuses to decode it. It matters to whoever takes equal
# packets for the same film: decode what was written.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q imageio-ffmpeg==0.8.1
ffmpeg=$(venv/bin/python -c 'import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())')
"$ffmpeg" -version | head -n 1
"$ffmpeg" -v error -f lavfi -i testsrc2=s=64x48:d=1 -c:v qtrle -y clip.mov
"$ffmpeg" -v warning -i clip.mov -c copy -y clip.mkv
for file in clip.mov clip.mkv; do
    echo "$file: packets $("$ffmpeg" -v error -i "$file" -map 0:v -c copy -f streamhash -hash md5 - 2>/dev/null)"
done
"$ffmpeg" -v error -i clip.mov -f null - && echo "clip.mov decodes"
if "$ffmpeg" -v error -i clip.mkv -f null - 2>complaint; then
    echo "clip.mkv decodes: no longer so"
    exit 1
fi
echo "clip.mkv does not decode: $(grep -m 1 colorspace complaint)"
grep -q "Unsupported colorspace" complaint
