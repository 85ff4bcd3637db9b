// What script adds to pages that work without it: running clocks, a button that opens on the second,
// grabs and news without loading the page again.
import './style.css';
import './mark.svg';
import {askOffset, clockText, type Offset} from './clock';
import {follow, type World} from './live';
import {announcement, swapMain} from './swap';

const kJitterMs = 3000; // a crowd that waited for one second must not ask in one second
let offset: Offset = 0;
let stopFollowing = () => {};
let pollTimer = 0;
let tickTimer = 0;
let tag = '';
let busy = false; // a grab is under way: its answer decides what the page shows

const main = () => document.getElementById('main') as HTMLElement;
const now = () => Date.now() + offset;

function announce(text: string): void {
  const status = document.getElementById('status');
  if (!status || !text) return;
  status.textContent = '';
  // A screen reader speaks of a change, so the text must come apart from the emptying.
  setTimeout(() => (status.textContent = text), 50);
  setTimeout(() => {
    if (status.textContent === text) status.textContent = '';
  }, 8000);
}

function show(html: string, url: string): void {
  const before = {...main().dataset};
  const after = swapMain(html);
  if (!after) return;
  if (url && new URL(url).pathname !== location.pathname) history.replaceState(null, '', url);
  announce(announcement(before, after.dataset));
  start();
}

/** Looks at the page again; a 304 leaves it as it is. */
async function refresh(): Promise<void> {
  if (busy) return;
  try {
    const answer = await fetch(location.href, {cache: 'no-cache', headers: {Accept: 'text/html'}});
    const newTag = answer.headers.get('ETag') ?? '';
    const html = await answer.text();
    if (busy || (!answer.ok && answer.status !== 404)) return;
    if (newTag && newTag === tag) return;
    tag = newTag;
    show(html, answer.url);
  } catch {
    // No answer is no news: the next look will tell.
  }
}

function openButton(): void {
  const button = document.getElementById('grab');
  if (!(button instanceof HTMLButtonElement) || !button.dataset.opens) return;
  if (now() < Number(button.dataset.opens)) return;
  delete button.dataset.opens;
  button.disabled = false;
  button.textContent = button.dataset.label ?? '';
  button.classList.add('just-opened');
}

/** Writes what the clocks stand at; timers drift and sleep, so nothing is counted down. */
function tick(): void {
  clearTimeout(tickTimer);
  if (document.hidden) return;
  const clocks = document.querySelectorAll<HTMLElement>('[data-until]');
  const days = document.documentElement.lang === 'en' ? ' d ' : ' 天 ';
  let next = 1000;
  for (const clock of clocks) {
    const left = Number(clock.dataset.until) - now();
    const text = clockText(left, days);
    if (clock.textContent !== text) clock.textContent = text;
    clock.classList.toggle('clock-near', left > 0 && left <= 10_000);
    if (left > 0) next = Math.min(next, left % 1000 || 1000);
    else if (!clock.dataset.over) {
      clock.dataset.over = 'true';
      setTimeout(refresh, 250 + Math.random() * kJitterMs);
    }
  }
  openButton();
  if (clocks.length > 0) tickTimer = window.setTimeout(tick, next + 5);
}

const world: World = {
  open(path) {
    const events = new EventSource(path);
    return {
      onmessage: (handler) =>
        events.addEventListener('order', (event) => handler(JSON.parse(event.data).status)),
      ongone: (handler) =>
        events.addEventListener('error', () => {
          if (events.readyState === EventSource.CLOSED) handler();
        }),
      close: () => events.close(),
    };
  },
  async ask(path) {
    try {
      const answer = await fetch(path, {cache: 'no-store'});
      return answer.ok ? (await answer.json()).status : undefined;
    } catch {
      return undefined;
    }
  },
  later(ms, job) {
    const timer = setTimeout(job, ms);
    return () => clearTimeout(timer);
  },
};

/** One stream, or one timer, per page; none while nobody looks. */
function watch(): void {
  stopFollowing();
  stopFollowing = () => {};
  clearTimeout(pollTimer);
  if (document.hidden) return;
  const {live, state, poll} = main().dataset;
  if (live) stopFollowing = follow(world, live, state ?? '', () => void refresh());
  if (poll) {
    const period = Number(poll) * 1000;
    pollTimer = window.setTimeout(async () => {
      await refresh();
      watch();
    }, period * (0.9 + Math.random() * 0.2));
  }
}

async function grab(form: HTMLFormElement, button: HTMLButtonElement): Promise<void> {
  const label = button.textContent;
  busy = true;
  button.disabled = true;
  button.textContent = button.dataset.busy ?? '';
  button.classList.add('is-busy');
  announce(button.dataset.busy ?? '');
  try {
    const fields = new URLSearchParams();
    for (const [name, value] of new FormData(form)) fields.append(name, String(value));
    const answer = await fetch(form.action, {method: 'POST', body: fields});
    if (answer.redirected && answer.ok) {
      location.assign(answer.url);
      return;
    }
    const html = await answer.text();
    tag = '';
    busy = false;
    show(html, location.href);
    const verdict = document.getElementById('verdict');
    if (verdict) {
      announce(verdict.innerText);
      verdict.scrollIntoView({block: 'nearest'});
    }
  } catch {
    busy = false;
    button.disabled = false;
    button.textContent = label;
    button.classList.remove('is-busy');
    announce(main().dataset.noAnswer ?? '');
  }
}

/** Moments in the reader's own time zone. */
function localTimes(): void {
  const form = new Intl.DateTimeFormat(document.documentElement.lang, {
    dateStyle: 'medium',
    timeStyle: 'short',
  });
  for (const time of document.querySelectorAll('time')) {
    time.title = time.textContent ?? '';
    time.textContent = form.format(new Date(time.dateTime));
  }
}

function start(): void {
  localTimes();
  tick();
  watch();
}

document.addEventListener('submit', (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || form.dataset.grab === undefined) return;
  const button = form.querySelector('button');
  if (!button) return;
  event.preventDefault();
  if (!busy) void grab(form, button);
});

document.addEventListener('visibilitychange', () => {
  tick();
  watch();
  if (!document.hidden && (main().dataset.live || main().dataset.poll)) void refresh();
});
window.addEventListener('pagehide', () => stopFollowing());
window.addEventListener('pageshow', (event) => {
  if (!event.persisted) return;
  busy = false;
  void refresh();
  start();
});

start();
if (document.querySelector('[data-until]')) {
  void askOffset(fetch, () => Date.now()).then((told) => {
    offset = told;
    tick();
  });
}
