"""Cabin, sailboat, lighthouse, lone tree and red balloon."""

from .palette import CROWN, lit, mix, shade


def draw(canvas, rng, scene, skyline, side, horizon):
    painter = {
        "cabin": _cabin, "sailboat": _sailboat, "lighthouse": _lighthouse, "tree": _tree, "balloon": _balloon,
    }.get(scene["object"])
    if painter is None:
        return
    # `side` is where sun or moon stand; the object keeps to the other one.
    x = rng.uniform(0.6, 0.78) if side == "left" else rng.uniform(0.22, 0.4)
    painter(canvas, rng, scene, x, skyline, horizon)


def _cabin(canvas, rng, scene, x, skyline, horizon):
    time = scene["time"]
    y = skyline(x) + 0.1
    w, h = rng.uniform(0.13, 0.155), rng.uniform(0.12, 0.14)
    wall = lit((150, 92, 56), time)
    roof = lit((240, 246, 252) if scene["season"] == "winter" else (150, 44, 40), time)
    canvas.box(x + w * 0.4, y - h * 1.9, x + w * 0.65, y - h * 1.2, shade(wall, 0.7))
    canvas.box(x - w, y - h, x + w, y, wall)
    canvas.polygon([(x - w * 1.3, y - h * 0.95), (x - w * 0.1, y - h * 2), (x + w * 1.3, y - h * 0.95)], roof)
    canvas.box(x - w * 0.72, y - h * 0.72, x - w * 0.08, y - h * 0.22, (255, 220, 110))
    canvas.box(x + w * 0.25, y - h * 0.72, x + w * 0.7, y, shade(wall, 0.5))


def _sailboat(canvas, rng, scene, x, skyline, horizon):
    time = scene["time"]
    y = skyline(x) + rng.uniform(0.16, 0.22)
    s = rng.uniform(0.9, 1.05)
    flip = rng.choice([-1, 1])
    sail = mix((255, 252, 244), lit((255, 252, 244), time), 0.6)
    canvas.box(x - 0.006, y - 0.36 * s, x + 0.006, y, lit((90, 60, 44), time))
    canvas.polygon([(x + 0.014 * flip, y - 0.36 * s), (x + 0.17 * s * flip, y - 0.03), (x + 0.014 * flip, y - 0.03)], sail)
    canvas.polygon([(x - 0.014 * flip, y - 0.3 * s), (x - 0.12 * s * flip, y - 0.03), (x - 0.014 * flip, y - 0.03)], shade(sail, 0.88))
    hull = mix((190, 40, 40), lit((190, 40, 40), time), 0.7)
    canvas.polygon([(x - 0.17 * s, y), (x + 0.19 * s, y), (x + 0.12 * s, y + 0.065), (x - 0.12 * s, y + 0.065)], hull)


def _lighthouse(canvas, rng, scene, x, skyline, horizon):
    time = scene["time"]
    y = skyline(x) + (0.14 if scene["terrain"] == "sea" else 0.09)
    h = rng.uniform(0.4, 0.46)
    white = mix((250, 248, 242), lit((250, 248, 242), time), 0.65)
    red = mix((206, 40, 42), lit((206, 40, 42), time), 0.65)
    if scene["terrain"] == "sea":
        rock = lit((96, 84, 84), time)
        canvas.disc(x, y + 0.02, 0.17, rock, ry=0.05)
        canvas.disc(x - 0.07, y + 0.01, 0.08, shade(rock, 1.15), ry=0.04)
    if time in ("night", "sunset"):
        top = y - h - 0.035
        for side in (-1, 1):
            canvas.polygon([(x, top - 0.01), (x + side, top - 0.11), (x + side, top + 0.09), (x, top + 0.01)], (255, 240, 160, 70))
    for i in range(5):
        low, high = i / 5, (i + 1) / 5
        wide, thin = 0.075 - 0.03 * low, 0.075 - 0.03 * high
        tone = red if i % 2 == 0 else white
        canvas.polygon([(x - wide, y - h * low), (x + wide, y - h * low), (x + thin, y - h * high), (x - thin, y - h * high)], tone)
    canvas.box(x - 0.055, y - h - 0.015, x + 0.055, y - h + 0.008, lit((60, 50, 60), time))
    canvas.box(x - 0.034, y - h - 0.065, x + 0.034, y - h - 0.015, (255, 232, 120))
    canvas.polygon([(x - 0.05, y - h - 0.062), (x, y - h - 0.115), (x + 0.05, y - h - 0.062)], red)


def _tree(canvas, rng, scene, x, skyline, horizon):
    time, season = scene["time"], scene["season"]
    y = skyline(x) + 0.1
    h = rng.uniform(0.3, 0.36)
    trunk = lit((98, 64, 44), time)
    canvas.polygon([(x - 0.03, y), (x - 0.014, y - h * 0.6), (x + 0.014, y - h * 0.6), (x + 0.03, y)], trunk)
    canvas.line([(x, y - h * 0.45), (x - 0.08, y - h * 0.75)], 0.018, trunk)
    canvas.line([(x, y - h * 0.5), (x + 0.08, y - h * 0.8)], 0.018, trunk)
    crown = lit(CROWN[season], time)
    r = 0.4 * h
    for dx, dy, s, tone in ((-0.6, -0.05, 0.62, 0.86), (0.6, 0.0, 0.6, 0.86), (0, -0.1, 0.8, 0.95), (-0.15, -0.5, 0.62, 1.05), (0.3, -0.4, 0.5, 1.0)):
        canvas.disc(x + dx * r, y - h * 0.78 + dy * r, s * r, shade(crown, tone))


def _balloon(canvas, rng, scene, x, skyline, horizon):
    time = scene["time"]
    r = rng.uniform(0.105, 0.125)
    y = rng.uniform(0.16, 0.22)
    red = mix((222, 36, 40), lit((222, 36, 40), time), 0.5)
    gold = mix((250, 200, 70), lit((250, 200, 70), time), 0.5)
    dark = lit((80, 54, 40), time)
    canvas.line([(x - r * 0.5, y + r * 0.8), (x - 0.02, y + r * 1.55)], 0.01, dark)
    canvas.line([(x + r * 0.5, y + r * 0.8), (x + 0.02, y + r * 1.55)], 0.01, dark)
    canvas.polygon([(x - r * 0.93, y + r * 0.35), (x + r * 0.93, y + r * 0.35), (x + r * 0.3, y + r * 1.2), (x - r * 0.3, y + r * 1.2)], red)
    canvas.disc(x, y, r, red)
    canvas.disc(x, y + r * 0.08, r * 0.4, gold, ry=r * 1.08)
    canvas.box(x - 0.034, y + r * 1.5, x + 0.034, y + r * 1.5 + 0.05, dark)
