"""Groups of domains, so that a suite's table has a mean for each kind of business and not for each data set."""

import re
from typing import Final

MANY: Final = "many domains"
OTHER: Final = "other"

# The words of a domain's description that name its group, in lower case.
_WORDS: Final = {
    "products and shops": (
        "amazon phones phone accessories products product shop shops trustpilot brands electronics kitchen apparel "
        "clothes clothing tablets computers heaters shampoo jewellery furniture cosmetics beauty pets"
    ),
    "apps and devices": "apps app software speakers speaker devices device",
    "films and television": "film films movie movies video dvd television tv series",
    "books and music": "book books magazines music readers novels",
    "hotels and travel": "hotel hotels airline airlines lounge lounges sights railway travel tourism flights trips",
    "restaurants and food": "restaurant restaurants food takeaway delivery fruit milk drinks cafes",
    "health": "medicine medicines drug drugs doctors clinics",
    "services": "service services courses students banks insurance employers",
    "social media and news": "tweets tweet social media posts news newspaper editorials debate",
}
# Amazon sells everything, so a more special word decides.
_GENERAL: Final = "products and shops"


def domain_group(domain: str) -> str:
    """Return the group of a domain from its description in words, such as "airline lounges".

    A description with words of three groups or more, or with the word "many", belongs to "many domains". The words of
    shops and products are general: another group's word takes precedence. Text in parentheses does not count. Without
    a known word the group is "other".
    """
    words = re.findall(r"[a-z]+", re.sub(r"\([^)]*\)", "", domain.lower()))
    named = {group: [word for word in words if word in known.split()] for group, known in _WORDS.items()}
    found = [group for group, mine in named.items() if mine]
    if "many" in words or len(found) >= 3:
        return MANY
    if not found:
        return OTHER
    special = [group for group in found if group != _GENERAL] or found
    return min(special, key=lambda group: words.index(named[group][0]))
