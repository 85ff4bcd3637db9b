// What a webhook's numbers mean, and the filter of its deliveries.
import type {Webhook} from './types';

export type Standing = 'well' | 'trying' | 'held' | 'paused';

/** Paused by a person; held back after failures in a row; failing and tried again; or well. */
export function standingOf(hook: Pick<Webhook, 'paused' | 'held_until' | 'failures_in_a_row'>): Standing {
  if (hook.paused) return 'paused';
  if (hook.held_until) return 'held';
  return hook.failures_in_a_row > 0 ? 'trying' : 'well';
}

/** Names of events as somebody types them: with commas, blanks or both. */
export const eventsOf = (text: string): string[] => text.split(/[\s,，、]+/).filter(Boolean);

/** "?state=failed&subject=No1", or "" for everything. */
export function deliveriesQuery(state: string, subject: string, limit = 0): string {
  const query = new URLSearchParams();
  if (state) query.set('state', state);
  if (subject.trim()) query.set('subject', subject.trim());
  if (limit > 0) query.set('limit', String(limit));
  const text = query.toString();
  return text && `?${text}`;
}
