import {expect, test} from 'vitest';
import {fromQuery, fromSearch, toQuery, toSearch} from './filter';

test('a filter survives the way through the address', () => {
  const filter = {user: 'a&b=c <i>', status: 'paid', from: '2026-11-22T00:00:00.000Z'};
  expect(fromQuery(toQuery(filter))).toEqual(filter);
  expect(toQuery({})).toBe('');
});

test('what is not known or empty is left out', () => {
  expect(fromQuery('?status=gone&user=%20&page_token=7&sale=x')).toEqual({sale: 'x'});
});

test('an export gets the same filter', () => {
  expect(toQuery({status: 'paid'}, {limit: '50', page_token: ''})).toBe('?status=paid&limit=50');
});

test('one field searches for three things', () => {
  expect(fromSearch(' No123 ')).toEqual({order: 'No123'});
  expect(fromSearch('4200001234567890123456')).toEqual({transaction_id: '4200001234567890123456'});
  expect(fromSearch('No')).toEqual({user: 'No'});
  expect(fromSearch('No0')).toEqual({user: 'No0'});
  expect(fromSearch('')).toEqual({});
  for (const text of ['No123', 'alice', '4200001234567890123456']) {
    expect(toSearch(fromSearch(text))).toBe(text);
  }
});
