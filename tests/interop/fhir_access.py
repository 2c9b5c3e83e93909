"""A FHIR door that is not open: static tokens as fhirpy sends them, and SMART Backend Services as sekmet-fhir does them,
with RS384 and ES384; and what must not get in."""

import json
import time
import uuid

import fhir_sekmet
import jwt
import requests
from checks import expect
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from fhirpy import SyncFHIRClient
from fhirpy.base.exceptions import AuthorizationError, ForbiddenError, OperationOutcome
from sekmet.auth.keys import public_jwk

READER, WRITER = "reader-of-the-interop-checks-0001", "writer-of-the-interop-checks-0001"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SCENARIOS = ["conformance_smoke", "bulk_export_group", "messaging_adt_orders"]


class Keys:
    """The private keys of two clients, and the lines of the configuration that let them in."""

    def __init__(self, folder):
        self.folder = folder / "keys"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.private = {"RS384": rsa.generate_private_key(65537, 2048), "ES384": ec.generate_private_key(ec.SECP384R1())}
        for algorithm in self.private:
            self.file(algorithm).write_bytes(self.private[algorithm].private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))

    def file(self, algorithm):
        return self.folder / f"{algorithm}.pem"

    def kid(self, algorithm):
        return public_jwk(self.private[algorithm], algorithm)["kid"]

    def door(self):
        """The clients of the door."""
        lines = []
        for name, token, scopes in (("reader", READER, "system/*.rs"), ("writer", WRITER, "system/*.cruds")):
            lines += ["[[fhir.client]]", f'id = "{name}"', f'token = "{token}"', f'scopes = ["{scopes}"]']
        for algorithm, key in self.private.items():
            jwks = json.dumps({"keys": [public_jwk(key, algorithm)]})
            lines += ["[[fhir.client]]", f'id = "{algorithm.lower()}"', f"jwks = '{jwks}'", 'scopes = ["system/*.read", "system/*.write"]']
        return "\n".join(lines)


class Guarded:
    """The door and the keys that open it."""

    def __init__(self, base, keys):
        self.base, self.keys = base, keys
        self.configuration = requests.get(f"{base}/.well-known/smart-configuration", timeout=20).json()

    def assertion(self, algorithm="RS384", **changes):
        now = int(time.time())
        audience = self.configuration["token_endpoint"]
        client = algorithm.lower()
        claims = {"iss": client, "sub": client, "aud": audience, "iat": now, "exp": now + 240,
                  "jti": str(uuid.uuid4()), **changes}
        return jwt.encode(claims, self.keys.private[algorithm], algorithm=algorithm, headers={"kid": self.keys.kid(algorithm)})

    def ask(self, assertion, **form):
        sent = {"grant_type": "client_credentials", "scope": "system/*.read", "client_assertion_type": ASSERTION,
                "client_assertion": assertion, **form}
        return requests.post(self.configuration["token_endpoint"], data=sent, timeout=20)

    def token(self, **form):
        answer = self.ask(self.assertion(), **form)
        expect(answer.status_code, 200)
        return answer.json()


def refused(error, client, path, method="get", data=None):
    try:
        client.execute(path, method=method, data=data)
    except error:
        return
    raise AssertionError(f"{method} {path} was let in")


def static_tokens(door):
    patient = {"resourceType": "Patient", "name": [{"family": "Guarded"}]}
    for authorization in (None, "Bearer nonsense", f"Basic {WRITER}", f"Bearer {WRITER}x"):
        refused(AuthorizationError, SyncFHIRClient(door.base, authorization=authorization), "Patient")
    writer = SyncFHIRClient(door.base, authorization=f"Bearer {WRITER}")
    made = writer.execute("Patient", data=patient)
    reader = SyncFHIRClient(door.base, authorization=f"Bearer {READER}")
    expect(reader.get("Patient", made["id"])["name"][0]["family"], "Guarded")
    refused(ForbiddenError, reader, "Patient", "post", patient)
    refused(ForbiddenError, reader, f"Patient/{made['id']}", "delete")
    entry = {"resource": patient, "request": {"method": "POST", "url": "Patient"}}
    refused(ForbiddenError, reader, "", "post", {"resourceType": "Bundle", "type": "transaction", "entry": [entry]})
    expect(writer.resources("Patient").search(family="Guarded").count(), 1)


def unauthorised_answers(door):
    answer = requests.get(f"{door.base}/Patient", timeout=20)
    expect((answer.status_code, answer.json()["resourceType"]), (401, "OperationOutcome"))
    expect(answer.headers["WWW-Authenticate"].startswith("Bearer"), True)
    expect(requests.get(f"{door.base}/metadata", timeout=20).status_code, 200)


def discovery(door):
    expect("client_credentials" in door.configuration["grant_types_supported"], True)
    expect("private_key_jwt" in door.configuration["token_endpoint_auth_methods_supported"], True)
    expect({"RS384", "ES384"} <= set(door.configuration["token_endpoint_auth_signing_alg_values_supported"]), True)


def token_answer(door):
    token = door.token()
    expect((token["token_type"].lower(), 0 < token["expires_in"] <= 3600, "scope" in token), ("bearer", True, True))
    client = SyncFHIRClient(door.base, authorization=f"Bearer {token['access_token']}")
    client.resources("Patient").fetch()
    refused(ForbiddenError, client, "Patient", "post", {"resourceType": "Patient"})


def narrow_scope(door):
    token = door.token(scope="system/Patient.rs")
    client = SyncFHIRClient(door.base, authorization=f"Bearer {token['access_token']}")
    writer = SyncFHIRClient(door.base, authorization=f"Bearer {WRITER}")
    patient = writer.execute("Patient", data={"resourceType": "Patient", "name": [{"family": "Narrow"}]})
    seen = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "subject": {"reference": f"Patient/{patient['id']}"}}
    observation = writer.execute("Observation", data=seen)
    refused(ForbiddenError, client, "Observation")
    refused(ForbiddenError, client, f"Observation/{observation['id']}")
    found = client.resources("Patient").search(family="Narrow").revinclude("Observation", "subject").fetch_raw()
    expect([entry["resource"]["resourceType"] for entry in found["entry"]], ["Patient"])
    for side_door in (f"Patient/{patient['id']}/$everything", f"Patient/{patient['id']}/*", "_history", ""):
        try:
            answer = client.execute(side_door, method="get")
        except ForbiddenError:
            continue
        expect({entry["resource"]["resourceType"] for entry in answer.get("entry", []) if "resource" in entry} <= {"Patient"}, True)
    chained = client.resources("Patient").has("Observation", "subject", status="final")
    try:
        expect(chained.search(family="Narrow").count(), 0)
    except (ForbiddenError, OperationOutcome):
        pass


def forged_assertions(door):
    now = int(time.time())
    stranger = rsa.generate_private_key(65537, 2048)
    claims = {"iss": "rs384", "sub": "rs384", "aud": door.configuration["token_endpoint"], "exp": now + 240, "jti": "forged"}
    kid = {"kid": door.keys.kid("RS384")}
    forged = {
        "signed by a stranger": jwt.encode(claims, stranger, algorithm="RS384", headers=kid),
        "signed by nobody": jwt.encode(claims, None, algorithm="none", headers=kid),
        "signed by a secret": jwt.encode(claims, "x" * 48, algorithm="HS384", headers=kid),
        "for another server": door.assertion(aud="https://elsewhere.example/token"),
        "that has ended": door.assertion(exp=now - 400),
        "that lasts an hour": door.assertion(exp=now + 3600),
        "of another client": door.assertion(iss="es384", sub="es384"),
        "whose issuer is not its subject": door.assertion(sub="writer"),
        "without a jti": door.assertion(jti=None),
    }
    for name, assertion in forged.items():
        answer = door.ask(assertion)
        if answer.status_code not in (400, 401) or "error" not in answer.json():
            raise AssertionError(f"an assertion {name}: {answer.status_code}")


def replay(door):
    assertion = door.assertion()
    expect(door.ask(assertion).status_code, 200)
    expect(door.ask(assertion).status_code in (400, 401), True)


def run(checks, base, keys, folder):
    door = Guarded(base, keys)
    for name, check in [
        ("answers 401 with an OperationOutcome and WWW-Authenticate; metadata is free", unauthorised_answers),
        ("PyPI fhirpy: static tokens, read-only and writing", static_tokens),
        ("tells what it takes at .well-known/smart-configuration", discovery),
        ("gives a token for an assertion, and holds it to its scope", token_answer),
        ("gives a token of a narrower scope, and holds it to that", narrow_scope),
        ("refuses forged assertions", forged_assertions),
        ("refuses an assertion the second time", replay),
    ]:
        checks.run(f"guarded door: {name}", check, door)
    for algorithm in keys.private:
        auth = {"type": "smart", "client_id": algorithm.lower(), "private_key_path": str(keys.file(algorithm).resolve()),
                "alg": algorithm, "kid": keys.kid(algorithm)}
        place = folder / algorithm
        place.mkdir(parents=True, exist_ok=True)
        fhir_sekmet.write_settings(place, base, {"json": auth})
        fhir_sekmet.run_format(checks, place, "json", SCENARIOS, f"SMART Backend Services, {algorithm}")
