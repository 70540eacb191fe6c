// Checks a value against the part of JSON schema that tools use. What it does not know holds.

type Schema = Record<string, unknown>;

/** What is wrong with `value`; undefined if nothing is. */
export function problemOf(schema: unknown, value: unknown, at = "input"): string | undefined {
  if (!isObject(schema)) return undefined;
  const types = [schema["type"] ?? []].flat() as string[];
  if (types.length > 0 && !types.some((type) => isOf(type, value))) {
    return `${at} must be ${types.join(" or ")}`;
  }
  const allowed = "const" in schema ? [schema["const"]] : schema["enum"];
  if (Array.isArray(allowed) && !allowed.some((one) => same(one, value))) {
    return `${at} must be one of ${JSON.stringify(allowed)}`;
  }
  const forms = schema["anyOf"] ?? schema["oneOf"];
  if (Array.isArray(forms) && forms.every((one) => problemOf(one, value, at) !== undefined)) {
    return `${at} has none of the forms that it may have`;
  }
  if (Array.isArray(value)) return inItems(schema, value, at);
  return isObject(value) ? inMembers(schema, value, at) : undefined;
}

function inItems(schema: Schema, values: unknown[], at: string): string | undefined {
  for (const [index, value] of values.entries()) {
    const problem = problemOf(schema["items"], value, `${at}[${index}]`);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function inMembers(schema: Schema, value: Schema, at: string): string | undefined {
  const required = Array.isArray(schema["required"]) ? (schema["required"] as string[]) : [];
  const missing = required.find((key) => !Object.hasOwn(value, key));
  if (missing !== undefined) return `${at}.${missing} is missing`;
  const known = isObject(schema["properties"]) ? schema["properties"] : {};
  const others = schema["additionalProperties"];
  for (const [key, member] of Object.entries(value)) {
    const named = Object.hasOwn(known, key);
    if (!named && others === false) return `${at}.${key} is not known`;
    const problem = problemOf(named ? known[key] : others, member, `${at}.${key}`);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function isOf(type: string, value: unknown): boolean {
  switch (type) {
    case "null":
      return value === null;
    case "array":
      return Array.isArray(value);
    case "object":
      return isObject(value);
    case "integer":
      return Number.isInteger(value);
    case "string":
    case "number":
    case "boolean":
      return typeof value === type;
    default:
      return true;
  }
}

function isObject(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
