"""2,000 strings that try a CLIP tokenizer: what people write, and what they should not."""
import random
import unicodedata

WORDS = """a an the of in on at with under over near and by portrait painting photo snowy mountain full moon quiet lake
forest autumn leaves castle ruins robot cyberpunk city street rain neon lights watercolor sketch highly detailed intricate
masterpiece trending artstation octane render volumetric lighting cinematic bokeh 35mm f1.8 golden hour sunset dawn cabin
sailboat lighthouse lone tree red balloon winter spring summer desert sea hills stars clouds clear sky dragon princess
armour steampunk baroque impressionist monet vermeer ukiyo-e art-deco ultra-wide black-and-white high-resolution
photorealistic hyperrealistic antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis""".split()

EDGE = [
    "", " ", "\n", "\t \n", "a", "A", ".", "'", "''", "'s", "'S", "''s", "'' s", "'ll've", "\u2019s", "it`s",
    "a photo of a cat", "A Photo Of A CAT", "a  photo\tof\na\r\ncat ", " leading", "trailing ", "...", "!", "!!", "!!!",
    "wow!", "!wow", "wow!!! no?!", "<|startoftext|>", "<|endoftext|>", "<|endoftext|><|endoftext|>", "<|startoftext|> a",
    "a<|endoftext|>b", "<|STARTOFTEXT|>", "<|EndOfText|>", "<|endoftext|", "|endoftext|>", "< |endoftext|>",
    "<|endof text|>", "</w>", "a</w> b", "\u0120hello", "##ing", "<unk>", "[MASK]", "<s></s>", "\u00c4pfel",
    "1girl", "2 girls, 3 boys", "1234567890", "3.14159", "1,000,000", "50%", "$5.00", "\u00bd cup", "x\u00b2", "\u2160\u2161\u2162",
    "(red:1.2) [blue] {green}", "((masterpiece))", "a:b:c", "http://example.org/?q=1&r=2#x", "name@example.org",
    "C:\\temp\\x.txt", "&amp; &lt; &#39;", "<b>bold</b>", "snake_case kebab-case camelCase", "a+b=c", "``code``",
    "\ufeffbom", "a\ufeffb", "\ufeff", "!\ufeff!", "'\ufeffs", "zero\u200bwidth", "soft\u00adhyphen", "a\u0085b", "\u0085",
    "\u00a0nbsp\u00a0", "ideographic\u3000space", "line\u2028sep\u2029par", "a\u001cb\u001db", "\u0000", "nul\u0000nul", "\u007f",
    "\u03a3", "\u03a3\u03a3", "\u039f\u0394\u03a5\u03a3\u03a3\u0395\u03a5\u03a3", "\u0391\u03a3 \u0391\u03a3. \u0391\u03a3\u0391", "\u03c3\u03c2\u03a3", "A\u03a3", "A\u03a3\u0301", "\u0130stanbul", "I\u0307", "\u0131",
    "\u1e9e Stra\u00dfe", "\u01c4 \u01c5 \u01c6", "\ufb01ne \ufb03", "\uff26\uff55\uff4c\uff4c", "caf\u00e9", "cafe\u0301", "a\u0301\u0302\u0303", "\u0301", "\u0301a", " \u0301", "\u2126 \u212b \u212a",
    "\u1100\u1161\u11a8", "\uac00\u11a8", "\u0958", "\u0344", "\u0f73", "=\u0338", "<|endoftext|>\u0338", "!\u0338", "\u4f60\u597d", "\u65e5\u672c\u8a9e", "\uf900", "\U00020000\U0002a6d6", "\U0001f600",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f1eb\U0001f1f7", "\U0001f44d\U0001f3fd", "1\ufe0f\u20e3", "\u2764\ufe0f", "\U0001d400\U0001d401", "\ufffd", "\ue000", "\U0010ffff",
]

SPACES = ["\t", "\n", "\x0b", "\x0c", "\r", " ", "\x85", "\xa0", "\u1680", *map(chr, range(0x2000, 0x200B)), "\u2028",
          "\u2029", "\u202f", "\u205f", "\u3000", "\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u180e", "\x1c", "\x1f"]
CONTRACTIONS = ["it's", "don't", "they're", "we've", "I'm", "she'll", "he'd", "I'd've", "y'all'd", "o'clock", "'tis",
                "rock'n'roll", "dogs'", "O'Neil's", "can\u2019t", "it\u02bcs", "ain''t", "'ve", "n't", "'re're"]
SPECIAL = ["<|startoftext|>", "<|endoftext|>", "<|STARTOFTEXT|>", "<|EndOfText|>", "<|endoftext", "!", "!!", "!!!", "?!",
           "<|pad|>", "</w>", "<|", "|>"]
EMOJI = ["\U0001f600", "\U0001f3a8", "\U0001f680", "\u2764\ufe0f", "\u2764", "\U0001f44d\U0001f3fd", "\U0001f468\u200d\U0001f680", "\U0001f3f3\ufe0f\u200d\U0001f308",
         "\U0001f1fa\U0001f1f8", "\U0001f1e9\U0001f1ea", "1\ufe0f\u20e3", "\u2600", "\u26c4\ufe0f", "\U0001f30b", "\U0001f9d1\u200d\U0001f91d\u200d\U0001f9d1", "\U0001fae0", "\u2122", "\u00a9", ":)", "\U0001f525\U0001f525\U0001f525"]
PUNCTUATION = list("()[]{}<>:;,.?!|/\\\"'`~@#$%^&*-_=+") + ["--", "...", "\u2014", "\u2013", "\u2026", "\u201c", "\u201d", "\u2018", "\u2019", "\u00ab", "\u00bb", "\u3001", "\u3002",
                                                              "\u00bf", "\u00b7", "\u2022", ":1.2)", "((", "))", "::", ", ,"]
ACCENTED = ["caf\u00e9", "na\u00efve", "\u00c5ngstr\u00f6m", "\u0141\u00f3d\u017a", "\u0130zmir", "Vi\u1ec7t Nam", "\u0395\u039b\u039b\u0397\u039d\u0399\u039a\u0391\u03a3", "\u03b8\u03ac\u03bb\u03b1\u03c3\u03c3\u03b1", "\u041c\u043e\u0441\u043a\u0432\u0430", "\u0419\u041e\u0413", "\u0639\u0631\u0628\u064a", "\u05e9\u05dc\u05d5\u05dd",
            "\u0939\u093f\u0928\u094d\u0926\u0940", "\u0e44\u0e17\u0e22", "\u10e5\u10d0\u10e0\u10d7\u10e3\u10da\u10d8", "\u1c90\u1c91", "\u13a0\u13a1 \uab70", "\u01c8ubljana", "Stra\u00dfe", "\u1e9e", "\ufb02ame", "Ph\u1edf", "\u015eehir"]
CJK = [(0x4E00, 0x9FA5), (0x3041, 0x3096), (0x30A1, 0x30FA), (0xAC00, 0xD7A3), (0x3400, 0x4DB5), (0x20000, 0x2A6D6),
       (0xF900, 0xFA6D), (0x3001, 0x301F), (0xFF01, 0xFF5E), (0x1100, 0x11FF)]


def letters(rng, count):
    """Any assigned character below Unicode 15: newer ones mean different things to different libraries."""
    found = []
    while len(found) < count:
        char = chr(rng.choice([rng.randrange(0x250), rng.randrange(0x3000), rng.randrange(0x10000), rng.randrange(0x20000)]))
        if unicodedata.category(char) not in ("Cn", "Cs"):
            found.append(char)
    return found


def sentence(rng, low=3, high=14):
    words = [rng.choice(WORDS) for _ in range(rng.randint(low, high))]
    words = [rng.choice([w, w, w, w.upper(), w.capitalize()]) for w in words]
    return "".join(w + rng.choice([" ", " ", " ", ", ", "-", ". "]) for w in words).strip()


def mix(rng, odd, chance=0.5):
    parts = []
    for _ in range(rng.randint(2, 12)):
        parts.append(rng.choice(odd) if rng.random() < chance else rng.choice(WORDS))
        parts.append(rng.choice(["", " ", " ", "  "]))
    return "".join(parts)


def strings(count=2000, seed=2026):
    rng = random.Random(seed)
    cjk = lambda: "".join(chr(rng.randint(*rng.choice(CJK[:4] if rng.random() < 0.7 else CJK))) for _ in range(rng.randint(1, 8)))
    kinds = [
        lambda: sentence(rng),
        lambda: sentence(rng),
        lambda: mix(rng, CONTRACTIONS + [c.upper() for c in CONTRACTIONS]),
        lambda: mix(rng, PUNCTUATION, 0.6),
        lambda: mix(rng, EMOJI),
        lambda: mix(rng, [cjk() for _ in range(6)], 0.7),
        lambda: mix(rng, SPACES, 0.6),
        lambda: mix(rng, SPECIAL, 0.6),
        lambda: unicodedata.normalize(rng.choice(["NFC", "NFD", "NFKD"]), mix(rng, ACCENTED + [c.upper() for c in ACCENTED], 0.7)),
        lambda: " ".join(str(rng.randrange(10 ** rng.randint(1, 9))) + rng.choice(["", "px", "%", ".5", "th", "x"]) for _ in range(rng.randint(1, 6))),
        lambda: "".join(letters(rng, rng.randint(1, 20))),
        lambda: mix(rng, letters(rng, 6), 0.7),
        lambda: "".join(chr(rng.randrange(0x20, 0x7F)) for _ in range(rng.randint(1, 40))),
        lambda: mix(rng, ["\u0301", "\u0308", "\u0323", "\u0338", "\u20d7", "\ufe0f", "o\u0308", "\u1161", "\u11a8"], 0.6),
    ]
    long = [sentence(rng, 50, 160) for _ in range(40)]
    out = list(dict.fromkeys(EDGE + long))
    seen = set(out)
    while len(out) < count:
        text = kinds[len(out) % len(kinds)]()
        if text not in seen:
            seen.add(text)
            out.append(text)
    return out
