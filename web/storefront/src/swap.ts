// Takes a page that the server wrote and puts its content in the place of the present one.

/** What was announced last must not be announced again, and what comes back is news of its own. */
export function announcement(
  before: {state?: string},
  after: {state?: string; told?: string; cameBack?: string},
): string {
  if (before.state === after.state) return '';
  if (before.state === 'sold_out' && after.state === 'open' && after.cameBack) return after.cameBack;
  return after.told ?? '';
}

/** Keeps focus, choices and opened details where the new page has them as well. */
export function swapMain(html: string): HTMLElement | undefined {
  const page = new DOMParser().parseFromString(html, 'text/html');
  const next = page.getElementById('main');
  const main = document.getElementById('main');
  if (!next || !main) return undefined;
  const focus = main.contains(document.activeElement) ? document.activeElement?.id : undefined;
  const values = new Map<string, string>();
  for (const select of main.querySelectorAll('select')) values.set(select.id, select.value);
  const opened = [...main.querySelectorAll('details[open]')].map((details) => details.id);
  main.replaceWith(next);
  document.title = page.title;
  for (const [id, value] of values) {
    const select = document.getElementById(id);
    if (select instanceof HTMLSelectElement) select.value = value;
  }
  for (const id of opened) document.getElementById(id)?.setAttribute('open', '');
  if (focus) document.getElementById(focus)?.focus({preventScroll: true});
  return next;
}
