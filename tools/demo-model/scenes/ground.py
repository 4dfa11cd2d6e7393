"""Terrain: mountains, dunes, sea, forest and hills."""

import math

from .palette import CROWN, FLOWER, GROUND, ROCK, SEA, SKY, SUN, lit, mix, shade


def ridge(rng, base, height, waves=(1, 2)):
    """A smooth skyline as a function of x."""
    parts = [(height / (k + 0.5), rng.uniform(0.7, 1.3) * k, rng.uniform(0, 2 * math.pi)) for k in waves]
    return lambda x: base + sum(a * math.sin(math.pi * f * x + p) for a, f, p in parts)


def _fill(canvas, skyline, colour, steps=40):
    points = [(i / steps, skyline(i / steps)) for i in range(steps + 1)]
    canvas.polygon(points + [(1, 1), (0, 1)], colour)


def _layers(canvas, rng, scene, base, spread, count, height, contrast=0.14):
    """Rolling layers from far to near; returns their skylines."""
    time = scene["time"]
    colour = lit(GROUND[scene["season"]], time)
    haze = SKY[time][2]
    lines = []
    for i in range(count):
        near = i / max(1, count - 1)
        tone = mix(mix(colour, haze, 0.3), shade(colour, 1 - contrast), near)
        line = ridge(rng, base + spread * near, height)
        _fill(canvas, line, tone)
        lines.append(line)
    return lines


def draw(canvas, rng, scene, horizon, place):
    """Draws the terrain; returns the skyline that objects stand on."""
    return {
        "mountain": _mountain, "desert": _desert, "sea": _sea, "forest": _forest, "hills": _hills,
    }[scene["terrain"]](canvas, rng, scene, horizon, place)


def _tufts(canvas, rng, scene, line, count=9):
    """Season's marks in the foreground: blossoms, bushes, leaves, drifts."""
    colour = lit(FLOWER[scene["season"]], scene["time"])
    for i in range(count):
        x = (i + rng.uniform(0.1, 0.9)) / count
        y = min(0.96, line(x) + rng.uniform(0.06, 0.26))
        r = rng.uniform(0.016, 0.026)
        if scene["season"] == "winter":
            canvas.disc(x, y, r * 1.9, colour, ry=r * 0.5)
        else:
            canvas.disc(x, y, r, colour)
            if scene["season"] == "spring":
                canvas.disc(x, y, r * 0.4, lit((255, 236, 130), scene["time"]))


def _mountain(canvas, rng, scene, horizon, place):
    time, season = scene["time"], scene["season"]
    rock = mix(lit(ROCK[season], time), SKY[time][2], 0.12)
    snow = lit((250, 252, 255), time)
    order = [0.18, 0.82, 0.5]
    for i, centre in enumerate(order):
        x = centre + rng.uniform(-0.07, 0.07)
        top = horizon - (rng.uniform(0.2, 0.3) if i == 2 else rng.uniform(0.1, 0.2))
        half = rng.uniform(0.3, 0.38) * (1.1 if i == 2 else 1)
        foot = horizon + 0.14
        slope = (foot - top) / half
        split = x + rng.uniform(-0.03, 0.05)
        canvas.polygon([(x - half, foot), (x, top), (split, foot)], rock)
        canvas.polygon([(split, foot), (x, top), (x + half, foot)], shade(rock, 0.74))
        cap = rng.uniform(0.09, 0.12) * (2.1 if season == "winter" else 1)
        d = cap / slope
        drip = [(x - d, top + cap), (x - d * 0.5, top + cap * 0.8), (x - d * 0.2, top + cap * 1.15)]
        edge = [(x + d * 0.3, top + cap * 0.8), (x + d * 0.6, top + cap * 1.1), (x + d, top + cap)]
        middle = (x + d * 0.05, top + cap * 0.85)
        canvas.polygon([(x, top)] + drip + [middle], snow)
        canvas.polygon([(x, top), middle] + edge, shade(snow, 0.86))
    lines = _layers(canvas, rng, scene, horizon + 0.1, 0.14, 2, 0.02)
    _tufts(canvas, rng, scene, lines[1], 7)
    return lines[0]


def _desert(canvas, rng, scene, horizon, place):
    lines = _layers(canvas, rng, scene, horizon + 0.02, 0.24, 3, 0.045, 0.16)
    green = lit((74, 132, 70), scene["time"])
    x = rng.choice([rng.uniform(0.06, 0.16), rng.uniform(0.84, 0.94)])
    y = lines[1](x) + 0.1
    h, w = rng.uniform(0.16, 0.22), 0.02
    canvas.line([(x, y), (x, y - h)], 0.04, green)
    canvas.disc(x, y - h, w, green)
    for side, up in ((-1, 0.45), (1, 0.6)):
        ax = x + side * 0.055
        canvas.line([(x, y - h * up), (ax, y - h * up), (ax, y - h * (up + 0.32))], 0.026, green)
    return lines[1]


def _sea(canvas, rng, scene, horizon, place):
    time = scene["time"]
    top = horizon + 0.03
    colour = SEA[time]
    for i in range(6):
        y = top + (1 - top) * i / 6
        canvas.box(0, y, 1, 1.01, mix(mix(colour, SKY[time][2], 0.3), shade(colour, 0.86), i / 5))
    if scene["sky"] in ("sun", "moon"):
        x = place[0]
        glint = SUN.get(time, (226, 228, 214))
        for i in range(6):
            y = top + 0.02 + i * (0.96 - top) / 6
            half = rng.uniform(0.04, 0.07) * (1 + 0.12 * i)
            canvas.disc(x + rng.uniform(-0.01, 0.01), y, half, glint, ry=0.011)
    crest = mix(colour, (255, 255, 255), 0.3)
    for i in range(8):
        x, y = (i * 0.37 + rng.uniform(0, 0.2)) % 1, top + 0.06 + (0.92 - top) * (i + rng.random()) / 8
        canvas.disc(x, y, rng.uniform(0.05, 0.08), crest, ry=0.008)
    return lambda x: top


def _forest(canvas, rng, scene, horizon, place):
    time, season = scene["time"], scene["season"]
    lines = _layers(canvas, rng, scene, horizon, 0.1, 2, 0.02)
    for row in range(3):
        count = 7 - row
        shift = rng.random()
        for i in range(count + 1):
            x = (i + shift * 0.9 + rng.uniform(-0.12, 0.12)) / count - 0.05
            y = horizon + 0.12 + row * 0.13 + rng.uniform(-0.02, 0.02)
            h = rng.uniform(0.24, 0.32) * (0.8 + 0.16 * row)
            _wood(canvas, rng, season, time, x, y, h, row)
    near = ridge(rng, 0.88, 0.015)
    colour = shade(lit(GROUND[season], time), 0.86)
    _fill(canvas, near, colour)
    return lambda x: 0.8


def _wood(canvas, rng, season, time, x, y, h, row):
    dim = 0.78 + 0.14 * row
    trunk = lit(shade((92, 60, 42), dim), time)
    canvas.box(x - 0.012, y - h * 0.3, x + 0.012, y, trunk)
    if season in ("summer", "winter"):
        green = (34, 110, 58) if season == "summer" else (86, 128, 132)
        leaf = lit(shade(green, dim), time)
        for k in range(3):
            top, w = y - h * (1 - 0.24 * k), h * (0.18 + 0.07 * k)
            canvas.polygon([(x, top), (x + w, top + h * 0.4), (x - w, top + h * 0.4)], shade(leaf, 1 - 0.08 * k))
            if season == "winter":
                white = lit(shade((246, 250, 255), 0.9 + 0.05 * row), time)
                canvas.polygon([(x, top), (x + w * 0.66, top + h * 0.26), (x, top + h * 0.2), (x - w * 0.66, top + h * 0.26)], white)
        return
    tones = [(246, 156, 194), (150, 206, 92)] if season == "spring" else [(214, 92, 30), (232, 158, 44)]
    leaf = lit(shade(tones[0] if rng.random() < 0.6 else tones[1], dim), time)
    canvas.disc(x, y - h * 0.62, h * 0.27, leaf, ry=h * 0.38)
    canvas.disc(x - h * 0.07, y - h * 0.7, h * 0.14, shade(leaf, 1.1), ry=h * 0.2)


def _hills(canvas, rng, scene, horizon, place):
    lines = _layers(canvas, rng, scene, horizon + 0.05, 0.24, 3, 0.06)
    _tufts(canvas, rng, scene, lines[2], 8)
    return lines[1]
