// The packed client, installed as a shop would, against a running server; and the receivers' snippets
// of docs/webhooks.md against what that server sends.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";

const home = fileURLToPath(new URL("..", import.meta.url));
const binary = process.env.SLUICE_BINARY;
const folder = mkdtempSync(path.join(tmpdir(), "sluice-client-"));
const data = path.join(folder, "data");
let server, url, Sluice, SluiceError, readWebhook;

const run = (program, args, options = {}) =>
  execFileSync(program, args, { encoding: "utf8", ...options });
const token = (user, ...more) =>
  run(binary, ["token", "--user", user, "--data", data, ...more]).trim();

async function eventually(what, condition) {
  const end = Date.now() + 60_000;
  for (;;) {
    const answer = await condition();
    if (answer) return answer;
    if (Date.now() > end) assert.fail(`${what} did not happen`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

before(async () => {
  assert.ok(binary, "SLUICE_BINARY must name the program to test");
  const packed = JSON.parse(run("npm", ["pack", "--json", "--pack-destination", folder], {
    cwd: home, stdio: ["ignore", "pipe", "pipe"],
  }).replace(/^[^[]*(?=\[)/s, ""));
  const target = path.join(folder, "node_modules", "sluice-client");
  mkdirSync(target, { recursive: true });
  run("tar", ["-xzf", path.join(folder, packed[0].filename), "-C", target, "--strip-components=1"]);
  const load = (file) => import(pathToFileURL(path.join(target, "dist", file)).href);
  ({ Sluice, SluiceError } = await load("index.js"));
  ({ readWebhook } = await load("webhook.js"));

  server = spawn(binary, ["serve", "--demo", "--data", data, "--listen", "127.0.0.1:0"],
    { stdio: "ignore" });
  const file = path.join(data, "server.json");
  url = await eventually("the start", () =>
    existsSync(file) && JSON.parse(readFileSync(file, "utf8")).url);
});

after(async () => {
  server?.kill("SIGTERM");
  if (server) await once(server, "exit");
  rmSync(folder, { recursive: true });
});

function newSale(item, stock) {
  const sale = new Sluice({ baseUrl: url, token: token("olga", "--admin") });
  return sale.adminCreateSale({ body: {
    title: "Client", starts_at: "2020-01-01T00:00:00Z", ends_at: "2099-01-01T00:00:00Z",
    hold_seconds: 600,
    items: [{ id: item, title: "Lamp", price: 1999, list_price: 2999, currency: "CNY", stock,
      per_user_limit: 1 }],
  } });
}

test("there is a method for every operation of the server", async () => {
  const document = await (await fetch(`${url}/openapi.json`)).json();
  for (const operations of Object.values(document.paths)) {
    for (const { operationId } of Object.values(operations)) {
      assert.equal(typeof Sluice.prototype[operationId], "function", operationId);
    }
  }
});

test("the archive holds the built client and nothing of this machine", () => {
  const target = path.join(folder, "node_modules", "sluice-client");
  const files = run("find", [target, "-type", "f"]).trim().split("\n");
  const names = files.map((file) => path.relative(target, file)).sort();
  assert.deepEqual(names, ["README.md", "dist/api.d.ts", "dist/api.js", "dist/base.d.ts",
    "dist/base.js", "dist/index.d.ts", "dist/index.js", "dist/webhook.d.ts", "dist/webhook.js",
    "package.json"]);
});

test("its types fit and misfit", () => {
  writeFileSync(path.join(folder, "package.json"), '{"type":"module"}');
  writeFileSync(path.join(folder, "use.ts"), `
    import { Sluice, type Order } from "sluice-client";
    import { readWebhook } from "sluice-client/webhook";
    const shop = new Sluice({ baseUrl: "http://x" });
    export const order: Promise<Order> = shop.grab({ item: "a", body: { quantity: 1 } });
    // @ts-expect-error: an item is needed
    void shop.grab({});
    // @ts-expect-error: a quantity is a number
    void shop.grab({ item: "a", body: { quantity: "1" } });
    const event = readWebhook("", "", "");
    if ("order" in event) console.log(event.order.amount);
  `);
  run(path.join(home, "node_modules", ".bin", "tsc"), ["--noEmit", "--strict", "--target", "ES2022",
    "--module", "NodeNext", "--lib", "ES2022,DOM", "--skipLibCheck", "use.ts"], { cwd: folder });
});

test("a purchase, and what the server refuses", async () => {
  await newSale("lamp", 1);
  const alice = new Sluice({ baseUrl: url + "/", token: async () => token("alice") });
  const listed = await new Sluice({ baseUrl: url }).listSales();
  assert.ok(listed.sales.some((sale) => sale.items.some((item) => item.id === "lamp")));
  const key = { "Idempotency-Key": "one-click" };
  const order = await alice.grab({ item: "lamp", ...key });
  assert.equal(order.status, "awaiting_payment");
  assert.equal((await alice.grab({ item: "lamp", ...key })).id, order.id);
  const payment = await alice.payOrder({ order: order.id, body: { method: "wechat" } });
  assert.equal(payment.amount, 1999);
  const picture = await alice.paymentQr({ order: order.id });
  assert.match(await picture.text(), /<svg/);

  const bob = new Sluice({ baseUrl: url, token: token("bob"), language: "zh-CN" });
  await assert.rejects(bob.grab({ item: "lamp" }), (error) => {
    assert.ok(error instanceof SluiceError);
    assert.equal(error.status, 409);
    assert.equal(error.code, "sold_out");
    assert.match(error.message, /售罄/);
    return true;
  });
  await assert.rejects(bob.getOrder({ order: order.id }), { code: "unknown_order" });
  await assert.rejects(new Sluice({ baseUrl: url }).listOrders(), { code: "unauthenticated" });
  assert.equal((await alice.cancelOrder({ order: order.id })).id, order.id);
  const own = await alice.listOrders({ limit: 1 });
  assert.equal(own.orders[0].id, order.id);
});

/** The first block of that language in docs/webhooks.md which the marker is in. */
function snippet(language, marker) {
  const text = readFileSync(path.join(home, "../../docs/webhooks.md"), "utf8");
  const blocks = [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)];
  const found = blocks.find(([, name, code]) => name === language && code.includes(marker));
  assert.ok(found, `docs/webhooks.md has no ${language}`);
  return found[2];
}

test("a webhook is read by the client and by every snippet of the manual", async () => {
  const got = [];
  const receiver = http.createServer(async (request, response) => {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    got.push({ body: Buffer.concat(pieces), signature: request.headers["sluice-signature"] });
    response.writeHead(204).end();
  });
  receiver.listen(0, "127.0.0.1");
  await once(receiver, "listening");
  try {
    const olga = new Sluice({ baseUrl: url, token: token("olga", "--admin") });
    const made = await olga.adminAddWebhook({ body: {
      url: `http://127.0.0.1:${receiver.address().port}/`, events: ["order.cancelled"],
      reason: "test",
    } });
    await newSale("vase", 5);
    const carol = new Sluice({ baseUrl: url, token: token("carol") });
    const order = await carol.grab({ item: "vase" });
    await carol.cancelOrder({ order: order.id });
    await eventually("the delivery", () => got.length > 0);
    const { body, signature } = got[0];
    const event = readWebhook(body, signature, made.secret);
    assert.equal(event.type, "order.cancelled");
    assert.equal(event.order.id, order.id);
    assert.equal(event.user, "carol");
    assert.throws(() => readWebhook(body, signature, "another secret of mine"));
    assert.throws(() => readWebhook(`${body} `, signature, made.secret));
    assert.throws(() => readWebhook(body, signature, made.secret, -1), /too old/);
    assert.throws(() => readWebhook(body, "", made.secret));

    const forged = Buffer.concat([body, Buffer.from(" ")]);
    writeFileSync(path.join(folder, "verify.mjs"), snippet("js", "export function verify"));
    const { verify } = await import(pathToFileURL(path.join(folder, "verify.mjs")).href);
    assert.equal(verify(body, signature, made.secret), true);
    assert.equal(verify(forged, signature, made.secret), false);
    assert.equal(verify(body, "t=1,v1=00", made.secret), false);

    writeFileSync(path.join(folder, "verify.py"), snippet("python", "def verify"));
    const python = (input) => run("python3", ["-B", "-c",
      "import sys, verify; print(verify.verify(sys.stdin.buffer.read(), *sys.argv[1:]))",
      signature, made.secret], { cwd: folder, input }).trim();
    assert.equal(python(body), "True");
    assert.equal(python(forged), "False");

    writeFileSync(path.join(folder, "verify.sh"), snippet("sh", "openssl dgst"));
    const shell = (input) =>
      run("sh", ["verify.sh", made.secret, signature], { cwd: folder, input }).trim();
    assert.equal(shell(body), "genuine");
    assert.throws(() => shell(forged));
  } finally {
    receiver.close();
    receiver.closeAllConnections();
  }
});
