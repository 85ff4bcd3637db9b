// The operator's console in a real browser: a sale from a file to the export of its orders.
import assert from 'node:assert/strict';
import {readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {after, afterEach, before, test} from 'node:test';
import {launch, Shop, shopper} from './support.js';

const kScript = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>';

let shop;
let browser;

before(async () => {
  // One refused closing is enough for a person to be asked.
  shop = await Shop.start({SLUICE_PAYMENT_CLOSE_ATTEMPTS: '1', SLUICE_PAYMENT_CLOSE_RETRY: '100ms'});
  browser = await launch();
});
afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));
after(async () => {
  await browser?.close();
  await shop?.stop();
});

async function operator(name = 'mei', options = {}) {
  const page = await shopper(browser, shop, '', {acceptDownloads: true, ...options});
  await page.goto(`${shop.url}/console`);
  await page.fill('input[name=name]', name);
  await page.fill('input[name=password]', shop.password);
  await page.click('form button:has-text("Sign in")');
  await page.waitForSelector('h1:has-text("Overview")');
  return page;
}

/** Says why and does it. */
async function confirm(page, reason, fields = {}) {
  for (const [name, value] of Object.entries(fields)) await page.fill(`dialog [name=${name}]`, value);
  await page.fill('dialog [name=reason]', reason);
  await page.click('dialog form > .acts button:not([type=button])');
  await page.waitForSelector('dialog', {state: 'detached'});
}

/** The shop's own tokens, as a shopper's app would have them. */
async function tokenOf(user) {
  const answer = await fetch(`${shop.url}/api/v1/demo/token`, {method: 'POST',
    headers: {'Content-Type': 'application/json'}, body: JSON.stringify({user})});
  return (await answer.json()).token;
}
async function asShopper(user, method, target, body) {
  const answer = await fetch(shop.url + target, {method,
    headers: {Authorization: `Bearer ${await tokenOf(user)}`, 'Content-Type': 'application/json'},
    body: body && JSON.stringify(body)});
  const json = await answer.json();
  assert.ok(answer.ok, `${user}: ${method} ${target}: ${JSON.stringify(json)}`);
  return json;
}
async function grab(user, item) {
  return (await asShopper(user, 'POST', `/api/v1/items/${item}/orders`)).id;
}
async function pay(user, order) {
  await asShopper(user, 'POST', `/api/v1/orders/${order}/payment`, {method: 'wechat'});
  const answer = await fetch(`${shop.sandbox}/_sandbox/orders/${order}/pay`, {method: 'POST'});
  assert.ok(answer.ok, await answer.text());
}

test('a sale from a file is sold out, one order needs a person, one is refunded, the rest exported', async () => {
  const page = await operator();
  const file = path.join(shop.folder, 'goods.csv');
  writeFileSync(file, 'id,title,price,list_price,stock,starts_at,ends_at\n' +
    'teapot,Cast-iron teapot 铁壶,199.00,299.00,3,2030-01-01 10:00:00,2030-01-01 12:00:00\n' +
    'broken,No price,,1.00,1,2030-01-01 10:00:00,2030-01-01 12:00:00\n');

  await page.click('a:has-text("Load from a file")');
  await page.setInputFiles('input[type=file]', file);
  await page.fill('input[name=title]', 'Teapots tonight');
  await page.fill('input[name=hold]', '3600');
  await page.fill('input[name=starts_at]', '2026-01-01T00:00');
  await page.fill('input[name=minutes]', String(60 * 24 * 3000));
  await page.click('button:has-text("Check the file")');
  await page.waitForSelector('h2:has-text("What the file holds")');
  const report = await page.innerText('#report');
  assert.match(report, /2 rows: 1 can be sold, 1 left out/);
  assert.match(report, /Line 3/);
  assert.match(report, /Would open Teapots tonight/);
  assert.match(report, /¥199\.00/);
  await page.fill('input[name=reason]', 'from the merchandising sheet');
  await page.click('button:has-text("Put it on sale")');
  await page.waitForSelector('h2:has-text("What was done")');
  await page.click('#report a:has-text("Teapots tonight")');
  await page.waitForSelector('h1:has-text("Teapots tonight")');

  // It sells out while the operator watches: nothing is loaded again.
  const tile = (name) => page.locator('#sale-tiles .tile', {hasText: name}).locator('dd');
  await tile('Available').filter({hasText: '3'}).waitFor();
  await page.evaluate(() => (window.sameDocument = true));
  const [paid, stuck] = [await grab('ann', 'teapot'), await grab('bob', 'teapot')];
  await grab('cid', 'teapot');
  await tile('Available').filter({hasText: 'Sold out'}).waitFor();
  await tile('Held').filter({hasText: '3'}).waitFor();
  await pay('ann', paid);
  await tile('Sold').filter({hasText: '1'}).waitFor();
  assert.ok(await page.evaluate(() => window.sameDocument));

  // The provider will not close bob's payment.
  await asShopper('bob', 'POST', `/api/v1/orders/${stuck}/payment`, {method: 'wechat'});
  await fetch(`${shop.sandbox}/_sandbox/faults`, {method: 'PUT',
    body: JSON.stringify({close: {error: 'SYSTEMERROR', times: 1000}})});
  await asShopper('bob', 'POST', `/api/v1/orders/${stuck}/cancel`);
  await page.click('nav a:has-text("Needs a person")');
  const card = page.locator('.attention', {hasText: stuck});
  await card.waitFor();
  assert.match(await card.innerText(), /would not close the payment/);
  await card.locator('button:has-text("Release the unit")').click();
  assert.match(await page.innerText('dialog'), /You know that nobody paid/);
  await confirm(page, 'bob closed his wallet, nothing was paid');
  await page.waitForSelector('h2:has-text("Nothing needs you")');
  await fetch(`${shop.sandbox}/_sandbox/faults`, {method: 'PUT', body: '{}'});

  // Ann gets her money back.
  await page.click('nav a:has-text("Orders")');
  await page.fill('input[name=search]', paid);
  await page.click('.filters button:has-text("Search")');
  await page.waitForURL(new RegExp(`order=${paid}`));
  await page.click(`a:has-text("${paid}")`);
  await page.waitForSelector(`h1:has-text("${paid}")`);
  await page.click('.head button:has-text("Refund")');
  assert.match(await page.innerText('dialog h2'), /Give ¥199\.00 back to ann\?/);
  await page.click('dialog summary');
  assert.match(await page.innerText('dialog pre'), new RegExp(`curl -X POST .*/orders/${paid}/refund`));
  await confirm(page, 'arrived with a crack');
  await page.waitForSelector('.facts .chip:has-text("Refunded")');
  assert.match(await page.innerText('.timeline'), /granted[\s\S]*paid[\s\S]*refund begun[\s\S]*refunded/);

  // The export honours the filter.
  await page.click('.back a');
  await page.selectOption('select[name=status]', 'refunded');
  await page.waitForURL(/status=refunded/);
  await page.waitForSelector('text=1 shown');
  const [download] = await Promise.all([page.waitForEvent('download'),
    page.click('a:has-text("Export as CSV")')]);
  const rows = readFileSync(await download.path(), 'utf8').trim().split('\r\n');
  assert.equal(rows.length, 2);
  assert.ok(rows[1].startsWith(`${paid},ann,`), rows[1]);

  // And all of it is in the log, under the operator's name.
  await page.click('nav a:has-text("Audit log")');
  await page.waitForSelector('tr:has-text("arrived with a crack")');
  const log = await page.innerText('table');
  for (const what of ['from the merchandising sheet', 'bob closed his wallet', 'mei (console)', 'console.sign_in']) {
    assert.ok(log.includes(what), what);
  }
  assert.deepEqual(page.problems, []);
});

test('a notification is replayed, and the log tells who did', async () => {
  await shop.sell('fan');
  const order = await grab('gus', 'fan');
  await pay('gus', order);
  const page = await operator('li');
  await page.click('nav a:has-text("Payments")');
  const row = page.locator('tr', {hasText: order});
  await row.waitFor();
  await row.locator('summary').click();
  await row.locator('pre').waitFor();
  await row.locator('button').click();
  await confirm(page, 'the consumer was down');
  await page.click('nav a:has-text("Audit log")');
  const entry = page.locator('tr', {hasText: 'the consumer was down'});
  await entry.waitFor();
  assert.match(await entry.innerText(), /li \(console\)[\s\S]*notification\.replay/);
  assert.deepEqual(page.problems, []);
});

test('what is typed the moment a page appears is not taken away', async () => {
  const page = await operator();
  // Before anything that the page put off until it is drawn.
  await page.evaluate(() => new Promise((typed) => {
    new MutationObserver((_, observer) => {
      const search = document.querySelector('input[name=search]');
      if (!search) return;
      observer.disconnect();
      search.value = 'gus';
      search.dispatchEvent(new Event('input', {bubbles: true}));
      typed();
    }).observe(document.body, {childList: true, subtree: true});
    [...document.querySelectorAll('nav a')].find((way) => way.textContent.startsWith('Orders')).click();
  }));
  await page.waitForSelector('p[role=status]:has-text("shown")');
  await page.click('.filters button:has-text("Search")');
  await page.waitForURL(/user=gus/);
  await page.click('.filters button:has-text("Clear")');
  await page.waitForURL(/orders$/);
  const shows = (text) => page.waitForFunction((wanted) =>
    document.querySelector('input[name=search]').value === wanted, text);
  await shows('');
  await page.goBack();
  await shows('gus');
});

test('a sale is typed in, changed, restocked, paused, resumed and cancelled', async () => {
  const page = await operator();
  await page.click('a:has-text("New sale")');
  await page.fill('input[name=title] >> nth=0', 'Typed sale');
  await page.fill('input[name=starts_at]', '2026-01-01T00:00');
  await page.fill('input[name=ends_at]', '2036-01-01T00:00');
  await page.fill('fieldset input[name=title]', 'Typed item');
  await page.fill('input[name=price]', '12.345');
  await page.fill('input[name=stock]', '5');
  await page.fill('input[name=reason]', 'trial');
  await page.click('button:has-text("Create the sale")');
  assert.match(await page.innerText('.trouble'), /Price: 12\.345/);
  await page.fill('input[name=price]', '12.34');
  await page.click('button:has-text("Create the sale")');
  await page.waitForSelector('h1:has-text("Typed sale")');
  await page.click('button:has-text("Pause")');
  await confirm(page, 'a look first');
  await page.waitForSelector('.facts .chip:has-text("Paused")');
  await page.click('button:has-text("Resume")');
  await confirm(page, 'go on');
  await page.waitForSelector('.facts .chip:has-text("Open")');
  await page.click('.head button:has-text("Change")');
  await confirm(page, 'a better name', {title: 'Typed sale, renamed'});
  await page.waitForSelector('h1:has-text("Typed sale, renamed")');
  await page.click('button:has-text("Set stock")');
  await confirm(page, 'found more', {stock: '9'});
  await page.locator('#sale-tiles .tile', {hasText: 'Stock'}).locator('dd', {hasText: '9'}).waitFor();
  await page.click('button:has-text("Cancel the sale")');
  await confirm(page, 'over');
  await page.waitForSelector('.facts .chip:has-text("Cancelled")');
  assert.deepEqual(page.problems, []);
});

test('script in every field shows as text', async () => {
  await shop.sell('evil', {title: kScript, item: kScript, description: kScript});
  const order = await grab(kScript, 'evil');
  const file = path.join(shop.folder, 'evil.json');
  writeFileSync(file, JSON.stringify({title: kScript, starts_at: '2030-01-01T00:00:00Z',
    ends_at: '2031-01-01T00:00:00Z', items: [{id: kScript, title: kScript, price: 1, stock: 1},
      {id: 'fine', title: kScript, description: kScript, price: 1, stock: 1}]}));
  const page = await operator(kScript.slice(0, 100));
  await page.waitForSelector(`.sale-card h3:has-text("onerror")`);
  await page.goto(`${shop.url}/console/sales`);
  await page.click('tbody a:has-text("<img") >> nth=0');
  await page.waitForSelector('h1:has-text("<img")');
  await page.click('.head button:has-text("Change")');
  await confirm(page, kScript);
  await page.goto(`${shop.url}/console/orders?user=${encodeURIComponent(kScript)}`);
  await page.click(`a:has-text("${order}")`);
  await page.waitForSelector('dd:has-text("<img")');
  await page.goto(`${shop.url}/console/sales/import`);
  await page.setInputFiles('input[type=file]', file);
  await page.click('button:has-text("Check the file")');
  await page.waitForSelector('#report');
  assert.match(await page.innerText('#report'), /<script>window\.hacked=1/);
  await page.goto(`${shop.url}/console/audit`);
  await page.waitForSelector('td:has-text("<img")');
  await page.goto(`${shop.url}/console/${encodeURIComponent('<img src=x onerror=hacked=1>')}`);
  await page.waitForSelector('h2:has-text("nothing at this address")');
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  assert.deepEqual(page.problems, []);
});

test('the door: a wrong password, signing out, a session that is over', async () => {
  const page = await shopper(browser, shop, '');
  await page.goto(`${shop.url}/console/audit`);
  await page.fill('input[name=name]', 'mei');
  await page.fill('input[name=password]', 'not the password');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.trouble:has-text("not right")');
  await page.fill('input[name=password]', shop.password);
  await page.keyboard.press('Enter');
  await page.waitForSelector('h1:has-text("Audit log")');
  const cookies = await page.context().cookies(`${shop.url}/api/v1/admin`);
  const cookie = cookies.find(({name}) => name === 'sluice_console');
  assert.deepEqual([cookie.httpOnly, cookie.sameSite, cookie.path], [true, 'Strict', '/api/v1/admin']);
  await page.context().clearCookies();
  await page.click('nav a:has-text("Sales")');
  await page.waitForSelector('text=Your session is over');
  await page.click('button:has-text("Admin token")');
  await page.fill('textarea[name=token]', shop.admin);
  await page.click('form button:has-text("Sign in")');
  await page.waitForSelector('h1:has-text("Sales")');
  await page.click('text=Sign out');
  await page.waitForSelector('h1:has-text("Sign in")');
  assert.deepEqual(page.problems, []);
});

test('language and theme stay, and everything can be reached with the keyboard', async () => {
  const page = await operator();
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.className), 'skip');
  await page.click('button:has-text("中文")');
  await page.waitForSelector('h1:has-text("概览")');
  await page.waitForSelector('.trial:has-text("试用环境")');
  await page.click('.side button:has-text("深色")');
  await page.reload();
  await page.waitForSelector('h1:has-text("概览")');
  assert.equal(await page.getAttribute('html', 'data-theme'), 'dark');
  assert.equal(await page.getAttribute('html', 'lang'), 'zh-CN');
  await shop.sell('keys');
  await page.goto(`${shop.url}/console/sales`);
  await page.focus('tbody a');
  await page.keyboard.press('Enter');
  await page.waitForSelector('button:has-text("暂停")');
  await page.focus('button:has-text("暂停")');
  await page.keyboard.press('Enter');
  await page.waitForSelector('dialog[open]');
  await page.keyboard.press('Escape');
  await page.waitForSelector('dialog', {state: 'detached'});
  assert.equal(await page.evaluate(() => document.activeElement.textContent), '暂停');
  assert.deepEqual(page.problems, []);
});
