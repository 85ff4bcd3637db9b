// What axe finds on a page must be nothing.
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';

const kAxe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** The audit brings its script along, which the policy of the pages is there to refuse; the tests of
 * the server look at the policy itself. */
export async function audit(page, name) {
  await page.evaluate(kAxe);
  const {violations} = await page.evaluate(() => window.axe.run(document, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  }));
  const told = violations.map((found) =>
    `${name}: ${found.id}: ${found.help}: ${found.nodes.map((node) => node.html).join(' | ')}`);
  assert.deepEqual(told, []);
}
