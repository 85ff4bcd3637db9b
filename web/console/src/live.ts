// Follows the live numbers: one stream for all that is shown, and none while the page is hidden.
import {effect, signal} from '@preact/signals';
import {countAttention, findSession, kApi} from './api';
import {path, session} from './state';
import type {Live, SaleStats} from './types';

export const live = signal<Live | null>(null);
export const saleStats = signal<SaleStats | null>(null);
export const connected = signal(true);

let source: EventSource | null = null;
let visible = !document.hidden;
let retry = 0;

/** The sale whose page is open: it is told item by item. */
export function saleOf(at: string): string {
  const match = /^\/console\/sales\/([^/]+)$/.exec(at);
  return match && match[1] !== 'new' && match[1] !== 'import' ? match[1]! : '';
}

function close(): void {
  source?.close();
  source = null;
  clearTimeout(retry);
}

function open(sale: string): void {
  close();
  saleStats.value = null;
  const stream = new EventSource(`${kApi}/live/events${sale && `?sale=${sale}`}`);
  source = stream;
  stream.addEventListener('live', (event) => {
    connected.value = true;
    live.value = JSON.parse((event as MessageEvent<string>).data) as Live;
  });
  stream.addEventListener('sale', (event) => {
    saleStats.value = JSON.parse((event as MessageEvent<string>).data) as SaleStats;
  });
  stream.onerror = () => {
    connected.value = false;
    // A browser tries again by itself unless it was refused: then the session may be over.
    if (stream.readyState !== EventSource.CLOSED) return;
    void findSession();
    retry = window.setTimeout(() => open(sale), 3000);
  };
}

export function followLive(): void {
  const shown = signal(visible);
  document.addEventListener('visibilitychange', () => {
    visible = !document.hidden;
    shown.value = visible;
  });
  let current: string | null = null;
  effect(() => {
    const wanted = session.value && shown.value ? saleOf(path.value) : null;
    if (wanted === current) return;
    current = wanted;
    if (wanted === null) close();
    else open(wanted);
  });
  effect(() => {
    if (!session.value || !shown.value) return undefined;
    void countAttention();
    const timer = setInterval(() => void countAttention(), 10_000);
    return () => clearInterval(timer);
  });
}
