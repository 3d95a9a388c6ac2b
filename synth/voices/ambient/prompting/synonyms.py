"""Words for sounds beyond the catalogue's own, grounds that a sound may fall on, and words that carry nothing."""

from __future__ import annotations

from typing import Final


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


SYNONYMS: Final[dict[str, tuple[str, ...]]] = {
    "air_conditioner": ("aircon", "air con"),
    "alarm_clock": ("alarm",),
    "applause": ("hands clapping", "standing ovation"),
    "babble": ("voices", "people chatting", "conversation", "murmur", "hubbub", "cocktail party"),
    "bicycle": ("bike", "cyclist"),
    "boiling": ("kettle", "boiling pot"),
    "buzzer": ("buzz",),
    "camera": ("shutter", "photo"),
    "car_horn": ("honk", "beep beep", "klaxon"),
    "car_idle": ("car engine", "engine", "motor", "idling"),
    "car_passing": ("car", "cars", "passing car", "driving", "vehicle"),
    "cat": ("purr", "kitty"),
    "cheering": ("fans shouting", "people cheering", "crowd cheering", "shouting"),
    "church_bell": ("bell", "bells", "tolling"),
    "clock_tick": ("tick", "ticking", "watch"),
    "computer_keyboard": ("keystrokes",),
    "cow": ("cows mooing", "herd of cattle"),
    "crackling_fire": ("burning", "blaze", "crackling"),
    "bee": ("mosquito", "hornet", "gnat"),
    "cricket": ("locust", "night insects"),
    "crying_baby": ("baby screaming", "toddler crying", "child crying", "crying", "weeping"),
    "dog": ("dog barking", "growl", "yap", "pup", "hound baying", "doggy"),
    "door_creak": ("squeaking door", "door squeaks", "rusty hinge", "squeak"),
    "door_knock": ("rap at the door", "tapping on a door"),
    "door_slam": ("door bangs", "slamming", "slam"),
    "dripping": ("leaking tap", "drops", "dripping tap"),
    "explosion": ("boom", "kaboom", "blow up"),
    "footsteps_wood": ("footfall", "someone walking", "running", "stairs", "walk"),
    "frog": ("frogs croaking", "ribbit"),
    "glass_breaking": ("glass shatters", "breaking window", "shatter", "glass smashing"),
    "gull": ("gulls crying",),
    "gunshot": ("gunfire", "shot fired", "shots"),
    "hail": ("hailstorm",),
    "hammer": ("nailing",),
    "heartbeat": ("beating heart", "heart beating"),
    "horse": ("horse whinnying", "mare", "foal"),
    "horse_gallop": ("horse galloping", "horses running", "hoofbeats", "horse trotting"),
    "jet": ("plane", "airplane", "aeroplane", "aircraft", "jetliner"),
    "laughter": ("chuckle", "kids laughing"),
    "motorboat": ("boat",),
    "motorcycle": ("motor bike", "harley"),
    "owl": ("owl hooting",),
    "pouring": ("pour", "fill a glass", "filling a cup"),
    "rain": ("raindrops", "rainfall", "it rains", "rainstorm", "cloudburst", "pouring rain"),
    "sea_waves": ("ocean", "beach", "waves", "tide", "seaside", "shore", "coast"),
    "ship_horn": ("ship", "foghorn"),
    "songbird": ("songbird", "robin", "nightingale", "blackbird", "finch", "lark", "canary", "birds chirping"),
    "splash": ("plunge", "diving into a pool", "cannonball"),
    "stream": ("river", "rapids", "rivulet", "water", "flowing water", "running stream"),
    "telephone": ("phone", "ringing phone", "landline"),
    "thunder": ("lightning", "thunderclap", "thundering"),
    "traffic_noise": ("city traffic", "street", "city", "road noise"),
    "train": ("metro", "underground train", "rail"),
    "truck_horn": ("truck honking",),
    "typewriter": ("typewriting",),
    "water_tap": ("running tap", "bathroom sink"),
    "wind": ("storm", "windy", "hurricane", "tornado", "blizzard"),
    "wood_chopping": ("chopping a tree", "firewood"),
}
"""Sound -> what people also call it. The catalogue's own words come first where both know one."""

_SHEET: Final = "tin metal iron steel sheet roof tile window pane glass car tent canvas umbrella shed zinc skylight"
_GROVE: Final = "leaf forest wood tree grass jungle foliage garden bush woodland"
_STONE: Final = "concrete stone pavement tile asphalt street marble cobble cobblestone sidewalk cement hard road brick"
SURFACES: Final[dict[str, dict[str, str]]] = {
    "rain": {
        **dict.fromkeys(_listed(_SHEET), "rain_on_roof"),
        **dict.fromkeys(_listed(_GROVE), "rain_on_leaves"),
    },
    "footsteps": {
        **dict.fromkeys(_listed("wood wooden parquet floor floorboard board deck plank stair"), "footsteps_wood"),
        **dict.fromkeys(_listed(_STONE), "footsteps_concrete"),
        **dict.fromkeys(_listed("metal iron steel grate ladder grid"), "footsteps_metal"),
        **dict.fromkeys(_listed("gravel pebble shingle sand beach path grit rubble"), "footsteps_gravel"),
        **dict.fromkeys(_listed("snow ice frost"), "footsteps_snow"),
        **dict.fromkeys(_listed("leaf grass forest woodland meadow lawn undergrowth"), "footsteps_leaves"),
        **dict.fromkeys(_listed("mud puddle swamp slush marsh"), "footsteps_mud"),
    },
}
"""Sounds named by their ground: the beginning of their names -> word -> sound."""

PREPOSITIONS: Final = _listed("on in through over across against onto at under along into upon inside")
LINKS: Final = _listed("and with while then plus over behind but beside also followed before after as or")
NEGATIONS: Final = _listed("no not without never none except minus")
VERBS: Final = _listed(
    """
    howl roar bark ring chime whistl hum buzz hiss creak clap knock squeak growl click beep tick sing cri hoot
    crackl slam splash drip burn rustl squeal murmur shout crash
    """
)
"""Stems that say how a sound is made: beside a named source ("a roaring waterfall") they name no second one."""
FILLERS: Final = _listed(
    """
    sound sounds noise hear heard of from to there is are be being it go going come comes coming someone somebody
    person man woman boy girl people play playing make makes making made please want add give let have has had that
    which this these those where when who we you us me for by sort kind like just only audio effect background
    foreground scene ambient ambience atmosphere day during here somewhere can could would should will do does start
    begin stop listen night evening morning pool kids children child guy lady floor room outdoor indoors pass
    passing fall falling blow blowing run call again still out off up down into about around him them he she they so
    if s one etc i am was were gets get getting as well
    """
)
"""Words that neither name a sound nor turn a knob."""
