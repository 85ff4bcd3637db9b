// A started sandbox with its account, its control, and a merchant's address for notifications.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** The flat `key = "value"` lines of wechat.toml. */
function readSettings(file) {
  const settings = {};
  for (const [, key, value] of readFileSync(file, 'utf8').matchAll(/^(\w+) = "(.*)"$/gm)) {
    settings[key] = value;
  }
  return settings;
}

export class Sandbox {
  static async start() {
    const binary = process.env.SLUICE_BINARY;
    assert.ok(binary, 'SLUICE_BINARY must name the program to test');
    const sandbox = new Sandbox();
    sandbox.folder = mkdtempSync(path.join(tmpdir(), 'interop-'));
    const keys = path.join(sandbox.folder, 'keys');
    sandbox.process = spawn(binary, ['sandbox', '--listen', '127.0.0.1:0', '--keys', keys],
      { stdio: ['ignore', 'pipe', 'inherit'] });
    let banner = '';
    for await (const piece of sandbox.process.stdout) {
      banner += piece;
      if (banner.includes('Ctrl-C')) break;
    }
    assert.match(banner, /no money moves/, 'the sandbox started');
    sandbox.settings = readSettings(path.join(keys, 'wechat.toml'));
    sandbox.merchantKey = readFileSync(sandbox.settings.merchant_private_key_file);
    sandbox.merchantCertificate = readFileSync(path.join(keys, 'merchant_cert.pem'));
    sandbox.platformCertificate = readFileSync(sandbox.settings.platform_public_key_file);
    return sandbox;
  }

  get url() { return this.settings.base_url; }

  async control(method, target, body) {
    const answer = await fetch(this.url + '/_sandbox' + target,
      { method, body: body === undefined ? undefined : JSON.stringify(body) });
    const json = await answer.json();
    assert.ok(answer.ok, `${method} ${target}: ${JSON.stringify(json)}`);
    return json;
  }
  order(number) { return this.control('GET', `/orders/${number}`); }
  pay(number, body) { return this.control('POST', `/orders/${number}/pay`, body); }
  faults(faults) { return this.control('PUT', '/faults', faults); }
  speed(speed) { return this.control('PUT', '/clock', { speed }); }

  async stop() {
    this.process.kill('SIGTERM');
    const [status] = await once(this.process, 'exit');
    rmSync(this.folder, { recursive: true });
    assert.equal(status, 0, 'the sandbox ends in peace');
  }
}

/** Where notifications arrive: `handle` gets the request with its body as text. */
export class Merchant {
  static async start(handle) {
    const merchant = new Merchant();
    merchant.server = http.createServer(async (request, response) => {
      const pieces = [];
      for await (const piece of request) pieces.push(piece);
      request.body = Buffer.concat(pieces).toString('utf8');
      await handle(request, response);
    });
    merchant.server.listen(0, '127.0.0.1');
    await once(merchant.server, 'listening');
    merchant.url = `http://127.0.0.1:${merchant.server.address().port}/notify`;
    return merchant;
  }
  async stop() {
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close');
  }
}

const patienceMs = 60_000;

/** Asks again and again until the answer is true. */
export async function eventually(what, condition) {
  const end = Date.now() + patienceMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    assert.ok(Date.now() < end, `${what}: not within ${patienceMs} ms`);
    await new Promise((resolve) => { setTimeout(resolve, 5); });
  }
}

let numbers = 0;
export function orderNumber() {
  numbers += 1;
  return `No${Date.now()}${String(numbers).padStart(4, '0')}`;
}
