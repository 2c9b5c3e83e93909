"""The bad requests: each with its name, method, path, headers, body, the statuses that will do, and words of which one must
be in the answer (none asked for when empty)."""

import json

SYSTEM = "urn:oid:2.999.5"
XML = "application/fhir+xml"
JSON_PATCH = "application/json-patch+json"
PATIENT = {"resourceType": "Patient", "identifier": [{"system": SYSTEM, "value": "seed"}], "active": True}


def patient(value, **more):
    return {**PATIENT, "identifier": [{"system": SYSTEM, "value": value}], **more}


def text(**more):
    return json.dumps(patient("bad", **more)).encode()


def nested(depth):
    return b'{"resourceType":"Patient","extension":[' * 1 + b'{"extension":[' * depth + b"{}" + b"]}" * depth + b"]}"


# name, method, path, headers, body, statuses that will do, words of which one must be in the answer (or none)
MALFORMED_JSON = [
    ("JSON that ends early", b'{"resourceType":"Patient",\n "active":', ["line 2", "2:"]),
    ("JSON with a comma too many", b'{"resourceType":"Patient",\n"active":true,\n}', ["line 3", "3:"]),
    ("JSON with text after it", b'{"resourceType":"Patient"}\n garbage', ["line 2", "2:"]),
    ("JSON with single quotes", b"{'resourceType':'Patient'}", ["line 1", "1:"]),
    ("JSON with a bare control character in a string", b'{"resourceType":"Patient","language":"a\x01b"}', ["line 1", "1:"]),
    ("JSON with NaN", b'{"resourceType":"Observation",\n"valueQuantity":{"value":NaN}}', ["line 2", "2:"]),
    ("JSON with a leading zero", b'{"resourceType":"Patient","multipleBirthInteger":007}', ["line 1", "1:"]),
    ("JSON with half a surrogate pair", b'{"resourceType":"Patient","language":"\\ud800"}', ["line 1", "1:"]),
    ("invalid UTF-8", b'{"resourceType":"Patient",\n"language":"\xff\xfe"}', ["line 2", "2:", "UTF-8"]),
    ("an overlong UTF-8 sequence", b'{"resourceType":"Patient","language":"\xc0\xaf"}', ["line 1", "1:", "UTF-8"]),
    ("UTF-16", '{"resourceType":"Patient"}'.encode("utf-16"), []),
    ("an empty body", b"", []),
    ("nothing but white space", b"  \n\t ", []),
    ("an array", b"[]", []),
    ("a bare string", b'"Patient"', []),
    ("an object without resourceType", b'{"active":true}', ["resourceType"]),
    ("a resourceType that is a number", b'{"resourceType":5}', ["resourceType"]),
    ("a duplicate key", b'{"resourceType":"Patient","active":true,\n"active":false}', ["active", "line 2"]),
    ("a duplicate resourceType", b'{"resourceType":"Patient","resourceType":"Observation"}', ["resourceType", "line 1"]),
    ("null for an element", b'{"resourceType":"Patient","active":null}', []),
    ("an empty array", b'{"resourceType":"Patient","name":[]}', ["name"]),
    ("an empty object", b'{"resourceType":"Patient","name":[{}]}', ["name"]),
    ("an empty string", b'{"resourceType":"Patient","gender":""}', ["gender"]),
    ("depth 65", nested(65), ["depth", "deep", "nest"]),
    ("depth 100,000", nested(100_000), ["depth", "deep", "nest"]),
    ("arrays 200,000 deep", b"[" * 200_000, ["depth", "deep", "nest", "1:"]),
]
WRONG_TYPES = [
    ("a number for a date", {"birthDate": 5}, "birthDate"),
    ("a date that is none", {"birthDate": "2026-02-30"}, "birthDate"),
    ("a date in another order", {"birthDate": "31.12.1999"}, "birthDate"),
    ("an object for a list", {"name": {"family": "A"}}, "name"),
    ("a list for one", {"birthDate": ["1999-12-31"]}, "birthDate"),
    ("a string for a boolean", {"active": "true"}, "active"),
    ("a boolean for a string", {"language": True}, "language"),
    ("two values of one choice", {"deceasedBoolean": False, "deceasedDateTime": "2020-01-01"}, "deceased"),
    ("a choice of a type it has not", {"deceasedString": "x"}, "deceased"),
    ("a code outside a required value set", {"gender": "pink"}, "gender"),
    ("a fraction for an integer", {"multipleBirthInteger": 1.5}, "multipleBirth"),
    ("an integer out of range", {"multipleBirthInteger": 99999999999}, "multipleBirth"),
]


def malformed_json():
    for name, body, words in MALFORMED_JSON:
        yield name, "POST", "Patient", {}, body, [400, 413, 422], words
    for name, more, word in WRONG_TYPES:
        yield name, "POST", "Patient", {}, text(**more), [400, 422], [word]
    million = b'{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":%s}}'
    yield "a number of a million digits", "POST", "Observation", {}, million % (b"9" * 1_000_000), [400, 413, 422], ["number"]
    yield "an exponent of a thousand digits", "POST", "Observation", {}, million % (b"1e" + b"9" * 1000), [400, 422], ["exponent"]
    yield "a string of 17 MB in an element", "POST", "Patient", {}, text(language="x" * 17_000_000), [400, 413, 422], []


def malformed_xml():
    head = '<Patient xmlns="http://hl7.org/fhir">'
    bomb = "<!DOCTYPE a [" + "".join(
        f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "lol"}">' for n in range(10)) + "]>"
    cases = [
        ("XML that is not closed", f'{head}\n<active value="true"/>', [":", "line"]),
        ("XML with tags crossed", f"{head}<name><family></name></family></Patient>", []),
        ("XML without its namespace", '<Patient><active value="true"/></Patient>', []),
        ("XML of an unknown resource", '<Nobody xmlns="http://hl7.org/fhir"/>', []),
        ("XML with an unknown entity", f'{head}<language value="&nbsp;"/></Patient>', []),
        ("XML with an outside entity", f'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]>{head}<language value="&x;"/></Patient>', []),
        ("XML with a billion laughs", f'{bomb}{head}<language value="&e9;"/></Patient>', []),
        ("XML 100,000 deep", head + "<extension>" * 100_000, []),
        ("XML with text where none may be", f"{head}hello</Patient>", []),
        ("XML that is JSON", '{"resourceType":"Patient"}', []),
    ]
    for name, body, words in cases:
        yield name, "POST", "Patient", {"Content-Type": XML}, body.encode(), [400, 413, 422], words


def against_the_rules(seed):
    mismatch = json.dumps({**PATIENT, "id": "other"}).encode()
    yield "another type than the URL says", "POST", "Observation", {}, text(), [400, 422], []
    yield "an id that differs from the URL", "PUT", seed, {}, mismatch, [400, 422], ["id"]
    yield "an update without an id", "PUT", seed, {}, json.dumps(PATIENT).encode(), [400, 422], ["id"]
    yield "an id with forbidden characters", "PUT", "Patient/a%20b", {}, text(id="a b"), [400, 404, 422], []
    yield "an id of 65 characters", "PUT", f"Patient/{'a' * 65}", {}, text(id="a" * 65), [400, 404, 422], []
    yield "a type that is none", "POST", "Nobody", {}, b'{"resourceType":"Nobody"}', [400, 404], []
    yield "a type that is none, to read", "GET", "Nobody/1", {}, None, [404], []
    yield "a method that does not fit", "DELETE", "metadata", {}, None, [404, 405], []
    yield "an unknown method", "BREW", "Patient", {}, None, [400, 404, 405, 501], []
    yield "an unknown operation", "POST", "Patient/$brew", {}, b"{}", [400, 404, 405, 501], []
    yield "a body of an unknown kind", "POST", "Patient", {"Content-Type": "text/plain"}, text(), [415], []
    yield "a body of no kind", "POST", "Patient", {"Content-Type": "nonsense"}, text(), [400, 415], []
    yield "an answer of an unknown kind", "GET", seed, {"Accept": "image/png"}, None, [406], []
    yield "a format that is none", "GET", f"{seed}?_format=yaml", {}, None, [400, 406], []
    yield "a stale If-Match", "PUT", seed, {"If-Match": 'W/"7"'}, text(id=seed.split("/")[1]), [412], []
    yield "an If-Match that is none", "PUT", seed, {"If-Match": "***"}, text(id=seed.split("/")[1]), [400, 412], []
    yield "a JSON Patch that is none", "PATCH", seed, {"Content-Type": JSON_PATCH}, b'{"op":"x"}', [400, 422], []
    wrong = b'[{"op":"replace","path":"/active","value":false},{"op":"remove","path":"/no/such"}]'
    yield "a JSON Patch whose second step fails", "PATCH", seed, {"Content-Type": JSON_PATCH}, wrong, [400, 409, 422], []
    breaking = b'[{"op":"replace","path":"/active","value":"maybe"}]'
    yield "a JSON Patch that leaves no valid Patient", "PATCH", seed, {"Content-Type": JSON_PATCH}, breaking, [400, 422], []
    renaming = b'[{"op":"replace","path":"/id","value":"stolen"}]'
    yield "a JSON Patch of the id", "PATCH", seed, {"Content-Type": JSON_PATCH}, renaming, [400, 409, 422], []


def bad_searches():
    strict = {"Prefer": "handling=strict"}
    cases = [
        ("an unknown parameter, strict", "Patient?nobody=1", strict),
        ("an unknown modifier", "Patient?family:louder=x", {}),
        ("a date that is none", "Patient?birthdate=yesterday", {}),
        ("a prefix that is none", "Patient?birthdate=zz2020", {}),
        ("a number that is none", "RiskAssessment?probability=gtx", {}),
        ("a quantity that is none", "Observation?value-quantity=abc|u|g", {}),
        ("a negative count", "Patient?_count=-1", {}),
        ("a count that is none", "Patient?_count=many", {}),
        ("a chain through no reference", "Patient?family.name=x", {}),
        ("a reverse chain cut short", "Patient?_has:Observation:code=x", {}),
        ("an include of no parameter", "Patient?_include=Patient:nothing", strict),
        ("a sort by nothing", "Patient?_sort=nothing", strict),
        ("a page that never was", "Patient?_cursor=%00garbage&_page=garbage", strict),
    ]
    for name, path, headers in cases:
        yield f"a search with {name}", "GET", path, headers, None, [400, 422], []
    deep = "subject:Patient." + "link:Patient." * 200 + "family"
    yield "a chain 200 links long", "GET", f"Observation?{deep}=x", {}, None, [400, 414, 422], []
    yield "a search of 100,000 values", "GET", "Patient?_id=" + ",".join(["a"] * 30_000), {}, None, [200, 400, 413, 414, 431], []
    form = "family=" + ",".join(["a"] * 500_000)
    sent = {"Content-Type": "application/x-www-form-urlencoded"}
    yield "a search of 500,000 values by POST", "POST", "Patient/_search", sent, form.encode(), [400, 413, 422], []


def bad_bundles(seed):
    def bundle(kind, *entries):
        return json.dumps({"resourceType": "Bundle", "type": kind, "entry": list(entries)}).encode()

    good = {"resource": patient("tx"), "request": {"method": "POST", "url": "Patient"}}
    cases = [
        ("an entry that is no resource", bundle("transaction", good, {"resource": {"a": 1}, "request": good["request"]})),
        ("an entry without a request", bundle("transaction", good, {"resource": patient("tx2")})),
        ("an entry with a wrong type of value", bundle("transaction", good, {**good, "resource": patient("tx3", active="x")})),
        ("a reference to nobody's urn", bundle("transaction", good, {
            "resource": {"resourceType": "Observation", "status": "final", "code": {"text": "x"},
                         "subject": {"reference": "Patient?identifier=urn:oid:2.999.5|nobody-has-this"}},
            "request": {"method": "POST", "url": "Observation"}})),
        ("the same resource twice", bundle("transaction", good,
            {"resource": {**PATIENT, "id": seed.split("/")[1]}, "request": {"method": "PUT", "url": seed}},
            {"request": {"method": "DELETE", "url": seed}})),
        ("a stale ifMatch", bundle("transaction", good, {
            "resource": {**PATIENT, "id": seed.split("/")[1]},
            "request": {"method": "PUT", "url": seed, "ifMatch": 'W/"9"'}})),
        ("a method that is none", bundle("transaction", good, {**good, "request": {"method": "BREW", "url": "Patient"}})),
        ("a url outside", bundle("transaction", good, {"request": {"method": "GET", "url": "http://203.0.113.1/Patient/1"}})),
        ("a url that climbs", bundle("transaction", good, {"request": {"method": "GET", "url": "../../admin"}})),
        ("a type that is no request", bundle("document", good)),
        ("a type that is none", bundle("nonsense", good)),
        ("200,000 entries", b'{"resourceType":"Bundle","type":"transaction","entry":[' + b",".join([b"{}"] * 200_000) + b"]}"),
    ]
    for name, body in cases:
        yield f"a Bundle with {name}", "POST", "", {}, body, [400, 404, 409, 412, 413, 422], []
