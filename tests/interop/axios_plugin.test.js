// wechatpay-axios-plugin over v2 and v3, with its own verification of every answer.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import plugin from 'wechatpay-axios-plugin';
import { Merchant, Sandbox, eventually, orderNumber } from './support.js';

const { Aes, Formatter, Hash, Rsa, Wechatpay } = plugin;

describe('wechatpay-axios-plugin', () => {
  let sandbox;
  let merchant;
  let client;
  let mistaken;
  const notices = [];

  before(async () => {
    sandbox = await Sandbox.start();
    const { settings } = sandbox;
    const account = {
      baseURL: sandbox.url,
      mchid: settings.mch_id,
      serial: settings.merchant_serial,
      privateKey: sandbox.merchantKey,
      certs: { [settings.platform_serial]: sandbox.platformCertificate },
      secret: settings.api_key,
    };
    client = new Wechatpay({ ...account });
    // Takes the merchant's certificate for the platform's: every answer must look forged to it.
    mistaken = new Wechatpay({
      ...account, certs: { [settings.platform_serial]: sandbox.merchantCertificate },
    });
    merchant = await Merchant.start((request, response) => {
      notices.push({ headers: request.headers, body: request.body });
      response.statusCode = 204;
      response.end();
    });
  });
  after(async () => {
    await sandbox.stop();
    await merchant.stop();
  });

  describe('v3', () => {
    const native = (number, more = {}) => client.v3.pay.transactions.native.post({
      appid: sandbox.settings.appid,
      mchid: sandbox.settings.mch_id,
      description: '长嘴手冲壶 "600 ml"',
      out_trade_no: number,
      notify_url: merchant.url,
      attach: 'a=1&b=<2>',
      time_expire: new Date(Date.now() + 600_000).toISOString(),
      amount: { total: 9900, currency: 'CNY' },
      ...more,
    });
    const query = (number) => client.v3.pay.transactions.outTradeNo._no_.get(
      { no: number, params: { mchid: sandbox.settings.mch_id } });
    const close = (number) => client.v3.pay.transactions.outTradeNo._no_.close.post(
      { mchid: sandbox.settings.mch_id }, { no: number });
    const failsWith = (status, code) => (error) => {
      assert.equal(error.response?.status, status, String(error));
      assert.equal(error.response.data.code, code);
      return true;
    };

    it('creates, queries and closes with answers that verify, the empty one too', async () => {
      const number = orderNumber();
      const expires = new Date(Date.now() + 600_000).toISOString();
      const created = await native(number, { time_expire: expires });
      assert.ok(created.data.code_url.startsWith(`${sandbox.url}/pay/`));
      const again = await native(number, { time_expire: expires });
      assert.equal(again.data.code_url, created.data.code_url);
      await assert.rejects(native(number, { description: 'x', time_expire: expires }),
        failsWith(400, 'INVALID_REQUEST'));
      assert.equal((await query(number)).data.trade_state, 'NOTPAY');
      const closed = await close(number);
      assert.equal(closed.status, 204);
      assert.equal((await query(number)).data.trade_state, 'CLOSED');
      assert.equal((await close(number)).status, 204);
    });

    it('notices when an answer is signed by somebody else', async () => {
      const params = { mchid: sandbox.settings.mch_id };
      const number = orderNumber();
      await native(number);
      await assert.rejects(mistaken.v3.pay.transactions.outTradeNo._no_.get({ params, no: number }),
        { code: 'EV3_RES_HEADER_SIGNATURE_DIGEST' });
      await assert.rejects(mistaken.v3.pay.transactions.outTradeNo._no_.close.post(params, { no: number }),
        { code: 'EV3_RES_HEADER_SIGNATURE_DIGEST' });
    });

    it('is refused with the documented errors', async () => {
      await assert.rejects(query(orderNumber()), failsWith(404, 'ORDER_NOT_EXIST'));
      await assert.rejects(native(orderNumber(), { amount: { total: 0 } }),
        failsWith(400, 'PARAM_ERROR'));
      await assert.rejects(native(orderNumber(), { mchid: '1900000000' }),
        failsWith(400, 'MCH_NOT_EXISTS'));
      await assert.rejects(native(orderNumber(), { appid: 'wx0000000000000000' }),
        failsWith(400, 'APPID_MCHID_NOT_MATCH'));
      await assert.rejects(native(orderNumber(), { time_expire: '2020-01-01T00:00:00+08:00' }),
        failsWith(400, 'PARAM_ERROR'));
    });

    it('decrypts and verifies the notification of a payment, and refunds it', async () => {
      const number = orderNumber();
      await native(number);
      await sandbox.pay(number);
      const open = ({ headers, body }) => {
        const signed = Formatter.response(
          headers['wechatpay-timestamp'], headers['wechatpay-nonce'], body);
        assert.equal(headers['wechatpay-serial'], sandbox.settings.platform_serial);
        assert.ok(Rsa.verify(signed, headers['wechatpay-signature'],
          Rsa.from(sandbox.platformCertificate, Rsa.KEY_TYPE_PUBLIC)));
        const { resource, event_type: type } = JSON.parse(body);
        const plain = Aes.AesGcm.decrypt(resource.ciphertext, sandbox.settings.api_v3_key,
          resource.nonce, resource.associated_data);
        return { type, ...JSON.parse(plain) };
      };
      const notice = await eventually('a notification', () => (
        notices.map(open).find((candidate) => candidate.out_trade_no === number)));
      assert.equal(notice.type, 'TRANSACTION.SUCCESS');
      assert.equal(notice.trade_state, 'SUCCESS');
      assert.equal(notice.amount.total, 9900);
      assert.equal(notice.attach, 'a=1&b=<2>');
      const byTransaction = await client.v3.pay.transactions.id._id_.get(
        { id: notice.transaction_id, params: { mchid: sandbox.settings.mch_id } });
      assert.equal(byTransaction.data.out_trade_no, number);
      await assert.rejects(close(number), failsWith(400, 'ORDERPAID'));

      const refund = (total) => client.v3.refund.domestic.refunds.post({
        out_trade_no: number, out_refund_no: `${number}r`, reason: '迟到的付款',
        notify_url: merchant.url, amount: { refund: 9900, total, currency: 'CNY' },
      });
      await assert.rejects(refund(9901), failsWith(400, 'INVALID_REQUEST'));
      assert.equal((await refund(9900)).data.status, 'PROCESSING');
      const state = await client.v3.refund.domestic.refunds._no_.get({ no: `${number}r` });
      assert.equal(state.data.status, 'SUCCESS');
      assert.equal(state.data.amount.refund, 9900);
      const refunded = await eventually('the refund\'s notification', () => (
        notices.map(open).find((candidate) => candidate.out_refund_no === `${number}r`)));
      assert.equal(refunded.refund_status, 'SUCCESS');
      assert.equal((await query(number)).data.trade_state, 'REFUND');
    });

    it('decrypts the platform certificate', async () => {
      const { data } = await client.v3.certificates.get();
      const [{ serial_no: serial, encrypt_certificate: sealed }] = data.data;
      assert.equal(serial, sandbox.settings.platform_serial);
      assert.equal(Aes.AesGcm.decrypt(sealed.ciphertext, sandbox.settings.api_v3_key, sealed.nonce,
        sealed.associated_data), sandbox.platformCertificate.toString());
    });
  });

  for (const signType of ['MD5', 'HMAC-SHA256']) {
    it(`creates, queries and closes over v2 with ${signType}`, async () => {
      const number = orderNumber();
      const base = {
        appid: sandbox.settings.appid,
        mch_id: sandbox.settings.mch_id,
        nonce_str: Formatter.nonce(),
        sign_type: signType,
        out_trade_no: number,
      };
      const created = await client.v2.pay.unifiedorder.post({
        ...base, body: 'Kettle', total_fee: 9900, spbill_create_ip: '127.0.0.1',
        notify_url: merchant.url, trade_type: 'NATIVE', product_id: 'kettle',
      });
      assert.equal(created.data.result_code, 'SUCCESS');
      assert.equal(created.data.sign, Hash.sign(signType, created.data, sandbox.settings.api_key));
      assert.equal((await client.v2.pay.orderquery.post({ ...base })).data.trade_state, 'NOTPAY');
      assert.equal((await client.v2.pay.closeorder.post({ ...base })).data.result_code, 'SUCCESS');
      assert.equal((await client.v2.pay.orderquery.post({ ...base })).data.trade_state, 'CLOSED');
    });
  }
});
