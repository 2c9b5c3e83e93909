// npm fhir-kit-client 2.0.3 against the FHIR door. It posts Bundles to the base with a slash at its end, searches the
// system there, and asks operations as /$name.
// usage: fhir_kit_client.mjs BASE TAG
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const { assert, refusal, run } = createRequire(import.meta.url)("./fhir_checks.cjs");
const { Client } = await import(pathToFileURL(join(process.env.NODE_PATH, "fhir-kit-client/dist/index.js")).href);

const [baseUrl, tag] = [process.argv[2], `kit${process.argv[3]}`];
const client = new Client({ baseUrl });
const system = "urn:oid:2.999.4.3";
const resourceType = "Patient";
const made = [];

const patient = (number) => ({
  resourceType,
  identifier: [{ system, value: `${tag}-${number}` }],
  name: [{ family: tag, given: [`N${number}`] }],
  gender: "unknown",
  birthDate: `2001-01-${String(number + 1).padStart(2, "0")}`,
});
const statusOf = async (call) => (await refusal(call)).response.status;
const ids = (bundle) => (bundle.entry ?? []).map((entry) => entry.resource.id);
const statuses = (bundle) => bundle.entry.map((entry) => entry.response.status.slice(0, 3));
const bundle = (type, entry) => ({ resourceType: "Bundle", type, entry });

await run({
  "reads the CapabilityStatement": async () => {
    const statement = await client.capabilityStatement();
    assert.equal(statement.resourceType, "CapabilityStatement");
    assert.ok(statement.rest[0].interaction.some(({ code }) => code === "search-system"));
  },
  "creates 12 patients; Location, ETag and Last-Modified are there": async () => {
    for (let number = 0; number < 12; number += 1) {
      const created = await client.create({ resourceType, body: patient(number) });
      made.push(created.id);
      const { response } = Client.httpFor(created);
      assert.equal(response.status, 201);
      assert.equal(response.headers.get("etag"), 'W/"1"');
      assert.equal(response.headers.get("location"), `${baseUrl}/Patient/${created.id}/_history/1`);
      assert.ok(!Number.isNaN(Date.parse(response.headers.get("last-modified"))));
    }
  },
  "reads, and reads a version": async () => {
    const read = await client.read({ resourceType, id: made[0] });
    assert.equal(read.birthDate, "2001-01-01");
    const version = await client.vread({ resourceType, id: made[0], version: "1" });
    assert.deepEqual(version, read);
    const again = { headers: { "If-None-Match": 'W/"1"' } };
    assert.equal(await statusOf(() => client.read({ resourceType, id: made[0], options: again })), 304);
  },
  "updates, and conditionally": async () => {
    const body = { ...patient(1), id: made[1], active: true };
    assert.equal((await client.update({ resourceType, id: made[1], body })).meta.versionId, "2");
    const searchParams = { identifier: `${system}|${tag}-1` };
    const updated = await client.update({ resourceType, searchParams, body: { ...body, active: false } });
    assert.deepEqual([updated.id, updated.active, updated.meta.versionId], [made[1], false, "3"]);
    const stale = { headers: { "If-Match": 'W/"1"' } };
    assert.equal(await statusOf(() => client.update({ resourceType, id: made[1], body, options: stale })), 412);
    assert.equal(await statusOf(() => client.update({ resourceType, id: made[2], body })), 400);
  },
  "patches by JSON Patch": async () => {
    const jsonPatch = [{ op: "replace", path: "/gender", value: "other" }];
    assert.equal((await client.patch({ resourceType, id: made[2], jsonPatch })).gender, "other");
    const wrong = [{ op: "remove", path: "/no/such/place" }];
    assert.ok([400, 409, 422].includes(await statusOf(() => client.patch({ resourceType, id: made[2], jsonPatch: wrong }))));
  },
  "searches by GET and by POST": async () => {
    for (const options of [{}, { postSearch: true }]) {
      const searchParams = { family: tag, birthdate: ["ge2001-01-05", "lt2001-01-08"] };
      const found = await client.search({ resourceType, searchParams, options });
      assert.deepEqual(ids(found).sort(), made.slice(4, 7).sort());
    }
  },
  "pages forward by next, and back where there is a way": async () => {
    let page = await client.search({ resourceType, searchParams: { family: tag, _sort: "birthdate", _count: 5 } });
    const first = ids(page);
    const seen = [...first];
    for (let next = client.nextPage({ bundle: page }); next; next = client.nextPage({ bundle: page })) {
      page = await next;
      seen.push(...ids(page));
    }
    assert.deepEqual(seen, made);
    const second = await client.nextPage({ bundle: await client.search({
      resourceType, searchParams: { family: tag, _sort: "birthdate", _count: 5 } }) });
    const back = client.prevPage({ bundle: second });
    if (back) assert.deepEqual(ids(await back), first);
  },
  "sends a transaction": async () => {
    const place = "urn:uuid:7c3f3c52-1d7e-4a0a-9a30-1b6f5d1b0001";
    const answer = await client.transaction({ body: bundle("transaction", [
      { fullUrl: place, resource: patient(20), request: { method: "POST", url: "Patient" } },
      { resource: { resourceType: "Observation", status: "final", code: { text: tag }, subject: { reference: place } },
        request: { method: "POST", url: "Observation" } },
      { resource: { ...patient(3), id: made[3], active: true }, request: { method: "PUT", url: `Patient/${made[3]}` } },
      { request: { method: "DELETE", url: `Patient/${made[11]}` } },
    ]) });
    assert.deepEqual(statuses(answer).slice(0, 3), ["201", "201", "200"]);
    assert.ok(["200", "204"].includes(statuses(answer)[3]));
    assert.equal(await statusOf(() => client.read({ resourceType, id: made[11] })), 410);
  },
  "sends a batch": async () => {
    const answer = await client.batch({ body: bundle("batch", [
      { request: { method: "GET", url: `Patient/${made[0]}` } },
      { request: { method: "GET", url: "Patient/none-such" } },
      { request: { method: "GET", url: `Patient?family=${tag}&_summary=count` } },
    ]) });
    assert.deepEqual(statuses(answer), ["200", "404", "200"]);
    assert.equal(answer.entry[2].resource.total, 12);
  },
  "searches a compartment": async () => {
    const [id] = ids(await client.search({ resourceType, searchParams: { identifier: `${system}|${tag}-20` } }));
    const compartment = { resourceType, id };
    const found = await client.search({ resourceType: "Observation", compartment });
    assert.deepEqual(found.entry.map((entry) => entry.resource.code.text), [tag]);
  },
  "searches the system, by GET and by POST": async () => {
    const searchParams = { _type: "Patient,Observation", _lastUpdated: "ge2020-01-01", _count: 3 };
    for (const options of [{}, { postSearch: true }]) {
      const found = await client.systemSearch({ searchParams, options });
      assert.equal(found.entry.length, 3);
    }
  },
  "reads history of an instance, a type and the system": async () => {
    const instance = await client.history({ resourceType, id: made[1] });
    assert.deepEqual(instance.entry.map((entry) => entry.resource.meta.versionId), ["3", "2", "1"]);
    assert.equal((await client.history({ resourceType })).type, "history");
    assert.equal((await client.history()).type, "history");
  },
  "resolves references, relative and absolute": async () => {
    assert.equal((await client.resolve({ reference: `Patient/${made[4]}` })).id, made[4]);
    assert.equal((await client.resolve({ reference: `${baseUrl}/Patient/${made[4]}` })).id, made[4]);
  },
  "asks $everything and $validate": async () => {
    const everything = await client.operation({ name: "everything", resourceType, id: made[4], method: "GET" });
    assert.ok(ids(everything).includes(made[4]));
    const input = { resourceType: "Parameters", parameter: [{ name: "resource", resource: patient(30) }] };
    const outcome = await client.operation({ name: "validate", resourceType, input });
    assert.equal(outcome.resourceType, "OperationOutcome");
  },
  "deletes: 410": async () => {
    await client.delete({ resourceType, id: made[5] });
    assert.equal(await statusOf(() => client.read({ resourceType, id: made[5] })), 410);
  },
});
