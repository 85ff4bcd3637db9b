// A purchase in a real browser: with script, without it, and two who race for one unit.
import assert from 'node:assert/strict';
import {after, afterEach, before, test} from 'node:test';
import {launch, payWhatTheCodeSays, Shop, shopper} from './support.js';

let shop;
let browser;

before(async () => {
  shop = await Shop.start();
  browser = await launch();
});
afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));
after(async () => {
  await browser?.close();
  await shop?.stop();
});

test('two race for one unit; it comes back, and the other wins it', async () => {
  await shop.sell('single', {stock: 1, hold: 120});
  const [alice, bob] = [await shopper(browser, shop, 'alice'), await shopper(browser, shop, 'bob')];
  await Promise.all([alice.goto(`${shop.url}/items/single`), bob.goto(`${shop.url}/items/single`)]);
  await alice.click('#grab');
  await alice.waitForURL(/\/orders\/No\d+$/);
  await bob.click('#grab');
  await bob.waitForSelector('#verdict');
  assert.match(await bob.innerText('#verdict'), /Sold out/);
  assert.match(await bob.innerText('#verdict'), /1 are in orders that are not paid yet/);
  assert.ok(await bob.isDisabled('#grab'));

  await alice.click('#cancel summary');
  await alice.click('#cancel button');
  await alice.waitForSelector('h1:has-text("Given back")');
  await bob.waitForSelector('#status:has-text("A unit came back")');
  await bob.click('#grab');
  await bob.waitForURL(/\/orders\/No\d+$/);
  assert.match(await bob.innerText('h1'), /It is yours/);
  assert.deepEqual([...alice.problems, ...bob.problems], []);
});

test('the page of the order turns paid by itself', async () => {
  await shop.sell('kettle');
  const page = await shopper(browser, shop, 'carol');
  await page.goto(`${shop.url}/items/kettle`);
  await page.click('#grab');
  await page.waitForURL(/\/orders\/No\d+$/);
  await page.click('text=Pay now');
  await page.waitForURL(/\/payment$/);
  assert.match(await page.innerText('.amount'), /¥49\.00/);
  assert.ok(await page.isVisible('svg.qr'));
  await page.evaluate(() => (window.sameDocument = true));
  await payWhatTheCodeSays(page.context(), page);
  await page.waitForSelector('h1:has-text("Paid")');
  assert.ok(await page.evaluate(() => window.sameDocument), 'the page was not loaded again');
  assert.match(page.url(), /\/orders\/No\d+$/);
  assert.deepEqual(page.problems, []);
});

test('the button opens by the clock of the shop, without asking it', async () => {
  await shop.sell('lamp', {startsIn: 4});
  const page = await shopper(browser, shop, 'dave');
  await page.goto(`${shop.url}/items/lamp`);
  assert.ok(await page.isDisabled('#grab'));
  const asked = [];
  page.on('request', (request) => asked.push(request.url()));
  await page.waitForSelector('#grab:not([disabled])');
  assert.deepEqual(asked, [], 'nothing was asked for until the button opened');
  await page.click('#grab');
  await page.waitForURL(/\/orders\/No\d+$/);
  assert.deepEqual(page.problems, []);
});

test('the same purchase without script', async () => {
  await shop.sell('print');
  const page = await shopper(browser, shop, 'erin', {javaScriptEnabled: false});
  await page.goto(shop.url);
  await page.click('a.card-in[href="/items/print"]');
  await page.click('#grab');
  await page.waitForURL(/\/orders\/No\d+$/);
  const order = page.url();
  await page.goto(`${shop.url}/items/print`);
  await page.click('#grab');
  assert.match(await page.innerText('#verdict'), /You already have an order here/);
  await page.click('#verdict a');
  assert.equal(page.url(), order);
  await page.click('text=Pay now');
  await page.waitForURL(/\/payment$/);
  await payWhatTheCodeSays(page.context(), page);
  await page.waitForSelector('h1:has-text("Paid")');
  await page.goto(`${shop.url}/orders`);
  assert.match(await page.innerText('.slip'), /Paid/);
  await page.click('text=Sign out');
  assert.equal(await page.locator('text=Sign in').count(), 1);
});

test('the visitor chooses language and theme, and both stay', async () => {
  const page = await shopper(browser, shop, '', {javaScriptEnabled: false});
  await page.goto(`${shop.url}/signin`);
  await page.click('button[name=language]');
  assert.equal(await page.getAttribute('html', 'lang'), 'zh-CN');
  await page.click('button[value=dark]');
  await page.goto(shop.url);
  assert.equal(await page.getAttribute('html', 'lang'), 'zh-CN');
  assert.equal(await page.getAttribute('html', 'data-theme'), 'dark');
});

test('script in what an operator writes shows as text', async () => {
  const attack = '<img src=x onerror="window.broken=1"><script>window.broken=1</script>';
  await shop.sell('attack', {title: attack, item: attack, description: attack});
  const page = await shopper(browser, shop, attack.slice(0, 40));
  for (const at of ['/', '/items/attack']) {
    await page.goto(shop.url + at);
    assert.ok((await page.innerText('main')).includes(attack), at);
    assert.equal(await page.evaluate(() => window.broken), undefined);
  }
});
