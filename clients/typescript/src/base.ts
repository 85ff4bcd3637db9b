// What every operation shares: addresses, tokens, and errors that keep the server's `code`.

/** How a server says no (RFC 9457). */
export interface ProblemDetails {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  [member: string]: unknown;
}

/** The server refused. Decide by `code`, never by the texts. */
export class SluiceError extends Error {
  override readonly name = "SluiceError";
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly problem: ProblemDetails | undefined,
    /** As Retry-After says, in seconds. */
    readonly retryAfter: number | undefined,
  ) {
    super(message);
  }
}

export interface SluiceOptions {
  /** Such as "https://sale.example"; a path before /api is kept. */
  baseUrl: string;
  /** The bearer token, or what gives one for each request. */
  token?: string | (() => string | Promise<string>);
  /** Another fetch than the global one. */
  fetch?: typeof fetch;
  /** Of titles and details: "zh-CN" or "en". */
  language?: string;
}

export interface CallOptions {
  signal?: AbortSignal;
}

export interface Route {
  method: string;
  path: string;
  query: string[];
  headers: string[];
  raw: boolean;
}

type Arguments = Record<string, unknown>;

export class ApiBase {
  constructor(private readonly options: SluiceOptions) {}

  protected async call<T>(route: Route, args: object, options: CallOptions): Promise<T> {
    const given = args as Arguments;
    const headers: Record<string, string> = {};
    const { token, language } = this.options;
    if (token !== undefined) {
      headers["Authorization"] = `Bearer ${typeof token === "string" ? token : await token()}`;
    }
    if (language !== undefined) headers["Accept-Language"] = language;
    for (const name of route.headers) {
      if (given[name] !== undefined) headers[name] = String(given[name]);
    }
    const init: RequestInit = { method: route.method, headers, redirect: "error" };
    if (options.signal) init.signal = options.signal;
    if (given["body"] !== undefined) {
      headers["Content-Type"] = "application/json";
      init.body = JSON.stringify(given["body"]);
    }
    const send = this.options.fetch ?? fetch;
    const response = await send(this.address(route, given), init);
    if (!response.ok) throw await failure(response);
    if (route.raw) return response as T;
    const text = await response.text();
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }

  private address(route: Route, given: Arguments): string {
    const path = route.path.replace(/\{(\w+)\}/g, (_, name: string) =>
      encodeURIComponent(String(given[name])),
    );
    const query = new URLSearchParams();
    for (const name of route.query) {
      if (given[name] !== undefined) query.set(name, String(given[name]));
    }
    const suffix = query.toString() !== "" ? `?${query}` : "";
    return this.options.baseUrl.replace(/\/+$/, "") + path + suffix;
  }
}

async function failure(response: Response): Promise<SluiceError> {
  const text = await response.text();
  let problem: ProblemDetails | undefined;
  try {
    problem = JSON.parse(text) as ProblemDetails;
  } catch {
    problem = undefined; // a proxy's page, perhaps
  }
  const after = Number(response.headers.get("Retry-After") ?? Number.NaN);
  return new SluiceError(
    response.status,
    problem?.code ?? "unknown",
    problem?.detail ?? `the server answered ${response.status}`,
    problem,
    Number.isFinite(after) ? after : undefined,
  );
}
