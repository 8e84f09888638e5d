"""Made-up buyers: names that are nobody's, at addresses that can't exist."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import product

_FIRST = (
    "Amara", "Anton", "Beatriz", "Bruno", "Carla", "Chidi", "Clara", "Daiki", "Elena", "Emre",
    "Farah", "Felix", "Greta", "Hana", "Hugo", "Ines", "Ivo", "Jonas", "Kaito", "Lena", "Luca",
    "Maren", "Mateo", "Mila", "Nadia", "Noor", "Olga", "Oskar", "Priya", "Rafael", "Rosa", "Sanne",
    "Tariq", "Tilda", "Uma", "Viktor", "Wanda", "Yuki",
)  # fmt: skip
_LAST = (
    "Abara", "Bergamin", "Castellan", "Dahlqvist", "Endicott", "Farrowby", "Grünwalder",
    "Hollenbach", "Ishimura", "Janowicz", "Kestelman", "Lindgrove", "Marchetti", "Nordahl",
    "Okonjo", "Pellegrin", "Quillfeather", "Rosenthorn", "Sandoval", "Tamarind", "Ueberhorst",
    "Vandermolen", "Westerlund", "Yamanobe", "Zielinski",
)  # fmt: skip
_COUNTRIES = ("US", "US", "US", "GB", "DE", "FR", "JP", "CA")
_PLAIN = str.maketrans({"ü": "u"})


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who buys."""

    name: str
    email: str
    country: str


def people(rng: random.Random) -> list[Person]:
    """Return everybody there is, 950 of them, in an order of chance."""
    crowd = [_person(rng, first, last) for first, last in product(_FIRST, _LAST)]
    rng.shuffle(crowd)
    return crowd


def _person(rng: random.Random, first: str, last: str) -> Person:
    host = rng.choice(("example.com", "example.org"))
    local = f"{first}.{last}".lower().translate(_PLAIN)
    return Person(f"{first} {last}", f"{local}@{host}", rng.choice(_COUNTRIES))
