"""FHIR dates as ranges of seconds, and how a search prefix compares them (FHIR R4 search 3.1.1.4.6 and 3.1.1.5.4)."""

import calendar
import datetime
import math

UTC = datetime.timezone.utc


def seconds(moment):
    """Seconds since 1970 of a datetime with a zone. Dates before 1970 are negative."""
    return moment.timestamp()


def span(text):
    """The range [from, to) that a FHIR date, dateTime or instant means. A date without a zone is taken as UTC."""
    if "T" in text:
        start = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
        start = start if start.tzinfo else start.replace(tzinfo=UTC)
        fraction = text.partition(".")[2].rstrip("Z").split("+")[0].split("-")[0]
        return seconds(start), seconds(start) + (10 ** -len(fraction) if fraction else 1)
    year, month, day = (*map(int, text.split("-")), 0, 0)[:3]
    first = datetime.datetime(year, month or 1, day or 1, tzinfo=UTC)
    if day:
        last = first + datetime.timedelta(days=1)
    elif month:
        last = first + datetime.timedelta(days=calendar.monthrange(year, month)[1])
    else:
        last = first.replace(year=year + 1)
    return seconds(first), seconds(last)


def span_of_period(period):
    """An open end is without limit."""
    start = span(period["start"])[0] if "start" in period else -math.inf
    end = span(period["end"])[1] if "end" in period else math.inf
    return start, end


def matches(prefix, wanted, found):
    """Whether the range `found` in a resource meets the range `wanted` of the search value."""
    if prefix == "eq":
        return wanted[0] <= found[0] and found[1] <= wanted[1]
    if prefix == "ge":
        return found[1] > wanted[0]
    if prefix == "gt":
        return found[1] > wanted[1]
    if prefix == "le":
        return found[0] < wanted[1]
    if prefix == "lt":
        return found[0] < wanted[0]
    raise ValueError(prefix)
