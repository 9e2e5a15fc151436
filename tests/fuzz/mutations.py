"""Damage to files, from a seed: flipped bits, cut ends, repeated parts, odd numbers, words of formats put where they do not belong."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

ODD = (
    b"-1",
    b"0",
    b"1e999",
    b"nan",
    b"99999999999999999999",
    b"inf",
    b"\x00",
    b"\xff\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    b"\x80",
    b"\n",
    b"'",
    b'"',
)


def _flip(data: bytearray, dice: random.Random) -> None:
    for _ in range(dice.choice((1, 1, 2, 8))):
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)


def _write_over(data: bytearray, dice: random.Random) -> None:
    word, place = dice.choice(ODD), dice.randrange(len(data))
    data[place : place + len(word)] = word


def _insert(data: bytearray, dice: random.Random) -> None:
    place = dice.randrange(len(data))
    data[place:place] = dice.choice(ODD)


def _number(data: bytearray, dice: random.Random) -> None:
    """A run of digits becomes another number."""
    places = [n for n, byte in enumerate(data) if 48 <= byte <= 57]
    if places:
        start = end = dice.choice(places)
        while end < len(data) and 48 <= data[end] <= 57:
            end += 1
        data[start:end] = dice.choice((b"0", b"-1", b"7", b"4294967296", b"1e400", b"nan", b"2147483647", b""))


def _cut(data: bytearray, dice: random.Random) -> None:
    del data[dice.randrange(len(data)) :]


def _remove(data: bytearray, dice: random.Random) -> None:
    place = dice.randrange(len(data))
    del data[place : place + dice.choice((1, 2, 4, 32))]


def _repeat(data: bytearray, dice: random.Random) -> None:
    place, size = dice.randrange(len(data)), dice.choice((1, 8, 64))
    data[place:place] = data[place : place + size] * dice.choice((1, 2, 50))


def _line(data: bytearray, dice: random.Random) -> None:
    lines = bytes(data).split(b"\n")
    first, second = dice.randrange(len(lines)), dice.randrange(len(lines))
    lines[first], lines[second] = lines[second], lines[first]
    data[:] = b"\n".join(lines)


_WAYS: Sequence[Callable[[bytearray, random.Random], None]] = (
    _flip,
    _flip,
    _write_over,
    _insert,
    _number,
    _number,
    _cut,
    _remove,
    _repeat,
    _line,
)


def mutated(seed: bytes, dice: random.Random) -> bytes:
    """A sound file with one to four kinds of damage."""
    data = bytearray(seed)
    for _ in range(dice.choice((1, 1, 2, 4))):
        if data:
            dice.choice(_WAYS)(data, dice)
    return bytes(data)
