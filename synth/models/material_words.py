"""What an ImageNet classifier's answer says about material: "desk" speaks for wood, "pillow" for cloth.

Chosen by hand from the 1000 class names, not fitted to clips; a class may speak for several materials. Numbers are
the class indices of ILSVRC 2012.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from synth.materials import MATERIALS

WORDS: Final[dict[str, dict[str, int]]] = {
    "carpet": {
        "prayer rug": 741, "doormat": 539, "vacuum": 882, "quilt": 750,
    },
    "ceramic": {
        "coffee mug": 504, "vase": 883, "teapot": 849, "pot": 738, "soup bowl": 809, "toilet seat": 861,
        "washbasin": 896, "bathtub": 435, "saltshaker": 773, "plate": 923, "pitcher": 725,
    },
    "cloth": {
        "pillow": 721, "quilt": 750, "studio couch": 831, "theater curtain": 854, "shower curtain": 794,
        "bath towel": 434, "cardigan": 264, "sweatshirt": 841, "jersey": 610, "velvet": 885, "wool": 911, "suit": 834,
        "jean": 608, "trench coat": 869, "lab coat": 617, "sleeping bag": 797, "dishrag": 533, "diaper": 529,
        "apron": 411, "backpack": 414, "cloak": 501, "poncho": 735, "fur coat": 568, "sock": 806, "window shade": 905,
        "handkerchief": 591, "sarong": 775, "stole": 824,
    },
    "dirt": {
        "mud turtle": 35, "maze": 646, "lakeside": 975, "valley": 979, "worm fence": 912, "agama": 42,
        "sidewinder": 68, "horned viper": 66, "mongoose": 298, "armadillo": 363, "ground beetle": 302,
        "dung beetle": 305, "ant": 310, "scorpion": 71, "bolete": 997, "earthstar": 995,
    },
    "drywall": {
        "window shade": 905, "switch": 844, "medicine chest": 648, "home theater": 598, "sliding door": 799,
        "shoji": 789, "spotlight": 818, "wall clock": 892,
    },
    "glass": {
        "beer glass": 441, "goblet": 572, "red wine": 966, "beaker": 438, "wine bottle": 907, "water bottle": 898,
        "pop bottle": 737, "hourglass": 604, "window screen": 904, "perfume": 711, "china cabinet": 495,
        "greenhouse": 580, "cocktail shaker": 503,
    },
    "grass": {
        "lawn mower": 621, "hay": 958, "croquet ball": 522, "golf ball": 574, "soccer ball": 805,
        "football helmet": 560, "park bench": 703, "ram": 348, "hare": 331, "grasshopper": 311, "garter snake": 57,
        "kite": 21, "english springer": 217, "tile roof": 858, "fox squirrel": 335,
    },
    "gravel": {
        "stone wall": 825, "manhole cover": 640, "alligator lizard": 44, "cliff": 972, "megalith": 649,
        "coral reef": 973, "breakwater": 460,
    },
    "leaf": {
        "leaf beetle": 304, "walking stick": 313, "mantis": 315, "green lizard": 46, "american chameleon": 40,
        "banded gecko": 38, "cardoon": 946, "artichoke": 944, "daisy": 985, "rapeseed": 984, "green snake": 55,
        "ruffed grouse": 82, "tailed frog": 32, "pot": 738, "fig": 952, "custard apple": 956, "buckeye": 990,
        "acorn": 988, "hip": 989, "corn": 987, "common newt": 26, "snail": 113, "slug": 114, "lacewing": 318,
        "agaric": 992, "hen-of-the-woods": 996, "stinkhorn": 994, "gyromitra": 993,
    },
    "metal": {
        "file": 553, "refrigerator": 760, "safe": 771, "frying pan": 567, "wok": 909, "caldron": 469, "strainer": 828,
        "ladle": 618, "espresso maker": 550, "hook": 600, "chain": 488, "padlock": 695, "manhole cover": 640,
        "nail": 677, "screw": 783, "hammer": 587, "can opener": 473, "corkscrew": 512, "radiator": 753,
        "dishwasher": 534, "washer": 897, "stove": 827, "microwave": 651, "steel drum": 822, "gong": 577,
        "mailbox": 637, "milk can": 653, "toaster": 859, "waffle iron": 891, "bucket": 463, "shovel": 792,
        "chime": 494, "barrel": 427, "iron": 606, "combination lock": 507, "vault": 884, "soup bowl": 809,
        "plate rack": 729, "medicine chest": 648, "soap dispenser": 804, "photocopier": 713,
    },
    "paper": {
        "envelope": 549, "comic book": 917, "book jacket": 921, "paper towel": 700, "toilet tissue": 999,
        "carton": 478, "crossword puzzle": 918, "menu": 922, "packet": 692, "binder": 446, "notebook": 681,
        "web site": 916, "dial telephone": 528, "bookshop": 454, "library": 624,
    },
    "plastic": {
        "bucket": 463, "ashcan": 412, "crate": 519, "water jug": 899, "remote control": 761, "computer keyboard": 508,
        "mouse": 673, "dial telephone": 528, "cellular telephone": 487, "modem": 662, "printer": 742,
        "plastic bag": 728, "tub": 876, "soap dispenser": 804, "pill bottle": 720, "lotion": 631, "sunscreen": 838,
        "hard disc": 592, "joystick": 613, "ballpoint": 418, "rubber eraser": 767, "tray": 868,
        "pencil sharpener": 710, "digital watch": 531, "ping-pong ball": 722, "lighter": 626, "band aid": 419,
        "petri dish": 712, "rule": 769,
    },
    "plastic-bag": {
        "plastic bag": 728, "packet": 692, "diaper": 529, "sleeping bag": 797, "shower cap": 793,
        "shopping cart": 791, "mailbag": 636, "bib": 443,
    },
    "rock": {
        "cliff": 972, "stone wall": 825, "megalith": 649, "coral reef": 973, "promontory": 976, "breakwater": 460,
        "fountain": 562, "pedestal": 708, "geyser": 974, "marmot": 336, "rock crab": 119, "alp": 970, "dam": 525,
        "sundial": 835, "pier": 718, "triumphal arch": 873,
    },
    "tile": {
        "bathtub": 435, "washbasin": 896, "toilet seat": 861, "shower curtain": 794, "tub": 876,
        "crossword puzzle": 918, "tile roof": 858, "mosque": 668,
    },
    "water": {
        "lakeside": 975, "seashore": 978, "sandbar": 977, "water ouzel": 20, "goldfish": 1, "jellyfish": 107,
        "fountain": 562, "geyser": 974, "grey whale": 147, "otter": 360, "dock": 536, "snorkel": 801,
        "swimming trunks": 842, "coral reef": 973, "paddle": 693, "canoe": 472, "bathtub": 435, "washbasin": 896,
        "dam": 525, "beaver": 337, "water snake": 58, "speedboat": 814,
    },
    "wood": {
        "desk": 526, "dining table": 532, "bookcase": 453, "chest": 492, "chiffonier": 493, "wardrobe": 894,
        "wooden spoon": 910, "barrel": 427, "crate": 519, "rocking chair": 765, "park bench": 703,
        "picket fence": 716, "worm fence": 912, "lumbermill": 634, "table lamp": 846, "grand piano": 579,
        "upright": 881, "acoustic guitar": 402, "violin": 889, "marimba": 642, "abacus": 398, "china cabinet": 495,
        "folding chair": 559, "throne": 857, "entertainment center": 548, "four-poster": 564, "cradle": 516,
        "mortar": 666, "plane": 726, "hatchet": 596, "matchstick": 644, "pencil box": 709, "pool table": 736,
        "chime": 494, "sliding door": 799, "shoji": 789, "medicine chest": 648,
    },
}
_STRONGEST: Final = 5


def evidence(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """For each material the mean of its five strongest classes, above the mean of all classes: [K, 1000] -> [K, 17]."""
    above = logits - logits.mean(1, keepdims=True)
    columns = [np.sort(above[:, list(WORDS[name].values())], axis=1)[:, -_STRONGEST:].mean(1) for name in MATERIALS]
    return np.stack(columns, axis=1).astype(np.float32)
