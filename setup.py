"""Builds the sampler's C++ library; everything else about the package stands in pyproject.toml.

The library is loaded with ctypes and knows no Python, so that it needs no Python headers and fits every version. An
installation without a compiler goes on without it: sampling is slower then, and says so once.
"""

import sysconfig
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py
from setuptools.errors import CompileError

FOLDER = Path("synth", "sampler", "cpu")
# Same source, same roundings: the compiler must not fuse what the code does not.
FLAGS = ["-std=c++17", "-O3", "-g0", "-fPIC", "-pthread", "-fvisibility=hidden", "-fno-fast-math", "-fno-math-errno"]
FLAGS += ["-ffp-contract=off"]
AVX2 = ["-mavx2", "-mfma"]
AVX512 = [*AVX2, *(f"-mavx512{part}" for part in ("f", "bw", "dq", "vl", "vnni"))]
# GCC 12 takes its own headers for AVX-512 for uninitialised values.
AVX512 += ["-Wno-uninitialized", "-Wno-maybe-uninitialized"]
X86_FLAGS = {
    "avx2.cpp": AVX2,
    "avx512.cpp": AVX512,
    "avx_vnni.cpp": [*AVX2, "-mavxvnni"],
    "avx512_bf16.cpp": [*AVX512, "-mavx512bf16"],
    "amx.cpp": [*AVX512, "-mamx-tile", "-mamx-int8", "-mamx-bf16"],
}


class BuildSampler(build_ext):
    """Compiles one file an instruction set, each with the instructions that it needs and no other file may use."""

    def build_extension(self, ext: Extension) -> None:
        """Compile those files first; the rest goes the usual way."""
        on_x86 = sysconfig.get_platform().endswith(("x86_64", "amd64"))
        for name, flags in X86_FLAGS.items():
            ext.extra_objects += self._compile(name, flags if on_x86 else [], ext.depends)
        super().build_extension(ext)

    def _compile(self, name: str, flags: list[str], depends: list[str]) -> list[str]:
        """Objects of one file; of a compiler that does not know its instructions, those of a file that has none."""
        for known in (flags, []):
            try:
                return self.compiler.compile(
                    [str(FOLDER / name)], output_dir=self.build_temp, extra_postargs=[*FLAGS, *known], depends=depends
                )
            except CompileError:
                if not known:
                    raise
                self.announce(f"{name}: the compiler does not know {' '.join(flags)}; built without", level=3)
        raise AssertionError("unreachable")


class BuildPackages(build_py):
    """Puts the documents beside the pages that show them; a checkout reads them where they are."""

    def run(self) -> None:
        """Copy the packages, then the documents."""
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib, "web", "pages", "docs")
        target.mkdir(parents=True, exist_ok=True)
        for document in sorted(Path("docs").glob("*.md")):
            self.copy_file(str(document), str(target / document.name))


SAMPLER = Extension(
    "synth.sampler._cpu",
    sources=[str(FOLDER / name) for name in ("library.cpp", "machine.cpp", "portable.cpp")],
    depends=[str(header) for header in sorted(FOLDER.glob("*.h"))],
    language="c++",
    extra_compile_args=FLAGS,
    extra_link_args=["-pthread"],
    py_limited_api=True,
    optional=True,
)

setup(ext_modules=[SAMPLER], cmdclass={"build_ext": BuildSampler, "build_py": BuildPackages})
