// What the whole console shares: who is signed in, language and theme, the address, what to announce.
import {computed, signal} from '@preact/signals';
import {say, sayName, type Language, type Word} from './text';
import type {Session} from './types';

export type Theme = 'system' | 'light' | 'dark';
const root = document.documentElement;

/** A server started with --demo. */
export const trial = root.dataset.trial === 'yes';
export const language = signal<Language>(root.lang.startsWith('zh') ? 'zh' : 'en');
export const theme = signal<Theme>((root.dataset.theme as Theme) ?? 'system');
/** undefined: not known yet; null: nobody. */
export const session = signal<Session | null | undefined>(undefined);
/** Whether a session ended while the page was open. */
export const sessionOver = signal(false);
export const address = signal(location.pathname + location.search);
export const path = computed(() => address.value.split('?')[0] ?? '/console');
export const query = computed(() => address.value.split('?')[1] ?? '');
export const attentionCount = signal(0);
export const announced = signal<{text: string; bad: boolean} | null>(null);

export const t = (word: Word, ...values: (string | number)[]) => say(language.value, word, ...values);

export const named = (prefix: string, name: string) => sayName(language.value, prefix, name);

/** Tells everybody, those who listen included. */
export function announce(text: string, bad = false): void {
  const now = {text, bad};
  announced.value = now;
  setTimeout(() => {
    if (announced.value === now) announced.value = null;
  }, 8000);
}

export function go(to: string, replace = false): void {
  if (replace) history.replaceState(null, '', to);
  else history.pushState(null, '', to);
  const before = path.value;
  address.value = to;
  if (path.value !== before) {
    scrollTo(0, 0);
    document.getElementById('main')?.focus({preventScroll: true});
  }
}
addEventListener('popstate', () => (address.value = location.pathname + location.search));

/** Kept in a cookie that the server sets, for the storefront's pages too. */
async function prefer(name: string, value: string): Promise<void> {
  await fetch('/preferences', {method: 'POST', redirect: 'manual',
    body: new URLSearchParams({[name]: value, next: '/console'})}).catch(() => undefined);
}

export function setLanguage(to: Language): void {
  language.value = to;
  root.lang = to === 'zh' ? 'zh-CN' : 'en';
  void prefer('language', to);
}

export function setTheme(to: Theme): void {
  theme.value = to;
  root.dataset.theme = to;
  void prefer('theme', to);
}
