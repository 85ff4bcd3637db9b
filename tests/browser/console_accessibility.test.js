// No page of the console has a violation that axe finds, in either language or theme.
import assert from 'node:assert/strict';
import {once} from 'node:events';
import {writeFileSync} from 'node:fs';
import {createServer} from 'node:http';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {audit} from './axe.js';
import {launch, Shop, shopper} from './support.js';

const kSizes = {phone: {width: 390, height: 844}, desktop: {width: 1280, height: 860}};

let shop;
let browser;
let pages; // names, paths, and what says that they are there
let cookie;
let file;
let receiver;

before(async () => {
  shop = await Shop.start({SLUICE_PAYMENT_CLOSE_ATTEMPTS: '1', SLUICE_PAYMENT_CLOSE_RETRY: '100ms'});
  browser = await launch();
  const sale = await shop.sell('kettle', {stock: 40, title: '晚间加场 · Evening drop', item: '长嘴壶 · Kettle'});
  await shop.sell('lamp', {startsIn: 5000, title: '周末秒杀 · Weekend drop', item: '阅读灯 · Reading lamp'});
  await shop.sell('mirror', {stock: 1, title: 'Gone in a second', item: '化妆镜 · Mirror'});
  const ask = async (user, method, target, body) => {
    const token = await (await fetch(`${shop.url}/api/v1/demo/token`, {method: 'POST',
      headers: {'Content-Type': 'application/json'}, body: JSON.stringify({user})})).json();
    const answer = await fetch(shop.url + target, {method, body: body && JSON.stringify(body),
      headers: {Authorization: `Bearer ${token.token}`, 'Content-Type': 'application/json'}});
    const json = await answer.json();
    assert.ok(answer.ok, JSON.stringify(json));
    return json;
  };
  receiver = createServer((request, answer) => {
    request.resume().on('end', () => answer.writeHead(503, {Connection: 'close'}).end());
  }).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const hook = await shop.call('POST', '/api/v1/admin/webhooks', {reason: 'accounting', description: '会计 · Accounting',
    url: `http://127.0.0.1:${receiver.address().port}/hooks`});
  const lone = await shop.call('POST', '/api/v1/admin/webhooks', {reason: 'mail', url: 'http://127.0.0.1:9/',
    events: ['order.refunded']});
  let paid;
  for (let i = 0; i < 14; ++i) {
    const user = `shopper-${i}`;
    const {id} = await ask(user, 'POST', `/api/v1/items/${i === 13 ? 'mirror' : 'kettle'}/orders`);
    if (i % 3 === 2) continue;
    await ask(user, 'POST', `/api/v1/orders/${id}/payment`, {method: 'wechat'});
    if (i === 12) {
      await fetch(`${shop.sandbox}/_sandbox/faults`, {method: 'PUT',
        body: JSON.stringify({close: {error: 'SYSTEMERROR', times: 1000}})});
      await ask(user, 'POST', `/api/v1/orders/${id}/cancel`);
    } else {
      paid = id;
      await fetch(`${shop.sandbox}/_sandbox/orders/${id}/pay`, {method: 'POST'});
    }
  }
  file = path.join(shop.folder, 'goods.csv');
  writeFileSync(file, 'id,title,price,stock,starts_at,ends_at\n' +
    'cup,Tea cup 茶杯,19.00,30,2030-01-01 10:00:00,2030-01-01 12:00:00\nbad,,1,1,,\n');

  const page = await shopper(browser, shop, '');
  await page.goto(`${shop.url}/console`);
  await page.fill('input[name=name]', 'mei');
  await page.fill('input[name=password]', shop.password);
  await page.click('form button:has-text("Sign in")');
  await page.waitForSelector('h1:has-text("Overview")');
  cookie = (await page.context().cookies(`${shop.url}/api/v1/admin`))
    .find(({name}) => name === 'sluice_console');
  await page.goto(`${shop.url}/console/attention`);
  await page.waitForSelector('.attention');
  await page.context().close();
  pages = {
    overview: ['', '.tile'], sales: ['/sales', 'tbody tr'], sale: [`/sales/${sale.id}`, '#sale-tiles'],
    'new-sale': ['/sales/new', 'fieldset'], import: ['/sales/import', 'input[type=file]'],
    orders: ['/orders', 'tbody tr'], 'no-orders': ['/orders?user=nobody', '.empty'],
    order: [`/orders/${paid}`, '.timeline li'], attention: ['/attention', '.attention'],
    payments: ['/payments', 'tbody tr'], webhooks: ['/webhooks', '.webhook'],
    webhook: [`/webhooks/${hook.id}`, 'tbody tr'], 'no-deliveries': [`/webhooks/${lone.id}`, '.empty'], audit: ['/audit', 'tbody tr'],
    'not-found': ['/nowhere', '.empty'], 'unknown-order': ['/orders/No1', '.trouble'],
  };
});
after(async () => {
  await browser?.close();
  receiver?.close();
  await shop?.stop();
});

for (const language of ['en', 'zh']) {
  for (const theme of ['light', 'dark']) {
    for (const [size, viewport] of Object.entries(kSizes)) {
      test(`${language}, ${theme}, ${size}`, async () => {
        const context = await browser.newContext({viewport, reducedMotion: 'reduce'});
        context.setDefaultTimeout(15_000);
        const set = (name, value) => ({name, value, url: shop.url});
        await context.addCookies([set('sluice_language', language), set('sluice_theme', theme)]);
        const page = await context.newPage();
        const look = async (name) => {
          await audit(page, `console ${name} ${language} ${theme} ${size}`);
          const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
          assert.equal(wide, false, `${name} scrolls sideways at ${viewport.width}`);
        };
        await page.goto(`${shop.url}/console`);
        await page.waitForSelector('input[name=password]');
        await look('sign-in');
        await context.addCookies([cookie]);
        for (const [name, [at, there]] of Object.entries(pages)) {
          await page.goto(`${shop.url}/console${at}`);
          await page.waitForSelector(there);
          await look(name);
        }
        await page.goto(`${shop.url}/console/sales/import`);
        await page.setInputFiles('input[type=file]', file);
        await page.click('form .acts button');
        await page.waitForSelector('#report');
        await look('report');
        await page.goto(`${shop.url}${'/console'}${pages.order[0]}`);
        await page.click('.head .button-danger');
        await page.click('dialog summary');
        await look('dialog');
        await context.close();
      });
    }
  }
}
