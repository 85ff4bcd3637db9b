import {describe, expect, it} from 'vitest';
import {follow, kPollMs, type World} from './live';

function world() {
  const state = {
    message: (_: string) => {},
    gone: () => {},
    closed: 0,
    answers: [] as (string | undefined)[],
    asked: [] as string[],
    waiting: [] as (() => void)[],
    waits: [] as number[],
  };
  const fake: World = {
    open: (path) => {
      state.asked.push(path);
      return {
        onmessage: (handler) => (state.message = handler),
        ongone: (handler) => (state.gone = handler),
        close: () => ++state.closed,
      };
    },
    ask: async (path) => {
      state.asked.push(path);
      return state.answers.shift();
    },
    later: (ms, job) => {
      state.waits.push(ms);
      state.waiting.push(job);
      return () => (state.waiting = []);
    },
  };
  const pass = async () => {
    state.waiting.shift()?.();
    await new Promise((done) => setTimeout(done, 0));
  };
  return {state, fake, pass};
}

describe('follow', () => {
  it('tells each change once, and nothing of what the page shows already', () => {
    const {state, fake} = world();
    const told: string[] = [];
    follow(fake, '/orders/No1', 'awaiting_payment', (status) => told.push(status));
    state.message('awaiting_payment');
    state.message('paid');
    state.message('paid');
    expect(told).toEqual(['paid']);
    expect(state.asked).toEqual(['/orders/No1/events']);
  });

  it('looks every three seconds once the stream is gone', async () => {
    const {state, fake, pass} = world();
    const told: string[] = [];
    follow(fake, '/orders/No1', 'awaiting_payment', (status) => told.push(status));
    state.gone();
    state.answers = [undefined, 'awaiting_payment', 'paid'];
    await pass();
    await pass();
    await pass();
    expect(told).toEqual(['paid']);
    expect(state.waits).toEqual([kPollMs, kPollMs, kPollMs, kPollMs]);
    expect(state.closed).toBe(1);
  });

  it('is silent after it was stopped', async () => {
    const {state, fake, pass} = world();
    const told: string[] = [];
    const stop = follow(fake, '/orders/No1', 'queued', (status) => told.push(status));
    state.gone();
    stop();
    state.answers = ['paid'];
    await pass();
    state.message('paid');
    expect(told).toEqual([]);
  });
});
