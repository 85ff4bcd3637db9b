// The rows behind a chart: what the server remembered, and what comes in by the second.
import type {History} from './types';

export const kMostRows = 900;
export type Columns = [number[], ...number[][]];

export function fromHistory(history: History, names: readonly string[]): Columns {
  return [history.at.map((at) => Date.parse(at) / 1000),
    ...names.map((name) => history.columns[name] ?? history.at.map(() => 0))] as Columns;
}

/** The same with one more row; one that is not later than the last is left out. */
export function withRow(rows: Columns, at: number, values: readonly number[]): Columns {
  const last = rows[0].at(-1);
  if (last !== undefined && at <= last) return rows;
  const keep = (column: number[], value: number) => [...column, value].slice(-kMostRows);
  return rows.map((column, i) => keep(column, i === 0 ? at : (values[i - 1] ?? 0))) as Columns;
}
