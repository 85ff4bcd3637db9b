import {expect, test} from 'vitest';
import {fromHistory, kMostRows, withRow, type Columns} from './rows';

const history = {step_seconds: 1, at: ['2026-11-22T00:00:00.000Z', '2026-11-22T00:00:01.000Z'],
  columns: {sold: [1, 2]}};

test('history becomes columns, and a column it lacks is zero', () => {
  expect(fromHistory(history, ['sold', 'held'])).toEqual(
    [[1795305600, 1795305601], [1, 2], [0, 0]]);
});

test('a row comes after the last or not at all', () => {
  const rows = fromHistory(history, ['sold']);
  expect(withRow(rows, 1795305602, [5])[1]).toEqual([1, 2, 5]);
  expect(withRow(rows, 1795305601, [5])).toBe(rows);
});

test('rows are bounded', () => {
  let rows: Columns = [[], []];
  for (let i = 0; i < kMostRows + 50; ++i) rows = withRow(rows, i, [i]);
  expect(rows[0].length).toBe(kMostRows);
  expect(rows[1]!.at(-1)).toBe(kMostRows + 49);
});
