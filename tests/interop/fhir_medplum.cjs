// npm @medplum/core 4.5.2 (MedplumClient) against the FHIR door.
// usage: fhir_medplum.cjs BASE TAG
const { MedplumClient, MemoryStorage, ClientStorage } = require("@medplum/core");
const { assert, refusal, run } = require("./fhir_checks.cjs");

const [base, tag] = [new URL(process.argv[2]), `medplum${process.argv[3]}`];
const system = "urn:oid:2.999.4.4";
const options = {
  baseUrl: `${base.origin}/`,
  fhirUrlPath: base.pathname.slice(1),
  storage: new ClientStorage(new MemoryStorage()),
  cacheTime: 0,
};
const medplum = new MedplumClient(options);
const made = [];

const patient = (number) => ({
  resourceType: "Patient",
  identifier: [{ system, value: `${tag}-${number}` }],
  name: [{ family: tag, given: [`N${number}`] }],
  birthDate: `1990-05-${10 + (number % 20)}`,
});
const codeOf = async (call) => (await refusal(call)).outcome.issue[0].code;

run({
  "creates and reads": async () => {
    for (let number = 0; number < 9; number += 1) {
      made.push(await medplum.createResource(patient(number)));
    }
    assert.deepEqual(await medplum.readResource("Patient", made[0].id), made[0]);
    assert.deepEqual(await medplum.readReference({ reference: `Patient/${made[1].id}` }), made[1]);
  },
  "updates; the same again makes no new version": async () => {
    const changed = await medplum.updateResource({ ...made[0], gender: "female" });
    assert.equal(changed.meta.versionId, "2");
    assert.equal((await medplum.updateResource(changed)).meta.versionId, "2");
  },
  "searches by string, date, token, and by an object": async () => {
    const found = async (query) => (await medplum.searchResources("Patient", query)).map((one) => one.birthDate).sort();
    assert.deepEqual(await found(`family=${tag}&birthdate=ge1990-05-17`), ["1990-05-17", "1990-05-18"]);
    assert.deepEqual(await found({ identifier: `${system}|${tag}-3` }), ["1990-05-13"]);
    assert.equal((await medplum.searchOne("Patient", { family: tag, _sort: "-birthdate" })).birthDate, "1990-05-18");
    const bundle = await medplum.search("Patient", { family: tag, _count: "2", _total: "accurate" });
    assert.deepEqual([bundle.total, bundle.entry.length], [9, 2]);
  },
  "searches by chain and _include": async () => {
    await medplum.createResource({
      resourceType: "Observation", status: "final", code: { coding: [{ system: "http://loinc.org", code: "8302-2" }] },
      subject: { reference: `Patient/${made[2].id}` }, effectiveDateTime: "2026-01-02T03:04:05Z",
    });
    const bundle = await medplum.search("Observation", `subject:Patient.identifier=${system}|${tag}-2&_include=Observation:subject`);
    assert.deepEqual(bundle.entry.map((entry) => entry.search.mode), ["match", "include"]);
    const having = await medplum.searchResources("Patient", `family=${tag}&_has:Observation:subject:code=8302-2`);
    assert.deepEqual(having.map((one) => one.id), [made[2].id]);
  },
  "pages by searchResourcePages": async () => {
    const seen = [];
    for await (const page of medplum.searchResourcePages("Patient", { family: tag, _sort: "birthdate", _count: 4 })) {
      assert.ok(page.length <= 4);
      seen.push(...page.map((one) => one.id));
    }
    assert.deepEqual(seen, made.map((one) => one.id));
  },
  "patches by JSON Patch, with test": async () => {
    const patched = await medplum.patchResource("Patient", made[3].id, [
      { op: "test", path: "/name/0/family", value: tag },
      { op: "add", path: "/active", value: true },
      { op: "copy", from: "/name/0/given/0", path: "/name/0/text" },
    ]);
    assert.deepEqual([patched.active, patched.name[0].text, patched.meta.versionId], [true, "N3", "2"]);
    await refusal(() => medplum.patchResource("Patient", made[3].id, [{ op: "test", path: "/active", value: false }]));
    assert.equal((await medplum.readResource("Patient", made[3].id)).meta.versionId, "2");
  },
  "creates if none exists": async () => {
    const query = `identifier=${system}|${tag}-4`;
    assert.equal((await medplum.createResourceIfNoneExist(patient(4), query)).id, made[4].id);
  },
  "upserts": async () => {
    const query = { identifier: `${system}|${tag}-40` };
    const first = await medplum.upsertResource(patient(40), query);
    const second = await medplum.upsertResource({ ...patient(40), gender: "other" }, query);
    assert.deepEqual([second.id, second.gender, second.meta.versionId], [first.id, "other", "2"]);
  },
  "reads history and versions": async () => {
    const history = await medplum.readHistory("Patient", made[0].id, { count: 10 });
    assert.deepEqual(history.entry.map((entry) => entry.resource.meta.versionId), ["2", "1"]);
    assert.deepEqual(await medplum.readVersion("Patient", made[0].id, "1"), made[0]);
  },
  "executes a transaction": async () => {
    const place = "urn:uuid:4e1e2d52-8a0d-4d7e-8a11-5b0d1c1d0001";
    const answer = await medplum.executeBatch({ resourceType: "Bundle", type: "transaction", entry: [
      { fullUrl: place, resource: patient(50), request: { method: "POST", url: "Patient" } },
      { resource: { resourceType: "Appointment", status: "proposed",
          participant: [{ actor: { reference: place }, status: "accepted" }] },
        request: { method: "POST", url: "Appointment" } },
    ] });
    assert.equal(answer.type, "transaction-response");
    const booked = await medplum.searchResources("Appointment", `patient.identifier=${system}|${tag}-50`);
    assert.equal(booked.length, 1);
  },
  "executes a batch, and batches of its own making": async () => {
    const batching = new MedplumClient({ ...options, storage: new ClientStorage(new MemoryStorage()), autoBatchTime: 20 });
    const read = await Promise.all(made.slice(0, 4).map((one) => batching.readResource("Patient", one.id)));
    assert.deepEqual(read.map((one) => one.id), made.slice(0, 4).map((one) => one.id));
    const answer = await medplum.executeBatch({ resourceType: "Bundle", type: "batch", entry: [
      { request: { method: "GET", url: `Patient/${made[0].id}` } },
      { request: { method: "DELETE", url: "Patient/none-such" } },
      { request: { method: "GET", url: "Patient/none-such" } },
    ] });
    assert.equal(answer.entry[0].response.status.slice(0, 3), "200");
    assert.equal(answer.entry[2].response.status.slice(0, 3), "404");
  },
  "validates": async () => {
    const outcome = await medplum.validateResource({ ...patient(60), gender: "pink" });
    assert.ok(outcome.issue.some((issue) => issue.severity === "error"));
  },
  "deletes: gone": async () => {
    await medplum.deleteResource("Patient", made[8].id);
    assert.ok(["deleted", "not-found"].includes(await codeOf(() => medplum.readResource("Patient", made[8].id))));
    assert.equal(await codeOf(() => medplum.readResource("Patient", "never-was")), "not-found");
  },
  "exports in bulk": async () => {
    const manifest = await medplum.bulkExport("", "Patient", undefined, { pollStatusPeriod: 200, pollStatusOnAccepted: true });
    const lines = [];
    for (const { url } of manifest.output) {
      const answer = await fetch(url, { headers: { Accept: "application/fhir+ndjson" } });
      lines.push(...(await answer.text()).split("\n").filter(Boolean).map(JSON.parse));
    }
    assert.ok(lines.some((one) => one.id === made[0].id));
    assert.ok(lines.every((one) => one.resourceType === "Patient"));
  },
});
