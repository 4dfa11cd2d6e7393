"""A scene from attributes and a seed."""

import random

from PIL import Image

from . import ground, objects, sky
from .canvas import Canvas

SUPERSAMPLING = 2


def render(scene, seed, size=128):
    rng = random.Random(seed)
    horizon = rng.uniform(0.5, 0.58)
    side = rng.choice(["left", "right"])
    place = sky.body_place(rng, scene, horizon, side)
    image = sky.background(rng, scene, horizon, place, size * SUPERSAMPLING)
    canvas = Canvas(image)
    sky.draw(canvas, rng, scene, place)
    skyline = ground.draw(canvas, rng, scene, horizon, place)
    objects.draw(canvas, rng, scene, skyline, side, horizon)
    return image.reduce(SUPERSAMPLING)


def sheet(pictures, columns):
    size = pictures[0].width
    rows = -(-len(pictures) // columns)
    page = Image.new("RGB", (columns * size, rows * size))
    for i, picture in enumerate(pictures):
        page.paste(picture, (i % columns * size, i // columns * size))
    return page
