// A chart over time: what the server remembers, then what it tells by the second.
import {useEffect, useRef, useState} from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import {ask} from './api';
import {fromHistory, withRow, type Columns} from './rows';
import {language, t, theme} from './state';
import {count} from './ui';
import type {History} from './types';

export interface Line {
  column: string;
  label: string;
  color: string; // a custom property of the theme
  fill?: boolean;
}

interface Props {
  title: string;
  lines: Line[];
  sale?: string;
  /** The newest values, with their instant in seconds. */
  now: {at: number; values: number[]} | null;
}

const dark = matchMedia('(prefers-color-scheme: dark)');

function colorOf(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function options(lines: Line[], width: number): uPlot.Options {
  const soft = colorOf('--ink-soft');
  const line = colorOf('--line');
  const axis = {stroke: soft, grid: {stroke: line, width: 1}, ticks: {stroke: line, width: 1},
    font: '12px sans-serif'};
  const zh = language.value === 'zh';
  return {
    width, height: 220, legend: {show: false}, cursor: {drag: {x: false, y: false}},
    // From nothing up, so that a small change does not look like a large one.
    scales: {y: {range: (_plot, _low, high) => [0, Math.max(1, (high ?? 0) * 1.1)]}},
    axes: [{...axis, values: (_plot, ticks) => ticks.map((tick) =>
      new Date(tick * 1000).toLocaleTimeString(zh ? 'zh-CN' : 'en-GB',
        {hour: '2-digit', minute: '2-digit', second: '2-digit'})), space: 90},
    {...axis, size: 54, values: (_plot, ticks) => ticks.map((tick) => count(tick))}],
    series: [{}, ...lines.map((one) => ({label: one.label, stroke: colorOf(one.color), width: 2,
      points: {show: false},
      ...(one.fill ? {fill: `${colorOf(one.color)}22`} : {})}))],
  };
}

export function Chart({title, lines, sale = '', now}: Props) {
  const [window, setWindow] = useState<'15m' | '24h'>('15m');
  const [rows, setRows] = useState<Columns | null>(null);
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const names = lines.map((line) => line.column);

  useEffect(() => {
    const abort = new AbortController();
    ask<History>(`/history?window=${window}${sale && `&sale=${sale}`}`,
      {background: true, signal: abort.signal})
      .then((history) => setRows(fromHistory(history, names)), () => undefined);
    return () => abort.abort();
  }, [window, sale]);

  useEffect(() => {
    if (now && window === '15m') setRows((before) => before && withRow(before, now.at, now.values));
  }, [now?.at]);

  // The canvas knows no custom properties: it is drawn anew in another theme, language or width.
  useEffect(() => {
    const box = place.current;
    if (!box) return undefined;
    const draw = () => {
      plot.current?.destroy();
      plot.current = new uPlot(options(lines, Math.max(200, box.clientWidth)),
        (rows ?? [[], ...names.map(() => [])]) as uPlot.AlignedData, box);
    };
    draw();
    const resized = new ResizeObserver(() =>
      plot.current?.setSize({width: Math.max(200, box.clientWidth), height: 220}));
    resized.observe(box);
    dark.addEventListener('change', draw);
    return () => {
      resized.disconnect();
      dark.removeEventListener('change', draw);
      plot.current?.destroy();
      plot.current = null;
    };
  }, [theme.value, language.value]);

  useEffect(() => {
    if (rows) plot.current?.setData(rows as uPlot.AlignedData);
  }, [rows]);

  const newest = rows?.slice(1).map((column) => column.at(-1) ?? 0) ?? [];
  const told = lines.map((line, i) => `${line.label} ${count(newest[i] ?? 0)}`).join(', ');
  const choice = (value: '15m' | '24h', label: string) =>
    <button type="button" aria-pressed={window === value} onClick={() => setWindow(value)}>{label}</button>;
  return <section class="card chart">
    <div class="chart-head">
      <h2>{title}</h2>
      <div class="choice" role="group" aria-label={`${t('window')}: ${title}`}>
        {choice('15m', t('quarter'))}{choice('24h', t('day'))}
      </div>
    </div>
    <ul class="legend" aria-hidden="true">
      {lines.map((line, i) => <li class={`key ${line.color.slice(2)}`}>
        {line.label} <b>{count(newest[i] ?? 0)}</b></li>)}
    </ul>
    <div ref={place} role="img" aria-label={`${title}: ${told}`} />
  </section>;
}
