// tenpay (v2) creates, queries, closes and refunds; its middleware judges the notifications.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import tenpay from 'tenpay';
import { Merchant, Sandbox, eventually, orderNumber } from './support.js';

/** Runs an Express middleware of tenpay; calls `accepted` only when it lets the request through. */
async function throughMiddleware(middleware, request, response, accepted) {
  response.header = (name, value) => response.setHeader(name, value);
  response.send = (body) => response.end(body);
  await middleware(request, response, () => {
    accepted(request.weixin);
    response.reply();
  });
}

for (const signType of ['MD5', 'HMAC-SHA256']) {
  describe(`tenpay with ${signType}`, () => {
    let sandbox;
    let merchant;
    let client;
    let stranger;
    const payments = [];
    const refunds = [];

    before(async () => {
      sandbox = await Sandbox.start();
      const { appid, mch_id: mchid, api_key: partnerKey } = sandbox.settings;
      client = new tenpay({ appid, mchid, partnerKey });
      stranger = new tenpay({ appid, mchid, partnerKey: 'another key of thirty-two bytes.' });
      for (const payer of [client, stranger]) {
        for (const [call, url] of Object.entries(payer.urls)) {
          payer.urls[call] = url.replace('https://api.mch.weixin.qq.com', sandbox.url);
        }
      }
      merchant = await Merchant.start((request, response) => (
        request.url === '/notify'
          ? throughMiddleware(client.middlewareForExpress('pay'), request, response,
            (notice) => payments.push(notice))
          : throughMiddleware(client.middlewareForExpress('refund'), request, response,
            (notice) => refunds.push(notice))));
      client.notify_url = merchant.url;
      client.refund_url = merchant.url + '/refund';
    });
    after(async () => {
      await sandbox.stop();
      await merchant.stop();
    });

    const create = (number, more = {}) => client.unifiedOrder({
      out_trade_no: number, body: '限量版画 <3 & 张>', attach: '{"queue":"q","username":"爱丽丝"}',
      total_fee: 19900, trade_type: 'NATIVE', product_id: 'print-1', sign_type: signType, ...more,
    });
    const query = (number) => client.orderQuery({ out_trade_no: number, sign_type: signType });
    const close = (number) => client.closeOrder({ out_trade_no: number, sign_type: signType });

    it('creates an order, the same again for the same parameters, and asks for its state', async () => {
      const number = orderNumber();
      const created = await create(number);
      assert.equal(created.trade_type, 'NATIVE');
      assert.ok(created.code_url.startsWith(`${sandbox.url}/pay/`), created.code_url);
      const again = await create(number);
      assert.equal(again.code_url, created.code_url);
      assert.equal(again.prepay_id, created.prepay_id);
      await assert.rejects(create(number, { total_fee: 19901 }), /INVALID_REQUEST/);
      const state = await query(number);
      assert.equal(state.trade_state, 'NOTPAY');
      assert.equal(state.transaction_id, undefined);
    });

    it('refuses what lacks a parameter, is unknown or signed with another key', async () => {
      await assert.rejects(create(orderNumber(), { product_id: '' }), /LACK_PARAMS/);
      await assert.rejects(create(orderNumber(), { total_fee: '1.5' }), /INVALID_REQUEST/);
      await assert.rejects(create('short'), /INVALID_REQUEST/);
      await assert.rejects(query(orderNumber()), /ORDERNOTEXIST/);
      await assert.rejects(close(orderNumber()), /ORDERNOTEXIST/);
      await assert.rejects(stranger.orderQuery({ out_trade_no: orderNumber() }), /SIGNERROR/);
    });

    it('is told of a payment once it was paid', async () => {
      const number = orderNumber();
      await create(number);
      await sandbox.pay(number);
      const notice = await eventually('a notification', () => (
        payments.find((payment) => payment.out_trade_no === number)));
      assert.equal(notice.total_fee, '19900');
      assert.equal(notice.attach, '{"queue":"q","username":"爱丽丝"}');
      const state = await query(number);
      assert.equal(state.trade_state, 'SUCCESS');
      assert.equal(state.transaction_id, notice.transaction_id);
      assert.equal(state.time_end, notice.time_end);
      await assert.rejects(create(number), /ORDERPAID/);
      await assert.rejects(close(number), /ORDERPAID/);
      const shown = await eventually('the acknowledgement', async () => {
        const order = await sandbox.order(number);
        return order.notifications.open === 0 && order;
      });
      assert.equal(shown.attempts.length, 1);
      assert.equal(shown.attempts[0].acknowledged, true);
    });

    it('takes no forged notification, but the genuine ones after them', async () => {
      await sandbox.faults({ notify: { forge: 4 } });
      const numbers = Array.from({ length: 4 }, orderNumber);
      for (const number of numbers) {
        await create(number);
        await sandbox.pay(number);
      }
      for (const number of numbers) {
        const order = await eventually('the acknowledgement', async () => {
          const shown = await sandbox.order(number);
          return shown.notifications.open === 0 && shown;
        });
        const forged = order.attempts.filter((attempt) => attempt.kind === 'forged');
        assert.equal(forged.length, 1);
        assert.equal(forged[0].acknowledged, false, forged[0].answer);
        const taken = payments.filter((payment) => payment.out_trade_no === number);
        assert.deepEqual(taken.map((payment) => payment.total_fee), ['19900']);
      }
      await sandbox.faults({});
    });

    it('is told again after a loss, and as often as copies are wanted', async () => {
      await sandbox.speed(1000);
      await sandbox.faults({ notify: { drop: 2, duplicate: 20 } });
      const number = orderNumber();
      await create(number);
      await sandbox.pay(number);
      await eventually('every copy', () => (
        payments.filter((payment) => payment.out_trade_no === number).length === 21));
      await sandbox.faults({});
      const order = await sandbox.order(number);
      assert.equal(order.attempts.filter((attempt) => attempt.kind === 'dropped').length, 2);
    });

    it('closes, once', async () => {
      const number = orderNumber();
      await create(number);
      await close(number);
      const state = await query(number);
      assert.equal(state.trade_state, 'CLOSED');
      assert.equal(state.total_fee, undefined);
      await assert.rejects(close(number), /ORDERCLOSED/);
      await assert.rejects(create(number), /ORDERCLOSED/);
      await assert.rejects(sandbox.pay(number), /closed/);
    });

    it('meets the errors that are asked for, and a payment that overtakes the close', async () => {
      const number = orderNumber();
      await create(number);
      await sandbox.faults({ close: { error: 'SYSTEMERROR', times: 1 }, pay_before_close: true });
      await assert.rejects(close(number), /SYSTEMERROR/);
      await assert.rejects(close(number), /ORDERPAID/);
      await sandbox.faults({});
      assert.equal((await query(number)).trade_state, 'SUCCESS');
    });

    it('refunds in parts, each once, and is told of it', async () => {
      const number = orderNumber();
      await create(number);
      const refund = (suffix, fee, more = {}) => client.refund({
        out_trade_no: number, out_refund_no: number + suffix, total_fee: 19900, refund_fee: fee,
        sign_type: signType, ...more,
      });
      await assert.rejects(refund('a', 900), /TRADE_STATE_ERROR/);
      await sandbox.pay(number);
      const first = await refund('a', 900);
      assert.equal(first.refund_fee, '900');
      assert.equal((await refund('a', 900)).refund_id, first.refund_id);
      await assert.rejects(refund('a', 901), /INVALID_REQUEST/);
      await assert.rejects(refund('b', 19001), /PARAM_ERROR/);
      await refund('b', 19000);
      const listed = await client.refundQuery({ out_trade_no: number, sign_type: signType });
      assert.equal(listed.refund_count, '2');
      assert.equal(listed.refund_status_0, 'SUCCESS');
      assert.equal(listed.refund_fee_1, '19000');
      const notice = await eventually('the refund\'s notification', () => (
        refunds.find((refunded) => refunded.req_info.out_refund_no === `${number}b`)));
      assert.equal(notice.req_info.refund_fee, '19000');
      assert.equal((await query(number)).trade_state, 'REFUND');
    });
  });
}
