"""Sky gradients, sun, moon, stars and clouds."""

import numpy as np
from PIL import Image

from .palette import CLOUD, MOON, SKY, SUN, shade


def _gradient(time, horizon, n, shift):
    stops = np.array(SKY[time], np.float32)
    y = np.clip((np.arange(n, dtype=np.float32) + 0.5) / n / (horizon + 0.04), 0, 1)
    y = np.clip(y + shift, 0, 1) * 2
    low = np.minimum(y.astype(int), 1)
    t = (y - low)[:, None]
    return stops[low] * (1 - t) + stops[low + 1] * t


def background(rng, scene, horizon, place, size):
    """Gradient and glow, computed small and enlarged: both are smooth."""
    n = 64
    rows = _gradient(scene["time"], horizon, n, rng.uniform(-0.04, 0.04))
    picture = np.broadcast_to(rows[:, None, :], (n, n, 3)).copy()
    if scene["sky"] in ("sun", "moon"):
        x, y, radius = place
        axis = (np.arange(n, dtype=np.float32) + 0.5) / n
        distance = np.sqrt((axis[None, :] - x) ** 2 + (axis[:, None] - y) ** 2)
        colour = np.array(SUN.get(scene["time"], (150, 170, 230)), np.float32)
        strength = 0.75 if scene["sky"] == "sun" else 0.5
        glow = strength * np.exp(-np.maximum(distance - radius, 0) / 0.085)
        picture += (colour - picture) * glow[..., None]
    small = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
    return small.resize((size, size), Image.BILINEAR)


def body_place(rng, scene, horizon, side):
    """Where sun or moon stands: x, y, radius."""
    x = rng.uniform(0.14, 0.42) if side == "left" else rng.uniform(0.58, 0.86)
    if scene["sky"] == "moon" or scene["time"] == "noon":
        return x, rng.uniform(0.15, 0.24), rng.uniform(0.085, 0.1)
    return x, max(0.2, horizon - rng.uniform(0.1, 0.2)), rng.uniform(0.088, 0.105)


def draw(canvas, rng, scene, place):
    if scene["sky"] == "sun":
        canvas.disc(*place, SUN[scene["time"]])
    elif scene["sky"] == "moon":
        x, y, r = place
        canvas.disc(x, y, r, MOON)
        for dx, dy, s in ((-0.35, -0.2, 0.26), (0.3, 0.3, 0.22), (0.25, -0.42, 0.14)):
            canvas.disc(x + dx * r, y + dy * r, s * r, shade(MOON, 0.86))
    elif scene["sky"] == "stars":
        _stars(canvas, rng)
    elif scene["sky"] == "clouds":
        _clouds(canvas, rng, scene["time"])


def _stars(canvas, rng):
    for row in range(3):
        for column in range(5):
            if rng.random() < 0.12:
                continue
            x = (column + rng.uniform(0.2, 0.8)) / 5
            y = 0.03 + (row + rng.uniform(0.15, 0.85)) / 3 * 0.42
            r = rng.uniform(0.022, 0.034)
            i = r * 0.32
            points = [(x, y - r), (x + i, y - i), (x + r, y), (x + i, y + i)]
            points += [(x, y + r), (x - i, y + i), (x - r, y), (x - i, y - i)]
            canvas.polygon(points, (255, 250, 214))


def _clouds(canvas, rng, time):
    white = CLOUD[time]
    under = shade(white, 0.9)
    columns = rng.sample([0.16, 0.5, 0.84], rng.choice([2, 3, 3]))
    for x in columns:
        x += rng.uniform(-0.08, 0.08)
        y = rng.uniform(0.12, 0.3)
        w = rng.uniform(0.1, 0.15)
        canvas.disc(x, y, w * 1.25, under, ry=w * 0.34)
        canvas.disc(x - w * 0.55, y - w * 0.2, w * 0.48, white)
        canvas.disc(x + w * 0.5, y - w * 0.16, w * 0.42, white)
        canvas.disc(x, y - w * 0.42, w * 0.58, white)
        canvas.disc(x, y - w * 0.04, w * 1.18, white, ry=w * 0.28)
