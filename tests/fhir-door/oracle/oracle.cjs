// Says, by an independent FHIRPath engine (npm fhirpath), what every search parameter of R4 holds in each of the official
// examples, and which searches should find it.
//
//     oracle.cjs DEFINITIONS OUT      DEFINITIONS holds search-parameters.json.gz and examples.tgz of FHIR R4 4.0.1 (CC0)
//
// The folder OUT gets the examples, unpacked, and values.jsonl: a line for each example and parameter that has a value:
//     type, id, file; parameter, kind; values: each { type, value }; searches: each [name, value], as before URL encoding.
// Values are those of the published expression, whole. Its `resolve()` looks at the reference alone, as an index does.
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const zlib = require('node:zlib');
const fhirpath = require('fhirpath');
const model = require('fhirpath/fhir-context/r4');

const LETTER_OR_DIGIT = /[\p{L}\p{N}]/u;
const escape = (text) => String(text).replace(/[\\,|$]/g, (sign) => '\\' + sign);

/** The published parameters by resource type; those of Resource and DomainResource are everybody's. */
function parametersByType(folder) {
  const bundle = JSON.parse(zlib.gunzipSync(fs.readFileSync(path.join(folder, 'search-parameters.json.gz'))));
  const byUrl = new Map(bundle.entry.map(({ resource }) => [resource.url, resource]));
  const byType = new Map();
  for (const parameter of byUrl.values()) {
    for (const base of parameter.base) byType.set(base, [...(byType.get(base) ?? []), parameter]);
  }
  return { byUrl, of: (type) => ['Resource', 'DomainResource', type].flatMap((base) => byType.get(base) ?? []) };
}

function examples(folder, place) {
  fs.rmSync(place, { recursive: true, force: true });
  fs.mkdirSync(place, { recursive: true });
  execFileSync('tar', ['xzf', path.join(folder, 'examples.tgz'), '-C', place]);
  const files = fs.readdirSync(place, { recursive: true }).filter((name) => name.endsWith('.json')).sort();
  return files.map((file) => ({ file, resource: JSON.parse(fs.readFileSync(path.join(place, file))) }));
}

/** What a reference says of the type of its target: by its path, its `type`, or what is contained. */
function referredType(reference, root) {
  const text = reference.reference ?? '';
  if (text.startsWith('#')) return (root.contained ?? []).find((one) => '#' + one.id === text)?.resourceType;
  const parts = text.split('/_history/')[0].split('/');
  const named = parts.at(-2);
  return /^[A-Z][A-Za-z]+$/.test(named ?? '') ? named : reference.type;
}

function evaluate(resource, expression) {
  const refersTo = (references, type) => [referredType(references[0]?.data ?? references[0], resource) === type];
  const table = { refersTo: { fn: refersTo, arity: { 1: ['String'] } } };
  const found = fhirpath.evaluate(resource, expression, { resource }, model, { userInvocationTable: table });
  const types = fhirpath.types(found);
  return found.map((value, at) => ({ type: (types[at] ?? '').replace(/^(FHIR|System)\./, ''), value }));
}

/**
 * The expression as this engine takes it. `as` refuses lists; `ofType` is what the parameters mean. A type that FHIR does
 * not have by that name is the one with a small letter. A path begins with the very type of its resource.
 */
function modernized(expression) {
  return expression
    .replace(/\(([A-Za-z.]+) as ([A-Za-z]+)\)/g, '$1.ofType($2)')
    .replace(/\.as\(DateTime\)/g, '.ofType(dateTime)')
    .replace(/\.as\(/g, '.ofType(')
    .replace(/resolve\(\) is ([A-Za-z]+)/g, "refersTo('$1')")
    .replace(/^(Domain)?Resource\./, '');
}

const QUANTITIES = ['Quantity', 'Age', 'Duration', 'Count', 'Distance', 'SimpleQuantity', 'MoneyQuantity'];

/** Searches by one value: each a modifier, or nothing, and the text behind the equals sign. */
const SEARCHES = {
  token({ type, value }) {
    if (type === 'CodeableConcept') return (value.coding ?? []).flatMap((one) => SEARCHES.token({ type: 'Coding', value: one }));
    if (type === 'Coding') return coded(value.system, value.code);
    if (type === 'Identifier') return coded(value.system, value.value);
    if (type === 'ContactPoint') return value.value === undefined ? [] : [['', escape(value.value)]];
    return typeof value === 'object' ? [] : [['', escape(value)]];
  },
  string({ value }) {
    const parts = typeof value === 'object'
      ? ['family', 'given', 'prefix', 'suffix', 'text', 'line', 'city', 'district', 'state', 'postalCode', 'country'].flatMap((name) => value[name] ?? [])
      : [value];
    return parts.flatMap((text) => [['exact', escape(text)], ...(LETTER_OR_DIGIT.test(text) ? [['', escape(text)]] : [])]);
  },
  date({ type, value }) {
    if (typeof value === 'string') return /^\d{4}(-\d\d(-\d\d(T.*)?)?)?$/.test(value) ? [['', value]] : [];
    if (type === 'Period') return [...(value.start ? [['', 'ge' + value.start]] : []), ...(value.end ? [['', 'le' + value.end]] : [])];
    if (type !== 'Timing') return [];
    if (value.event?.length) return value.event.map((event) => ['', event]);
    return value.repeat?.boundsPeriod ? SEARCHES.date({ type: 'Period', value: value.repeat.boundsPeriod }) : [];
  },
  number({ value }) {
    return typeof value === 'object' ? [] : [['', String(value)]];
  },
  quantity({ type, value }) {
    if (type === 'Money') return value.value === undefined ? [] : [['', String(value.value)], ['', `${value.value}|urn:iso:std:iso:4217|${escape(value.currency)}`]];
    if (type === 'Range') {
      const end = (prefix, one) => (one?.value === undefined ? [] : [['', prefix + one.value]]);
      return [...end('ge', value.low), ...end('le', value.high)];
    }
    if (!QUANTITIES.includes(type) || value.value === undefined) return [];
    const number = { '<': 'lt', '<=': 'lt', '>': 'gt', '>=': 'gt' }[value.comparator] ?? '';
    const searches = [['', number + value.value]];
    if (value.code) searches.push(['', `${number}${value.value}|${escape(value.system ?? '')}|${escape(value.code)}`]);
    if (value.unit) searches.push(['', `${number}${value.value}||${escape(value.unit)}`]);
    return searches;
  },
  uri({ value }) {
    return [['', escape(value)]];
  },
  reference({ value }) {
    if (typeof value === 'string') return value.startsWith('#') ? [] : [['', escape(value)]];
    if (value.resourceType) return value.id ? [['', `${value.resourceType}/${value.id}`]] : [];
    const text = value.reference && !value.reference.startsWith('#') ? [['', escape(value.reference)]] : [];
    const identifier = value.identifier ?? (value.resourceType === undefined && value.value ? value : undefined);
    return [...text, ...(identifier?.value ? coded(identifier.system, identifier.value).map(([, text]) => ['identifier', text]) : [])];
  },
  special({ value }) {
    return value.latitude === undefined ? [] : [['', `${value.latitude}|${value.longitude}|1|km`]];
  },
};

function coded(system, code) {
  if (code === undefined) return [];
  return [['', escape(code)], ['', `${escape(system ?? '')}|${escape(code)}`]];
}

function simple(parameter, resource) {
  const values = evaluate(resource, modernized(parameter.expression)).filter(({ value }) => value !== null && value !== undefined);
  const searches = values.flatMap((value) => SEARCHES[parameter.type](value));
  return { values, searches };
}

/** Two parameters that name each other's definition in a composite: the expressions say which is which. */
const SWAPPED = new Set(['DocumentReference-relationship']);

function composite(parameter, resource, byUrl) {
  const focus = modernized(parameter.expression);
  const definitions = parameter.component.map((one) => byUrl.get(one.definition));
  if (SWAPPED.has(parameter.id)) definitions.reverse();
  const values = [];
  const searches = [];
  evaluate(resource, focus).forEach((_, at) => {
    const parts = parameter.component.map((one, index) => {
      const own = modernized(one.expression).replace('%resource', resource.resourceType);
      const inner = one.expression.startsWith('%resource') ? own : `(${focus})[${at}].select(${own})`;
      return evaluate(resource, inner).map((value) => ({ kind: definitions[index].type, ...value }));
    });
    if (parts.some((part) => part.length === 0)) return;
    values.push(parts);
    const texts = parts.map((part) => part.flatMap((one) => SEARCHES[one.kind](one)).filter(([modifier]) => modifier === '').map(([, text]) => text));
    const joined = texts.reduce((left, right) => left.flatMap((one) => right.map((other) => `${one}$${other}`)));
    searches.push(...joined.map((text) => ['', text]));
  });
  return { values: values.map((parts) => ({ type: 'composite', value: parts })), searches };
}

function main(folder, out) {
  const { byUrl, of } = parametersByType(folder);
  const lines = [];
  const failures = new Map();
  for (const { file, resource } of examples(folder, path.join(out, 'examples'))) {
    for (const parameter of of(resource.resourceType)) {
      if (!parameter.expression || parameter.code === '_id' || parameter.code === '_lastUpdated') continue;
      let found;
      try {
        found = parameter.type === 'composite' ? composite(parameter, resource, byUrl) : simple(parameter, resource);
      } catch (fault) {
        failures.set(`${parameter.id}: ${fault.message}`, file);
        continue;
      }
      if (found.values.length === 0) continue;
      const searches = found.searches.map(([modifier, value]) => [modifier ? `${parameter.code}:${modifier}` : parameter.code, value]);
      const unique = [...new Map(searches.map((search) => [search.join('='), search])).values()];
      lines.push(JSON.stringify({
        type: resource.resourceType, id: resource.id, file, parameter: parameter.code, kind: parameter.type, values: found.values, searches: unique,
      }));
    }
  }
  fs.writeFileSync(path.join(out, 'values.jsonl'), lines.join('\n') + '\n');
  for (const [failure, file] of failures) console.error(`failed: ${failure} (${file})`);
  console.error(`${lines.length} lines in ${out}/values.jsonl, ${failures.size} expressions failed`);
  process.exitCode = failures.size ? 1 : 0;
}

if (process.argv.length === 4) main(process.argv[2], process.argv[3]);
else {
  console.error('oracle.cjs DEFINITIONS OUT');
  process.exitCode = 2;
}
