import {expect, test} from 'vitest';
import {fromField, money, moneyText, offsetText, parseMoney, toField} from './format';

test('amounts are read exactly', () => {
  expect(parseMoney('12.5', 'CNY')).toBe(1250);
  expect(parseMoney('0.07', 'CNY')).toBe(7);
  expect(parseMoney(' 4.35 ', 'CNY')).toBe(435);
  expect(parseMoney('1999', 'JPY')).toBe(1999);
  expect(parseMoney('8.', 'CNY')).toBe(800);
  expect(parseMoney('1.234', 'KWD')).toBe(1234);
});

test.each(['', '-1', '1e3', '1,000', '12.345', '0x10', 'NaN', '１２', '9999999999999', '.5'])(
  '%s is no amount', (text) => expect(parseMoney(text, 'CNY')).toBeNull());

test('what is shown in a field is read back', () => {
  for (const minor of [0, 1, 99, 100, 123456789]) {
    expect(parseMoney(moneyText(minor, 'CNY'), 'CNY')).toBe(minor);
  }
});

test('money is shown in its currency, and one that nobody knows by its code', () => {
  expect(money(1250, 'CNY', 'en')).toBe('¥12.50');
  expect(money(1250, '!!', 'en')).toBe('12.50 !!');
});

test('times survive the way through a field', () => {
  const at = new Date('2026-11-22T12:34:56.000Z');
  expect(fromField(toField(at))).toBe(at.toISOString());
  expect(fromField('')).toBeNull();
  expect(fromField('tomorrow')).toBeNull();
});

test('offsets', () => {
  expect(offsetText(480)).toBe('+08:00');
  expect(offsetText(-210)).toBe('-03:30');
  expect(offsetText(0)).toBe('+00:00');
});
