"""Captions from a grammar; each comes with the attributes it asks for."""

import random

TIME = {
    "dawn": ["at dawn", "at dawn", "at sunrise", "at daybreak", "in the early morning"],
    "noon": ["at noon", "at noon", "at midday", "in the daytime", "in broad daylight"],
    "sunset": ["at sunset", "at sunset", "at dusk", "at sundown", "in the evening"],
    "night": ["at night", "at night", "at midnight", "by night", "after dark"],
}
TERRAIN = {
    "mountain": ["a mountain", "a mountain", "mountains", "a mountain range", "tall mountains", "high peaks"],
    "desert": ["a desert", "the desert", "sand dunes", "a sandy desert", "desert dunes"],
    "sea": ["the sea", "the ocean", "a calm sea", "open water", "a blue ocean"],
    "forest": ["a forest", "a forest", "the woods", "a woodland", "a deep forest"],
    "hills": ["hills", "rolling hills", "hilly meadows", "gentle hills", "a hill"],
}
SEASON_BEFORE = {
    "spring": ["spring", "blooming", "blossoming"],
    "summer": ["summer", "green", "lush"],
    "autumn": ["autumn", "autumnal", "golden"],
    "winter": ["winter", "snowy", "snowy", "snow-covered"],
}
SEASON_AFTER = {
    "spring": ["in spring", "in springtime", "in bloom"],
    "summer": ["in summer", "in summertime"],
    "autumn": ["in autumn", "in the fall"],
    "winter": ["in winter", "in the snow", "covered in snow"],
}
SKY = {
    "sun": ["under the sun", "with the sun", "with a bright sun", "with the sun in the sky", "in sunshine"],
    "moon": ["under a full moon", "under a full moon", "with a full moon", "under the moon", "in the moonlight"],
    "stars": ["under the stars", "with stars", "under a starry sky", "with a starry sky", "with a sky full of stars"],
    "clouds": ["under a cloudy sky", "with clouds", "with white clouds", "under clouds", "with clouds in the sky"],
    "clear": ["under a clear sky", "with a clear sky", "with a cloudless sky", "under an empty sky"],
}
OBJECT = {
    "cabin": ["a cabin", "a cabin", "a wooden cabin", "a small cabin", "a hut", "a little house"],
    "sailboat": ["a sailboat", "a sailboat", "a sailing boat", "a small sailboat", "a boat"],
    "lighthouse": ["a lighthouse", "a lighthouse", "a striped lighthouse", "a tall lighthouse"],
    "tree": ["a lone tree", "a lone tree", "a tree", "a single tree", "a solitary tree"],
    "balloon": ["a red balloon", "a red balloon", "a balloon", "a hot air balloon", "a hot-air balloon"],
}
OPENINGS = ["a painting of", "a picture of", "an illustration of", "a view of", "a poster of", "a landscape with", "a drawing of"]
FILLERS = ["beautiful", "quiet", "peaceful", "lovely", "serene", "pretty", "minimalist", "colorful"]
ENDINGS = [", flat style", ", vector art", ", simple shapes", ", highly detailed", "."]
PLACES = {"mountain": ["in", "by", "below"], "desert": ["in"], "sea": ["on", "at", "by"], "forest": ["in"], "hills": ["on", "in"]}
ASKED = {"time": 0.75, "terrain": 0.92, "season": 0.7, "sky": 0.65, "object": 0.92}


def choose(scene, rng):
    """Which attributes the caption tells; at least one that names a thing."""
    asked = {k: scene[k] for k, p in ASKED.items() if scene[k] and rng.random() < p}
    if asked.get("object") == "none":
        del asked["object"]
    if "terrain" not in asked and "object" not in asked:
        asked["terrain"] = scene["terrain"]
    return asked


def key(asked):
    return "/".join(f"{k}={asked[k]}" for k in sorted(asked))


def _adjective(phrase, word):
    """Puts an adjective after the article: 'a mountain' → 'a snowy mountain'."""
    first, _, rest = phrase.partition(" ")
    if first in ("a", "an"):
        return f"{'an' if word[0] in 'aeiou' else 'a'} {word} {rest}"
    if first == "the":
        return f"the {word} {rest}"
    return f"{word} {phrase}"


def caption(asked, rng: random.Random):
    pick = rng.choice
    if rng.random() < 0.12:
        return _tags(asked, rng)
    tails = []
    if "time" in asked:
        tails.append(pick(TIME[asked["time"]]))
    if "sky" in asked:
        tails.append(pick(SKY[asked["sky"]]))
    season = asked.get("season")
    before = season and rng.random() < 0.65
    if season and not before:
        tails.append(pick(SEASON_AFTER[season]))
    terrain = pick(TERRAIN[asked["terrain"]]) if "terrain" in asked else None
    thing = pick(OBJECT[asked["object"]]) if "object" in asked else None
    if before:
        word = pick(SEASON_BEFORE[season])
        if terrain:
            terrain = _adjective(terrain, word)
        else:
            tails.append(pick(SEASON_AFTER[season]))
    if terrain and rng.random() < 0.1:
        terrain = _adjective(terrain, pick(FILLERS))
    rng.shuffle(tails)
    if terrain and thing:
        if rng.random() < 0.6:
            head = f"{thing} {pick(PLACES[asked['terrain']])} {terrain}"
        else:
            head = terrain
            tails.insert(rng.randrange(len(tails) + 1), f"{pick(['with', 'with', 'and'])} {thing}")
    else:
        head = terrain or thing
    early = ""
    if "time" in asked and tails and tails[0] in TIME[asked["time"]] and rng.random() < 0.25:
        early = tails.pop(0) + ", "
    text = early + (pick(OPENINGS) + " " if rng.random() < 0.25 else "") + " ".join([head] + tails)
    return text + (pick(ENDINGS) if rng.random() < 0.1 else "")


def _tags(asked, rng):
    strip = lambda phrase: phrase.split(" ", 1)[1] if phrase.split(" ")[0] in ("a", "an", "the", "at", "in", "under", "with", "by") else phrase
    words = []
    for name, table in (("time", TIME), ("terrain", TERRAIN), ("season", SEASON_BEFORE), ("sky", SKY), ("object", OBJECT)):
        if name in asked:
            words.append(strip(rng.choice(table[asked[name]])))
    rng.shuffle(words)
    return ", ".join(words)


def held_out(count=200, seed=2026):
    """The prompts kept for the measurement: [(prompt, asked)], each asking for something different."""
    from . import attributes

    rng = random.Random(seed)
    found, keys = [], set()
    while len(found) < count:
        asked = choose(attributes.sample(rng), rng)
        if len(asked) < 2 or key(asked) in keys:
            continue
        keys.add(key(asked))
        found.append((caption(asked, rng), asked))
    return found


def training(scene, rng, kept):
    """A caption whose set of asked attributes is not among the kept ones."""
    while True:
        asked = choose(scene, rng)
        if key(asked) not in kept:
            return caption(asked, rng), asked
