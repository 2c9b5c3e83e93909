"""A plain client of the FHIR door for the checks here: one connection, JSON in and out, nothing hidden. And the counting."""

import http.client
import json
import time
import urllib.parse

FHIR_JSON = "application/fhir+json"
TIMEOUT_SECONDS = 120


class Answer:
    """What came back."""

    def __init__(self, response, body):
        self.status, self.headers, self.body = response.status, response.headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def text(self):
        """Status and the beginning of the body, for a message."""
        return f"{self.status} {self.body[:300].decode(errors='replace')}"


def send(connection, method, path, body, headers):
    """A peer that answers before it has all of the body may close it: what it said is read all the same."""
    try:
        connection.request(method, path, body, headers)
    except (BrokenPipeError, ConnectionResetError):
        if body is None:
            raise


class Door:
    """A connection that is opened again when the peer closed it."""

    def __init__(self, base, timeout=TIMEOUT_SECONDS):
        self.base = base.rstrip("/")
        parts = urllib.parse.urlsplit(self.base)
        self.host, self.port, self.path = parts.hostname, parts.port, parts.path
        self.timeout = timeout
        self.connection = None

    def request(self, method, url, body=None, headers=None):
        """`url` is relative to the base, or absolute. `body` may be bytes or a resource."""
        path = self.path_of(url)
        sent = {"Accept": FHIR_JSON, **(headers or {})}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if body is not None:
            sent.setdefault("Content-Type", FHIR_JSON)
        for attempt in (1, 2):
            connection = self.connection or http.client.HTTPConnection(self.host, self.port, timeout=self.timeout)
            fresh, self.connection = self.connection is None, connection
            try:
                send(connection, method, path, body, sent)
                response = connection.getresponse()
                return Answer(response, response.read())
            except (http.client.HTTPException, OSError):
                self.close()
                if fresh or attempt == 2:
                    raise
        raise AssertionError("unreachable")

    def path_of(self, url):
        if url.startswith(("http://", "https://")):
            if not url.startswith(self.base):
                raise AssertionError(f"a link leads away from the base: {url.split('?')[0]}")
            parts = urllib.parse.urlsplit(url)
            return parts.path + (f"?{parts.query}" if parts.query else "")
        return f"{self.path}/{url}" if url else self.path

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def get(self, url, **headers):
        return self.request("GET", url, headers=headers)

    def total(self, search):
        """`total` of a search, by `_summary=count`."""
        answer = self.get(f"{search}{'&' if '?' in search else '?'}_summary=count")
        if answer.status != 200:
            raise AssertionError(f"{search}: {answer.text()}")
        return answer.json["total"]

    def pages(self, search):
        """The pages of a search, to the end."""
        while search:
            answer = self.get(search)
            if answer.status != 200:
                raise AssertionError(f"{search.split('?')[0]}: {answer.text()}")
            page = answer.json
            yield page
            search = next((link["url"] for link in page.get("link", []) if link["relation"] == "next"), None)

    def matches(self, search):
        """`Type/id` of every match, page by page, in order."""
        return [
            f"{entry['resource']['resourceType']}/{entry['resource']['id']}"
            for page in self.pages(search)
            for entry in page.get("entry", [])
            if entry.get("search", {}).get("mode", "match") == "match"
        ]


class Tally:
    """Counts checks; prints those that failed, and all when asked."""

    def __init__(self, quiet=False):
        self.passed = self.failed = 0
        self.quiet = quiet
        self.slow = []

    def run(self, name, check):
        started = time.monotonic()
        try:
            check()
        except Exception as error:  # whatever went wrong, the check has failed
            self.failed += 1
            print(f"FAILED {name}: {type(error).__name__}: {error}", flush=True)
        else:
            self.passed += 1
            if not self.quiet:
                print(f"ok     {name}", flush=True)
        self.slow.append((time.monotonic() - started, name))

    def close(self, what):
        """The last line; the exit code."""
        print(f"{what}: {self.passed} passed, {self.failed} failed", flush=True)
        return 1 if self.failed else 0


def expect(actual, expected):
    if actual != expected:
        raise AssertionError(f"expected {expected}, got {actual}")


def expect_outcome(answer, words=()):
    """An OperationOutcome, in JSON or XML, that says one of the words."""
    if "xml" in answer.headers.get("Content-Type", ""):
        found = answer.body.decode()
        expect("<OperationOutcome" in found, True)
    else:
        resource = answer.json
        expect(resource["resourceType"], "OperationOutcome")
        expect(all(issue["severity"] in ("fatal", "error", "warning", "information") for issue in resource["issue"]), True)
        found = json.dumps(resource)
    if words and not any(word.lower() in found.lower() for word in words):
        raise AssertionError(f"names none of {words}: {found[:300]}")
