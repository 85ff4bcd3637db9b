import {describe, expect, it} from 'vitest';
import {askOffset, clockText, offsetOf} from './clock';

describe('clockText', () => {
  it.each([
    [0, '00:00'],
    [-5000, '00:00'],
    [1, '00:01'],
    [1000, '00:01'],
    [59_001, '01:00'],
    [3_600_000, '1:00:00'],
    [3_599_999, '1:00:00'],
    [86_400_000 * 2 + 3_600_000 + 61_000, '2 d 01:01:01'],
  ])('%i ms reads %s', (left, text) => {
    expect(clockText(left, ' d ')).toBe(text);
  });
});

describe('the offset of the server', () => {
  it('takes half of the round trip off', () => {
    expect(offsetOf(1000, 1200, 5100)).toBe(4000);
  });

  it('reads the time that the server tells', async () => {
    const ticks = [1_000_000, 1_000_100];
    const fetcher = async () => new Response('{"now":"1970-01-01T00:20:00.000Z"}');
    expect(await askOffset(fetcher, () => ticks.shift()!)).toBe(1_200_000 - 1_000_050);
  });

  it.each([
    ['no answer', async () => Promise.reject(new Error('offline'))],
    ['no JSON', async () => new Response('busy', {status: 503})],
    ['no time', async () => new Response('{"now":"soon"}')],
  ])('trusts this machine where there is %s', async (_what, fetcher) => {
    expect(await askOffset(fetcher as typeof fetch, () => 5)).toBe(0);
  });
});
