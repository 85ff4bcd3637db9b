// What the payment provider told, its replay, and the queues it goes through.
import {perform} from './deed';
import {useList, useLoad} from './load';
import {query, t} from './state';
import type {Notification, Queue} from './types';
import {Chip, count, Empty, Head, Link, Loading, Table, Time, Trouble} from './ui';

function Queues() {
  const loaded = useLoad<{healthy: boolean; queues: Queue[]}>('/queues');
  if (!loaded.data) return null;
  return <section>
    <div class="section-head"><h2>{t('queues')}</h2>
      <Chip kind={loaded.data.healthy ? 'good' : 'warn'}>{t(loaded.data.healthy ? 'working' : 'not_working')}</Chip></div>
    <Table label={t('queues')} head={[t('queue'), [t('queue_ready'), 'number'],
      [t('queue_unacked'), 'number'], [t('queue_parked'), 'number']]}>
      {loaded.data.queues.map((queue) => <tr key={queue.queue}>
        <th scope="row" class="code">{queue.queue}</th>
        <td class="number">{count(queue.ready)}</td>
        <td class="number">{count(queue.unacknowledged)}</td>
        <td class="number">{count(queue.parked)}</td>
      </tr>)}
    </Table>
  </section>;
}

function Row({entry, done}: {entry: Notification; done: () => void}) {
  const replay = () => perform({title: t('replay_ask', entry.sequence), text: t('replay_hint'),
    confirm: t('replay'), path: `/notifications/${entry.sequence}/replay`, done});
  return <tr>
    <td class="number">{entry.sequence}</td>
    <td><Time at={entry.received_at} /></td>
    <td><Chip kind={entry.verdict === 'routed' ? 'good' : 'warn'}>{t(`vd_${entry.verdict}`)}</Chip>
      {entry.repetitions > 1 && <small> {t('repeated', entry.repetitions)}</small>}
      {entry.detail && <small class="detail">{entry.detail}</small>}</td>
    <td>{/^No\d+$/.test(entry.out_trade_no)
      ? <Link class="code" to={`/console/orders/${entry.out_trade_no}`}>{entry.out_trade_no}</Link>
      : <span class="code">{entry.out_trade_no || '–'}</span>}
    <small class="code">{entry.transaction_id}</small></td>
    <td><details><summary aria-label={`${t('body')} ${entry.sequence}`}>{t('body')}</summary>
      <pre tabIndex={0}>{entry.body ?? t('binary')}</pre></details></td>
    <td>{entry.verdict === 'routed' && <button class="plain"
      aria-label={`${t('replay')} ${entry.sequence}`} onClick={replay}>{t('replay')}</button>}</td>
  </tr>;
}

export function PaymentsPage() {
  const order = new URLSearchParams(query.value).get('order') ?? '';
  const list = useList<Notification>(
    `/notifications?limit=50${order && `&order=${encodeURIComponent(order)}`}`, 'notifications', 4000);
  const unavailable = list.problem?.code === 'payment_unavailable';
  return <>
    <Head title={t('payments')} lead={t('notifications_lead')}>
      {order && <Link class="button button-quiet" to="/console/payments">{t('clear')}</Link>}
    </Head>
    {unavailable ? <Empty title={t('no_gateway')} hint={list.problem!.message} /> : <>
      <h2 class="over">{order ? t('of_order', order) : t('notifications')}</h2>
      {list.problem && <Trouble problem={list.problem} retry={list.reload} />}
      {list.loading && list.rows.length === 0 ? <Loading />
        : list.rows.length === 0 && !list.problem
          ? <Empty title={t('no_notifications')} hint={t('no_notifications_hint')} />
          : <Table label={t('notifications')} head={[['#', 'number'], t('received'), t('verdict'),
            t('order'), t('body'), t('replay')]}>
            {list.rows.map((entry) => <Row key={entry.sequence} entry={entry} done={list.reload} />)}
          </Table>}
      {list.more && <button class="button button-quiet" onClick={list.more}>{t('more')}</button>}
      <Queues />
    </>}
  </>;
}
