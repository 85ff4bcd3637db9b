// wechatpay-node-v3, with verifySign over every answer and notification.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import wechatpayNode from 'wechatpay-node-v3';
import { Merchant, Sandbox, eventually, orderNumber } from './support.js';

const Pay = wechatpayNode.default ?? wechatpayNode;

describe('wechatpay-node-v3', () => {
  let sandbox;
  let merchant;
  let client;
  const answers = [];
  const notices = [];

  const stamp = (headers, body) => ({
    timestamp: headers['wechatpay-timestamp'],
    nonce: headers['wechatpay-nonce'],
    serial: headers['wechatpay-serial'],
    signature: headers['wechatpay-signature'],
    body,
  });

  before(async () => {
    sandbox = await Sandbox.start();
    client = new Pay({
      appid: sandbox.settings.appid,
      mchid: sandbox.settings.mch_id,
      publicKey: sandbox.merchantCertificate,
      privateKey: sandbox.merchantKey,
      key: sandbox.settings.api_v3_key,
    });
    const ask = async (method, url, headers, body) => {
      const answer = await fetch(url.replace('https://api.mch.weixin.qq.com', sandbox.url),
        { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
      const text = await answer.text();
      answers.push(stamp(Object.fromEntries(answer.headers), text));
      return { status: answer.status, data: text === '' ? undefined : JSON.parse(text) };
    };
    client.createHttp({
      get: (url, headers) => ask('GET', url, headers),
      post: (url, params, headers) => ask('POST', url, headers, params),
    });
    merchant = await Merchant.start((request, response) => {
      notices.push(stamp(request.headers, request.body));
      response.end();
    });
  });
  after(async () => {
    await sandbox.stop();
    await merchant.stop();
  });

  it('creates, is told of the payment, refunds and closes', async () => {
    const number = orderNumber();
    const native = (out_trade_no) => client.transactions_native({
      description: '阅读灯', out_trade_no, notify_url: merchant.url,
      amount: { total: 4900, currency: 'CNY' },
    });
    assert.match((await native(number)).data.code_url, /\/pay\/\w+$/);
    assert.equal((await client.query({ out_trade_no: number })).data.trade_state, 'NOTPAY');
    await sandbox.pay(number);
    const notice = await eventually('a notification', () => notices[0]);
    assert.equal(await client.verifySign(notice), true);
    assert.equal(await client.verifySign({ ...notice, body: `${notice.body} ` }), false);
    const { resource } = JSON.parse(notice.body);
    const payment = client.decipher_gcm(
      resource.ciphertext, resource.associated_data, resource.nonce, sandbox.settings.api_v3_key);
    assert.equal(payment.out_trade_no, number);
    assert.equal(payment.amount.total, 4900);
    const refunded = await client.refunds({
      out_trade_no: number, out_refund_no: `${number}r`,
      amount: { refund: 4900, total: 4900, currency: 'CNY' },
    });
    assert.equal(refunded.status, 200);
    assert.equal((await client.find_refunds(`${number}r`)).data.status, 'SUCCESS');
    const other = orderNumber();
    await native(other);
    assert.equal((await client.close(other)).status, 204);
    assert.equal((await client.query({ out_trade_no: other })).data.trade_state, 'CLOSED');
    for (const answer of answers) {
      assert.equal(await client.verifySign(answer), true, answer.body);
    }
  });

  it('learns the platform certificate', async () => {
    const [certificate] = await client.get_certificates(sandbox.settings.api_v3_key);
    assert.equal(certificate.serial_no, sandbox.settings.platform_serial);
  });
});
