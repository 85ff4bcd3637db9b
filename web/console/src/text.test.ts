import {expect, test} from 'vitest';
import {say, sayName, words, type Word} from './text';

test('both languages have the same blanks', () => {
  for (const [word, [en, zh]] of Object.entries(words)) {
    const blanks = (text: string) => [...new Set(text.match(/\{\d\}/g) ?? [])].sort();
    expect(blanks(zh), word).toEqual(blanks(en));
    expect(en.length && zh.length, word).toBeTruthy();
  }
});

test('blanks are filled once: what is filled in is not looked at again', () => {
  expect(say('en', 'window_of' as Word, '{1}', 'b')).toBe('{1} to b');
});

test('a name that a newer server sends is shown as it came', () => {
  expect(sayName('zh', 'ev', 'paid_late')).toBe('迟到支付');
  expect(sayName('zh', 'ev', 'some_new_event')).toBe('some new event');
  expect(sayName('en', 'by', 'toString')).toBe('toString');
});
