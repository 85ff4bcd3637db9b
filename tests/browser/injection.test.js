// Markup in every field of an imported file: on every page it is text, and nothing of it runs.
import assert from 'node:assert/strict';
import {after, afterEach, before, test} from 'node:test';
import {launch, Shop, shopper} from './support.js';

const kRun = 'window.hacked=1';
const kVectors = [
  `<script>${kRun}</script>`,
  `"><img src=x onerror="${kRun}">`,
  `'><svg onload='${kRun}'>`,
  `</title></style></textarea></script><script>${kRun}</script>`,
  `--><script>${kRun}</script><!--`,
  `]]><script>${kRun}</script>`,
  `javascript:${kRun}//`,
  `" onfocus="${kRun}" autofocus x="`,
  `&lt;img src=x onerror=${kRun}&gt;`,
  `';${kRun};'`,
  '${' + kRun + '}{{' + kRun + '}}',
];
const kPlain = kVectors[0];
const kShopper = `<img src=x onerror=${kRun}>`;

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

const ids = (prefix) => kVectors.map((_, i) => `${prefix}-${i}`);

/** Goods whose every text is a vector, and rows whose ids, amounts, states and pictures are. */
function rows(prefix) {
  const good = kVectors.map((text, i) => [`${prefix}-${i}`, text, '1.00', '2.00', '5', '1', '', text]);
  const odd = kVectors.flatMap((text, i) => [
    [text, text, '1.00', '2.00', '5', '1', '', text],
    [`${prefix}-price-${i}`, text, text, text, '5', '1', '', text],
    [`${prefix}-stock-${i}`, text, '1.00', '2.00', text, '1', '', text],
    [`${prefix}-status-${i}`, text, '1.00', '2.00', '5', text, '', text],
    [`${prefix}-image-${i}`, text, '1.00', '2.00', '5', '1', text, text],
  ]);
  const pictured = [`${prefix}-picture`, 'picture', '1.00', '2.00', '5', '1', `/x"><img src=x onerror="${kRun}">`, ''];
  return [...good, ...odd, pictured];
}

function csvFile() {
  const quoted = (text) => `"${text.replaceAll('"', '""')}"`;
  return [['id', 'title', 'price', 'list_price', 'stock', 'status', 'image_url', 'description', kPlain, kVectors[1]],
    ...rows('csv').map((row) => [...row, kPlain, kPlain])]
    .map((row) => row.map(quoted).join(',')).join('\n') + '\n';
}

function dumpFile() {
  const quoted = (text) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const named = (text) => '`' + text.replaceAll('`', '``') + '`';
  const columns = ['id', 'title', 'cost_price', 'price', 'stock_count', 'status', 'small_pic', 'introduction', kPlain];
  const values = rows('sql').map((row) => `(${[...row, kPlain].map(quoted).join(',')})`);
  return `CREATE TABLE \`tb_seckill_goods\` (\n${columns.map((name) => `  ${named(name)} text`).join(',\n')}\n);\n` +
    `INSERT INTO \`tb_seckill_goods\` VALUES ${values.join(',\n')};\n` +
    `INSERT INTO ${named(kPlain)} VALUES (1);\n`;
}

/** A browser without our Content-Security-Policy, so that nothing but the pages' own care helps. */
const kBare = {bypassCSP: true};

/** Nothing of a vector became an element, an attribute that runs or an address that does. */
async function harmless(page, where) {
  const strange = await page.evaluate(() => [...document.querySelectorAll('*')].filter((element) =>
    [...element.attributes].some(({name, value}) => name.startsWith('on') || name === 'autofocus' ||
      (['href', 'src', 'action', 'formaction', 'srcset'].includes(name) && /^\s*javascript:/i.test(value))) ||
    (['IMG', 'IFRAME', 'OBJECT'].includes(element.tagName) && element.getAttribute('src') === 'x') ||
    (element.tagName === 'SCRIPT' && element.textContent.includes('hacked')))
    .map((element) => element.outerHTML.slice(0, 200)));
  assert.deepEqual(strange, [], where);
  assert.equal(await page.evaluate(() => window.hacked), undefined, where);
  assert.deepEqual(page.problems, [], where);
}

/** Goes there, or looks at where it is; every text is to be read as it was written. */
async function look(page, target, texts, selector) {
  const where = target ?? page.url();
  if (target) await page.goto(target.startsWith('http') ? target : shop.url + target);
  if (selector) await page.waitForSelector(selector);
  const shown = (await page.innerText('body')).replaceAll(/\s+/g, ' ');
  for (const text of texts) assert.ok(shown.includes(text), `${where} shows ${text}: ${shown}`);
  await harmless(page, where);
}

async function operator() {
  const page = await shopper(browser, shop, '', kBare);
  await page.goto(`${shop.url}/console`);
  await page.fill('input[name=name]', kPlain);
  await page.fill('input[name=password]', shop.password);
  await page.click('form button:has-text("Sign in")');
  await page.waitForSelector('h1:has-text("Overview")');
  return page;
}

/** Loads the file as an operator does, and reads both reports. */
async function load(page, name, text, title, minutes) {
  await page.goto(`${shop.url}/console/sales/import`);
  await page.setInputFiles('input[type=file]', {name, mimeType: 'text/plain', buffer: Buffer.from(text)});
  await page.fill('input[name=title]', title);
  await page.fill('input[name=starts_at]', '2026-01-01T00:00');
  await page.fill('input[name=minutes]', String(minutes));
  await page.click('button:has-text("Check the file")');
  await look(page, null, kVectors, 'h2:has-text("What the file holds")');
  await page.fill('input[name=reason]', kPlain);
  await page.click('button:has-text("Put it on sale")');
  await look(page, null, kVectors, 'h2:has-text("What was done")');
}

const kFiles = [
  {kind: 'csv', name: `${kPlain.replace('/', ':')}.csv`, file: csvFile, title: kVectors[3], minutes: 60 * 24 * 3000},
  {kind: 'sql', name: `${kVectors[1]}.sql`, file: dumpFile, title: kVectors[1], minutes: 60 * 24 * 3001},
];

for (const {kind, name, file, title, minutes} of kFiles) {
  test(`markup in a ${kind} file is text on every page`, async () => {
    const console_page = await operator();
    await load(console_page, name, file(), title, minutes);
    const {sales} = await shop.call('GET', '/api/v1/sales');
    const sale = sales.find((one) => one.title === title).id;

    for (const script of [true, false]) {
      const page = await shopper(browser, shop, kShopper + script, {...kBare, javaScriptEnabled: script});
      await look(page, '/', [title, ...kVectors]);
      for (const [i, id] of ids(kind).entries()) await look(page, `/items/${id}`, [kVectors[i]]);
      await look(page, `/items/${kind}-picture`, []);
      await look(page, `/items/${encodeURIComponent(kPlain)}`, []);

      // One unit of the nastiest goods goes all the way through.
      const bought = script ? 1 : 3;
      await page.goto(`${shop.url}/items/${kind}-${bought}`);
      await page.click('#grab');
      await page.waitForURL(/\/orders\/No\d+$/);
      const order = page.url().split('/').pop();
      await look(page, null, [kVectors[bought]]);
      await page.click('text=Pay now');
      await page.waitForURL(/\/payment$/);
      await look(page, null, []);
      const wallet = await shopper(browser, shop, '', {...kBare, javaScriptEnabled: script});
      await look(wallet, await page.getAttribute('.pay-ways a.button[rel]', 'href'), [kVectors[bought]]);
      await wallet.locator('button').first().click();
      await look(wallet, null, [kVectors[bought]]);
      await page.waitForSelector('h1:has-text("Paid")');
      await look(page, '/orders', [kVectors[bought]]);

      await look(console_page, `/console/orders/${order}`, [kVectors[bought], kShopper],
        `h1:has-text("${order}")`);
    }

    await look(console_page, '/console', [], '.sale-card');
    await look(console_page, '/console/sales', [title], 'tbody a');
    await look(console_page, `/console/sales/${sale}`, [title, ...kVectors], '#sale-tiles');
    await look(console_page, '/console/orders', [kShopper], 'tbody a');
    await look(console_page, '/console/payments', [], 'tbody tr');
    await look(console_page, '/console/audit', [kPlain], 'tbody td');
  });
}
