// Talks to the operator API with the session's cookie, and says what went wrong in the user's language.
import {attentionCount, language, session, sessionOver} from './state';
import type {Session} from './types';

export const kApi = '/api/v1/admin';

export class Problem extends Error {
  constructor(readonly status: number, readonly code: string, message: string,
    readonly retryAfter = 0) {
    super(message);
  }
}

interface Ask {
  method?: string;
  body?: unknown;
  /** Nobody asked for it: it does not keep a session alive. */
  background?: boolean;
  signal?: AbortSignal;
}

export async function ask<T>(path: string, {method = 'GET', body, background, signal}: Ask = {}): Promise<T> {
  const headers: Record<string, string> = {
    'Accept-Language': language.value === 'zh' ? 'zh-CN' : 'en'};
  if (method !== 'GET') headers['Sluice-CSRF'] = session.value?.csrf ?? '';
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (background) headers['Sluice-Background'] = '1';
  const answer = await fetch(kApi + path, {method, headers, signal: signal ?? null,
    body: body === undefined ? null : JSON.stringify(body)});
  if (answer.ok) return (answer.status === 204 ? undefined : await answer.json()) as T;
  const problem = await answer.json().catch(() => ({}));
  if (problem.code === 'unauthenticated' && session.value) {
    session.value = null;
    sessionOver.value = true;
  }
  throw new Problem(answer.status, problem.code ?? '', problem.detail ?? answer.statusText,
    Number(answer.headers.get('Retry-After') ?? 0));
}

/** Who is signed in, if anybody is. */
export async function findSession(): Promise<void> {
  try {
    session.value = await ask<Session>('/session', {background: true});
  } catch {
    session.value = null;
  }
}

export async function signIn(body: object): Promise<void> {
  session.value = await ask<Session>('/session', {method: 'POST', body});
  sessionOver.value = false;
}

export async function signOut(): Promise<void> {
  await ask('/session', {method: 'DELETE'}).catch(() => undefined);
  session.value = null;
}

/** How many orders need a person; beyond a hundred it does not matter. */
export async function countAttention(): Promise<void> {
  try {
    const page = await ask<{orders: unknown[]}>('/attention?limit=100', {background: true});
    attentionCount.value = page.orders.length;
  } catch {
    // The next look will tell.
  }
}
