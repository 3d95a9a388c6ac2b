"""The fence around every ffmpeg child: a small program that limits itself, then becomes ffmpeg.

Started as ``python -I -S guard.py FENCE BINARY ARGUMENT...``, or once as ``guard.py --serve SOCKET``: then it forks
itself for each child that it is asked for (:mod:`synth.media.launcher`). What is imported here is next to nothing,
since a child that is started plainly pays for it: ``typing`` and ``signal`` alone would double the 20 ms that it takes.
A program rather than a ``preexec_fn``, because code run between fork and exec may dead-lock a process with threads, and
because moviepy can be pointed at a program but not at a function.
"""

from __future__ import annotations

import ctypes
import os
import resource
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# What a source may be made of. Names are ffmpeg's. Playlists, image sequences, device grabbers and rarely used
# decoders are absent on purpose: they are where files are read, hosts are called and memory is corrupted.
FORMATS = "mov,matroska,avi,mpeg,mpegts,mxf,dv,gif,apng,webp_anim,wav,flac,ogg,mp3,aac"
SOUND_FORMATS = "aiff,asf,au,caf,w64,wv"
VIDEO_DECODERS = (
    "h264,hevc,mpeg1video,mpeg2video,mpeg4,vp8,libvpx,vp9,libvpx-vp9,av1,libdav1d,mjpeg,prores,"
    "ffv1,dnxhd,qtrle,dvvideo,gif,apng,webp_anim"
)
AUDIO_DECODERS = (
    "aac,ac3,alac,eac3,flac,mp2,mp2float,mp3,mp3float,opus,libopus,vorbis,libvorbis,"
    "pcm_alaw,pcm_f32be,pcm_f32le,pcm_f64le,pcm_mulaw,pcm_s16be,pcm_s16le,pcm_s24be,pcm_s24le,pcm_s32be,pcm_s32le,pcm_u8"
)
MORE_AUDIO_DECODERS = "adpcm_ima_qt,adpcm_ima_wav,adpcm_ms,pcm_f64be,pcm_s8,wavpack,wmav1,wmav2"
PIPE_FORMATS = "rawvideo,f32le"
PIPE_DECODERS = "rawvideo,pcm_f32le"

CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
SIGKILL, SIGPIPE, SIGCHLD = 9, 13, 17
CLONE_PARENT = 0x00008000
CLONE_CALL = {"x86_64": 56, "aarch64": 220}  # machine -> the number of the system call clone

SERVE = "--serve"
MESSAGE_BYTES = 1 << 16  # of the words of one child; longer ones are started plainly


def harden(arguments: Sequence[str], max_streams: int, max_pixels: int) -> list[str]:
    """ffmpeg's arguments with the whitelists put before every ``-i``.

    What comes through a pipe is our own raw sound or picture and may be nothing else; a file may be any
    whitelisted container but may name no other file, pipe or host.
    """
    # A machine with many cores would start so many threads that their stacks alone outgrow the memory limit.
    hardened = ["-nostdin", "-hide_banner", "-max_alloc", str(2**30), "-filter_threads", "2"]
    hardened += ["-filter_complex_threads", "2"]
    for position, argument in enumerate(arguments):
        if argument == "-i":
            ours = arguments[position + 1 : position + 2] == ["pipe:0"]
            decoders = PIPE_DECODERS if ours else f"{VIDEO_DECODERS},{AUDIO_DECODERS},{MORE_AUDIO_DECODERS}"
            formats = PIPE_FORMATS if ours else f"{FORMATS},{SOUND_FORMATS}"
            hardened += ["-protocol_whitelist", "pipe" if ours else "file"]
            hardened += ["-format_whitelist", formats, "-codec_whitelist", decoders]
            hardened += ["-max_streams", str(max_streams), "-max_pixels", str(max_pixels)]
            # More than processors: each waits for the pictures that its own refers to. Of 720p, four take a tenth less.
            hardened += ["-threads", "4"]
        hardened.append(argument)
    return hardened


def leave_network() -> bool:
    """Move into an empty network namespace; False where the kernel does not allow it."""
    try:
        unshare = ctypes.CDLL(None, use_errno=True).unshare
    except (OSError, AttributeError):
        return False
    # Root keeps its rights over files without a user namespace; anybody else needs one.
    return any(unshare(flags) == 0 for flags in (CLONE_NEWNET, CLONE_NEWUSER | CLONE_NEWNET))


def die_with_parent() -> None:
    """Ask the kernel to kill this process when the thread that started it ends, even by ``kill -9``."""
    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)
    except (OSError, AttributeError):
        return


def heed_broken_pipes() -> None:
    """Undo what Python does at its start: ffmpeg must end when its reader is gone."""
    try:
        ctypes.CDLL(None).signal(SIGPIPE, None)
    except (OSError, AttributeError):
        return


def limit(memory_bytes: int, cpu_s: int, file_bytes: int) -> None:
    """Lower this process's limits on address space, CPU time and the size of any file that it writes."""
    for kind, value in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (allowed, allowed))


def can_fork_beside() -> bool:
    """Whether :func:`fork_beside` knows this machine's system call."""
    return sys.platform == "linux" and os.uname().machine in CLONE_CALL


def fork_beside() -> int:
    """Fork into a child of this process's parent; as ``os.fork`` otherwise, but -1 where the kernel refuses.

    Only for a process with one thread whose fork soon becomes another program: Python is not told of it.
    """
    call = ctypes.CDLL(None).syscall
    call.restype = ctypes.c_long
    zero = ctypes.c_long(0)
    flags = ctypes.c_long(CLONE_PARENT | SIGCHLD)
    return int(call(ctypes.c_long(CLONE_CALL[os.uname().machine]), flags, zero, zero, zero, zero))


def serve(descriptor: int) -> None:
    """Fork a child for each message, until the other end of the socket closes.

    A message is the words of :func:`main`, a zero byte between two, with three descriptors that become its standard
    input, output and error. The answer is the child's number in decimal, or -1. The child gives it itself, once it
    leads its session: should this program be killed in the middle, whoever asked knows whether there is a child.
    """
    import socket

    os.set_inheritable(descriptor, False)  # nobody that is forked here asks for more
    wire = socket.socket(fileno=descriptor)
    leave_network()  # once: whatever is forked from here on is outside too
    ctypes.CDLL(None)  # looked up before the first fork
    while True:
        message, descriptors, _, _ = socket.recv_fds(wire, 2 * MESSAGE_BYTES, 3)
        if not message:
            return
        pid = fork_beside()
        if pid == 0:
            _be_child(message, descriptors, lambda: wire.send(b"%d" % os.getpid()))
        for one in descriptors:
            os.close(one)
        if pid < 0:
            wire.send(b"%d" % pid)


def _be_child(message: bytes, descriptors: Sequence[int], answer: Callable[[], object]) -> None:
    """Does not return."""
    try:
        for number, one in enumerate(descriptors):
            os.dup2(one, number)
            os.close(one)
        os.setsid()
        answer()
        become(os.fsdecode(message).split("\0"))
    except BaseException as error:
        os.write(2, f"ffmpeg cannot be started: {error}\n".encode(errors="replace"))
    os._exit(1)


def become(argv: Sequence[str]) -> None:
    """Apply the fence and become the program named; does not return."""
    memory_bytes, cpu_s, file_bytes, max_streams, max_pixels, attached = (int(field) for field in argv[0].split(","))
    binary, arguments = argv[1], argv[2:]
    if attached:
        die_with_parent()
    limit(memory_bytes, cpu_s, file_bytes)
    heed_broken_pipes()
    os.execve(binary, [binary, *harden(arguments, max_streams, max_pixels)], {})


def main(argv: Sequence[str]) -> None:
    """Apply the fence and become the program named, or serve; does not return from the former."""
    if argv[0] == SERVE:
        serve(int(argv[1]))
        return
    if os.getpgid(0) != os.getpid():
        os.setsid()  # moviepy starts its children in our own group: a Ctrl-C there must not reach them half way
    isolated = leave_network()
    if argv[2:] == ["--isolated"]:
        sys.exit(0 if isolated else 1)
    become(argv)


if __name__ == "__main__":
    main(sys.argv[1:])
