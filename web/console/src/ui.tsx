// The pieces that pages are made of.
import type {ComponentChildren, JSX} from 'preact';
import {useEffect, useRef, useState} from 'preact/hooks';
import {Problem} from './api';
import {count as countText, dayTime, money as moneyText, time as timeText} from './format';
import {go, language, t} from './state';
import type {Word} from './text';
import type {OrderStatus, Phase} from './types';

export const money = (minor: number, currency: string) => moneyText(minor, currency, language.value);
export const count = (value: number) => countText(value, language.value);

/** A link within the console; with a modifier it is a link like any other. */
export function Link({to, children, ...rest}:
  {to: string; children: ComponentChildren} & JSX.HTMLAttributes<HTMLAnchorElement>) {
  const follow = (event: MouseEvent) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    go(to);
  };
  return <a href={to} onClick={follow} {...rest}>{children}</a>;
}

export function Time({at, day = false}: {at: string; day?: boolean}) {
  return <time dateTime={at} title={at}>
    {day ? dayTime(at, language.value) : timeText(at, language.value)}
  </time>;
}

export function Chip({kind, children}: {kind: 'good' | 'warn' | 'plain' | 'live'; children: ComponentChildren}) {
  return <span class={`chip chip-${kind}`}>{children}</span>;
}

export function PhaseChip({phase, cancelled = false}: {phase: Phase; cancelled?: boolean}) {
  if (cancelled) return <Chip kind="plain">{t('cancelled_sale')}</Chip>;
  const kind = phase === 'open' ? 'live' : phase === 'paused' ? 'warn' : 'plain';
  return <Chip kind={kind}>{t(`phase_${phase}`)}</Chip>;
}

export function StatusChip({status}: {status: OrderStatus}) {
  const kind = status === 'paid' ? 'good'
    : status === 'needs_person' || status === 'refunding' || status === 'closing' ? 'warn'
      : 'plain';
  return <Chip kind={kind}>{t(`st_${status}`)}</Chip>;
}

export function Level({stock, held, sold}: {stock: number; held: number; sold: number}) {
  const share = (units: number) => (stock > 0 ? (100 * units) / stock : 0);
  // Widths are set by script, which the policy allows, and never written as style.
  const paint = (bar: HTMLElement | null, units: number) => {
    if (bar) bar.style.width = `${share(units)}%`;
  };
  return <div class="level" aria-hidden="true">
    <i class="level-sold" ref={(bar) => paint(bar, sold)} />
    <i class="level-held" ref={(bar) => paint(bar, held)} />
  </div>;
}

export function Tile({label, value, note, tone}:
  {label: Word; value: string; note?: string; tone?: 'good' | 'bad' | 'soft'}) {
  return <div class={`tile ${tone ? `tile-${tone}` : ''}`}>
    <dt>{t(label)}</dt>
    <dd>{value}{note && <small> {note}</small>}</dd>
  </div>;
}

export function Empty({title, hint, children}:
  {title: string; hint?: string; children?: ComponentChildren}) {
  return <div class="empty"><h2>{title}</h2>{hint && <p>{hint}</p>}{children}</div>;
}

export function Trouble({problem, retry}: {problem: Problem; retry?: () => void}) {
  return <div class="trouble" role="alert">
    <strong>{t('failed')}</strong>
    <p>{problem.message || t('no_connection')}</p>
    {retry && <button class="button button-quiet" onClick={retry}>{t('try_again')}</button>}
  </div>;
}

export const Loading = () => <p class="loading" role="status">{t('loading')}</p>;

let fields = 0;
/** A label, its field and a hint that belongs to it. */
export function Field({label, hint, children}:
  {label: string; hint?: string; children: (ids: {id: string; 'aria-describedby'?: string}) => ComponentChildren}) {
  const [id] = useState(() => `f${++fields}`);
  return <div class="field">
    <label for={id}>{label}</label>
    {children(hint ? {id, 'aria-describedby': `${id}h`} : {id})}
    {hint && <span class="hint" id={`${id}h`}>{hint}</span>}
  </div>;
}

export function Copy({text}: {text: string}) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard?.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 2000);
  };
  return <button type="button" class="plain" onClick={() => void copy()}>
    {t(copied ? 'copied' : 'copy')}
  </button>;
}

/** A modal dialog of the browser: focus stays inside, Escape closes it. */
export function Dialog({title, onClose, children}:
  {title: string; onClose: () => void; children: ComponentChildren}) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = ref.current;
    const before = document.activeElement as HTMLElement | null;
    dialog?.showModal();
    return () => before?.isConnected && before.focus();
  }, []);
  return <dialog ref={ref} aria-labelledby="dialog-title" onClose={onClose}>
    <h2 id="dialog-title">{title}</h2>
    {children}
  </dialog>;
}

export function Definition({word, children}: {word: Word; children: ComponentChildren}) {
  return <div><dt>{t(word)}</dt><dd>{children}</dd></div>;
}

/** A table that scrolls within itself, and can be scrolled with the keyboard. */
export function Table({label, head, children}:
  {label: string; head: (string | [string, 'number'])[]; children: ComponentChildren}) {
  return <div class="table" role="region" aria-label={label} tabIndex={0}>
    <table>
      <thead><tr>{head.map((cell) => typeof cell === 'string'
        ? <th scope="col">{cell}</th>
        : <th scope="col" class="number">{cell[0]}</th>)}</tr></thead>
      <tbody>{children}</tbody>
    </table>
  </div>;
}

export function Head({title, lead, children}:
  {title: string; lead?: string; children?: ComponentChildren}) {
  useEffect(() => {
    document.title = `${title} · Sluice`;
  }, [title]);
  return <header class="head">
    <div><h1>{title}</h1>{lead && <p class="lead">{lead}</p>}</div>
    {children && <div class="acts">{children}</div>}
  </header>;
}
