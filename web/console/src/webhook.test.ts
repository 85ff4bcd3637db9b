import {expect, test} from 'vitest';
import {deliveriesQuery, eventsOf, standingOf} from './webhook';

test('what a person did comes before what the receiver did', () => {
  const held_until = '2030-01-01T00:00:00Z';
  expect(standingOf({paused: true, held_until, failures_in_a_row: 7})).toBe('paused');
  expect(standingOf({paused: false, held_until, failures_in_a_row: 7})).toBe('held');
  expect(standingOf({paused: false, held_until: null, failures_in_a_row: 1})).toBe('trying');
  expect(standingOf({paused: false, held_until: null, failures_in_a_row: 0})).toBe('well');
});

test('events are taken apart at commas of either language and at blanks', () => {
  expect(eventsOf(' order.paid, order.expired，item.sold_out\n')).toEqual(
    ['order.paid', 'order.expired', 'item.sold_out']);
  expect(eventsOf('  ')).toEqual([]);
});

test('a filter that asks for nothing is no query', () => {
  expect(deliveriesQuery('', ' ')).toBe('');
  expect(deliveriesQuery('failed', ' a&b ', 50)).toBe('?state=failed&subject=a%26b&limit=50');
});
