// Orders that wait for somebody to decide, and what can be decided.
import {useList} from './load';
import {Decisions} from './resolve';
import {named, t} from './state';
import type {Order} from './types';
import {Empty, Head, Link, Loading, money, StatusChip, Time, Trouble} from './ui';

export function AttentionPage() {
  const list = useList<Order>('/attention?limit=50', 'orders', 4000);
  return <>
    <Head title={t('attention')} lead={t('attention_lead')} />
    {list.problem && <Trouble problem={list.problem} retry={list.reload} />}
    {list.loading && list.rows.length === 0 ? <Loading />
      : list.rows.length === 0 && !list.problem
        ? <Empty title={t('no_attention')} hint={t('no_attention_hint')} />
        : <ul class="cards">{list.rows.map((order) => <li key={order.id} class="card attention">
          <div class="sale-card-head">
            <h2>{named('at', order.attention ?? 'close_failed')}</h2>
            <StatusChip status={order.operator_status} />
          </div>
          <p class="facts">
            <Link class="code" to={`/console/orders/${order.id}`}>{order.id}</Link>
            <span>{order.user}</span><span>{order.title}</span>
            <b>{money(order.amount, order.currency)}</b>
            <Time at={order.created_at} />
            {order.close_attempts > 0 && <span>{t('attempts')}: {order.close_attempts}</span>}
          </p>
          <div class="acts"><Decisions order={order} done={list.reload} /></div>
        </li>)}</ul>}
    {list.more && <button class="button button-quiet" onClick={list.more}>{t('more')}</button>}
  </>;
}
