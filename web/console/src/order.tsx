// One order: what it is, what happened to it, what the provider knows, what can be done.
import {useEffect} from 'preact/hooks';
import {useLoad} from './load';
import {Decisions} from './resolve';
import {named, t} from './state';
import type {Order, TimelineEntry} from './types';
import {Definition, Head, Link, Loading, money, StatusChip, Time, Trouble} from './ui';

const kParties = ['shopper', 'clock', 'provider']; // all others are operators' names
const kMoving = ['queued', 'awaiting_payment', 'closing', 'refunding'];

function Facts({order}: {order: Order}) {
  return <dl class="card facts-list">
    <Definition word="user">{order.user}</Definition>
    <Definition word="item"><span>{order.title}</span> <small class="code">{order.item_id}</small></Definition>
    <Definition word="sale"><Link to={`/console/sales/${order.sale_id}`}>{order.sale_id}</Link></Definition>
    <Definition word="quantity">{order.quantity}</Definition>
    <Definition word="amount">{money(order.amount, order.currency)}</Definition>
    <Definition word="created_at"><Time at={order.created_at} /></Definition>
    <Definition word="expires_at"><Time at={order.expires_at} /></Definition>
    {order.paid_at && <Definition word="paid_at"><Time at={order.paid_at} /></Definition>}
    {order.transaction_id && <Definition word="transaction"><span class="code">{order.transaction_id}</span></Definition>}
    {order.reason && <Definition word="end_reason">{named('rs', order.reason)}</Definition>}
    {order.close_attempts > 0 && <Definition word="attempts">{order.close_attempts}</Definition>}
  </dl>;
}

function ProviderSide({order}: {order: Order}) {
  const payment = order.payment;
  return <section class="card">
    <h2>{t('payment_of')}</h2>
    {!payment ? <p class="hint">{t('no_payment')}</p> : <dl class="facts-list">
      <Definition word="standing">{named('sd', payment.standing)}</Definition>
      <Definition word="amount">{money(payment.amount, payment.currency)}</Definition>
      <Definition word="begun_at"><Time at={payment.created_at} /></Definition>
      <Definition word="expires_at"><Time at={payment.expires_at} /></Definition>
      {payment.transaction_id && <Definition word="transaction"><span class="code">{payment.transaction_id}</span></Definition>}
      <Definition word="goes_to"><span class="code">{payment.exchange} / {payment.queue}</span></Definition>
    </dl>}
    <p><Link to={`/console/payments?order=${order.id}`}>{t('of_order', order.id)}</Link></p>
  </section>;
}

function Timeline({entries}: {entries: TimelineEntry[]}) {
  return <ol class="timeline">
    {entries.map((entry) => <li key={entry.sequence}>
      <Time at={entry.at} />
      <b>{named('ev', entry.event)}</b>
      <span class="hint">{kParties.includes(entry.actor) ? named('by', entry.actor) : entry.actor}</span>
      {entry.detail && <span class="detail">{entry.detail}</span>}
    </li>)}
  </ol>;
}

export function OrderPage({id}: {id: string}) {
  const loaded = useLoad<Order>(`/orders/${id}`);
  const timeline = useLoad<{entries: TimelineEntry[]}>(`/orders/${id}/timeline`);
  const reload = () => {
    loaded.reload();
    timeline.reload();
  };
  const order = loaded.data;
  // What is still moving is looked at again; a person who waits for it is here.
  useEffect(() => {
    if (!order || !kMoving.includes(order.operator_status)) return undefined;
    const timer = setTimeout(() => {
      if (document.hidden) return;
      loaded.refresh();
      timeline.refresh();
    }, 2000);
    return () => clearTimeout(timer);
  }, [order]);
  if (!order) return loaded.problem
    ? <><Head title={t('order')} /><Trouble problem={loaded.problem} retry={reload} /></> : <Loading />;
  return <>
    <p class="back"><Link to="/console/orders">{t('orders')}</Link></p>
    <Head title={order.id}><Decisions order={order} done={reload} /></Head>
    <p class="facts" role="status"><StatusChip status={order.operator_status} /></p>
    <div class="columns columns-wide">
      <div class="stack"><Facts order={order} /><ProviderSide order={order} /></div>
      <section class="card">
        <h2>{t('timeline')}</h2>
        {timeline.problem && <Trouble problem={timeline.problem} />}
        <Timeline entries={timeline.data?.entries ?? []} />
      </section>
    </div>
  </>;
}
