// Loading of what a page shows: its states, and lists that grow page by page.
import {useEffect, useRef, useState} from 'preact/hooks';
import {ask, Problem} from './api';
import {language} from './state';

export interface Loaded<T> {
  data: T | null;
  problem: Problem | null;
  loading: boolean;
  reload: () => void;
  /** The same unasked: it does not keep a session alive. */
  refresh: () => void;
  set: (data: T) => void;
}

function problemOf(error: unknown): Problem {
  return error instanceof Problem ? error : new Problem(0, 'no_connection', '');
}

export function useLoad<T>(path: string): Loaded<T> {
  const [data, set] = useState<T | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [loading, setLoading] = useState(true);
  const [turn, setTurn] = useState(0);
  const quiet = useRef(false);
  const spoken = language.value;
  useEffect(() => {
    const abort = new AbortController();
    setLoading(true);
    ask<T>(path, {signal: abort.signal, background: quiet.current}).then((loaded) => {
      set(loaded);
      setProblem(null);
      setLoading(false);
    }, (error: unknown) => {
      if (abort.signal.aborted) return;
      setProblem(problemOf(error));
      setLoading(false);
    });
    return () => abort.abort();
  }, [path, turn, spoken]);
  const again = (unasked: boolean) => {
    quiet.current = unasked;
    setTurn((before) => before + 1);
  };
  return {data, problem, loading, reload: () => again(false), refresh: () => again(true), set};
}

export interface LoadedList<T> extends Omit<Loaded<T[]>, 'set' | 'data'> {
  rows: T[];
  more: (() => void) | null;
}

/** A list under `member`, newest first; `path` may have a query of its own. With `everyMs` it is
 * looked at again, unless somebody has gone on to older rows. */
export function useList<T>(path: string, member: string, everyMs = 0): LoadedList<T> {
  type Page = Record<string, T[]> & {next_page_token?: string};
  const first = useLoad<Page>(path);
  const [rest, setRest] = useState<{of: Page | null; rows: T[]; next: string}>({of: null, rows: [], next: ''});
  const [problem, setProblem] = useState<Problem | null>(null);
  const mine = rest.of === first.data ? rest : {rows: [] as T[], next: first.data?.next_page_token ?? ''};
  const more = async () => {
    try {
      const page = await ask<Page>(`${path}${path.includes('?') ? '&' : '?'}page_token=${mine.next}`);
      setRest({of: first.data, rows: [...mine.rows, ...(page[member] ?? [])],
        next: page.next_page_token ?? ''});
      setProblem(null);
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  const renewed = everyMs > 0 && mine.rows.length === 0;
  useEffect(() => {
    if (!renewed) return undefined;
    const timer = setInterval(() => document.hidden || first.refresh(), everyMs);
    return () => clearInterval(timer);
  }, [renewed, path]);
  return {rows: [...(first.data?.[member] ?? []), ...mine.rows], problem: first.problem ?? problem,
    loading: first.loading, reload: first.reload, refresh: first.refresh,
    more: mine.next ? () => void more() : null};
}
