"""Searches over the Synthea resources, each with what it must find, worked out from the bundles alone."""

import collections
import dataclasses
import urllib.parse
from collections.abc import Callable

import fhir_time
from synthea_facts import plain

LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
HEIGHT, SYSTOLIC = f"{LOINC}|8302-2", f"{LOINC}|8480-6"


@dataclasses.dataclass
class Search:
    """`kind?pairs` must find the facts of its kind that `keeps` accepts."""

    kind: str
    pairs: list
    keeps: Callable

    @property
    def query(self):
        return f"{self.kind}?{urllib.parse.urlencode(self.pairs)}"


class Known:
    """The facts by kind and by patient."""

    def __init__(self, facts):
        self.kinds = collections.defaultdict(list)
        self.by_url = {fact.full_url: fact for fact in facts}
        for fact in facts:
            self.kinds[fact.kind].append(fact)

    def common(self, kind, rank):
        """The code of a kind that is at `rank` by number, deterministically."""
        counted = collections.Counter(code for fact in self.kinds[kind] for code in fact.codes)
        ranked = sorted(counted, key=lambda code: (-counted[code], code))
        return ranked[min(rank, len(ranked) - 1)]

    def patients(self):
        """Three patients: with the fewest, a middling number and the most resources."""
        counted = collections.Counter(fact.patient for facts in self.kinds.values() for fact in facts if fact.patient)
        ranked = sorted(counted, key=lambda url: (counted[url], url))
        return [self.by_url[url] for url in (ranked[0], ranked[len(ranked) // 2], ranked[-1])]

    def of_patients(self, kind, keeps):
        """The patients who have a resource of a kind that `keeps` accepts."""
        return {fact.patient for fact in self.kinds[kind] if keeps(fact)}


def dated(prefix, text):
    wanted = fhir_time.span(text)
    return lambda fact: fact.time is not None and fhir_time.matches(prefix, wanted, fact.time)


def coded(code):
    return lambda fact: code in fact.codes


def both(*tests):
    return lambda fact: all(test(fact) for test in tests)


def by_code(known):
    for kind, parameter in (("Observation", "code"), ("Condition", "code"), ("Procedure", "code"), ("Encounter", "type"),
                            ("Immunization", "vaccine-code"), ("MedicationRequest", "code"), ("DiagnosticReport", "code")):
        for rank in (0, 4, 40):
            code = known.common(kind, rank)
            yield Search(kind, [(parameter, code)], coded(code))
        alone = known.common(kind, 1).split("|")[1]
        yield Search(kind, [(parameter, alone)], lambda fact, alone=alone: any(c.split("|")[1] == alone for c in fact.codes))
    first, second = known.common("Observation", 6), known.common("Observation", 9)
    yield Search("Observation", [("code", f"{first},{second}")], lambda fact: first in fact.codes or second in fact.codes)
    vital = "http://terminology.hl7.org/CodeSystem/observation-category|vital-signs"
    yield Search("Observation", [("category", vital)], lambda fact: vital in fact.categories)
    yield Search("Observation", [("component-code", SYSTOLIC)], lambda fact: SYSTOLIC in fact.more["components"])
    yield Search("Observation", [("combo-code", SYSTOLIC)],
                 lambda fact: SYSTOLIC in fact.codes or SYSTOLIC in fact.more["components"])
    yield Search("Observation", [("code:not", first)], lambda fact: first not in fact.codes)


def by_state(known):
    for code in sorted({fact.more["class"] for fact in known.kinds["Encounter"]}):
        yield Search("Encounter", [("class", code)], lambda fact, code=code: fact.more["class"] == code)
    for status in sorted({fact.status for fact in known.kinds["Condition"]}):
        yield Search("Condition", [("clinical-status", status)], lambda fact, status=status: fact.status == status)
    for status in sorted({fact.status for fact in known.kinds["MedicationRequest"]}):
        yield Search("MedicationRequest", [("status", status)], lambda fact, status=status: fact.status == status)
    yield Search("MedicationRequest", [("status:not", "active")], lambda fact: fact.status != "active")


def by_time(known):
    low, high = "2015-01-01T00:00:00Z", "2016-01-01T00:00:00Z"
    for kind, parameter in (("Observation", "date"), ("Encounter", "date"), ("Condition", "onset-date"), ("Claim", "created"),
                            ("Procedure", "date"), ("Immunization", "date"), ("MedicationRequest", "authoredon"),
                            ("ExplanationOfBenefit", "created"), ("DiagnosticReport", "date")):
        yield Search(kind, [(parameter, f"ge{low}"), (parameter, f"lt{high}")], both(dated("ge", low), dated("lt", high)))
        yield Search(kind, [(parameter, f"gt{high}")], dated("gt", high))
    year = known.patients()[1].more["born"][:4]
    yield Search("Patient", [("birthdate", "ge1960-01-01"), ("birthdate", "lt1980-01-01")],
                 both(dated("ge", "1960-01-01"), dated("lt", "1980-01-01")))
    yield Search("Patient", [("birthdate", year)], dated("eq", year))
    yield Search("Patient", [("birthdate", "le1950-06")], dated("le", "1950-06"))


def by_quantity(_known):
    def height(test):
        return lambda fact: HEIGHT in fact.codes and fact.more["quantity"] is not None and test(fact.more["quantity"]["value"])

    for text, test in (("gt170", lambda v: v > 170), ("le150.5", lambda v: v <= 150.5), ("ge100", lambda v: v >= 100)):
        yield Search("Observation", [("code", HEIGHT), ("value-quantity", f"{text}|{UCUM}|cm")], height(test))
        yield Search("Observation", [("code", HEIGHT), ("value-quantity", text)], height(test))
    yield Search("Observation", [("code", HEIGHT), ("value-quantity", f"167.7|{UCUM}|cm")],
                 height(lambda value: 167.65 <= value < 167.75))
    yield Search("Observation", [("code-value-quantity", f"{HEIGHT}$gt170")], height(lambda value: value > 170))


def by_patient(known):
    for patient in known.patients():
        mine = lambda fact, url=patient.full_url: fact.patient == url  # noqa: E731
        for kind in ("Observation", "Encounter", "Condition", "Claim", "Procedure", "ExplanationOfBenefit", "Immunization"):
            yield Search(kind, [("patient", patient.place)], mine)
        identity = patient.place.split("/")[1]
        yield Search("Observation", [("patient", identity)], mine)
        yield Search("Observation", [("subject:Patient", identity)], mine)
        code = known.common("Observation", 3)
        yield Search("Observation", [("patient", patient.place), ("code", code), ("date", "ge2012-01-01T00:00:00Z")],
                     both(mine, coded(code), dated("ge", "2012-01-01T00:00:00Z")))
        code = known.common("Condition", 2)
        yield Search("Condition", [("patient", patient.place), ("code", code)], both(mine, coded(code)))


def by_name(known):
    patient = known.patients()[1]
    family, given = patient.more["family"][0], patient.more["given"][0]

    def starts(element, text):
        return lambda fact: any(value.startswith(text) for value in fact.more[element])

    yield Search("Patient", [("family", family)], starts("family", family))
    yield Search("Patient", [("family", family[:2])], starts("family", family[:2]))
    yield Search("Patient", [("given", given)], starts("given", given))
    yield Search("Patient", [("family:contains", "er")], lambda fact: any("er" in value for value in fact.more["family"]))
    yield Search("Patient", [("family:exact", patient.more["official"])],
                 lambda fact: plain(patient.more["official"]) in fact.more["family"])
    yield Search("Patient", [("gender", "female"), ("address-city", "b")],
                 lambda fact: fact.more["gender"] == "female" and fact.more["city"].startswith("b"))
    yield Search("Patient", [("gender:not", "female")], lambda fact: fact.more["gender"] != "female")
    yield Search("Patient", [("death-date:missing", "true")], lambda fact: not fact.more["dead"])
    yield Search("Patient", [("_id", ",".join(one.place.split("/")[1] for one in known.patients()))],
                 lambda fact: fact in known.patients())


def by_chain(known):
    letter = known.patients()[1].more["family"][0][:2]

    def named(fact):
        return any(family.startswith(letter) for family in known.by_url[fact.patient].more["family"])

    yield Search("Condition", [("patient.family", letter)], named)
    yield Search("Encounter", [("subject:Patient.family", letter), ("class", "EMER")],
                 both(named, lambda fact: fact.more["class"] == "EMER"))
    women = lambda fact: known.by_url[fact.patient].more["gender"] == "female"  # noqa: E731
    yield Search("Observation", [("patient.gender", "female"), ("code", HEIGHT)], both(women, coded(HEIGHT)))
    providers = {one: fact.more["name"] for fact in known.kinds["Organization"] for one in fact.more["identifiers"]}

    def provided(fact):
        return providers.get((fact.more["provider"] or "").partition("identifier=")[2], "").startswith("mil")

    yield Search("Encounter", [("service-provider.name", "mil")], provided)

    def inside(fact):
        encounter = known.by_url.get(fact.more["encounter"])
        return encounter is not None and encounter.more["class"] != "AMB"

    others = ",".join(sorted({fact.more["class"] for fact in known.kinds["Encounter"]} - {"AMB"}))
    yield Search("Observation", [("encounter.class", others)], inside)


def by_reverse_chain(known):
    for kind, rank in (("Observation", 30), ("Condition", 5), ("Procedure", 20), ("Immunization", 8)):
        code = known.common(kind, rank)
        having = known.of_patients(kind, coded(code))
        parameter = "vaccine-code" if kind == "Immunization" else "code"
        yield Search("Patient", [(f"_has:{kind}:patient:{parameter}", code)],
                     lambda fact, having=having: fact.full_url in having)
    emergencies = known.of_patients("Encounter", lambda fact: fact.more["class"] == "EMER")
    yield Search("Patient", [("_has:Encounter:patient:class", "EMER"), ("gender", "male")],
                 lambda fact: fact.full_url in emergencies and fact.more["gender"] == "male")


def all_searches(known):
    for group in (by_code, by_state, by_time, by_quantity, by_patient, by_name, by_chain, by_reverse_chain):
        yield from group(known)
