// What a person can decide about an order, here and on its own page.
import {countAttention} from './api';
import {perform} from './deed';
import {t} from './state';
import type {Order} from './types';
import {money} from './ui';

const kResolvable = ['closing', 'needs_person'];

export function canRefund(order: Order): boolean {
  return order.operator_status === 'paid' || order.operator_status === 'refunding';
}

export function Decisions({order, done}: {order: Order; done: () => void}) {
  const after = () => {
    void countAttention();
    done();
  };
  const resolve = (action: 'retry_close' | 'mark_paid' | 'release') => perform({
    title: t('resolve_ask', t(action), order.id), text: t(`${action}_hint`), confirm: t(action),
    danger: action !== 'retry_close', path: `/orders/${order.id}/resolve`, done: after,
    ...(action === 'mark_paid'
      ? {extras: [{name: 'evidence', label: t('evidence'), required: true}]} : {}),
    body: (typed) => ({action, ...(typed.evidence ? {evidence: typed.evidence} : {})}),
  });
  const again = order.operator_status === 'refunding';
  return <>
    {kResolvable.includes(order.operator_status) && <>
      <button class="button button-quiet" onClick={() => resolve('retry_close')}>{t('retry_close')}</button>
      <button class="button button-quiet" onClick={() => resolve('mark_paid')}>{t('mark_paid')}</button>
      <button class="button button-quiet" onClick={() => resolve('release')}>{t('release')}</button>
    </>}
    {canRefund(order) && <button class="button button-danger" onClick={() => perform({
      title: t('refund_ask', money(order.amount, order.currency), order.user), text: t('refund_warn'),
      confirm: t(again ? 'refund_again' : 'refund'), danger: true,
      path: `/orders/${order.id}/refund`, done: after})}>{t(again ? 'refund_again' : 'refund')}</button>}
  </>;
}
