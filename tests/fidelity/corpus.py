"""The messages that the judges see: the guide's own and three public corpora, or the project's cases without them."""

import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "corpus"))
from extract import frames_of  # noqa: E402

SOURCES = {
    "guide": "v2-to-fhir-ig/messages",
    "microsoft": "messages/microsoft-fhir-converter",
    "cdc": "messages/cdc-prime-reportstream",
    "linuxforhealth": "messages/linuxforhealth",
}


def collect(shared, cases, place):
    """One file for each message, SOURCE-NUMBER-NAME.hl7; gives how many of each source."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    folders = {name: shared / folder for name, folder in SOURCES.items() if (shared / folder).is_dir()}
    counts = {}
    for name, folder in (folders or {"cases": cases}).items():
        files = sorted(file for file in folder.rglob("*") if file.is_file() and "expected" not in str(file.parent))
        frames = [(file.stem, frame) for file in files for frame in frames_of(file) if frame.startswith(b"MSH")]
        for number, (stem, frame) in enumerate(frames):
            (place / f"{name}-{number:04d}-{stem[:60]}.hl7").write_bytes(frame)
        counts[name] = len(frames)
    return counts
