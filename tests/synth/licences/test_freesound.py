"""Freesound's lists in their three forms, and whose a recording is by them."""

from __future__ import annotations

from pathlib import Path

import pytest

from synth.licences.freesound import sounds_of
from synth.licences.restrictions import UNKNOWN_LICENCE
from synth.voices.library.licences import Origins

UNTIL_2012 = """Sound pack downloaded from Freesound.org
----------------------------------------

This pack of sounds contains sounds by Anna B. ( http://www.freesound.org/people/Anna%20B./  )
You can find this pack online at: http://www.freesound.org/people/Anna%20B./packs/77/


License details
---------------

Sampling+: http://creativecommons.org/licenses/sampling+/1.0/
Attribution: http://creativecommons.org/licenses/by/3.0/
Attribution Noncommercial: http://creativecommons.org/licenses/by-nc/3.0/


Sounds in this pack
-------------------

  * 11__anna-b__glass.aif
    * url: http://www.freesound.org/people/Anna%20B./sounds/11/
    * license: Sampling+
  * 12__anna-b__door.wav
    * url: http://www.freesound.org/people/Anna%20B./sounds/12/
    * license: Attribution
  * 13__anna-b__rain.wav
    * url: http://www.freesound.org/people/Anna%20B./sounds/13/
    * license: Attribution Noncommercial
"""

UNTIL_2019 = """Sound pack downloaded from Freesound
----------------------------------------

This pack of sounds contains sounds by the following users:
 - DJ Chronos ( https://freesound.org/people/DJ%20Chronos/ ) - ben_b ( https://freesound.org/people/ben_b/ )



License details
---------------

Creative Commons 0: http://creativecommons.org/publicdomain/zero/1.0/
Attribution Noncommercial: http://creativecommons.org/licenses/by-nc/3.0/


Sounds in this pack
-------------------

  * 21__dj-chronos__loop.wav
    * url: https://freesound.org/s/21/
    * license: Creative Commons 0
  * 22__ben-b__steps.flac
    * url: https://freesound.org/s/22/
    * license: Attribution Noncommercial
"""

SINCE_2019 = """Pack downloaded from Freesound
----------------------------------------

"Kitchen"

This Pack of sounds contains sounds by the following user:
 - Cara ( https://freesound.org/people/Cara/ )

You can find this pack online at: https://freesound.org/people/Cara/packs/99/


Pack description
----------------

Everything is in the public domain, says my cat: http://creativecommons.org/publicdomain/zero/1.0/
  * 31__cara__pot.wav
    * license: Creative Commons 0


Licenses in this Pack (see below for individual sound licenses)
---------------------------------------------------------------

Attribution 3.0: http://creativecommons.org/licenses/by/3.0/
Attribution 4.0: https://creativecommons.org/licenses/by/4.0/
Attribution NonCommercial 4.0: https://creativecommons.org/licenses/by-nc/4.0/


Sounds in this Pack
-------------------

  * 31__cara__pot.wav
    * url: https://freesound.org/s/31/
    * license: Attribution NonCommercial 4.0
  * 32__cara__pan.wav
    * url: https://freesound.org/s/32/
    * license: Attribution 3.0
  * 33__cara__lid.mp3
    * url: https://freesound.org/s/33/
    * license: Attribution 4.0
  * 34__cara__tap.mp3
    * url: https://freesound.org/s/34/
    * license: Whatever comes next
"""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            UNTIL_2012,
            {
                "11__anna-b__glass": ("Anna B.", "LicenseRef-CC-Sampling-Plus-1.0"),
                "12__anna-b__door": ("Anna B.", "CC-BY-3.0"),
                "13__anna-b__rain": ("Anna B.", "CC-BY-NC-3.0"),
            },
        ),
        (
            UNTIL_2019,
            {"21__dj-chronos__loop": ("DJ Chronos", "CC0-1.0"), "22__ben-b__steps": ("ben_b", "CC-BY-NC-3.0")},
        ),
        (
            SINCE_2019,
            {
                "31__cara__pot": ("Cara", "CC-BY-NC-4.0"),
                "32__cara__pan": ("Cara", "CC-BY-3.0"),
                "33__cara__lid": ("Cara", "CC-BY-4.0"),
                "34__cara__tap": ("Cara", UNKNOWN_LICENCE),
            },
        ),
    ],
    ids=["until 2012", "until 2019", "since 2019"],
)
def test_a_pack_says_whose_its_files_are(text: str, told: dict[str, tuple[str, str]]) -> None:
    assert {one.stem: (one.author, one.licence) for one in sounds_of(text)} == told
    assert all(one.address and one.address.startswith("http") for one in sounds_of(text))


def test_one_name_for_two_versions_leaves_the_version_open() -> None:
    both = SINCE_2019.replace("Attribution 3.0:", "Attribution:").replace("Attribution 4.0:", "Attribution:")
    both = both.replace("license: Attribution 3.0", "license: Attribution")
    (pan,) = [one for one in sounds_of(both) if one.stem == "32__cara__pan"]
    assert pan.licence == "LicenseRef-CC-BY"


def test_a_text_without_a_list_names_nothing() -> None:
    assert not list(sounds_of("Sounds in this pack are mine.\n  * 1__a__b.wav\n"))


def test_the_pack_is_asked_before_the_files_name(tmp_path: Path) -> None:
    (tmp_path / "_readme_and_license.txt").write_text(UNTIL_2019)
    found = Origins(tmp_path).of(tmp_path / "21__dj-chronos__loop.wav")
    assert (found.author, found.licence, found.source) == ("DJ Chronos", "CC0-1.0", "https://freesound.org/s/21/")
    alone = Origins(tmp_path).of(tmp_path / "55__eve__bird.wav")
    assert (alone.author, alone.licence, alone.source) == ("eve", None, "https://freesound.org/s/55/")


@pytest.mark.parametrize("stated", ["CC BY NC 3.0", "not in the public domain", "do with it what I would"])
def test_what_stands_nearer_is_not_overruled_by_the_folder(tmp_path: Path, stated: str) -> None:
    (tmp_path / "LICENSE").write_text("CC0 1.0 Universal")
    (tmp_path / "a.txt").write_text(f"License: {stated}\n")
    found = Origins(tmp_path).of(tmp_path / "a.wav")
    assert found.licence == ("CC-BY-NC-3.0" if "NC" in stated else UNKNOWN_LICENCE)
    assert found.said_by == "a.txt"


def test_a_credited_name_may_have_spaces_and_a_pages_address_is_no_licence(tmp_path: Path) -> None:
    (tmp_path / "CREDITS").write_text("a.wav: Wind (http://example.org/cc-by/nc/1) by Anna van Dam [CC BY-NC 4.0]\n")
    found = Origins(tmp_path).of(tmp_path / "a.wav")
    assert (found.author, found.licence) == ("Anna van Dam", "CC-BY-NC-4.0")
    (tmp_path / "CREDITS").write_text("a.wav by Anna (http://example.org/public-domain/1)\n")
    assert Origins(tmp_path).of(tmp_path / "a.wav").licence is None
