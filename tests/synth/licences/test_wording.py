"""Licences in people's own words: never read freer than they are."""

from __future__ import annotations

import pytest

from synth.licences.restrictions import (
    ALL_RIGHTS_RESERVED,
    PUBLIC_DOMAIN,
    UNKNOWN_LICENCE,
    creative_commons,
    is_spdx,
    strictest,
)
from synth.licences.wording import licence_in, licence_stated

WORDINGS = [
    # Freesound's own names, old and new
    ("Attribution", "LicenseRef-CC-BY"),
    ("Attribution 3.0", "CC-BY-3.0"),
    ("Attribution 4.0", "CC-BY-4.0"),
    ("Attribution Noncommercial", "LicenseRef-CC-BY-NC"),
    ("Attribution NonCommercial 4.0", "CC-BY-NC-4.0"),
    ("Creative Commons 0", "CC0-1.0"),
    ("Sampling+", "LicenseRef-CC-Sampling-Plus"),
    # addresses
    ("http://creativecommons.org/licenses/sampling+/1.0/", "LicenseRef-CC-Sampling-Plus-1.0"),
    ("http://creativecommons.org/publicdomain/zero/1.0/", "CC0-1.0"),
    ("https://creativecommons.org/publicdomain/mark/1.0/deed.de", "CC-PDM-1.0"),
    ("https://creativecommons.org/licenses/by/4.0/", "CC-BY-4.0"),
    ("https://creativecommons.org/licenses/by-nc-sa/2.5", "CC-BY-NC-SA-2.5"),
    ("https://creativecommons.org/licenses/by/3.0/us/", "CC-BY-3.0-US"),
    ("www.creativecommons.org/licenses/by-nc-nd/3.0/deed.en", "CC-BY-NC-ND-3.0"),
    ("https://creativecommons.org/licenses/by-nd-nc/1.0/", "CC-BY-NC-ND-1.0"),
    # short forms, with and without their dashes
    ("CC BY", "LicenseRef-CC-BY"),
    ("CC-BY 4.0", "CC-BY-4.0"),
    ("cc by sa 4.0", "CC-BY-SA-4.0"),
    ("CC BY NC 3.0", "CC-BY-NC-3.0"),
    ("CC BY NC SA 3.0", "CC-BY-NC-SA-3.0"),
    ("cc-by-nc-nd-2.0", "CC-BY-NC-ND-2.0"),
    ("CC_BY_NC 4.0", "CC-BY-NC-4.0"),
    ("CC\N{EN DASH}BY\N{EN DASH}NC 4.0", "CC-BY-NC-4.0"),
    ("BY-NC 3.0", "CC-BY-NC-3.0"),
    ("CC0", "CC0-1.0"),
    ("CC-0", "CC0-1.0"),
    ("CC Zero", "CC0-1.0"),
    # written out
    ("Attribution-NonCommercial-NoDerivatives", "LicenseRef-CC-BY-NC-ND"),
    ("Creative Commons Attribution 3.0 Unported License", "CC-BY-3.0"),
    ("Creative Commons Attribution-ShareAlike 4.0 International (CC BY-SA 4.0)", "CC-BY-SA-4.0"),
    ("Creative Commons Attribution Non-Commercial Share Alike 2.5", "CC-BY-NC-SA-2.5"),
    ("Creative Commons: Attribution, No Derivative Works, version 3.0", "CC-BY-ND-3.0"),
    ("Licensed under CC BY 4.0: https://creativecommons.org/licenses/by/4.0/", "CC-BY-4.0"),
    ("CC0 1.0 Universal. No rights reserved.", "CC0-1.0"),
    ("Public Domain", PUBLIC_DOMAIN),
    ("MIT License", "MIT"),
    ("mit", "MIT"),
    ("CC-BY-NC-4.0", "CC-BY-NC-4.0"),
    # several at once: the one with all conditions of the others, or none
    ("CC BY 4.0 or CC BY-NC 4.0", "CC-BY-NC-4.0"),
    ("CC-BY-4.0 OR CC-BY-NC-4.0", "CC-BY-NC-4.0"),
    ("CC BY 3.0 / CC BY 4.0", "LicenseRef-CC-BY"),
    ("CC BY-SA 4.0 and CC BY-NC 4.0", UNKNOWN_LICENCE),
    ("All rights reserved. Attribution required, CC BY", ALL_RIGHTS_RESERVED),
    ("(c) 2019 Anna. All rights are reserved.", ALL_RIGHTS_RESERVED),
    # said the other way round
    ("not in the public domain", UNKNOWN_LICENCE),
    ("This is not CC0", UNKNOWN_LICENCE),
    ("no attribution required, but you may not redistribute the files", UNKNOWN_LICENCE),
    ("CC BY 4.0, non-commercial use only", UNKNOWN_LICENCE),
    ("CC BY 4.0 (personal use)", UNKNOWN_LICENCE),
    ("CC0 except for the voices", UNKNOWN_LICENCE),
    ("formerly CC0", UNKNOWN_LICENCE),
    ("CC BY? ask me", UNKNOWN_LICENCE),
    ("I think it's public domain", UNKNOWN_LICENCE),
    ("CC BY-NC-ND-SA 4.0", UNKNOWN_LICENCE),
    # no licence at all
    ("CC by Anna Smith", UNKNOWN_LICENCE),
    ("attribution required", UNKNOWN_LICENCE),
    ("royalty free", UNKNOWN_LICENCE),
    ("free for non-commercial use", UNKNOWN_LICENCE),
    ("Creative Commons", UNKNOWN_LICENCE),
    ("GPL", UNKNOWN_LICENCE),
    ("Copyright 2010 Anna", UNKNOWN_LICENCE),
    ("standard site terms", UNKNOWN_LICENCE),
]


@pytest.mark.parametrize(("words", "licence"), WORDINGS)
def test_a_stated_licence_is_read_as_strictly_as_it_stands(words: str, licence: str) -> None:
    assert licence_stated(words) == licence
    assert licence_in(words) in (licence, None)  # prose may speak of no licence, never of a freer one


def test_there_are_sixty_wordings() -> None:
    assert len(WORDINGS) >= 60


@pytest.mark.parametrize("licence", sorted({licence for _, licence in WORDINGS} - {UNKNOWN_LICENCE}))
def test_what_is_named_is_an_spdx_identifier_or_a_reference(licence: str) -> None:
    assert licence.startswith("LicenseRef-") or is_spdx(licence)


@pytest.mark.parametrize("text", ["", "  \n", "recorded by a river, in bad weather", "bring your own"])
def test_what_speaks_of_no_licence_says_nothing(text: str) -> None:
    assert licence_in(text) is None


def test_a_blank_statement_says_nothing() -> None:
    assert licence_stated(" ") is None


@pytest.mark.parametrize(
    ("text", "licence"),
    [
        (
            "Attribution 4.0 International\n====\nCreative Commons Corporation is not a law firm.\n"
            "By exercising the Licensed Rights, You accept that You may not ...",
            "CC-BY-4.0",
        ),
        (
            "Creative Commons Legal Code\n\nAttribution-NonCommercial-ShareAlike 3.0 Unported\n\nCREATIVE COMMONS "
            "IS NOT A LAW FIRM ... You may Distribute only under a later version",
            "CC-BY-NC-SA-3.0",
        ),
        ("Creative Commons Legal Code\n\nCC0 1.0 Universal\n\nNo warranties, except ...", "CC0-1.0"),
        (
            "Copyright (c) 2020 Anna\n\nPermission is hereby granted, free of charge, to any person obtaining a copy "
            "of this software, to deal in it without restriction ...",
            "MIT",
        ),
        (
            "Commons Clause\n\nPermission is hereby granted, free of charge, to any person obtaining a copy, no sale",
            UNKNOWN_LICENCE,
        ),
    ],
)
def test_the_text_of_a_licence_is_known_by_its_head(text: str, licence: str) -> None:
    assert licence_in(text) == licence


@pytest.mark.parametrize(
    ("told", "held"),
    [
        (("CC-BY-4.0", "CC-BY-NC-4.0"), "CC-BY-NC-4.0"),
        (("CC-BY-NC-SA-4.0", "CC-BY-4.0", "CC0-1.0"), "CC-BY-NC-SA-4.0"),
        (("LicenseRef-CC-BY", "CC-BY-3.0"), "CC-BY-3.0"),
        (("CC0-1.0", PUBLIC_DOMAIN), "CC0-1.0"),
        (("CC-BY-4.0", ALL_RIGHTS_RESERVED), ALL_RIGHTS_RESERVED),
        (("CC0-1.0", UNKNOWN_LICENCE), UNKNOWN_LICENCE),
        (("MIT", "CC-BY-4.0"), UNKNOWN_LICENCE),
        (("CC-BY-SA-4.0", "CC-BY-ND-4.0"), UNKNOWN_LICENCE),
    ],
)
def test_the_strictest_holds_whatever_the_order(told: tuple[str, ...], held: str) -> None:
    assert strictest(told) == strictest(reversed(told)) == held


def test_a_licence_that_does_not_exist_is_unknown() -> None:
    assert creative_commons({"BY", "SA", "ND"}, "4.0") == UNKNOWN_LICENCE
    assert creative_commons((), "4.0") == UNKNOWN_LICENCE
