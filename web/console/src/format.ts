// Money, times and lengths of time as people read and write them.
import type {Language} from './text';

const tag = (language: Language) => (language === 'zh' ? 'zh-CN' : 'en-GB');

function digitsOf(currency: string): number {
  try {
    const options = new Intl.NumberFormat('en', {style: 'currency', currency}).resolvedOptions();
    return options.maximumFractionDigits ?? 2;
  } catch {
    return 2; // not a code that the browser knows
  }
}

/** Minor units with their currency: 1250 CNY is "¥12.50". */
export function money(minor: number, currency: string, language: Language): string {
  const digits = digitsOf(currency);
  const value = minor / 10 ** digits;
  try {
    return new Intl.NumberFormat(tag(language),
      {style: 'currency', currency, currencyDisplay: 'narrowSymbol'}).format(value);
  } catch {
    return `${value.toFixed(digits)} ${currency}`;
  }
}

/** "12.50" in CNY is 1250; null where it is no amount of that currency. No float is involved. */
export function parseMoney(text: string, currency: string): number | null {
  const digits = digitsOf(currency);
  const match = /^(\d{1,12})(?:\.(\d*))?$/.exec(text.trim());
  if (!match) return null;
  const fraction = match[2] ?? '';
  if (fraction.length > digits) return null;
  return Number(match[1]) * 10 ** digits + Number(fraction.padEnd(digits, '0') || '0');
}

/** What parseMoney reads back. */
export function moneyText(minor: number, currency: string): string {
  const digits = digitsOf(currency);
  return (minor / 10 ** digits).toFixed(digits);
}

export function count(value: number, language: Language): string {
  return new Intl.NumberFormat(tag(language), {maximumFractionDigits: value < 10 ? 1 : 0})
    .format(value);
}

export function time(iso: string, language: Language): string {
  return new Intl.DateTimeFormat(tag(language), {month: 'short', day: 'numeric', hour: '2-digit',
    minute: '2-digit', second: '2-digit', hour12: false}).format(new Date(iso));
}

export function dayTime(iso: string, language: Language): string {
  return new Intl.DateTimeFormat(tag(language), {year: 'numeric', month: 'short', day: 'numeric',
    hour: '2-digit', minute: '2-digit', hour12: false}).format(new Date(iso));
}

const two = (number: number) => String(number).padStart(2, '0');

/** An instant as the value of a datetime-local field, in this browser's zone. */
export function toField(at: Date): string {
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}` +
    `T${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/** The inverse, as RFC 3339; null where the field is empty or no time. */
export function fromField(value: string): string | null {
  const at = new Date(value);
  return value && !Number.isNaN(at.getTime()) ? at.toISOString() : null;
}

/** "+08:00" for a zone that is 480 minutes ahead. */
export function offsetText(minutes: number): string {
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}
