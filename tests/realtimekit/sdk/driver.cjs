"use strict";
/*
Drives the vendor's TypeScript SDK, unmodified, and holds every answer against the SDK's own types.

    node driver.cjs <environment> <version> < plan.json > results.json

The environment is a folder with package.json's node_modules. The SDK does not look at what it
receives, so this reads the declarations it ships (resources/realtime-kit/*.d.ts) with TypeScript's
own compiler: how each method is called, and what it says it returns. As in driver.py, a declared
property must be there even where it is optional, and every value must have the declared type.
*/

const fs = require("node:fs");
const path = require("node:path");
const { createRequire } = require("node:module");

const [environment, version] = process.argv.slice(2);
const load = createRequire(path.join(path.resolve(environment), "package.json"));
const ts = load("typescript");
const Cloudflare = load(`cloudflare-${version}`);
const declarations = path.resolve(
  environment, "node_modules", `cloudflare-${version}`, "resources", "realtime-kit");

/* Only the resource's own file and TypeScript's ES5 library are read: the rest of the SDK would
   take half a minute, and says nothing about these types. */
function readDeclarations(resource) {
  const file = path.join(declarations, `${resource}.d.ts`);
  const options = { strict: true, lib: ["lib.es5.d.ts"], types: [], noEmit: true };
  const host = ts.createCompilerHost(options);
  host.resolveModuleNameLiterals = (names) => names.map(() => ({ resolvedModule: undefined }));
  const program = ts.createProgram([file], options, host);
  return { source: program.getSourceFile(file), checker: program.getTypeChecker() };
}

const read = new Map();

/* A method by its Python name: its TypeScript name, its parameters, and what it returns. */
function findMethod(resource, pythonName) {
  if (!read.has(resource)) read.set(resource, readDeclarations(resource));
  const { source, checker } = read.get(resource);
  const wanted = pythonName.replaceAll("_", "").toLowerCase();
  const found = [];
  ts.forEachChild(source, (node) => {
    if (!ts.isClassDeclaration(node)) return;
    for (const member of node.members) {
      if (ts.isMethodDeclaration(member) && member.name.text.toLowerCase() === wanted) found.push(member);
    }
  });
  if (!found.length) return null;
  // Of overloads, the one that takes the parameters.
  const method = found.reduce((a, b) => (b.parameters.length > a.parameters.length ? b : a));
  const returned = method.type.typeArguments[0];
  return { name: method.name.text, parameters: method.parameters, returned, checker };
}

const kindOf = (value) => (value === null ? "null" : Array.isArray(value) ? "array" : typeof value);
const fault = (where, what) => [{ path: where, fault: what }];

function checkUnion(checker, type, value, where) {
  const members = type.types.filter((each) => !(each.flags & ts.TypeFlags.Undefined));
  if (value === null) {
    return members.some((each) => each.flags & ts.TypeFlags.Null) ? [] : fault(where, "null");
  }
  const tried = members
    .filter((each) => !(each.flags & ts.TypeFlags.Null))
    .map((each) => check(checker, each, value, where));
  const best = tried.reduce((a, b) => (b.length < a.length ? b : a));
  const literal = members.every((each) => each.isLiteral() || each.flags & ts.TypeFlags.Null);
  if (best.length && literal) {
    const known = members.map((each) => each.value).join(", ");
    return fault(where, `${JSON.stringify(value)} is not one of ${known}`);
  }
  return best;
}

function checkObject(checker, type, value, where) {
  if (kindOf(value) !== "object") return fault(where, `expected object, got ${kindOf(value)}`);
  const faults = [];
  const properties = checker.getPropertiesOfType(type);
  if (properties.length && !Object.keys(value).length) return fault(where, "empty");
  for (const property of properties) {
    const inner = where ? `${where}.${property.name}` : property.name;
    if (!(property.name in value)) faults.push(...fault(inner, "missing"));
    else faults.push(...check(checker, checker.getTypeOfSymbol(property), value[property.name], inner));
  }
  const index = checker.getIndexInfoOfType(type, ts.IndexKind.String);
  if (index) {
    for (const each of Object.values(value)) faults.push(...check(checker, index.type, each, `${where}.*`));
  }
  return faults;
}

function check(checker, type, value, where) {
  const flags = ts.TypeFlags;
  if (type.flags & (flags.Any | flags.Unknown)) return [];
  if (type.isUnion()) return checkUnion(checker, type, value, where);
  if (value === null) return type.flags & flags.Null ? [] : fault(where, "null");
  if (type.isLiteral()) {
    return value === type.value ? [] : fault(where, `${JSON.stringify(value)} is not ${type.value}`);
  }
  if (type.flags & flags.BooleanLiteral) {
    return String(value) === type.intrinsicName && typeof value === "boolean"
      ? [] : fault(where, `expected ${type.intrinsicName}, got ${kindOf(value)}`);
  }
  for (const [flag, name] of [[flags.String, "string"], [flags.Number, "number"]]) {
    if (type.flags & flag) {
      return typeof value === name ? [] : fault(where, `expected ${name}, got ${kindOf(value)}`);
    }
  }
  if (checker.isArrayType(type)) {
    if (!Array.isArray(value)) return fault(where, `expected array, got ${kindOf(value)}`);
    const [item] = checker.getTypeArguments(type);
    return value.flatMap((each) => check(checker, item, each, where));
  }
  return checkObject(checker, type, value, where);
}

/* `$name:data.id` stands for that value in the body of an earlier answer. */
function resolve(value, results) {
  if (value !== null && typeof value === "object" && !Array.isArray(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, resolve(each, results)]));
  }
  if (typeof value !== "string" || !value.startsWith("$")) return value;
  const colon = value.lastIndexOf(":");
  const [name, steps] = [value.slice(1, colon), value.slice(colon + 1)];
  return steps.split(".").reduce((found, step) => found[step], results[name].body);
}

const camel = (snake) => snake.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
const snake = (name) => name.replace(/ID$/, "Id").replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/* The arguments as this generation wants them: what a positional parameter names stands first, and
   what the parameter object declares goes in there (6: the app first; 7: everything but one id).
   Where a method has no parameters but ids, as transcripts in 6 (no `format`), the rest is the
   query in the SDK's own options, like driver.py's extra_query. */
function argumentsOf(method, ids, params) {
  const positional = [];
  let query = null;
  let object = {};
  for (const parameter of method.parameters) {
    const name = parameter.name.text;
    if (name === "options") break;
    if (name !== "params") {
      positional.push(ids[snake(name)]);
      continue;
    }
    const type = method.checker.getTypeFromTypeNode(parameter.type);
    const declared = new Set(method.checker.getPropertiesOfType(type).map((each) => each.name));
    const named = Object.entries(ids).filter(([id]) => declared.has(id));
    const onlyIds = [...declared].every((each) => each in ids);
    query = onlyIds && Object.keys(params).length ? params : null;
    object = { ...Object.fromEntries(named), ...(query ? {} : params) };
    positional.push(object);
  }
  if (query) positional.push({ query });
  return positional;
}

async function perform(plan, call, results) {
  const method = findMethod(call.resource.replaceAll("_", "-"), call.method);
  if (!method) return { absent: true };
  const client = new Cloudflare({
    apiToken: call.token ?? plan.api_token,
    baseURL: plan.base_url,
    maxRetries: 0,
    timeout: 30_000,
  });
  const resource = client.realtimeKit[camel(call.resource)];
  const ids = { account_id: plan.account_id, app_id: plan.app_id, ...resolve(call.ids ?? {}, results) };
  const args = argumentsOf(method, ids, resolve(call.params ?? {}, results));
  try {
    const { data, response } = await resource[method.name](...args).withResponse();
    const type = method.checker.getTypeFromTypeNode(method.returned);
    const typed = !(type.flags & ts.TypeFlags.Void);
    return {
      status: response.status,
      error: null,
      body: data ?? null,
      typed,
      faults: typed ? check(method.checker, type, data, "") : [],
    };
  } catch (error) {
    if (!(error instanceof Cloudflare.APIError) || error.status === undefined) throw error;
    return {
      status: error.status,
      error: error.constructor.name,
      errors: error.errors.length,
      body: error.error ?? { errors: error.errors },
      faults: [],
    };
  }
}

async function main() {
  const plan = JSON.parse(fs.readFileSync(0, "utf8"));
  const results = {};
  for (const call of plan.calls) results[call.name] = await perform(plan, call, results);
  process.stdout.write(JSON.stringify(results));
}

main();
