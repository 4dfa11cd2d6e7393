"""Drawing on a unit square through Pillow."""

from PIL import Image, ImageDraw


class Canvas:
    """Coordinates run 0..1 right and down; `size` is in (supersampled) pixels."""

    def __init__(self, image: Image.Image):
        self.image = image
        self.size = image.width
        self.pen = ImageDraw.Draw(image, "RGBA")

    def polygon(self, points, colour):
        s = self.size
        self.pen.polygon([(x * s, y * s) for x, y in points], fill=colour)

    def disc(self, x, y, radius, colour, ry=None):
        s = self.size
        ry = radius if ry is None else ry
        self.pen.ellipse([(x - radius) * s, (y - ry) * s, (x + radius) * s, (y + ry) * s], fill=colour)

    def box(self, x0, y0, x1, y1, colour):
        s = self.size
        self.pen.rectangle([x0 * s, y0 * s, x1 * s - 1, y1 * s - 1], fill=colour)

    def line(self, points, width, colour):
        s = self.size
        self.pen.line([(x * s, y * s) for x, y in points], fill=colour, width=max(1, round(width * s)), joint="curve")
