// Draws every page of storefront, console and sandbox at phone and desktop width, for the documents.
//   SLUICE_BINARY=build/release/sluice node tests/browser/screenshots.js FOLDER
import assert from 'node:assert/strict';
import {once} from 'node:events';
import {mkdirSync} from 'node:fs';
import {createServer} from 'node:http';
import path from 'node:path';
import {launch, Shop, shopper} from './support.js';

// Desktop is drawn in English and light, phone in Chinese and dark: between them, all four.
const kSizes = {
  desktop: {viewport: {width: 1120, height: 720}, language: 'en', theme: 'light'},
  phone: {viewport: {width: 375, height: 720}, language: 'zh', theme: 'dark'},
};
const kItem = (id, title, description, price, list_price, stock) =>
  ({id, title, description, price, list_price, stock, per_user_limit: 1});
const kEvening = [
  kItem('kettle', '长嘴手冲壶 · Gooseneck kettle', '不锈钢，600 毫升。\nStainless steel, 600 ml.', 9900, 29900, 40),
  kItem('lamp', '阅读灯 · Reading lamp', '三档色温。\nThree colour temperatures.', 4900, 15900, 60),
  kItem('umbrella', '自动伞 · Automatic umbrella', '十骨抗风。\nTen ribs, made for wind.', 1900, 7900, 50),
  kItem('print', '限量版画 · Numbered print', '只有三张。\nThere are three.', 19900, 19900, 3),
];
const kGrabs = {kettle: 26, lamp: 22, umbrella: 31, print: 3};
const kBuyers = ['lin.wei', 'chen.jing', 'anna.k', 'wang.fang', 'm.dubois', 'zhao.lei', 'sofia.r', 'liu.yang'];

const folder = process.argv[2];
assert.ok(folder, 'name the folder to draw into');
mkdirSync(folder, {recursive: true});

const shop = await Shop.start({SLUICE_PAYMENT_CLOSE_ATTEMPTS: '1', SLUICE_PAYMENT_CLOSE_RETRY: '100ms'});
const receivers = [];
let browser;
try {
  browser = await launch();
  const {pages, session, operator} = await scene();
  for (const [size, look] of Object.entries(kSizes)) await draw(size, look, pages, session, operator);
} finally {
  await browser?.close();
  for (const receiver of receivers) receiver.close();
  await shop.stop();
}

/** A system of the shop that answers every event with `status`. */
async function receiver(status) {
  const server = createServer((request, answer) => {
    request.resume().on('end', () => answer.writeHead(status, {Connection: 'close'}).end());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  receivers.push(server);
  return `http://127.0.0.1:${server.address().port}/hooks/sluice`;
}

async function asShopper(user, method, target, body) {
  const headers = {'Content-Type': 'application/json'};
  const minted = await (await fetch(`${shop.url}/api/v1/demo/token`,
    {method: 'POST', headers, body: JSON.stringify({user})})).json();
  const answer = await fetch(shop.url + target, {method, body: body && JSON.stringify(body),
    headers: {...headers, Authorization: `Bearer ${minted.token}`}});
  const json = await answer.json();
  assert.ok(answer.ok, `${user}: ${method} ${target}: ${JSON.stringify(json)}`);
  return json;
}

async function until(what, holds) {
  for (let tries = 0; tries < 600; ++tries) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${what} did not come about within 30 s`);
}

async function begin(user, item, method = 'wechat') {
  const {id} = await asShopper(user, 'POST', `/api/v1/items/${item}/orders`);
  const payment = await asShopper(user, 'POST', `/api/v1/orders/${id}/payment`, {method});
  return {id, payment};
}

async function pay(id) {
  const answer = await fetch(`${shop.sandbox}/_sandbox/orders/${id}/pay`, {method: 'POST'});
  assert.ok(answer.ok, await answer.text());
}

async function open(id, title, startsIn, lasts, items) {
  const at = (seconds) => new Date(Date.now() + seconds * 1000).toISOString();
  await shop.call('POST', '/api/v1/admin/sales', {id, title, starts_at: at(startsIn),
    ends_at: at(startsIn + lasts), hold_seconds: 1800, reason: '秋季活动 · autumn drops', items});
}

/** Fills the sale half; three of four pay, one order needs a person, one is refunded: its number. */
async function crowd() {
  const paid = [];
  for (const [item, grabs] of Object.entries(kGrabs)) {
    for (let i = 0; i < grabs; ++i) {
      const user = `${kBuyers[i % kBuyers.length]}${i >= kBuyers.length ? Math.floor(i / kBuyers.length) : ''}.${item}`;
      const {id} = await begin(user, item);
      if (i % 4 === 3) continue;
      await pay(id);
      paid.push(id);
    }
  }
  const standing = async (id) => (await shop.call('GET', `/api/v1/admin/orders/${id}`)).operator_status;
  for (const id of paid) await until('a payment', async () => await standing(id) === 'paid');
  const stuck = await begin('huang.min', 'lamp');
  await fetch(`${shop.sandbox}/_sandbox/faults`, {method: 'PUT',
    body: JSON.stringify({close: {error: 'SYSTEMERROR', times: 1000}})});
  await asShopper('huang.min', 'POST', `/api/v1/orders/${stuck.id}/cancel`);
  await until('the order that needs a person', async () =>
    (await shop.call('GET', '/api/v1/admin/attention')).orders.length > 0);
  await shop.call('POST', `/api/v1/admin/orders/${paid[0]}/refund`, {reason: '顾客退货 · returned'});
  await until('the refund', async () => await standing(paid[0]) === 'refunded');
  return paid[0];
}

async function scene() {
  await open('evening', '晚间加场 · Evening drop', -60, 7200, kEvening);
  await open('weekend', '周末秒杀 · Weekend drop', 5000, 3600,
    [kItem('watch', '机械表 · Mechanical watch', '手动上链。\nWound by hand.', 39900, 99900, 100)]);
  await open('morning', '早市 · Morning drop', -4000, 300,
    [kItem('clock', '闹钟 · Alarm clock', '静音走时。\nTicks in silence.', 2900, 8900, 80)]);
  const warehouse = await shop.call('POST', '/api/v1/admin/webhooks', {url: await receiver(204),
    description: '仓库 · Warehouse', events: ['order.paid', 'order.refunded', 'item.sold_out'], reason: '发货 · ships what is paid'});
  await shop.call('POST', '/api/v1/admin/webhooks', {url: await receiver(503),
    description: '会计 · Accounting', events: ['order.refunded'], reason: '对账 · books'});
  const refunded = await crowd();
  const deliveries = async (query) =>
    (await shop.call('GET', `/api/v1/admin/webhooks/${warehouse.id}/deliveries?${query}`)).deliveries;
  await until('deliveries', async () => (await deliveries('state=delivered&limit=20')).length >= 20);

  const page = await shopper(browser, shop, 'mei');
  const paid = await begin('mei', 'kettle');
  await pay(paid.id);
  await page.goto(`${shop.url}/orders/${paid.id}`);
  await page.waitForSelector('h1:has-text("Paid")');
  await open('nightcap', '夜场 · Nightcap', -60, 7200,
    [kItem('teapot', '铁壶 · Cast-iron teapot', '一点二升。\n1.2 litres.', 12900, 25900, 30)]);
  const unpaid = await begin('mei', 'teapot');
  await page.goto(`${shop.url}/orders/${unpaid.id}/payment`);
  const code = await page.getAttribute('.pay-ways a.button[rel]', 'href');
  const session = (await page.context().cookies()).find(({name}) => name === 'sluice_session');

  await page.goto(`${shop.url}/console`);
  await page.fill('input[name=name]', 'mei');
  await page.fill('input[name=password]', shop.password);
  await page.click('form button:not([type=button])');
  await page.waitForSelector('.tile');
  const operator = (await page.context().cookies(`${shop.url}/api/v1/admin`))
    .find(({name}) => name === 'sluice_console');
  await page.context().close();

  const front = (at, there = 'h1') => ({at: shop.url + at, there});
  const console = (at, there) => ({at: `${shop.url}/console${at}`, there, operator: true});
  const pages = {
    sales: front('/'), item: front('/items/kettle'), 'sold-out': front('/items/print'),
    upcoming: front('/items/watch'), ended: front('/items/clock'), order: front(`/orders/${unpaid.id}`),
    payment: front(`/orders/${unpaid.id}/payment`), paid: front(`/orders/${paid.id}`),
    orders: front('/orders'), 'sign-in': {...front('/signin'), stranger: true}, 'not-found': front('/nowhere'),
    'sandbox-pay': {at: code, there: 'button'},
    'console-sign-in': {...front('/console', 'input[name=password]'), stranger: true},
    'console-overview': console('', '.tile'), 'console-sales': console('/sales', 'tbody tr'),
    'console-sale': console('/sales/evening', '#sale-tiles'), 'console-new-sale': console('/sales/new', 'fieldset'),
    'console-import': console('/sales/import', 'input[type=file]'), 'console-orders': console('/orders', 'tbody tr'),
    'console-order': console(`/orders/${refunded}`, '.timeline li'),
    'console-attention': console('/attention', '.attention'), 'console-payments': console('/payments', 'tbody tr'),
    'console-webhooks': console('/webhooks', '.webhook'),
    'console-webhook': console(`/webhooks/${warehouse.id}`, 'tbody tr'), 'console-audit': console('/audit', 'tbody tr'),
  };
  return {pages, session, operator};
}

async function draw(size, {viewport, language, theme}, pages, session, operator) {
  for (const [name, {at, there, stranger, operator: operated}] of Object.entries(pages)) {
    const context = await browser.newContext({viewport, colorScheme: theme, reducedMotion: 'reduce',
      locale: language === 'zh' ? 'zh-CN' : 'en-GB', timezoneId: 'Asia/Shanghai'});
    const cookie = (key, value) => ({name: key, value, url: shop.url});
    await context.addCookies([cookie('sluice_language', language), cookie('sluice_theme', theme)]);
    if (!stranger) await context.addCookies([session]);
    if (operated) await context.addCookies([operator]);
    const page = await context.newPage();
    await page.goto(at);
    await page.waitForSelector(there);
    await page.evaluate(() => document.fonts.ready);
    await page.screenshot({path: path.join(folder, `${name}-${size}.png`)});
    await context.close();
  }
}
