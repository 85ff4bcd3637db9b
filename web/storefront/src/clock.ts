// The shop's time, and what is left of a span: timers only say when to look again.

/** Milliseconds to add to this machine's clock to get the server's. */
export type Offset = number;

/** The offset that one exchange tells: the answer was written about half way through it. */
export function offsetOf(sentAt: number, receivedAt: number, serverNow: number): Offset {
  return serverNow - (sentAt + receivedAt) / 2;
}

/** Asks the server once; 0, which trusts this machine, where it does not answer. */
export async function askOffset(fetcher: typeof fetch, clock: () => number): Promise<Offset> {
  try {
    const sentAt = clock();
    const answer = await fetcher('/api/v1/time', {cache: 'no-store'});
    const receivedAt = clock();
    const {now} = (await answer.json()) as {now: string};
    const serverNow = Date.parse(now);
    return Number.isNaN(serverNow) ? 0 : offsetOf(sentAt, receivedAt, serverNow);
  } catch {
    return 0;
  }
}

/** "00:15", "1:02:03", "2 d 03:04:05", as the server writes it; rounded up, so 0 means over. */
export function clockText(leftMs: number, days: string): string {
  const seconds = Math.max(0, Math.ceil(leftMs / 1000));
  const two = (n: number) => String(n).padStart(2, '0');
  const d = Math.floor(seconds / 86400);
  const h = Math.floor((seconds % 86400) / 3600);
  const m = Math.floor((seconds % 3600) / 60);
  const s = seconds % 60;
  if (d > 0) return `${d}${days}${two(h)}:${two(m)}:${two(s)}`;
  if (h > 0) return `${h}:${two(m)}:${two(s)}`;
  return `${two(m)}:${two(s)}`;
}
