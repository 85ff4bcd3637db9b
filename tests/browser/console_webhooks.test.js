// The console's webhooks in a real browser: one is added, fails, is looked into, and is sent again.
import assert from 'node:assert/strict';
import {once} from 'node:events';
import {createServer} from 'node:http';
import {after, before, test} from 'node:test';
import {launch, Shop, shopper} from './support.js';

let shop;
let browser;
let receiver;
let status = 503; // what the receiver answers
const heard = []; // ids of events, in the order of their arrival
before(async () => {
  shop = await Shop.start();
  browser = await launch();
  receiver = createServer((request, answer) => {
    heard.push(request.headers['sluice-event-id']);
    request.resume().on('end', () => answer.writeHead(status, {Connection: 'close'}).end());
  }).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
});
after(async () => {
  await browser?.close();
  receiver?.close();
  await shop?.stop();
});

/** Says why and does it. */
async function confirm(page, fields) {
  for (const [name, value] of Object.entries(fields)) await page.fill(`dialog [name=${name}]`, value);
  await page.click('dialog form > .acts button:not([type=button])');
  await page.waitForSelector('dialog', {state: 'detached'});
}

test('a webhook is added, its failing shows, and what was sent is seen and filtered', async () => {
  const page = await shopper(browser, shop, '');
  await page.goto(`${shop.url}/console`);
  await page.fill('input[name=name]', 'mei');
  await page.fill('input[name=password]', shop.password);
  await page.click('form button:has-text("Sign in")');
  await page.click('nav a:has-text("Webhooks")');
  await page.waitForSelector('.empty:has-text("No webhook yet")');

  const url = `http://127.0.0.1:${receiver.address().port}/hooks`;
  await page.click('button:has-text("Add a webhook")');
  await page.fill('dialog [name=url]', url);
  await page.fill('dialog [name=events]', 'order.paid, order.eaten');
  await page.fill('dialog [name=reason]', 'ships');
  await page.click('dialog form > .acts button:not([type=button])');
  await page.waitForSelector('dialog .trouble:has-text("order.expired")'); // what there is instead
  await confirm(page, {events: 'order.paid, order.cancelled', description: '<b>Warehouse</b>'});
  const secret = await page.innerText('section[role=status] pre');
  assert.ok(secret.length >= 16, secret);
  await page.click('.webhook a:has-text("<b>Warehouse</b>")'); // text, not markup
  await page.waitForSelector('.empty:has-text("No delivery")');

  await page.click('button:has-text("Send a test")');
  await confirm(page, {reason: 'does it hear?'});
  await page.waitForSelector('tr:has-text("ping"):has-text("Waiting"):has-text("503")');
  await page.waitForSelector('.chip:has-text("failing, tried again")');
  await page.click('td summary');
  await page.waitForSelector('td .notices li:has-text("503")');
  await page.waitForSelector('td pre:has-text("ping")');

  await page.selectOption('select[name=state]', 'failed');
  await page.waitForSelector('.empty:has-text("No delivery")');
  assert.equal(new URL(page.url()).search, '?state=failed');
  await page.click('button:has-text("Clear")');
  await page.waitForSelector('tr:has-text("ping")');

  // It answers again: the event comes once more by itself, the same one.
  status = 204;
  await page.waitForSelector('tr:has-text("ping"):has-text("Delivered")', {timeout: 120_000});
  await page.waitForSelector('.chip:has-text("working")');
  assert.equal(new Set(heard).size, 1);
  assert.ok(heard.length >= 2);

  await page.click('button:has-text("Pause")');
  await confirm(page, {reason: 'moving house'});
  await page.waitForSelector('.chip:has-text("paused")');
  await page.click('button:has-text("Remove")');
  await confirm(page, {reason: 'gone'});
  await page.waitForSelector('.empty:has-text("No webhook yet")');
  await page.click('nav a:has-text("Audit log")');
  for (const deed of ['webhook.add', 'webhook.ping', 'webhook.pause', 'webhook.remove']) {
    await page.waitForSelector(`td:has-text("${deed}")`);
  }
  assert.deepEqual(page.problems, []);
});
