"""Folding of person names, so that a name is found however it was typed.

Two forms. `fold` removes what is writing only: width, case, accents, katakana or hiragana, small kana, old character
forms. `sound` also spells kana and romaji one way (Hepburn and Kunrei, long vowels), so that Satoh, Satou and サトウ
are one. Ideographs have no sound here: their reading is not in their writing; the phonetic group carries it.
"""

import re
import unicodedata
from functools import lru_cache

from dicomlake.domain.model import JsonValue
from dicomlake.domain.old_forms import OLD_FORMS

_LETTERS = {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "\u0131": "i"}
_VOICING = "\u3099\u309a"
_SMALL_KANA = dict(zip("ぁぃぅぇぉっゃゅょゎゕゖ", "あいうえおつやゆよわかけ", strict=True))


def _writing_table() -> dict[int, str]:
    pairs = {ord(pair[0]): pair[1] for pair in OLD_FORMS.split()}
    katakana = {code: chr(code - 0x60) for code in range(0x30A1, 0x30F7)}
    letters = {ord(letter): plain for letter, plain in _LETTERS.items()}
    return pairs | katakana | letters


_WRITING = _writing_table()
_LARGE_KANA = {ord(small): large for small, large in _SMALL_KANA.items()} | {ord("ー"): ""}
_DELIMITERS = re.compile(r"[\s^=,.・\-\u2010]+")
_APOSTROPHES = re.compile(r"['\u2019`]")


def fold(text: str) -> str:
    """Return a text without width, case, accents, kana script, small kana, long-vowel marks and old character forms.

    Delimiters (`^`, `=`, wildcards) stay; a full-width space becomes a space; runs of spaces become one.
    """
    return " ".join(unicodedata.normalize("NFC", _same_script(text).translate(_LARGE_KANA)).split())


def _same_script(text: str) -> str:
    """Fold width, case, accents, kana script and old forms; small kana and the long-vowel mark stay."""
    parts = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    plain = "".join(char for char in parts if char in _VOICING or not unicodedata.combining(char))
    return unicodedata.normalize("NFC", plain).casefold().translate(_WRITING)


_SYLLABLES = """
あa いi うu えe おo かka きki くku けke こko さsa しsi すsu せse そso たta ちti つtu てte とto
なna にni ぬnu ねne のno はha ひhi ふhu へhe ほho まma みmi むmu めme もmo やya ゆyu よyo
らra りri るru れre ろro わwa ゐi ゑe をo んn がga ぎgi ぐgu げge ごgo ざza じzi ずzu ぜze ぞzo
だda ぢzi づzu でde どdo ばba びbi ぶbu べbe ぼbo ぱpa ぴpi ぷpu ぺpe ぽpo ゔvu ぁa ぃi ぅu ぇe ぉo ゎwa
"""
_KANA = {pair[0]: pair[1:] for pair in _SYLLABLES.split()}
_GLIDES = {"ゃ": "ya", "ゅ": "yu", "ょ": "yo"}
# In this order. A beginning of a token stays a beginning of its sound, but for what `sound_prefixes` names.
_SPELLINGS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), to)
    for pattern, to in (
        (r"(?<=[aiueo])h(?=[^aiueoyw]|$)", ""),  # Ohta, Satoh
        (r"ou", "o"),
        (r"([aiueo])\1+", r"\1"),
        (r"[tc](?=ch)", "t"),  # Hatchobori, Hacchobori
        (r"sh(?=[auo])", "sy"),
        (r"sh", "s"),
        (r"ch(?=[auo])", "ty"),
        (r"ch", "t"),
        (r"ts", "t"),
        (r"jy?(?=[auo])", "zy"),
        (r"j", "z"),
        (r"f", "h"),
        (r"m(?=[bp])", "n"),  # Namba, Shimpei
    )
)
_LATIN_OR_KANA = re.compile(r"[a-z\u3041-\u309f\u30fc]+\Z")


@lru_cache(maxsize=4096)
def sound(token: str) -> str:
    """Return how a kana or Latin token sounds, in one spelling; other tokens folded only.

    The spelling is Kunrei without long vowels: しょうじ, Shouji, Shōji and Syozi are all `syozi`.
    """
    plain = _APOSTROPHES.sub("", _same_script(token))
    if not _LATIN_OR_KANA.match(plain):
        return fold(token)
    spelled = _spell_kana(plain)
    for pattern, to in _SPELLINGS:
        spelled = pattern.sub(to, spelled)
    return spelled


def _spell_kana(text: str) -> str:
    out, before = "", ""
    for char in text:
        double, glides = before == "っ", before not in ("っ", "ー")
        before = char
        if char in _GLIDES and glides and out.endswith("i"):
            out = out[:-1] + _GLIDES[char]
            continue
        syllable = _GLIDES.get(char) or _KANA.get(char, "" if char in "っー" else char)
        out += syllable[:1] + syllable if double and syllable[:1] not in "aiueon" else syllable
    return out


def sound_prefixes(beginning: str) -> tuple[str, ...]:
    """Return the beginnings of sounds that cover every token starting so; () where nothing certain is left.

    The last letters may sound otherwise once more follow (c: ch; m: n before b and p; a kana of the i-row: a glide).
    """
    plain = _APOSTROPHES.sub("", _same_script(beginning))
    if not _LATIN_OR_KANA.match(plain):
        return (fold(beginning),) if plain else ()
    base = sound(plain)
    if base[-1:] == "m":
        return (base, base[:-1] + "n")
    if base[-1:] == "c":
        return (base, base[:-1] + "t", *([base[:-2] + "tt"] if base.endswith("cc") else []))
    if plain[-1] in _KANA and base.endswith("i"):
        return (base[:-1],) if len(base) > 1 else (base,)
    return (base,) if base else ()


def words(text: str) -> tuple[str, ...]:
    """Return the words of a name or a part of one: split at PN delimiters, hyphens and spaces of any width."""
    return tuple(word for word in _DELIMITERS.split(_APOSTROPHES.sub("", unicodedata.normalize("NFKC", text))) if word)


def name_tokens(groups: tuple[str, ...]) -> tuple[str, ...]:
    """Return the distinct tokens a name is found by, from its component groups (PS3.5 6.2.1.1), in their order."""
    return tuple(dict.fromkeys(sound(word) for group in groups for word in words(group)))


def written_name(value: JsonValue) -> str:
    """Return a person name of DICOM JSON as one text (PS3.5 6.2.1.2): groups joined by `=`, empty last ones left."""
    if not isinstance(value, dict):
        return value if isinstance(value, str) else ""
    return "=".join(str(value.get(group, "")) for group in ("Alphabetic", "Ideographic", "Phonetic")).rstrip("=")
