import {describe, expect, it} from 'vitest';
import {announcement} from './swap';

describe('announcement', () => {
  it('says nothing while nothing happened', () => {
    expect(announcement({state: 'open'}, {state: 'open', told: 'Open now'})).toBe('');
  });
  it('says the new state', () => {
    expect(announcement({state: 'open'}, {state: 'sold_out', told: 'Sold out'})).toBe('Sold out');
  });
  it('tells a unit that came back from a sale that opened', () => {
    const open = {state: 'open', told: 'Open now', cameBack: 'A unit came back'};
    expect(announcement({state: 'sold_out'}, open)).toBe('A unit came back');
    expect(announcement({state: 'upcoming'}, open)).toBe('Open now');
  });
});
