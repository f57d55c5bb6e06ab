// The REST API, with its one shape of errors.

export class ApiError extends Error {
  constructor(status, code, message, hint = "") {
    super(message);
    this.status = status;
    this.code = code;
    this.hint = hint;
  }

  /** Message and hint as one text for people. */
  get line() {
    return this.hint ? `${this.message} – ${this.hint}` : this.message;
  }
}

async function refusal(answer) {
  let body = null;
  try {
    body = await answer.json();
  } catch {
    body = null; // not ours: a proxy's page, or nothing
  }
  const error = body?.error;
  if (answer.status === 401) {
    return new ApiError(401, "unauthorized", "This browser session is over",
      "run `nitropilot url` on the daemon's computer and open what it prints");
  }
  return new ApiError(answer.status, error?.code ?? "unexpected",
    error?.message ?? `the daemon answered ${answer.status}`, error?.hint ?? "");
}

async function send(method, path, body) {
  const request = { method, credentials: "same-origin", cache: "no-store" };
  if (body !== undefined) {
    request.headers = { "Content-Type": "application/json" };
    request.body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(path, request);
  } catch {
    throw new ApiError(0, "unreachable", "The daemon does not answer", "is it still running?");
  }
  if (!answer.ok) throw await refusal(answer);
  return answer;
}

/** Call the API; the answer's JSON, or null where there is none.  Raises ApiError. */
export async function call(method, path, body) {
  const answer = await send(method, path, body);
  return answer.status === 204 ? null : answer.json();
}

export const get = (path) => call("GET", path);

/** A picture from the API.  Raises ApiError. */
export async function picture(path) {
  return createImageBitmap(await (await send("GET", path)).blob());
}

/** What this daemon's API has, so that the page offers nothing that is not there. */
export class Features {
  constructor(description) {
    this.operations = new Set();
    for (const [path, methods] of Object.entries(description.paths ?? {})) {
      for (const method of Object.keys(methods)) {
        this.operations.add(`${method.toUpperCase()} ${path.replace(/\{[^}]*\}/g, "{}")}`);
      }
    }
    this.schemas = description.components?.schemas ?? {};
  }

  static async load() {
    return new Features(await get("/openapi.json"));
  }

  /** Whether there is such a route; placeholders are written {}. */
  has(method, path) {
    return this.operations.has(`${method} /api/v1${path}`);
  }

  /** Whether a body of that schema may have the field. */
  takes(schema, field) {
    return Object.hasOwn(this.schemas[schema]?.properties ?? {}, field);
  }
}
