// Made by generate.mjs from the server's OpenAPI document: change that, not this.
import { ApiBase, type CallOptions } from "./base.js";

/** RFC 3339, UTC, milliseconds */
export type Time = string;

/** RFC 9457 problem details. */
export type Problem = {
  /** a path of this server that explains the code */
  type: string;
  /** in the language of Accept-Language: zh-CN or en */
  title: string;
  status: number;
  /** what happened and what to do about it */
  detail: string;
  /** stable; decide by this, never by the texts */
  code: "unauthenticated" | "forbidden" | "rate_limited" | "idempotency_mismatch" | "unknown_item" | "unknown_sale" | "unknown_order" | "not_found" | "method_not_allowed" | "invalid_request" | "unsupported_media_type" | "not_started" | "ended" | "paused" | "already_queued" | "limit_reached" | "sold_out" | "overloaded" | "storage_full" | "storage_failed" | "already_paid" | "duplicate_id" | "too_many" | "below_committed" | "item_frozen" | "not_resolvable" | "not_paid" | "already_refunding" | "too_many_streams" | "unknown_payment" | "not_payable" | "payment_conflict" | "payment_refused" | "payment_unavailable" | "unknown_notification" | "not_replayable" | "unknown_webhook" | "unknown_delivery" | "webhook_configured" | "delivery_pending" | "internal";
  /** with already_queued */
  legacy_code?: 100;
  /** with already_queued: the order in the way */
  order_id?: string;
  /** with not_started */
  starts_at?: Time;
};

export type Order = {
  id: string;
  /** the item */
  item_id: string;
  /** the sale */
  sale_id: string;
  /** the item's title */
  title: string;
  /** units */
  quantity: number;
  /** minor units of the currency */
  amount: number;
  /** ISO 4217 */
  currency: string;
  status: "queued" | "awaiting_payment" | "closing" | "paid" | "refunding" | "refunded" | "expired" | "cancelled" | "failed";
  /** 1 queued, 2 held, 3 given up, 4 not granted, 5 money arrived */
  status_code: number;
  /** why the order ended, or is ending, other than by being paid */
  reason: "deadline" | "user" | "sale_cancelled" | "payment_failed" | "operator_release" | "late_money" | "operator_refund" | null;
  created_at: Time;
  /** the unit is held until then */
  expires_at: Time;
  paid_at: Time | null;
  transaction_id: string | null;
};

export type OrderPage = {
  orders: Order[];
  /** absent at the end of the list */
  next_page_token?: string;
};

export type OperatorOrder = {
  id: string;
  /** the item */
  item_id: string;
  /** the sale */
  sale_id: string;
  /** the item's title */
  title: string;
  /** units */
  quantity: number;
  /** minor units of the currency */
  amount: number;
  /** ISO 4217 */
  currency: string;
  status: "queued" | "awaiting_payment" | "closing" | "paid" | "refunding" | "refunded" | "expired" | "cancelled" | "failed";
  /** 1 queued, 2 held, 3 given up, 4 not granted, 5 money arrived */
  status_code: number;
  /** why the order ended, or is ending, other than by being paid */
  reason: "deadline" | "user" | "sale_cancelled" | "payment_failed" | "operator_release" | "late_money" | "operator_refund" | null;
  created_at: Time;
  /** the unit is held until then */
  expires_at: Time;
  paid_at: Time | null;
  transaction_id: string | null;
  user: string;
  operator_status: "queued" | "awaiting_payment" | "closing" | "needs_person" | "paid" | "refunding" | "refunded" | "expired" | "cancelled" | "failed";
  /** closings of the payment that failed */
  close_attempts: number;
  /** of one order read by itself: what the payment service knows of it */
  payment?: OperatorPayment | null;
};

export type OperatorOrderPage = {
  orders: OperatorOrder[];
  /** absent at the end; a page may be short, even empty, and yet not be the last */
  next_page_token?: string;
};

export type AttentionPage = {
  orders: Array<{
    id: string;
    /** the item */
    item_id: string;
    /** the sale */
    sale_id: string;
    /** the item's title */
    title: string;
    /** units */
    quantity: number;
    /** minor units of the currency */
    amount: number;
    /** ISO 4217 */
    currency: string;
    status: "queued" | "awaiting_payment" | "closing" | "paid" | "refunding" | "refunded" | "expired" | "cancelled" | "failed";
    /** 1 queued, 2 held, 3 given up, 4 not granted, 5 money arrived */
    status_code: number;
    /** why the order ended, or is ending, other than by being paid */
    reason: "deadline" | "user" | "sale_cancelled" | "payment_failed" | "operator_release" | "late_money" | "operator_refund" | null;
    created_at: Time;
    /** the unit is held until then */
    expires_at: Time;
    paid_at: Time | null;
    transaction_id: string | null;
    user: string;
    operator_status: "queued" | "awaiting_payment" | "closing" | "needs_person" | "paid" | "refunding" | "refunded" | "expired" | "cancelled" | "failed";
    /** closings of the payment that failed */
    close_attempts: number;
    attention: "close_failed" | "refund_failed" | "amount_mismatch" | "currency_mismatch" | "second_transaction" | "payment_refused";
  }>;
  next_page_token?: string;
};

export type Item = {
  /** the item */
  id: string;
  /** the sale */
  sale_id: string;
  title: string;
  image_url: string;
  description: string;
  /** minor units */
  price: number;
  /** minor units */
  list_price: number;
  /** ISO 4217 */
  currency: string;
  stock: number;
  /** units that can be ordered now */
  available: number;
  sold_out: boolean;
  per_user_limit: number;
  phase: "upcoming" | "open" | "paused" | "ended";
  starts_at: Time;
  ends_at: Time;
};

export type Sale = {
  /** the sale */
  id: string;
  title: string;
  starts_at: Time;
  ends_at: Time;
  phase: "upcoming" | "open" | "paused" | "ended";
  items: Item[];
};

export type SalePage = {
  /** the server's clock */
  now: Time;
  sales: Sale[];
  next_page_token?: string;
};

export type GrabRequest = {
  quantity?: number;
};

export type NewItem = {
  /** text id of the item; assigned where it is left out */
  id?: string | number;
  /** at most 512 bytes */
  title: string;
  /** minor units */
  price: number;
  /** minor units; the price where it is left out */
  list_price?: number;
  /** ISO 4217 */
  currency?: string;
  stock: number;
  /** units that one shopper may hold and have paid */
  per_user_limit?: number;
  /** starts with https://, http:// or /; at most 2048 bytes */
  image_url?: string;
  /** at most 8192 bytes */
  description?: string;
};

export type NewSale = {
  /** text id of the sale; assigned where it is left out */
  id?: string | number;
  /** at most 512 bytes */
  title: string;
  /** RFC 3339 */
  starts_at: string;
  /** RFC 3339, after starts_at */
  ends_at: string;
  /** how long a unit waits for its payment */
  hold_seconds?: number;
  items: NewItem[];
  /** for the audit log; at most 1024 bytes */
  reason?: string;
};

export type AddItem = {
  /** text id of the item; assigned where it is left out */
  id?: string | number;
  /** at most 512 bytes */
  title: string;
  /** minor units */
  price: number;
  /** minor units; the price where it is left out */
  list_price?: number;
  /** ISO 4217 */
  currency?: string;
  stock: number;
  /** units that one shopper may hold and have paid */
  per_user_limit?: number;
  /** starts with https://, http:// or /; at most 2048 bytes */
  image_url?: string;
  /** at most 8192 bytes */
  description?: string;
  /** for the audit log; at most 1024 bytes */
  reason?: string;
};

/** What is left out stays as it is. */
export type ChangeSale = {
  title?: string;
  /** RFC 3339 */
  starts_at?: string;
  /** RFC 3339 */
  ends_at?: string;
  /** for orders granted from now on */
  hold_seconds?: number;
  /** for the audit log; at most 1024 bytes */
  reason: string;
};

/** What is left out stays as it is. */
export type ChangeItem = {
  title?: string;
  image_url?: string;
  description?: string;
  /** for orders granted from now on */
  price?: number;
  list_price?: number;
  per_user_limit?: number;
  /** for the audit log; at most 1024 bytes */
  reason: string;
};

export type Reason = {
  /** for the audit log; at most 1024 bytes */
  reason: string;
};

export type SetStock = {
  /** the new total; never below held + sold */
  stock: number;
  /** for the audit log; at most 1024 bytes */
  reason: string;
};

export type Resolve = {
  action: "retry_close" | "mark_paid" | "release";
  /** with mark_paid: the transaction id that proves the payment */
  evidence?: string;
  /** for the audit log; at most 1024 bytes */
  reason: string;
};

export type OperatorItem = {
  /** the item */
  id: string;
  /** the sale */
  sale_id: string;
  title: string;
  image_url: string;
  description: string;
  /** minor units */
  price: number;
  /** minor units */
  list_price: number;
  /** ISO 4217 */
  currency: string;
  per_user_limit: number;
  stock: number;
  available: number;
  held: number;
  sold: number;
  refunded: number;
  /** the counters did not add up: nothing is sold until a person looks */
  frozen: boolean;
};

export type OperatorSale = {
  /** the sale */
  id: string;
  title: string;
  starts_at: Time;
  ends_at: Time;
  hold_seconds: number;
  phase: "upcoming" | "open" | "paused" | "ended";
  paused: boolean;
  cancelled: boolean;
  item_count: number;
  /** left out of lists */
  items?: OperatorItem[];
};

export type OperatorSalePage = {
  now: Time;
  sales: OperatorSale[];
  next_page_token?: string;
};

export type Stats = {
  now: Time;
  /** the sale */
  sale_id: string;
  phase: "upcoming" | "open" | "paused" | "ended";
  items: Array<{
    /** the item */
    item_id: string;
    stock: number;
    available: number;
    held: number;
    sold: number;
    refunded: number;
    /** available + held + sold = stock, and the item is not frozen */
    conserved: boolean;
  }>;
  total: {
    stock: number;
    available: number;
    held: number;
    sold: number;
    refunded: number;
    /** of every item */
    conserved: boolean;
  };
};

export type Timeline = {
  order_id: string;
  entries: Array<{
    sequence: number;
    at: Time;
    event: string;
    /** shopper, clock, provider, or an operator's name */
    actor: string;
    detail: string;
  }>;
};

export type AuditPage = {
  entries: Array<{
    sequence: number;
    at: Time;
    actor: string;
    /** such as sale.open, item.stock, order.refund */
    action: string;
    /** id of the sale, item or order */
    subject: string;
    reason: string;
    before: Record<string, unknown>;
    after: Record<string, unknown>;
  }>;
  next_page_token?: string;
};

export type DemoToken = {
  token: string;
  user: string;
  expires_at: Time;
};

export type PayRequest = {
  method: "wechat";
};

export type Payment = {
  /** what the QR code holds */
  code_url: string;
  qr_svg_url: string;
  /** minor units */
  amount: number;
  currency: string;
  expires_at: Time;
};

export type PaymentStatus = {
  order_id: string;
  /** the order's */
  status: string;
  status_code: number;
  /** null: no payment was created */
  method: string | null;
  /** null where nothing can be paid now */
  code_url: string | null;
  qr_svg_url: string | null;
  amount: number;
  currency: string;
  expires_at: Time;
  paid_at: Time | null;
  transaction_id: string | null;
};

/** The answer of the payment service. */
export type Envelope = {
  flag: boolean;
  code: 20000 | 20001;
  /** in the language of Accept-Language: zh-CN or en */
  message: string;
  /** the gateway's fields; with flag false also `error`, a stable code */
  data: Record<string, unknown>;
};

export type NotifyAnswer = {
  code?: string;
  message?: string;
};

export type Notification = {
  sequence: number;
  received_at: Time;
  verdict: "routed" | "refused" | "not_stored";
  /** where it went, or why not */
  detail: string;
  out_trade_no: string;
  transaction_id: string;
  event_id: string;
  /** how often the same event came again */
  repetitions: number;
  body_bytes: number;
  /** as it came; null where it is not UTF-8 */
  body: string | null;
};

export type NotificationPage = {
  notifications: Notification[];
  next_page_token?: string;
};

export type NewWebhook = {
  /** http:// or https://, without user, password and fragment */
  url: string;
  /** 16 to 256 visible ASCII characters; absent: one is made */
  secret?: string;
  /** absent: all */
  events?: Array<"order.paid" | "order.expired" | "order.cancelled" | "order.refunded" | "item.sold_out">;
  /** for people */
  description?: string;
  /** for the audit log; at most 1024 bytes */
  reason: string;
};

/** Absent fields stay as they are. */
export type ChangeWebhook = {
  /** http:// or https://, without user, password and fragment */
  url?: string;
  events?: Array<"order.paid" | "order.expired" | "order.cancelled" | "order.refunded" | "item.sold_out">;
  /** for people */
  description?: string;
  /** for the audit log; at most 1024 bytes */
  reason: string;
};

export type Webhook = {
  id: string;
  url: string;
  events: Array<"order.paid" | "order.expired" | "order.cancelled" | "order.refunded" | "item.sold_out">;
  description: string;
  /** it is the one of [webhook] in the configuration */
  configured: boolean;
  paused: boolean;
  created_at: Time;
  /** deliveries that wait */
  pending: number;
  /** deliveries given up */
  failed: number;
  /** attempts that failed since the last that did not */
  failures_in_a_row: number;
  /** nothing is sent before, because of those failures */
  held_until: Time | null;
  /** only in answer to the request that made it */
  secret?: string;
};

export type WebhookList = {
  webhooks: Webhook[];
};

export type Delivery = {
  sequence: number;
  /** the same however often the event comes */
  event_id: string;
  type: "order.paid" | "order.expired" | "order.cancelled" | "order.refunded" | "item.sold_out" | "ping";
  /** the order's or item's id, or ping */
  subject: string;
  state: "pending" | "delivered" | "failed";
  created_at: Time;
  /** behind an earlier event of the same order or item */
  waits_for_earlier: boolean;
  next_attempt_at: Time | null;
  finished_at: Time | null;
  attempts: number;
  last_status: number | null;
  last_error: string | null;
  /** oldest first; where one delivery was asked for */
  log?: Array<{
    at: Time;
    took_ms: number;
    /** of the answer; null: there was none */
    status: number | null;
    /** null: it was delivered */
    error: string | null;
  }>;
  /** what is sent; where one delivery was asked for */
  body?: OrderEvent | ItemEvent | PingEvent;
};

export type DeliveryPage = {
  deliveries: Delivery[];
  next_page_token?: string;
};

export type Redelivered = {
  redelivered: number;
};

/** The body of a webhook that tells of an order, as the event left it. */
export type OrderEvent = {
  /** the same however often the event comes */
  id: string;
  type: "order.paid" | "order.expired" | "order.cancelled" | "order.refunded";
  created_at: Time;
  /** the shopper */
  user: string;
  order: Order;
};

/** The body of a webhook that tells of an item. */
export type ItemEvent = {
  /** the same however often the event comes */
  id: string;
  type: "item.sold_out";
  created_at: Time;
  item: {
    id: string;
    sale_id: string;
    title: string;
    image_url: string;
    description: string;
    price: number;
    list_price: number;
    currency: string;
    stock: number;
    available: number;
    sold_out: boolean;
    per_user_limit: number;
    starts_at: Time;
    ends_at: Time;
  };
};

/** The body of a test. */
export type PingEvent = {
  /** the same however often the event comes */
  id: string;
  type: "ping";
  created_at: Time;
};

export type QueueList = {
  healthy: boolean;
  queues: Array<{
    queue: string;
    ready: number;
    unacknowledged: number;
    /** kept for a person after too many attempts */
    parked: number;
  }>;
};

export type OperatorPayment = {
  created_at: Time;
  expires_at: Time;
  amount: number;
  currency: string;
  standing: "creating" | "refused" | "open" | "closed" | "failed" | "paid" | "refunded";
  transaction_id: string;
  code_url: string;
  exchange: string;
  queue: string;
};

/** Every operation of the server. */
export class Sluice extends ApiBase {
  /** The server's clock */
  getTime(options: CallOptions = {}): Promise<{
  now: Time;
}> {
    return this.call({"method":"GET","path":"/api/v1/time","query":[],"headers":[],"raw":false}, {}, options);
  }

  /** What is, was and will be on sale */
  listSales(args: {
    /** next_page_token of the page before */ page_token?: string;
  } = {}, options: CallOptions = {}): Promise<SalePage> {
    return this.call({"method":"GET","path":"/api/v1/sales","query":["page_token"],"headers":[],"raw":false}, args, options);
  }

  /** One item with what is left of it */
  getItem(args: {
    /** text id of the item */ item: string;
  }, options: CallOptions = {}): Promise<Item> {
    return this.call({"method":"GET","path":"/api/v1/items/{item}","query":[],"headers":[],"raw":false}, args, options);
  }

  /** Grab units of an item. Checked in this order: token (401), rate limit (429), Idempotency-Key (201 again, or 422), item (404), body and quantity (400; the media type is not looked at), not started (425), ended (410), paused (423), already queued (409), limit reached (409), sold out (409), overloaded (503). */
  grab(args: {
    /** text id of the item */ item: string;
    /** 1 to 64 printable ASCII characters, bare or quoted; remembered once it made an order */ "Idempotency-Key"?: string;
    body?: GrabRequest;
  }, options: CallOptions = {}): Promise<Order> {
    return this.call({"method":"POST","path":"/api/v1/items/{item}/orders","query":[],"headers":["Idempotency-Key"],"raw":false}, args, options);
  }

  /** The caller's orders, newest first */
  listOrders(args: {
    /** next_page_token of the page before */ page_token?: string;
    /** entries per page */ limit?: number;
  } = {}, options: CallOptions = {}): Promise<OrderPage> {
    return this.call({"method":"GET","path":"/api/v1/orders","query":["page_token","limit"],"headers":[],"raw":false}, args, options);
  }

  /** One of the caller's orders */
  getOrder(args: {
    /** No followed by digits */ order: string;
  }, options: CallOptions = {}): Promise<Order> {
    return this.call({"method":"GET","path":"/api/v1/orders/{order}","query":[],"headers":[],"raw":false}, args, options);
  }

  /** Give an unpaid order back */
  cancelOrder(args: {
    /** No followed by digits */ order: string;
  }, options: CallOptions = {}): Promise<Order> {
    return this.call({"method":"POST","path":"/api/v1/orders/{order}/cancel","query":[],"headers":[],"raw":false}, args, options);
  }

  /** Create the payment of an order, or tell it again. Repeatable: while the order awaits payment the answer is the same. The payment can be made until expires_at, the end of the hold. */
  payOrder(args: {
    /** No followed by digits */ order: string;
    body: PayRequest;
  }, options: CallOptions = {}): Promise<Payment> {
    return this.call({"method":"POST","path":"/api/v1/orders/{order}/payment","query":[],"headers":[],"raw":false}, args, options);
  }

  /** How far the payment is. A page may ask every 3 s; the order's events tell it sooner. */
  getPayment(args: {
    /** No followed by digits */ order: string;
  }, options: CallOptions = {}): Promise<PaymentStatus> {
    return this.call({"method":"GET","path":"/api/v1/orders/{order}/payment","query":[],"headers":[],"raw":false}, args, options);
  }

  /** The QR code of the payment */
  paymentQr(args: {
    /** No followed by digits */ order: string;
  }, options: CallOptions = {}): Promise<Response> {
    return this.call({"method":"GET","path":"/api/v1/orders/{order}/payment/qr.svg","query":[],"headers":[],"raw":true}, args, options);
  }

  /** Server-sent events of one order */
  orderEvents(args: {
    /** No followed by digits */ order: string;
    /** id of the last event received */ "Last-Event-ID"?: string;
  }, options: CallOptions = {}): Promise<Response> {
    return this.call({"method":"GET","path":"/api/v1/orders/{order}/events","query":[],"headers":["Last-Event-ID"],"raw":true}, args, options);
  }

  /** Sign in without an account (with --demo only) */
  demoToken(args: {
    body?: {
      /** a random name where it is left out */
      user?: string;
    };
  } = {}, options: CallOptions = {}): Promise<DemoToken> {
    return this.call({"method":"POST","path":"/api/v1/demo/token","query":[],"headers":[],"raw":false}, args, options);
  }

  /** Create a payment for an order of any service. Repeatable with the same parameters. A number of the form No… must be an order of this server that awaits payment, with its amount, user, queue and exchange. 200 with flag false where the provider refused or did not answer: data.error is `payment_refused` or `payment_unavailable`, data.err_code is the provider's. */
  weixinCreate(args: {
    /** number of the order */ outtradeno: string;
    /** amount in fen */ totalfee: number;
    /** routing key of its notifications; on the configured list */ queue: string;
    /** exchange of its notifications; on the configured list */ exchange: string;
    /** whom the order belongs to; comes back in the notification */ username: string;
    /** what the payer reads */ body?: string;
  }, options: CallOptions = {}): Promise<Envelope> {
    return this.call({"method":"GET","path":"/weixin/pay/create/native","query":["outtradeno","totalfee","queue","exchange","username","body"],"headers":[],"raw":false}, args, options);
  }

  /** Ask the provider about a payment. data has the gateway's fields and trade_state. An unknown number has flag false and err_code ORDERNOTEXIST. 200 with flag false where the provider refused or did not answer: data.error is `payment_refused` or `payment_unavailable`, data.err_code is the provider's. */
  weixinQuery(args: {
    /** number of the order */ outtradeno: string;
  }, options: CallOptions = {}): Promise<Envelope> {
    return this.call({"method":"GET","path":"/weixin/pay/status/query","query":["outtradeno"],"headers":[],"raw":false}, args, options);
  }

  /** Close a payment at the provider. data has return_code, result_code and err_code: ORDERPAID and ORDERNOTEXIST come with flag false. 200 with flag false where the provider refused or did not answer: data.error is `payment_refused` or `payment_unavailable`, data.err_code is the provider's. */
  weixinClose(args: {
    /** number of the order */ outtradeno: string;
  }, options: CallOptions = {}): Promise<Envelope> {
    return this.call({"method":"GET","path":"/weixin/pay/close","query":["outtradeno"],"headers":[],"raw":false}, args, options);
  }

  /** Where the provider notifies. No token: the signature is the authentication. Acknowledged only after the notification is stored for whom it concerns; the form of the answer is the provider's, v2 or v3. */
  weixinNotify(args: {
    body: Record<string, unknown>;
  }, options: CallOptions = {}): Promise<NotifyAnswer> {
    return this.call({"method":"POST","path":"/weixin/pay/notify/url","query":[],"headers":[],"raw":false}, args, options);
  }

  /** Sales, newest first, without their items */
  adminListSales(args: {
    /** next_page_token of the page before */ page_token?: string;
    /** entries per page */ limit?: number;
  } = {}, options: CallOptions = {}): Promise<OperatorSalePage> {
    return this.call({"method":"GET","path":"/api/v1/admin/sales","query":["page_token","limit"],"headers":[],"raw":false}, args, options);
  }

  /** Create a sale with its items */
  adminCreateSale(args: {
    body: NewSale;
  }, options: CallOptions = {}): Promise<OperatorSale> {
    return this.call({"method":"POST","path":"/api/v1/admin/sales","query":[],"headers":[],"raw":false}, args, options);
  }

  /** One sale with its items */
  adminGetSale(args: {
    /** text id of the sale */ sale: string;
  }, options: CallOptions = {}): Promise<OperatorSale> {
    return this.call({"method":"GET","path":"/api/v1/admin/sales/{sale}","query":[],"headers":[],"raw":false}, args, options);
  }

  /** Change a sale */
  adminChangeSale(args: {
    /** text id of the sale */ sale: string;
    body: ChangeSale;
  }, options: CallOptions = {}): Promise<OperatorSale> {
    return this.call({"method":"PATCH","path":"/api/v1/admin/sales/{sale}","query":[],"headers":[],"raw":false}, args, options);
  }

  /** Live statistics with the conservation check */
  adminSaleStats(args: {
    /** text id of the sale */ sale: string;
  }, options: CallOptions = {}): Promise<Stats> {
    return this.call({"method":"GET","path":"/api/v1/admin/sales/{sale}/stats","query":[],"headers":[],"raw":false}, args, options);
  }

  /** Add an item */
  adminAddItem(args: {
    /** text id of the sale */ sale: string;
    body: AddItem;
  }, options: CallOptions = {}): Promise<OperatorItem> {
    return this.call({"method":"POST","path":"/api/v1/admin/sales/{sale}/items","query":[],"headers":[],"raw":false}, args, options);
  }

  /** One item with its counters */
  adminGetItem(args: {
    /** text id of the item */ item: string;
  }, options: CallOptions = {}): Promise<OperatorItem> {
    return this.call({"method":"GET","path":"/api/v1/admin/items/{item}","query":[],"headers":[],"raw":false}, args, options);
  }

  /** Change an item */
  adminChangeItem(args: {
    /** text id of the item */ item: string;
    body: ChangeItem;
  }, options: CallOptions = {}): Promise<OperatorItem> {
    return this.call({"method":"PATCH","path":"/api/v1/admin/items/{item}","query":[],"headers":[],"raw":false}, args, options);
  }

  /** Set the total stock */
  adminSetStock(args: {
    /** text id of the item */ item: string;
    body: SetStock;
  }, options: CallOptions = {}): Promise<OperatorItem> {
    return this.call({"method":"POST","path":"/api/v1/admin/items/{item}/stock","query":[],"headers":[],"raw":false}, args, options);
  }

  /** Search orders, newest first */
  adminListOrders(args: {
    /** the shopper */ user?: string;
    /** text id of the item */ item?: string;
    /** text id of the sale */ sale?: string;
    /** exact status */ status?: "queued" | "awaiting_payment" | "closing" | "needs_person" | "paid" | "refunding" | "refunded" | "expired" | "cancelled" | "failed";
    /** the order's id */ order?: string;
    /** the provider's */ transaction_id?: string;
    /** created at or after, RFC 3339 */ from?: string;
    /** created before, RFC 3339 */ to?: string;
    /** next_page_token of the page before */ page_token?: string;
    /** entries per page */ limit?: number;
  } = {}, options: CallOptions = {}): Promise<OperatorOrderPage> {
    return this.call({"method":"GET","path":"/api/v1/admin/orders","query":["user","item","sale","status","order","transaction_id","from","to","page_token","limit"],"headers":[],"raw":false}, args, options);
  }

  /** Export the same search as CSV */
  adminExportOrders(args: {
    /** the shopper */ user?: string;
    /** text id of the item */ item?: string;
    /** text id of the sale */ sale?: string;
    /** exact status */ status?: "queued" | "awaiting_payment" | "closing" | "needs_person" | "paid" | "refunding" | "refunded" | "expired" | "cancelled" | "failed";
    /** the order's id */ order?: string;
    /** the provider's */ transaction_id?: string;
    /** created at or after, RFC 3339 */ from?: string;
    /** created before, RFC 3339 */ to?: string;
  } = {}, options: CallOptions = {}): Promise<Response> {
    return this.call({"method":"GET","path":"/api/v1/admin/orders.csv","query":["user","item","sale","status","order","transaction_id","from","to"],"headers":[],"raw":true}, args, options);
  }

  /** One order */
  adminGetOrder(args: {
    /** No followed by digits */ order: string;
  }, options: CallOptions = {}): Promise<OperatorOrder> {
    return this.call({"method":"GET","path":"/api/v1/admin/orders/{order}","query":[],"headers":[],"raw":false}, args, options);
  }

  /** Everything that happened to an order */
  adminTimeline(args: {
    /** No followed by digits */ order: string;
  }, options: CallOptions = {}): Promise<Timeline> {
    return this.call({"method":"GET","path":"/api/v1/admin/orders/{order}/timeline","query":[],"headers":[],"raw":false}, args, options);
  }

  /** Decide about an order that needs a person */
  adminResolve(args: {
    /** No followed by digits */ order: string;
    body: Resolve;
  }, options: CallOptions = {}): Promise<OperatorOrder> {
    return this.call({"method":"POST","path":"/api/v1/admin/orders/{order}/resolve","query":[],"headers":[],"raw":false}, args, options);
  }

  /** Refund a paid order */
  adminRefund(args: {
    /** No followed by digits */ order: string;
    body: Reason;
  }, options: CallOptions = {}): Promise<OperatorOrder> {
    return this.call({"method":"POST","path":"/api/v1/admin/orders/{order}/refund","query":[],"headers":[],"raw":false}, args, options);
  }

  /** Orders that need a person */
  adminAttention(args: {
    /** next_page_token of the page before */ page_token?: string;
    /** entries per page */ limit?: number;
  } = {}, options: CallOptions = {}): Promise<AttentionPage> {
    return this.call({"method":"GET","path":"/api/v1/admin/attention","query":["page_token","limit"],"headers":[],"raw":false}, args, options);
  }

  /** What the payment provider notified, newest first */
  adminListNotifications(args: {
    /** only of this number */ order?: string;
    /** next_page_token of the page before */ page_token?: string;
    /** entries per page */ limit?: number;
  } = {}, options: CallOptions = {}): Promise<NotificationPage> {
    return this.call({"method":"GET","path":"/api/v1/admin/notifications","query":["order","page_token","limit"],"headers":[],"raw":false}, args, options);
  }

  /** Send a notification on once more. To the queue it went to. Consumers are idempotent: what was applied is not applied again. */
  adminReplayNotification(args: {
    /** of the notification */ sequence: string;
    body: Reason;
  }, options: CallOptions = {}): Promise<Notification> {
    return this.call({"method":"POST","path":"/api/v1/admin/notifications/{sequence}/replay","query":[],"headers":[],"raw":false}, args, options);
  }

  /** Where webhooks go */
  adminListWebhooks(options: CallOptions = {}): Promise<WebhookList> {
    return this.call({"method":"GET","path":"/api/v1/admin/webhooks","query":[],"headers":[],"raw":false}, {}, options);
  }

  /** Register a webhook */
  adminAddWebhook(args: {
    body: NewWebhook;
  }, options: CallOptions = {}): Promise<Webhook> {
    return this.call({"method":"POST","path":"/api/v1/admin/webhooks","query":[],"headers":[],"raw":false}, args, options);
  }

  /** One webhook */
  adminGetWebhook(args: {
    /** id of the webhook */ webhook: string;
  }, options: CallOptions = {}): Promise<Webhook> {
    return this.call({"method":"GET","path":"/api/v1/admin/webhooks/{webhook}","query":[],"headers":[],"raw":false}, args, options);
  }

  /** Change a webhook */
  adminChangeWebhook(args: {
    /** id of the webhook */ webhook: string;
    body: ChangeWebhook;
  }, options: CallOptions = {}): Promise<Webhook> {
    return this.call({"method":"PATCH","path":"/api/v1/admin/webhooks/{webhook}","query":[],"headers":[],"raw":false}, args, options);
  }

  /** Remove a webhook and its log */
  adminRemoveWebhook(args: {
    /** id of the webhook */ webhook: string;
    body: Reason;
  }, options: CallOptions = {}): Promise<Webhook> {
    return this.call({"method":"DELETE","path":"/api/v1/admin/webhooks/{webhook}","query":[],"headers":[],"raw":false}, args, options);
  }

  /** Hold deliveries back */
  adminPauseWebhook(args: {
    /** id of the webhook */ webhook: string;
    body: Reason;
  }, options: CallOptions = {}): Promise<Webhook> {
    return this.call({"method":"POST","path":"/api/v1/admin/webhooks/{webhook}/pause","query":[],"headers":[],"raw":false}, args, options);
  }

  /** Deliver again */
  adminResumeWebhook(args: {
    /** id of the webhook */ webhook: string;
    body: Reason;
  }, options: CallOptions = {}): Promise<Webhook> {
    return this.call({"method":"POST","path":"/api/v1/admin/webhooks/{webhook}/resume","query":[],"headers":[],"raw":false}, args, options);
  }

  /** Make a new secret */
  adminRenewWebhookSecret(args: {
    /** id of the webhook */ webhook: string;
    body: Reason;
  }, options: CallOptions = {}): Promise<Webhook> {
    return this.call({"method":"POST","path":"/api/v1/admin/webhooks/{webhook}/secret","query":[],"headers":[],"raw":false}, args, options);
  }

  /** Send a test event */
  adminPingWebhook(args: {
    /** id of the webhook */ webhook: string;
    body: Reason;
  }, options: CallOptions = {}): Promise<Delivery> {
    return this.call({"method":"POST","path":"/api/v1/admin/webhooks/{webhook}/ping","query":[],"headers":[],"raw":false}, args, options);
  }

  /** Send everything that failed again */
  adminRedeliverFailed(args: {
    /** id of the webhook */ webhook: string;
    body: Reason;
  }, options: CallOptions = {}): Promise<Redelivered> {
    return this.call({"method":"POST","path":"/api/v1/admin/webhooks/{webhook}/redeliver","query":[],"headers":[],"raw":false}, args, options);
  }

  /** The delivery log, newest first */
  adminListDeliveries(args: {
    /** id of the webhook */ webhook: string;
    state?: "pending" | "delivered" | "failed";
    /** only of this order or item */ subject?: string;
    /** next_page_token of the page before */ page_token?: string;
    /** entries per page */ limit?: number;
  }, options: CallOptions = {}): Promise<DeliveryPage> {
    return this.call({"method":"GET","path":"/api/v1/admin/webhooks/{webhook}/deliveries","query":["state","subject","page_token","limit"],"headers":[],"raw":false}, args, options);
  }

  /** One delivery with its attempts */
  adminGetDelivery(args: {
    /** id of the webhook */ webhook: string;
    /** sequence number of the delivery */ delivery: string;
  }, options: CallOptions = {}): Promise<Delivery> {
    return this.call({"method":"GET","path":"/api/v1/admin/webhooks/{webhook}/deliveries/{delivery}","query":[],"headers":[],"raw":false}, args, options);
  }

  /** Send a delivery again */
  adminRedeliver(args: {
    /** id of the webhook */ webhook: string;
    /** sequence number of the delivery */ delivery: string;
    body: Reason;
  }, options: CallOptions = {}): Promise<Delivery> {
    return this.call({"method":"POST","path":"/api/v1/admin/webhooks/{webhook}/deliveries/{delivery}/redeliver","query":[],"headers":[],"raw":false}, args, options);
  }

  /** The queues that carry notifications */
  adminListQueues(options: CallOptions = {}): Promise<QueueList> {
    return this.call({"method":"GET","path":"/api/v1/admin/queues","query":[],"headers":[],"raw":false}, {}, options);
  }

  /** What operators changed, newest first */
  adminAudit(args: {
    /** next_page_token of the page before */ page_token?: string;
    /** entries per page */ limit?: number;
  } = {}, options: CallOptions = {}): Promise<AuditPage> {
    return this.call({"method":"GET","path":"/api/v1/admin/audit","query":["page_token","limit"],"headers":[],"raw":false}, args, options);
  }

  /** Whether the process works */
  livez(args: {
    /** lists more */ verbose?: string;
  } = {}, options: CallOptions = {}): Promise<Response> {
    return this.call({"method":"GET","path":"/livez","query":["verbose"],"headers":[],"raw":true}, args, options);
  }

  /** Whether it should get traffic */
  readyz(args: {
    /** lists the checks */ verbose?: string;
  } = {}, options: CallOptions = {}): Promise<Response> {
    return this.call({"method":"GET","path":"/readyz","query":["verbose"],"headers":[],"raw":true}, args, options);
  }

  /** Prometheus, names begin sluice_ */
  metrics(options: CallOptions = {}): Promise<Response> {
    return this.call({"method":"GET","path":"/metrics","query":[],"headers":[],"raw":true}, {}, options);
  }

  /** This document */
  openapi(options: CallOptions = {}): Promise<Record<string, unknown>> {
    return this.call({"method":"GET","path":"/openapi.json","query":[],"headers":[],"raw":false}, {}, options);
  }

  /** The sales as a plain page */
  front(options: CallOptions = {}): Promise<Response> {
    return this.call({"method":"GET","path":"/","query":[],"headers":[],"raw":true}, {}, options);
  }

  /** Pause a sale */
  adminPauseSale(args: {
    /** text id of the sale */ sale: string;
    body: Reason;
  }, options: CallOptions = {}): Promise<OperatorSale> {
    return this.call({"method":"POST","path":"/api/v1/admin/sales/{sale}/pause","query":[],"headers":[],"raw":false}, args, options);
  }

  /** Resume a paused sale */
  adminResumeSale(args: {
    /** text id of the sale */ sale: string;
    body: Reason;
  }, options: CallOptions = {}): Promise<OperatorSale> {
    return this.call({"method":"POST","path":"/api/v1/admin/sales/{sale}/resume","query":[],"headers":[],"raw":false}, args, options);
  }

  /** End a sale now; unpaid orders are given up */
  adminCancelSale(args: {
    /** text id of the sale */ sale: string;
    body: Reason;
  }, options: CallOptions = {}): Promise<OperatorSale> {
    return this.call({"method":"POST","path":"/api/v1/admin/sales/{sale}/cancel","query":[],"headers":[],"raw":false}, args, options);
  }
}
