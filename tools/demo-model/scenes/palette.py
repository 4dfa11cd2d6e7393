"""Colours by time of day and season."""

SKY = {
    "dawn": [(138, 165, 226), (240, 190, 212), (255, 226, 186)],
    "noon": [(48, 140, 232), (120, 192, 246), (206, 238, 252)],
    "sunset": [(74, 42, 128), (222, 76, 92), (255, 172, 66)],
    "night": [(8, 12, 44), (20, 30, 82), (44, 64, 128)],
}
LIGHT = {
    "dawn": (0.98, 0.86, 0.88),
    "noon": (1.0, 1.0, 1.0),
    "sunset": (0.96, 0.74, 0.72),
    "night": (0.44, 0.48, 0.70),
}
GROUND = {
    "spring": (152, 212, 88),
    "summer": (62, 150, 62),
    "autumn": (222, 146, 52),
    "winter": (238, 244, 252),
    None: (236, 186, 116),
}
CROWN = {
    "spring": (246, 150, 190),
    "summer": (30, 104, 52),
    "autumn": (196, 62, 28),
    "winter": (232, 240, 250),
    None: (96, 140, 60),
}
FLOWER = {"spring": (250, 130, 180), "summer": (32, 104, 48), "autumn": (196, 70, 30), "winter": (176, 196, 224)}
ROCK = {"spring": (126, 124, 148), "summer": (122, 118, 138), "autumn": (136, 116, 122), "winter": (206, 216, 234)}
CLOUD = {"dawn": (255, 240, 240), "noon": (255, 255, 255), "sunset": (255, 196, 176), "night": (136, 148, 196)}
SEA = {"dawn": (124, 150, 190), "noon": (36, 124, 190), "sunset": (112, 62, 112), "night": (20, 34, 84)}
SUN = {"dawn": (255, 246, 204), "noon": (255, 240, 130), "sunset": (255, 226, 104)}
MOON = (248, 246, 220)


def mix(a, b, t):
    return tuple(int(round(x + (y - x) * t)) for x, y in zip(a, b))


def shade(colour, factor):
    return tuple(max(0, min(255, int(round(c * factor)))) for c in colour)


def lit(colour, time):
    return tuple(int(round(c * l)) for c, l in zip(colour, LIGHT[time]))
