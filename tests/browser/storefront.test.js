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

/** Clicks, and tells how it ended: with an order, or with a verdict on the page of the item. */
async function grab(page) {
  await page.click('#grab');
  const won = page.waitForURL(/\/orders\/No\d+$/).then(() => true);
  const lost = page.waitForSelector('#verdict').then(() => false);
  const granted = await Promise.any([won, lost]);
  await Promise.allSettled([granted ? won : lost]);
  return granted;
}

for (const script of [true, false]) {
  test(`two race for the last unit; one pays, the other wins what expires${
    script ? '' : '; without script'}`, async () => {
    const item = script ? 'single' : 'single-plain';
    const options = {javaScriptEnabled: script};
    const [alice, bob, carol] = [await shopper(browser, shop, 'alice', options),
      await shopper(browser, shop, 'bob', options), await shopper(browser, shop, 'carol', options)];
    const everyone = [alice, bob, carol];
    await shop.sell(item, {stock: 2, hold: 20});
    await Promise.all(everyone.map((page) => page.goto(`${shop.url}/items/${item}`)));
    assert.ok(await grab(carol), 'the third holds one unit and will not pay');

    const granted = await Promise.all([alice, bob].map(grab));
    assert.deepEqual([...granted].sort(), [false, true], 'one of two wins the last unit');
    const [winner, loser] = granted[0] ? [alice, bob] : [bob, alice];
    assert.match(await loser.innerText('#verdict'), /Sold out/);
    assert.match(await loser.innerText('#verdict'), /not paid yet: \d\. They may come back/);
    assert.ok(await loser.isDisabled('#grab'));

    await winner.click('text=Pay now');
    await winner.waitForURL(/\/payment$/);
    if (script) await winner.evaluate(() => (window.sameDocument = true));
    await payWhatTheCodeSays(winner.context(), winner);
    await winner.waitForSelector('h1:has-text("Paid")');
    if (script) assert.ok(await winner.evaluate(() => window.sameDocument), 'it was not reloaded');

    if (script) {
      const told = '#status:has-text("A unit came back")';
      await loser.waitForSelector(told, {state: 'attached', timeout: 45_000});
    }
    await loser.waitForSelector('#grab:not([disabled])', {timeout: 45_000});
    assert.ok(await grab(loser), 'what expired is granted to the one who waited');
    assert.match(await loser.innerText('h1'), /It is yours/);
    await carol.waitForSelector('h1:has-text("Time ran out")');
    assert.deepEqual(everyone.flatMap((page) => page.problems), []);
  });
}

test('a unit that is given back is on sale again at once', async () => {
  await shop.sell('returned', {stock: 1});
  const [alice, bob] = [await shopper(browser, shop, 'alice2'), await shopper(browser, shop, 'bob2')];
  await alice.goto(`${shop.url}/items/returned`);
  assert.ok(await grab(alice));
  await bob.goto(`${shop.url}/items/returned`);
  assert.match(await bob.innerText('main'), /Units may come back/, 'told without a grab too');
  await alice.click('#cancel summary');
  await alice.click('#cancel button');
  await alice.waitForSelector('h1:has-text("Given back")');
  await bob.waitForSelector('#status:has-text("A unit came back")', {state: 'attached'});
  assert.ok(await grab(bob));
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

test('script in every text field of operators, importers and shoppers shows as text', async () => {
  const attack = '<img src=x onerror="window.broken=1"><script>window.broken=1</script>';
  await shop.sell('attack', {title: attack, item: attack, description: attack});
  const page = await shopper(browser, shop, attack.slice(0, 40));
  const looksRight = async (at, selector = 'main') => {
    await page.goto(shop.url + at);
    assert.ok((await page.innerText(selector)).includes(attack), `${at} shows it as text`);
    assert.equal(await page.evaluate(() => window.broken), undefined, at);
    assert.equal(await page.locator('main img, main script, [onerror]').count(), 0, at);
  };
  await looksRight('/');
  await looksRight('/items/attack');
  assert.ok((await page.innerText('.who-name')).includes('<img src=x'), 'the name of the shopper');
  assert.ok(await grab(page));
  const order = new URL(page.url()).pathname;
  await looksRight(order);
  await looksRight('/orders');
  await page.goto(shop.url + order);
  await page.click('text=Pay now');
  await page.waitForURL(/\/payment$/);
  await looksRight(`${order}/payment`);
  for (const at of [`/signin?next=${encodeURIComponent(attack)}`,
    `/signin?token=${encodeURIComponent(attack)}`, '/signin?next=javascript:window.broken=1',
    `/?page_token=${encodeURIComponent(attack)}`, `/items/${encodeURIComponent(attack)}`]) {
    await page.goto(shop.url + at);
    assert.equal(await page.evaluate(() => window.broken), undefined, at);
    assert.equal(await page.locator('main img, main script, [onerror]').count(), 0, at);
    assert.equal(await page.locator('[href^="javascript"], [value^="javascript"]').count(), 0, at);
  }
});
