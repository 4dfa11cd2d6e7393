"""What a scene can show, and which combinations make sense."""

import random

VALUES = {
    "time": ["dawn", "noon", "sunset", "night"],
    "terrain": ["mountain", "desert", "sea", "forest", "hills"],
    "season": ["spring", "summer", "autumn", "winter"],
    "sky": ["sun", "moon", "stars", "clouds", "clear"],
    "object": ["cabin", "sailboat", "lighthouse", "tree", "balloon", "none"],
}
NO_SEASON = ("desert", "sea")

_OBJECTS = {
    "mountain": ["cabin", "lighthouse", "tree", "balloon", "none"],
    "desert": ["cabin", "tree", "balloon", "none"],
    "sea": ["sailboat", "sailboat", "lighthouse", "lighthouse", "balloon", "none"],
    "forest": ["cabin", "cabin", "balloon", "none"],
    "hills": ["cabin", "lighthouse", "tree", "balloon", "none"],
}
_SKIES = {
    "night": ["moon", "moon", "stars", "stars", "clouds", "clear"],
    "day": ["sun", "sun", "clouds", "clouds", "clear"],
}


def skies(time):
    return _SKIES["night" if time == "night" else "day"]


def objects(terrain):
    return _OBJECTS[terrain]


def sample(rng: random.Random):
    """A sensible scene; `season` is None where the terrain has none."""
    time = rng.choice(VALUES["time"] + ["night"] if rng.random() < 0.5 else VALUES["time"])
    terrain = rng.choice(VALUES["terrain"])
    return {
        "time": time,
        "terrain": terrain,
        "season": None if terrain in NO_SEASON else rng.choice(VALUES["season"]),
        "sky": rng.choice(skies(time)),
        "object": rng.choice(objects(terrain)),
    }


def labels(scene):
    """Class indices, -1 for no season."""
    return [VALUES[key].index(scene[key]) if scene[key] else -1 for key in VALUES]
