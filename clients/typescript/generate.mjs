// Writes src/api.ts from the OpenAPI document of the server: types of every schema, and a class with
// one method per operation. The file is made by every build and never kept.
import { readFileSync, writeFileSync } from "node:fs";

const document = JSON.parse(
  readFileSync(new URL("../../src/api/openapi.json", import.meta.url), "utf8"),
);
const target = new URL("src/api.ts", import.meta.url);
const base = "ApiBase";

const resolve = (node) =>
  node.$ref ? node.$ref.slice(2).split("/").reduce((at, key) => at[key], document) : node;

function typeOf(schema, indent = "") {
  if (schema === true) return "unknown";
  if (schema.$ref) return schema.$ref.split("/").at(-1);
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.oneOf) return schema.oneOf.map((one) => typeOf(one, indent)).join(" | ");
  if (schema.allOf) return schema.allOf.map((one) => typeOf(one, indent)).join(" & ");
  const types = [schema.type ?? []].flat();
  if (types.length > 1) {
    return types.map((type) => typeOf({ ...schema, type }, indent)).join(" | ");
  }
  switch (types[0]) {
    case "object":
      return objectType(schema, indent);
    case "array": {
      const items = typeOf(schema.items ?? true, indent);
      return /[|&{ ]/.test(items) ? `Array<${items}>` : `${items}[]`;
    }
    case "integer":
    case "number":
      return "number";
    case "string":
    case "boolean":
    case "null":
      return types[0];
    default:
      return "unknown";
  }
}

function objectType(schema, indent) {
  const inner = indent + "  ";
  const required = new Set(schema.required ?? []);
  const lines = Object.entries(schema.properties ?? {}).map(([name, value]) => {
    const note = value.description ? `${inner}/** ${value.description} */\n` : "";
    return `${note}${inner}${name}${required.has(name) ? "" : "?"}: ${typeOf(value, inner)};\n`;
  });
  const extra = schema.additionalProperties;
  if (extra === undefined || extra === true || typeof extra === "object") {
    if (lines.length > 0 && typeof extra !== "object") return `{\n${lines.join("")}${indent}}`;
    return `Record<string, ${typeof extra === "object" ? typeOf(extra, inner) : "unknown"}>`;
  }
  return lines.length > 0 ? `{\n${lines.join("")}${indent}}` : "Record<string, never>";
}

/** The type of the answer, and whether the whole Response is handed over: streams, pictures. */
function answerOf(operation) {
  const types = new Set();
  for (const [status, response] of Object.entries(operation.responses)) {
    if (!status.startsWith("2")) continue;
    const content = resolve(response).content;
    if (!content) continue;
    const json = content["application/json"];
    if (!json) return "Response";
    types.add(typeOf(json.schema));
  }
  return types.size > 0 ? [...types].join(" | ") : "void";
}

function method(path, verb, operation, shared) {
  const parameters = [...shared, ...(operation.parameters ?? [])].map(resolve);
  const fields = [];
  const places = { path: [], query: [], header: [] };
  for (const parameter of parameters) {
    if (!places[parameter.in]) continue;
    places[parameter.in].push(parameter.name);
    const name = /^[a-z_]+$/.test(parameter.name) ? parameter.name : `"${parameter.name}"`;
    const note = parameter.description ? `/** ${parameter.description} */ ` : "";
    fields.push(`    ${note}${name}${parameter.required ? "" : "?"}: ${typeOf(parameter.schema)};`);
  }
  const body = operation.requestBody && resolve(operation.requestBody).content;
  if (body) {
    const json = body["application/json"];
    const type = json ? typeOf(json.schema, "    ") : "string";
    const needed = resolve(operation.requestBody).required;
    fields.push(`    body${needed ? "" : "?"}: ${type};`);
  }
  const needsArguments = fields.some((field) => !field.includes("?: "));
  const answer = answerOf(operation);
  const args = fields.length
    ? `args: {\n${fields.join("\n")}\n  }${needsArguments ? "" : " = {}"}, `
    : "";
  const table = JSON.stringify({
    method: verb.toUpperCase(),
    path,
    query: places.query,
    headers: places.header,
    raw: answer === "Response",
  });
  const text = operation.description
    ? `${operation.summary}. ${operation.description}`
    : operation.summary;
  return (
    `  /** ${text} */\n` +
    `  ${operation.operationId}(${args}options: CallOptions = {}): Promise<${answer}> {\n` +
    `    return this.call(${table}, ${fields.length ? "args" : "{}"}, options);\n  }\n`
  );
}

const schemas = Object.entries(document.components.schemas).map(([name, schema]) => {
  const note = schema.description ? `/** ${schema.description} */\n` : "";
  return `${note}export type ${name} = ${typeOf(schema)};\n`;
});
const methods = [];
for (const [path, operations] of Object.entries(document.paths)) {
  const shared = operations.parameters ?? [];
  for (const [verb, operation] of Object.entries(operations)) {
    if (verb !== "parameters" && verb !== "summary") {
      methods.push(method(path, verb, operation, shared));
    }
  }
}
const text =
  `// Made by generate.mjs from the server's OpenAPI document: change that, not this.\n` +
  `import { ${base}, type CallOptions } from "./base.js";\n\n` +
  schemas.join("\n") +
  `\n/** Every operation of the server. */\nexport class Sluice extends ${base} {\n` +
  methods.join("\n") +
  "}\n";

writeFileSync(target, text);
