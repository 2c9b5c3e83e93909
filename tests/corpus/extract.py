"""Finds HL7 v2 messages in files of many forms, and takes them as they are: nothing is repaired."""

import json
import re

TEXT_ENDINGS = {".hl7", ".txt", ".out", ".er7", ".dat", ".msg", ".ndhl7"}
JSON_ENDINGS = {".json", ".ndjson"}

# A header segment at the start of a line, with whatever separator it declares. Frame bytes count as line ends.
_HEADER = re.compile(rb"(?:\A|(?<=[\r\n\x0b\x1c]))[ \t]*(?=(?:MSH|FHS|BHS|BTS|FTS)[^\w\s])")
_FRAME = re.compile(rb"\x0b(.*?)\x1c\r?", re.DOTALL)


def frames_of(path):
    """The contents of the frames to send for one file; empty when it holds no message."""
    raw = path.read_bytes()
    ending = path.suffix.lower()
    if ending in JSON_ENDINGS:
        return [part for text in _texts(raw) for part in _split(text.encode())]
    if ending not in TEXT_ENDINGS:
        return []
    parts = _split(raw)
    if b"FHS" in raw or b"BHS" in raw:
        parts.append(raw.strip(b"\x0b\x1c"))  # and once as a whole: one batch, one frame
    return parts or ([raw] if ending == ".hl7" and raw.strip() else [])


def _split(raw):
    """One piece for each message header; batch headers and trailers end a piece and are left out."""
    framed = _FRAME.findall(raw)
    if framed:
        return [piece for piece in framed if piece.strip()]
    starts = [found.start() for found in _HEADER.finditer(raw)] + [len(raw)]
    pieces = [raw[start:end].strip(b"\x0b\x1c \t\n") for start, end in zip(starts, starts[1:])]
    return [piece for piece in pieces if piece.startswith(b"MSH")]


def _texts(raw):
    """All strings of a JSON document, or of one on each line, that look like a message."""
    text = raw.decode("utf-8", errors="replace")
    try:
        documents = [json.loads(text)]
    except ValueError:
        documents = []
        for line in text.splitlines():
            try:
                documents.append(json.loads(line))
            except ValueError:
                continue
    found = []
    while documents:
        value = documents.pop()
        if isinstance(value, dict):
            documents.extend(value.values())
        elif isinstance(value, list):
            documents.extend(value)
        elif isinstance(value, str) and value.lstrip("\x0b").startswith(("MSH", "FHS", "BHS")):
            found.append(value)
    return found


def is_answerable(frame):
    """Without MSH-1 and MSH-2 no acknowledgement can be built."""
    return re.match(rb"\s*MSH[^\w\s].", frame) is not None
