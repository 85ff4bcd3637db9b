// No page has a violation that axe finds, in either language or theme.
import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';
import {audit} from './axe.js';
import {launch, payWhatTheCodeSays, Shop, shopper} from './support.js';

const kSizes = {phone: {width: 390, height: 844}, desktop: {width: 1280, height: 860}};

let shop;
let browser;
let pages; // names and paths
let session;

before(async () => {
  shop = await Shop.start();
  browser = await launch();
  await shop.sell('umbrella', {stock: 3, limit: 3, title: '晚间加场 · Evening drop',
    item: '自动伞 · Automatic umbrella', description: '十骨抗风。\nTen ribs, made for wind.'});
  await shop.sell('mirror', {stock: 1, title: 'Gone in a second', item: '化妆镜 · Mirror'});
  await shop.sell('later', {startsIn: 5000, title: '周末秒杀 · Weekend drop', item: '长嘴壶 · Kettle'});
  await shop.sell('over', {startsIn: -100, lasts: 50, title: 'Yesterday', item: '闹钟 · Alarm clock'});
  await shop.sell('paid', {title: 'Another', item: '阅读灯 · Reading lamp'});
  const page = await shopper(browser, shop, 'alice');
  const grab = async (item) => {
    await page.goto(`${shop.url}/items/${item}`);
    await page.click('#grab');
    await page.waitForURL(/\/orders\/No\d+$/);
    return new URL(page.url()).pathname;
  };
  await grab('mirror');
  const paid = await grab('paid');
  await page.click('text=Pay now');
  await page.waitForURL(/\/payment$/);
  await payWhatTheCodeSays(page.context(), page);
  await page.waitForSelector('h1:has-text("Paid")');
  const open = await grab('umbrella');
  await page.click('text=Pay now');
  await page.waitForURL(/\/payment$/);
  session = (await page.context().cookies()).find((cookie) => cookie.name === 'sluice_session');
  pages = {sales: '/', item: '/items/umbrella', 'sold-out': '/items/mirror', upcoming: '/items/later',
    ended: '/items/over', orders: '/orders', order: open, payment: `${open}/payment`,
    paid, 'sign-in': '/signin', 'not-found': '/nowhere'};
});
after(async () => {
  await browser?.close();
  await shop?.stop();
});

for (const language of ['en', 'zh']) {
  for (const theme of ['light', 'dark']) {
    for (const [size, viewport] of Object.entries(kSizes)) {
      test(`${language}, ${theme}, ${size}`, async () => {
        // Motion would be measured half way: faded text has less contrast.
        const context = await browser.newContext({viewport, reducedMotion: 'reduce'});
        const cookie = (name, value) => ({name, value, url: shop.url});
        await context.addCookies([cookie('sluice_language', language), cookie('sluice_theme', theme),
          cookie('sluice_session', session.value)]);
        const page = await context.newPage();
        // The audit brings its script along, which the policy of the pages is there to refuse; the
        // tests of the server look at the policy itself.
        for (const [name, at] of Object.entries(pages)) {
          await page.goto(shop.url + at);
          await audit(page, `${name} ${language} ${theme} ${size}`);
          const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
          assert.equal(wide, false, `${name} scrolls sideways at ${viewport.width}`);
        }
        await context.close();
      });
    }
  }
}
