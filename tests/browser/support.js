// A running shop with its demo gateway, an operator who fills it, and browsers that look at it.
import assert from 'node:assert/strict';
import {spawn, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {chromium} from 'playwright-core';

const kBinary = process.env.SLUICE_BINARY && path.resolve(process.env.SLUICE_BINARY);
// The shell has no windows; the whole browser now and then takes minutes to close one.
const kChromium = process.env.SLUICE_CHROMIUM ??
  ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'].find((program) => existsSync(program));

/** `sluice serve --demo` in a folder of its own: the gateway is the sandbox, names sign in. */
export class Shop {
  /** `settings` are of the environment: SLUICE_SECTION_KEY. */
  static async start(settings = {}) {
    assert.ok(kBinary, 'SLUICE_BINARY must name the program to test');
    const shop = new Shop();
    shop.folder = mkdtempSync(path.join(tmpdir(), 'browser-'));
    shop.data = path.join(shop.folder, 'data');
    shop.process = spawn(kBinary, ['serve', '--demo', '--listen', '127.0.0.1:0', '--data', shop.data],
      {stdio: ['ignore', 'pipe', 'pipe'], cwd: shop.folder, env: {...process.env, ...settings}});
    shop.log = '';
    shop.process.stderr.on('data', (piece) => (shop.log += piece));
    let banner = '';
    for await (const piece of shop.process.stdout) {
      banner += piece;
      if (banner.includes('Ctrl-C')) break;
    }
    const served = banner.match(/serves at (http:\/\/\S+)/);
    assert.ok(served, `the shop started: ${banner} ${shop.log}`);
    shop.url = served[1];
    shop.password = banner.match(/shown only now: (\S+)/)?.[1];
    shop.sandbox = banner.match(/its book: (http:\/\/[^/\s]+)/)?.[1];
    const minted = spawnSync(kBinary, ['token', '--user', 'boss', '--admin', '--data', shop.data]);
    shop.admin = minted.stdout.toString().trim();
    return shop;
  }

  async call(method, target, body) {
    const answer = await fetch(this.url + target, {
      method,
      headers: {Authorization: `Bearer ${this.admin}`, 'Content-Type': 'application/json'},
      body: body && JSON.stringify(body),
    });
    const json = await answer.json();
    assert.ok(answer.ok, `${method} ${target}: ${JSON.stringify(json)}`);
    return json;
  }

  /** A sale of one item; `startsIn` and `lasts` in seconds, `hold` likewise. */
  async sell(id, {stock = 5, startsIn = -1, lasts = 3600, hold = 120, limit = 1, ...texts} = {}) {
    const at = (seconds) => new Date(Date.now() + seconds * 1000).toISOString();
    const title = texts.title ?? `Sale of ${id}`;
    return this.call('POST', '/api/v1/admin/sales', {
      title, starts_at: at(startsIn), ends_at: at(startsIn + lasts), hold_seconds: hold,
      reason: 'browser test',
      items: [{id, title: texts.item ?? `The ${id}`, description: texts.description ?? `About ${id}`,
        price: 4900, list_price: 9900, stock, per_user_limit: limit}],
    });
  }

  async stop() {
    this.process.kill('SIGTERM');
    const [status] = await once(this.process, 'exit');
    rmSync(this.folder, {recursive: true});
    assert.equal(status, 0, `the shop ends in peace: ${this.log}`);
  }
}

export async function launch() {
  return chromium.launch({executablePath: kChromium,
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu']});
}

/** A shopper with a browser profile of their own, signed in by name. Nothing moves, so that a click
 * does not depend on how fast a loaded machine draws. */
export async function shopper(browser, shop, name, options = {}) {
  const context = await browser.newContext({locale: 'en-US', reducedMotion: 'reduce', ...options});
  context.setDefaultTimeout(15_000);
  const page = await context.newPage();
  page.problems = [];
  page.on('pageerror', (error) => page.problems.push(String(error)));
  page.on('console', (message) => {
    // Chromium reports every answer of 400 and above, which refusals are.
    if (message.type() === 'error' && !message.text().includes('Failed to load resource')) {
      page.problems.push(message.text());
    }
  });
  if (name) {
    await page.goto(`${shop.url}/signin`);
    await page.fill('#name', name);
    await page.click('form:has(#name) button');
    await page.waitForURL(`${shop.url}/`);
  }
  return page;
}

/** The payer pays on the page behind the code, as a person would after scanning it. */
export async function payWhatTheCodeSays(context, page) {
  const link = await page.getAttribute('.pay-ways a.button[rel]', 'href');
  const wallet = await context.newPage();
  await wallet.goto(link);
  await wallet.locator('button').first().click();
  await wallet.close();
}
