// The filter of orders: in the address of the page, in the query of the API, in the search field.
import {kOrderStatuses, type OrderStatus} from './types';

export const kFields = ['order', 'user', 'sale', 'item', 'status', 'transaction_id', 'from', 'to'] as const;
export type Field = (typeof kFields)[number];
export type Filter = Partial<Record<Field, string>>;

/** Reads what this page understands and leaves the rest; a status that there is not is dropped. */
export function fromQuery(query: string): Filter {
  const given = new URLSearchParams(query);
  const filter: Filter = {};
  for (const field of kFields) {
    const value = given.get(field)?.trim();
    if (!value) continue;
    if (field === 'status' && !kOrderStatuses.includes(value as OrderStatus)) continue;
    filter[field] = value;
  }
  return filter;
}

/** "?status=paid&user=…", or "" for no filter; always in the same order. */
export function toQuery(filter: Filter, more: Record<string, string> = {}): string {
  const query = new URLSearchParams();
  for (const field of kFields) if (filter[field]) query.set(field, filter[field]!);
  for (const [name, value] of Object.entries(more)) if (value) query.set(name, value);
  const text = query.toString();
  return text && `?${text}`;
}

/** What somebody typed: an order's number, a provider's transaction, else a shopper. */
export function fromSearch(text: string): Filter {
  const word = text.trim();
  if (!word) return {};
  if (/^No[1-9]\d{0,18}$/.test(word)) return {order: word};
  if (/^\d{16,32}$/.test(word)) return {transaction_id: word};
  return {user: word};
}

export const toSearch = (filter: Filter): string =>
  filter.order ?? filter.transaction_id ?? filter.user ?? '';
