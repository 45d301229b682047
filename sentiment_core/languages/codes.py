"""The languages that are identified, and the scripts that they are written in."""

from typing import Final

UNDETERMINED: Final = "und"

# The languages of each script. One script with one language needs no evidence but its letters.
SCRIPTS: Final = {
    "Latin": tuple(
        "af ca cs da de en es et eu fi fr ha hi hr hu id ig is it lt lv ms nl no pcm pl pt ro sk sl sq sv sw tl tr vi "  # noqa: SIM905
        "yo".split()
    ),
    "Cyrillic": ("be", "bg", "kk", "mk", "ru", "sr", "uk"),
    "Arabic": ("ar", "fa", "ur"),
    "Devanagari": ("hi", "mr", "ne"),
    "Han": ("zh",),
    "Kana": ("ja",),
    "Hangul": ("ko",),
    "Thai": ("th",),
    "Ethiopic": ("am",),
    "Greek": ("el",),
    "Hebrew": ("he",),
    "Armenian": ("hy",),
    "Georgian": ("ka",),
    "Bengali": ("bn",),
    "Gurmukhi": ("pa",),
    "Gujarati": ("gu",),
    "Tamil": ("ta",),
    "Telugu": ("te",),
    "Kannada": ("kn",),
    "Malayalam": ("ml",),
    "Sinhala": ("si",),
    "Lao": ("lo",),
    "Burmese": ("my",),
    "Khmer": ("km",),
}

# Languages that words distinguish: they share their script with another language.
WORD_CODES: Final = tuple(dict.fromkeys(code for codes in SCRIPTS.values() if len(codes) > 1 for code in codes))
_SCRIPT_CODES: Final = tuple(codes[0] for codes in SCRIPTS.values() if len(codes) == 1)

# ISO 639-1 codes, or 639-3 where there is none. The result of an identification is an index into this tuple.
CODES: Final = (UNDETERMINED, *WORD_CODES, *_SCRIPT_CODES)
