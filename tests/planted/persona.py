"""Invented people: everything that may identify one, and the ways in which it gets written. Made from a seed alone."""

import random
from dataclasses import dataclass
from datetime import date, timedelta

_FAMILY = ("Okonkwo", "Brzezicki", "Färberböck", "Thorvaldsen", "Quintanilla", "Vandersloot", "Kjærgaard", "Ößwald")
_GIVEN = ("Wilhelmina", "Cornelius", "Theodora", "Bartholomew", "Philippa", "Xiomara", "Rosalind", "Jürgen")
_JAPANESE = (
    (
        "Satou^Hanako",
        "佐藤^花子",
        "さとう^はなこ",
        ("Satoh Hanako", "SATO HANAKO", "ｻﾄｳ ﾊﾅｺ", "サトウハナコ", "佐藤　花子"),
    ),
    (
        "Watanabe^Shinichi",
        "渡邊^慎一",
        "わたなべ^しんいち",
        ("渡辺慎一", "ワタナベ シンイチ", "Watanabe Sin'iti", "渡邉　慎一"),
    ),
    ("Ohta^Youko", "太田^洋子", "おおた^ようこ", ("Oota Yoko", "オオタ ヨウコ", "太田洋子")),
)
_SHORT = (("Ng", "Bo"), ("Xu", "Wei"), ("Ek", "Ola"), ("Yi", "Jun"))
_ERAS = ((2019, "令和", "R"), (1989, "平成", "H"), (1926, "昭和", "S"))


@dataclass(frozen=True)
class Secret:
    """One identifier as it is written somewhere; `needle` is what must not be left of it, `short` that it means itself
    only where it was planted."""

    text: str
    needles: tuple[str, ...]
    kind: str
    short: bool = False


@dataclass(frozen=True)
class Persona:
    """An invented patient: values as DICOM attributes have them, and everything else that a person is known by."""

    seed: int
    name: str
    charset: tuple[str, ...]
    patient_id: str
    issuer: str
    accession: str
    birth: date
    study: date
    physician: str
    operator: str
    hospital: str
    address: str
    phone: str
    mail: str
    insurance: str
    my_number: str
    spellings: tuple[str, ...]

    def secrets(self, rng: random.Random) -> list[Secret]:
        """Return this person's identifiers in many spellings; each may be planted where no table looks."""
        family, given = self.name.split("=")[0].split("^")
        needles = tuple(part for part in (family, given) if len(part) > 2)
        names = [
            f"{given} {family}",
            f"{family}, {given}",
            f"{family.upper()} {given.upper()}",
            f"{family}_{given}".lower(),
        ]
        written = [Secret(text, needles or (text,), "name", short=not needles) for text in names]
        written += [Secret(text, (text,), "name") for text in self.spellings]
        loose = self.patient_id.replace("-", " ")
        short = len(self.patient_id) < 6
        written += [Secret(text, (text,), "id", short) for text in (self.patient_id, loose)]
        written += [Secret(self.accession, (self.accession,), "id"), Secret(self.phone, (self.phone,), "phone")]
        written += [Secret(self.phone.replace("-", " "), (self.phone.replace("-", " "),), "phone")]
        written += [Secret(self.mail, (self.mail,), "mail"), Secret(self.address, (self.address,), "place")]
        written += [Secret(self.hospital, (self.hospital,), "place")]
        written += [Secret(who, tuple(who.split("^")), "name") for who in (self.physician, self.operator)]
        written += [
            Secret(f"被保険者番号 {self.insurance}", (self.insurance,), "id"),
            Secret(self.my_number, (self.my_number,), "id"),
        ]
        written += [Secret(text, (text,), "date") for day in (self.birth, self.study) for text in _dates(day)]
        return rng.sample(written, len(written))


def _dates(day: date) -> list[str]:
    base, era, letter = next(row for row in _ERAS if day.year > row[0])
    year = day.year - base + 1
    return [
        day.isoformat(),
        f"{day:%Y%m%d}",
        f"{day:%d.%m.%Y}",
        f"{day:%m/%d/%Y}",
        f"{day.day} {day:%b} {day.year}",
        f"{day:%B} {day.day}, {day.year}",
        f"{era}{year}年{day.month}月{day.day}日",
        f"{letter}{year}.{day.month}.{day.day}",
        f"{day.year}年{day.month}月{day.day}日",
    ]


def my_number(rng: random.Random) -> str:
    """Twelve digits with the check digit of Japan's individual numbers."""
    digits = [rng.randrange(10) for _ in range(11)]
    weighted = sum(digit * (n + 1 if n <= 6 else n - 5) for n, digit in enumerate(reversed(digits), start=1))
    rest = weighted % 11
    return "".join(map(str, digits)) + str(0 if rest <= 1 else 11 - rest)


def invent(seed: int) -> Persona:
    """Invent a person; the same seed gives the same."""
    rng = random.Random(seed)  # noqa: S311
    family, given = rng.choice(_FAMILY), rng.choice(_GIVEN)
    name, charset, spellings = f"{family}^{given}", ("ISO_IR 192",), ()
    style = seed % 4
    if style == 1:
        latin, kanji, kana, spellings = rng.choice(_JAPANESE)
        name = f"{latin}={kanji}={kana}"
    elif style == 2:
        family, given = rng.choice(_SHORT)
        name = f"{family}^{given}"
    number = rng.randrange(10**6, 10**7)
    return Persona(
        seed=seed,
        name=name,
        charset=charset,
        patient_id=f"{rng.randrange(4000, 9999)}" if style == 3 else f"KH-{number}",
        issuer=f"ISSUER{rng.randrange(10**5, 10**6)}",
        accession=f"ACC{rng.randrange(10**7, 10**8)}",
        birth=date(1931, 1, 1) + timedelta(rng.randrange(26000)),
        study=date(2015, 1, 1) + timedelta(rng.randrange(3600)),
        physician=f"{rng.choice(_FAMILY)}son^{rng.choice(_GIVEN)}",
        operator=f"{rng.choice(_GIVEN)}ov^{rng.choice(_GIVEN)}",
        hospital=f"Klinikum {rng.choice(_FAMILY)}hausen",
        address=f"{rng.choice(_FAMILY)}weg {rng.randrange(2, 99)}",
        phone=f"0{rng.randrange(30, 99)}-{rng.randrange(2000, 9999)}-{rng.randrange(1000, 9999)}",
        mail=f"{given.lower().encode('ascii', 'ignore').decode()}{number}@example.org",
        insurance=f"{rng.randrange(10, 99)}-{rng.randrange(10000, 99999)}",
        my_number=my_number(rng),
        spellings=spellings,
    )
