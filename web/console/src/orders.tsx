// Orders: the filter is the address of the page, the list and the export follow it.
import {useState} from 'preact/hooks';
import {kApi} from './api';
import {fromQuery, fromSearch, toQuery, toSearch, type Filter} from './filter';
import {fromField, toField} from './format';
import {useList} from './load';
import {go, query, t} from './state';
import {kOrderStatuses, type Order} from './types';
import {Empty, Field, Head, Link, Loading, money, StatusChip, Table, Time, Trouble} from './ui';

function Filters({filter}: {filter: Filter}) {
  // What was typed belongs to one address: a new one shows its own search, and nothing that runs
  // after the page is drawn can take away what somebody has begun to type.
  const [draft, setDraft] = useState<{at: string; text: string} | null>(null);
  const typed = draft?.at === query.value ? draft.text : toSearch(filter);
  const apply = (next: Filter) => {
    setDraft(null);
    go(`/console/orders${toQuery(next)}`);
  };
  const change = (more: Filter) => apply({...filter, ...more});
  const search = (event: Event) => {
    event.preventDefault();
    const {order: _o, user: _u, transaction_id: _t, ...rest} = filter;
    apply({...rest, ...fromSearch(typed)});
  };
  const time = (name: 'from' | 'to') => <Field label={t(name)}>
    {(ids) => <input {...ids} type="datetime-local" step={1} name={name}
      value={filter[name] ? toField(new Date(filter[name])) : ''}
      onChange={(event) => change({[name]: fromField(event.currentTarget.value) ?? ''})} />}
  </Field>;
  const text = (name: 'sale' | 'item') => <Field label={t(name)}>
    {(ids) => <input {...ids} name={name} value={filter[name] ?? ''} autocomplete="off"
      onChange={(event) => change({[name]: event.currentTarget.value.trim()})} />}
  </Field>;
  return <form class="card filters" role="search" onSubmit={search}>
    <Field label={t('search')}>
      {(ids) => <input {...ids} type="search" name="search" placeholder={t('search_hint')} value={typed}
        autocomplete="off"
        onInput={(event) => setDraft({at: query.value, text: event.currentTarget.value})} />}
    </Field>
    <Field label={t('status')}>
      {(ids) => <select {...ids} name="status" value={filter.status ?? ''}
        onChange={(event) => change({status: event.currentTarget.value})}>
        <option value="">{t('any')}</option>
        {kOrderStatuses.map((status) => <option value={status}>{t(`st_${status}`)}</option>)}
      </select>}
    </Field>
    {text('sale')}{text('item')}{time('from')}{time('to')}
    <div class="filter-acts">
      <button class="button button-strong">{t('search')}</button>
      {toQuery(filter) && <button type="button" class="button button-quiet" onClick={() => apply({})}>
        {t('clear')}</button>}
    </div>
  </form>;
}

export function OrdersPage() {
  const filter = fromQuery(query.value);
  const list = useList<Order>(`/orders${toQuery(filter, {limit: '50'})}`, 'orders');
  const filtered = toQuery(filter) !== '';
  return <>
    <Head title={t('orders')}>
      <a class="button button-quiet" href={`${kApi}/orders.csv${toQuery(filter)}`} download="orders.csv">
        {t('export')}</a>
    </Head>
    <Filters filter={filter} />
    {list.problem && <Trouble problem={list.problem} retry={list.reload} />}
    {list.loading && list.rows.length === 0 ? <Loading />
      : list.rows.length === 0 && !list.problem
        ? <Empty title={t(filtered ? 'no_orders' : 'no_orders_yet')}
          hint={t(filtered ? 'no_orders_hint' : 'no_orders_yet_hint')} />
        : <Table label={t('orders')} head={[t('order'), t('status'), t('user'), t('item'),
          [t('amount'), 'number'], t('created_at')]}>
          {list.rows.map((order) => <tr key={order.id}>
            <th scope="row"><Link class="code" to={`/console/orders/${order.id}`}>{order.id}</Link></th>
            <td><StatusChip status={order.operator_status} /></td>
            <td class="clip">{order.user}</td>
            <td class="clip">{order.title}{order.quantity > 1 && ` × ${order.quantity}`}</td>
            <td class="number">{money(order.amount, order.currency)}</td>
            <td><Time at={order.created_at} /></td>
          </tr>)}
        </Table>}
    <p class="hint" role="status">{!list.loading && t('shown_count', list.rows.length)}</p>
    {list.more && <button class="button button-quiet" onClick={list.more}>{t('more')}</button>}
  </>;
}
