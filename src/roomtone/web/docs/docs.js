// Makes /openapi.json readable. Everything is put in as text, never as markup.

const METHODS = ["get", "post", "put", "patch", "delete"];

/**
 * @param {string} name
 * @param {Record<string, string>} attributes
 * @param {...(Node | string)} children
 */
function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** Text in which `this` becomes code. @param {string} text */
function prose(text) {
  return text.split(/`+([^`]+)`+/).map((part, i) => (i % 2 ? element("code", {}, part) : part));
}

class Schemas {
  /** @param {Record<string, any>} components */
  constructor(components) {
    this.components = components;
  }

  /** @param {any} schema */
  resolve(schema) {
    const name = this.name(schema);
    return name ? this.components[name] : schema;
  }

  /** @param {any} schema */
  name(schema) {
    return schema.$ref ? schema.$ref.split("/").pop() : "";
  }

  /** What a schema is, in a few words. @param {any} schema @returns {string} */
  words(schema) {
    if (schema.$ref) return this.name(schema);
    if (schema.anyOf) return schema.anyOf.map((/** @type {any} */ part) => this.words(part)).join(" or ");
    if (schema.enum) return schema.enum.map((/** @type {any} */ value) => JSON.stringify(value)).join(" | ");
    if (schema.type === "array") return schema.items ? `list of ${this.words(schema.items)}` : "list";
    const bounds = [
      schema.minimum !== undefined && `from ${schema.minimum}`,
      schema.maximum !== undefined && `to ${schema.maximum}`,
      schema.minLength !== undefined && `at least ${schema.minLength} long`,
      schema.maxLength !== undefined && `at most ${schema.maxLength} long`,
      schema.format,
    ].filter(Boolean);
    return [schema.type ?? "anything", ...bounds].join(" ");
  }

  /** The objects inside a schema, through lists and unions. @param {any} schema @returns {any[]} */
  objects(schema) {
    if (schema.anyOf) return schema.anyOf.flatMap((/** @type {any} */ part) => this.objects(part));
    if (schema.type === "array") return schema.items ? this.objects(schema.items) : [];
    return this.resolve(schema).properties ? [schema] : [];
  }

  /** A tree that opens on demand, so shapes that hold themselves end. @param {any} schema @param {boolean} open */
  tree(schema, open) {
    const shape = this.resolve(schema);
    const summary = element("summary", {}, element("span", { class: "type" }, this.words(schema)));
    const tree = element("details", {}, summary);
    const fill = () => {
      if (tree.childElementCount > 1) return;
      if (shape.description) tree.append(element("p", { class: "quiet" }, ...prose(shape.description)));
      const members = element("div", { class: "members" });
      for (const [name, member] of Object.entries(shape.properties ?? {})) {
        const optional = (shape.required ?? []).includes(name) ? "" : "?";
        const line = element("div", { class: "member" }, element("code", {}, name + optional), " ");
        const inner = this.objects(member);
        line.append(element("span", { class: "type" }, this.words(member)));
        line.append(...inner.map((object) => this.tree(object, false)));
        members.append(line);
      }
      tree.append(members);
    };
    tree.addEventListener("toggle", fill);
    if (open) {
      fill();
      tree.setAttribute("open", "");
    }
    return tree;
  }
}

/** @param {any[]} parameters @param {Schemas} schemas */
function parameterTable(parameters, schemas) {
  const rows = parameters.map((parameter) => {
    const fallback = parameter.schema.default;
    const about = fallback === undefined ? "" : ` Default ${JSON.stringify(fallback)}.`;
    return element(
      "tr",
      {},
      element("td", {}, element("code", {}, parameter.name)),
      element("td", {}, element("span", { class: "type" }, schemas.words(parameter.schema))),
      element("td", {}, ...prose(parameter.description + about)),
    );
  });
  const head = element("tr", {}, ...["Name", "Value", "Meaning"].map((word) => element("th", { scope: "col" }, word)));
  return element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows));
}

/** @param {string} method @param {string} path @param {any} operation */
function example(method, path, operation) {
  const lines = [`curl -H "Authorization: Bearer $TOKEN" \\`];
  if (operation.requestBody) lines.push(`  -H "Content-Type: application/json" -d '{}' \\`);
  const verb = method === "get" ? "" : `-X ${method.toUpperCase()} `;
  return [...lines, `  ${verb}${location.origin}/client/v4${path}`].join("\n");
}

/** @param {string} path @param {string} method @param {any} operation @param {any[]} shared @param {Schemas} schemas */
function section(path, method, operation, shared, schemas) {
  const short = path.replace("/accounts/{account_id}/realtime/kit", "…");
  const made = element(
    "section",
    { id: operation.operationId },
    element("h3", {}, element("span", { class: `method ${method}` }, method.toUpperCase()), " ",
      element("span", { class: "path", title: path }, short)),
    element("p", {}, element("strong", {}, operation.summary), " — ", ...prose(operation.description)),
  );
  const query = operation.parameters ?? [];
  if (query.length) made.append(element("h4", {}, "Query"), parameterTable(query, schemas));
  made.append(element("h4", {}, "Path"), parameterTable(shared, schemas));
  const body = operation.requestBody?.content["application/json"].schema;
  if (body) made.append(element("h4", {}, "Body"), schemas.tree(body, true));
  made.append(element("h4", {}, "Answers"));
  for (const [status, response] of Object.entries(operation.responses)) {
    const objects = schemas.objects(response.content["application/json"].schema);
    const trees = status.startsWith("2") ? objects.map((object) => schemas.tree(object, false)) : [];
    made.append(element("div", {}, element("code", {}, status), ` ${response.description}`, ...trees));
  }
  made.append(element("h4", {}, "Example"), element("pre", { tabindex: "0" }, example(method, path, operation)));
  made.dataset.words = `${path} ${method} ${operation.operationId} ${operation.summary}`.toLowerCase();
  return made;
}

/** @param {any} api */
function show(api) {
  const schemas = new Schemas(api.components.schemas);
  const main = /** @type {HTMLElement} */ (document.getElementById("operations"));
  const contents = /** @type {HTMLElement} */ (document.getElementById("contents"));
  const search = /** @type {HTMLInputElement} */ (document.getElementById("search"));
  document.getElementById("version")?.append(api.info.version);
  document.getElementById("about")?.append(...prose(api.info.description));
  main.replaceChildren();
  for (const { name } of api.tags) {
    const list = element("ul", {});
    const group = element("div", {}, element("h2", {}, name));
    for (const [path, item] of Object.entries(api.paths)) {
      for (const method of METHODS.filter((word) => item[word]?.tags.includes(name))) {
        const operation = item[method];
        group.append(section(path, method, operation, item.parameters, schemas));
        list.append(element("li", {}, element("a", { href: `#${operation.operationId}` }, operation.summary)));
      }
    }
    contents.append(element("strong", {}, name), list);
    main.append(group);
  }
  search.addEventListener("input", () => {
    const wanted = search.value.trim().toLowerCase();
    for (const group of /** @type {NodeListOf<HTMLElement>} */ (main.querySelectorAll(":scope > div"))) {
      const sections = /** @type {NodeListOf<HTMLElement>} */ (group.querySelectorAll("section"));
      for (const one of sections) one.hidden = !one.dataset.words?.includes(wanted);
      group.hidden = [...sections].every((one) => one.hidden);
    }
  });
  if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

try {
  const response = await fetch("/openapi.json");
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  show(await response.json());
} catch (error) {
  const state = document.getElementById("state");
  state?.replaceChildren(`openapi.json could not be loaded: ${error instanceof Error ? error.message : error}`);
}
