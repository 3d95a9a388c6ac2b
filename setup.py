"""Builds the sampler's C++ library; everything else about the package stands in pyproject.toml.

The library is loaded with ctypes and knows no Python, so that it needs no Python headers and fits every version. An
installation without a compiler goes on without it: sampling is slower then, and says so once.
"""

import sysconfig
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

FOLDER = Path("synth", "sampler", "cpu")
# Same source, same roundings: the compiler must not fuse what the code does not.
FLAGS = ["-std=c++17", "-O3", "-g0", "-fPIC", "-pthread", "-fvisibility=hidden", "-fno-fast-math", "-fno-math-errno"]
FLAGS += ["-ffp-contract=off"]
X86_FLAGS = {
    "avx2.cpp": ["-mavx2", "-mfma"],
    "avx512.cpp": ["-mavx2", "-mfma", *(f"-mavx512{part}" for part in ("f", "bw", "dq", "vl", "vnni"))],
}
# GCC 12 takes its own headers for AVX-512 for uninitialised values.
X86_FLAGS["avx512.cpp"] += ["-Wno-uninitialized", "-Wno-maybe-uninitialized"]


class BuildSampler(build_ext):
    """Compiles one file an instruction set, each with the instructions that it needs and no other file may use."""

    def build_extension(self, ext: Extension) -> None:
        """Compile those files first; the rest goes the usual way."""
        on_x86 = sysconfig.get_platform().endswith(("x86_64", "amd64"))
        for name, flags in X86_FLAGS.items():
            ext.extra_objects += self.compiler.compile(
                [str(FOLDER / name)],
                output_dir=self.build_temp,
                extra_postargs=[*FLAGS, *(flags if on_x86 else [])],
                depends=ext.depends,
            )
        super().build_extension(ext)


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
    sources=[str(FOLDER / "engine.cpp"), str(FOLDER / "portable.cpp")],
    depends=[str(header) for header in sorted(FOLDER.glob("*.h"))],
    language="c++",
    extra_compile_args=FLAGS,
    extra_link_args=["-pthread"],
    py_limited_api=True,
    optional=True,
)

setup(ext_modules=[SAMPLER], cmdclass={"build_ext": BuildSampler, "build_py": BuildPackages})
