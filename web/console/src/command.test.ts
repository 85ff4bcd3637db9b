import {expect, test} from 'vitest';
import {curl, quoted} from './command';

test('nothing that somebody typed leaves its quotes', () => {
  expect(quoted('plain-1.2')).toBe('plain-1.2');
  expect(quoted('$(rm -rf /)')).toBe("'$(rm -rf /)'");
  expect(quoted("it's `x`")).toBe(`'it'\\''s \`x\`'`);
  expect(quoted('')).toBe("''");
  expect(quoted('a\nb')).toBe("'a\nb'");
});

test('a command holds the whole request', () => {
  const text = curl('http://h', 'POST', '/api/v1/admin/sales/s/pause', {reason: "it's late"});
  expect(text).toContain('curl -X POST http://h/api/v1/admin/sales/s/pause');
  expect(text).toContain(`'{"reason":"it'\\''s late"}'`);
});
