// The check of a webhook, for receivers on Node.
import { createHmac, timingSafeEqual } from "node:crypto";
import type { ItemEvent, OrderEvent, PingEvent } from "./api.js";

export type WebhookEvent = OrderEvent | ItemEvent | PingEvent;

/**
 * The event of a request, or an error where it was not signed with `secret` in the last `tolerance`
 * seconds. `body` is what came, byte for byte; `signature` the header Sluice-Signature.
 */
export function readWebhook(
  body: string | Uint8Array,
  signature: string,
  secret: string,
  tolerance = 300,
): WebhookEvent {
  const parts = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/.exec(signature);
  const [, time = "", given = ""] = parts ?? [];
  const wanted = createHmac("sha256", secret).update(`${time}.`).update(body).digest();
  if (!parts || !timingSafeEqual(Buffer.from(given, "hex"), wanted)) {
    throw new Error("the webhook is not signed with this secret");
  }
  if (Math.abs(Date.now() / 1000 - Number(time)) > tolerance) {
    throw new Error("the webhook is too old");
  }
  return JSON.parse(typeof body === "string" ? body : Buffer.from(body).toString("utf8"));
}
