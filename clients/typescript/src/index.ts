// The client and its types.
export * from "./api.js";
export { SluiceError } from "./base.js";
export type { CallOptions, ProblemDetails, SluiceOptions } from "./base.js";
