// What the operator API answers; the whole of it is in /openapi.json.
export interface Units {
  stock: number;
  available: number;
  held: number;
  sold: number;
  refunded: number;
  conserved: boolean;
}
export type Phase = 'upcoming' | 'open' | 'paused' | 'ended';
export interface LiveSale extends Units {
  id: string;
  title: string;
  phase: Phase;
  starts_at: string;
  ends_at: string;
}
export interface ServiceHealth {
  name: string;
  ok: boolean;
  detail: string;
}
export interface Live {
  now: string;
  version: string;
  ready: boolean;
  conserved: boolean;
  granted_per_second: number;
  refused_per_second: number;
  turned_away_per_second: number;
  requests_per_second: number;
  p99_ms: number | null;
  queue_depth: number;
  queue_bound: number;
  orders: number;
  connections: number;
  streams: number;
  alarms: number;
  sales: LiveSale[];
  sale_count: number;
  units: Units;
  services: ServiceHealth[];
}
export interface ItemStats extends Units {
  item_id: string;
}
export interface SaleStats {
  now: string;
  sale_id: string;
  phase: Phase;
  items: ItemStats[];
  total: Units;
}
export interface History {
  step_seconds: number;
  at: string[];
  columns: Record<string, number[]>;
}
export interface Item {
  id: string;
  sale_id: string;
  title: string;
  image_url: string;
  description: string;
  price: number;
  list_price: number;
  currency: string;
  per_user_limit: number;
  stock: number;
  available: number;
  held: number;
  sold: number;
  refunded: number;
  frozen: boolean;
}
export interface Sale {
  id: string;
  title: string;
  starts_at: string;
  ends_at: string;
  hold_seconds: number;
  phase: Phase;
  paused: boolean;
  cancelled: boolean;
  item_count: number;
  items?: Item[];
}
export interface Payment {
  created_at: string;
  expires_at: string;
  amount: number;
  currency: string;
  standing: string;
  transaction_id: string;
  code_url: string;
  exchange: string;
  queue: string;
}
export interface Order {
  id: string;
  item_id: string;
  sale_id: string;
  title: string;
  quantity: number;
  amount: number;
  currency: string;
  status: string;
  operator_status: OrderStatus;
  reason: string | null;
  created_at: string;
  expires_at: string;
  paid_at: string | null;
  transaction_id: string | null;
  user: string;
  close_attempts: number;
  payment?: Payment | null;
  attention?: string;
}
export const kOrderStatuses = ['queued', 'awaiting_payment', 'closing', 'needs_person', 'paid',
  'refunding', 'refunded', 'expired', 'cancelled', 'failed'] as const;
export type OrderStatus = (typeof kOrderStatuses)[number];
export interface TimelineEntry {
  sequence: number;
  at: string;
  event: string;
  actor: string;
  detail: string;
}
export interface AuditEntry {
  sequence: number;
  at: string;
  actor: string;
  action: string;
  subject: string;
  reason: string;
  before: Record<string, unknown>;
  after: Record<string, unknown>;
}
export interface Notification {
  sequence: number;
  received_at: string;
  verdict: 'routed' | 'refused' | 'not_stored';
  detail: string;
  out_trade_no: string;
  transaction_id: string;
  event_id: string;
  repetitions: number;
  body_bytes: number;
  body: string | null;
}
export interface Webhook {
  id: string;
  url: string;
  events: string[];
  description: string;
  configured: boolean;
  paused: boolean;
  created_at: string;
  pending: number;
  failed: number;
  failures_in_a_row: number;
  held_until: string | null;
  /** Only in the answer to who made it. */
  secret?: string;
}
export const kDeliveryStates = ['pending', 'delivered', 'failed'] as const;
export interface Delivery {
  sequence: number;
  event_id: string;
  type: string;
  subject: string;
  state: (typeof kDeliveryStates)[number];
  created_at: string;
  waits_for_earlier: boolean;
  next_attempt_at: string | null;
  finished_at: string | null;
  attempts: number;
  last_status: number | null;
  last_error: string | null;
}
export interface DeliveryDetail extends Delivery {
  log: {at: string; took_ms: number; status: number | null; error: string | null}[];
  body: unknown;
}
export interface Queue {
  queue: string;
  ready: number;
  unacknowledged: number;
  parked: number;
}
export interface Session {
  operator: string;
  csrf: string | null;
  expires_at: string;
  idle_seconds: number;
}
export interface Notice {
  line: number;
  subject: string;
  text: string;
}
export interface ImportItem {
  line: number;
  id: string;
  title: string;
  price: number;
  list_price: number;
  currency: string;
  stock: number;
  per_user_limit: number;
}
export interface ImportStep {
  action: 'open' | 'add';
  sale_id: string;
  title: string;
  starts_at: string;
  ends_at: string;
  hold_seconds: number;
  item_count: number;
  done_count: number;
  items: ImportItem[];
}
export interface ImportReport {
  dry_run: boolean;
  format: string;
  rows: number;
  left_out_count: number;
  complete: boolean;
  failure: string | null;
  steps: ImportStep[];
  left_out: Notice[];
  notes: Notice[];
  already_there: Notice[];
}
