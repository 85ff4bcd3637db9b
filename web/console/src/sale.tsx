// One sale: its units live, its chart, its items, and everything that can be done to it.
import {Chart} from './chart';
import {perform} from './deed';
import {fromField, moneyText, parseMoney, toField} from './format';
import {saleStats} from './live';
import {useLoad} from './load';
import {t} from './state';
import type {Item, ItemStats, Sale} from './types';
import {Chip, count, Empty, Head, Level, Link, Loading, money, PhaseChip, Table, Tile, Time, Trouble} from './ui';

function changeSale(sale: Sale, done: () => void): void {
  perform({title: t('change_sale'), confirm: t('change'), method: 'PATCH', path: `/sales/${sale.id}`,
    extras: [
      {name: 'title', label: t('title'), value: sale.title, required: true},
      {name: 'starts_at', label: t('starts_at'), type: 'datetime-local',
        value: toField(new Date(sale.starts_at)), required: true},
      {name: 'ends_at', label: t('ends_at'), type: 'datetime-local',
        value: toField(new Date(sale.ends_at)), required: true},
      {name: 'hold', label: t('hold'), type: 'number', value: String(sale.hold_seconds), required: true},
    ],
    body: (typed) => {
      const changed: Record<string, unknown> = {};
      if (typed.title !== sale.title) changed.title = typed.title;
      for (const name of ['starts_at', 'ends_at'] as const) {
        // A field holds whole seconds; what was not touched stays as it is.
        if (typed[name] !== toField(new Date(sale[name]))) changed[name] = fromField(typed[name] ?? '');
      }
      if (Number(typed.hold) !== sale.hold_seconds) changed.hold_seconds = Number(typed.hold);
      return changed;
    }, done});
}

function changeItem(item: Item, done: () => void): void {
  perform({title: `${t('change_item')}: ${item.title}`, confirm: t('change'), method: 'PATCH',
    path: `/items/${item.id}`,
    extras: [
      {name: 'title', label: t('title'), value: item.title, required: true},
      {name: 'price', label: t('price'), value: moneyText(item.price, item.currency), required: true},
      {name: 'list_price', label: t('list_price'), value: moneyText(item.list_price, item.currency), required: true},
      {name: 'limit', label: t('limit'), type: 'number', value: String(item.per_user_limit), required: true},
      {name: 'image_url', label: t('image_url'), value: item.image_url},
      {name: 'description', label: t('description'), type: 'textarea', value: item.description},
    ],
    body: (typed) => {
      const changed: Record<string, unknown> = {};
      for (const name of ['title', 'image_url', 'description'] as const) {
        if (typed[name] !== item[name]) changed[name] = typed[name];
      }
      for (const name of ['price', 'list_price'] as const) {
        const minor = parseMoney(typed[name] ?? '', item.currency);
        if (minor === null) return `${t(name)}: ${typed[name]}`;
        if (minor !== item[name]) changed[name] = minor;
      }
      if (Number(typed.limit) !== item.per_user_limit) changed.per_user_limit = Number(typed.limit);
      return changed;
    }, done});
}

function setStock(item: Item, units: {held: number; sold: number}, done: () => void): void {
  perform({title: `${t('set_stock')}: ${item.title}`, confirm: t('set_stock'), path: `/items/${item.id}/stock`,
    extras: [{name: 'stock', label: t('stock'), type: 'number', value: String(item.stock),
      hint: t('set_stock_hint', units.held + units.sold), required: true}],
    body: (typed) => ({stock: Number(typed.stock)}), done});
}

function addItem(sale: Sale, done: () => void): void {
  perform({title: t('add_item'), confirm: t('add_item'), path: `/sales/${sale.id}/items`,
    extras: [
      {name: 'title', label: t('title'), required: true},
      {name: 'price', label: t('price'), required: true},
      {name: 'currency', label: t('currency'), value: 'CNY', required: true},
      {name: 'stock', label: t('stock'), type: 'number', value: '1', required: true},
      {name: 'limit', label: t('limit'), type: 'number', value: '1', required: true},
    ],
    body: (typed) => {
      const price = parseMoney(typed.price ?? '', typed.currency ?? '');
      if (price === null) return `${t('price')}: ${typed.price}`;
      return {title: typed.title, price, currency: typed.currency, stock: Number(typed.stock),
        per_user_limit: Number(typed.limit)};
    }, done});
}

function Controls({sale, done}: {sale: Sale; done: () => void}) {
  if (sale.cancelled || sale.phase === 'ended') return null;
  const switchTo = sale.paused
    ? {title: t('resume_ask'), confirm: t('resume'), path: `/sales/${sale.id}/resume`}
    : {title: t('pause_ask'), confirm: t('pause'), path: `/sales/${sale.id}/pause`};
  return <>
    <button class="button button-quiet" onClick={() => changeSale(sale, done)}>{t('change')}</button>
    <button class="button button-quiet" onClick={() => perform({...switchTo, text: sale.title, done})}>
      {switchTo.confirm}</button>
    <button class="button button-danger" onClick={() => perform({title: t('cancel_ask'), danger: true,
      text: `${sale.title}: ${t('cancel_warn')}`, confirm: t('cancel_sale'),
      path: `/sales/${sale.id}/cancel`, done})}>{t('cancel_sale')}</button>
  </>;
}

function ItemRow({item, stats, done, over}: {item: Item; stats: ItemStats | undefined; done: () => void; over: boolean}) {
  const units = stats ?? item;
  return <tr>
    <th scope="row">{item.title} {item.frozen && <Chip kind="warn">{t('frozen')}</Chip>}
      <small class="code">{item.id}</small></th>
    <td class="number">{money(item.price, item.currency)}</td>
    <td class="number">{count(item.per_user_limit)}</td>
    <td class="number">{count(units.stock)}</td>
    <td class="number"><b>{count(units.available)}</b></td>
    <td class="number">{count(units.held)}</td>
    <td class="number">{count(units.sold)}</td>
    <td class="number">{count(units.refunded)}</td>
    <td class="row-acts">{!over && <>
      <button class="plain" aria-label={`${t('change_item')}: ${item.title}`}
        onClick={() => changeItem(item, done)}>{t('change')}</button>
      <button class="plain" aria-label={`${t('set_stock')}: ${item.title}`}
        onClick={() => setStock({...item, stock: units.stock}, units, done)}>{t('set_stock')}</button>
    </>}</td>
  </tr>;
}

export function SalePage({id}: {id: string}) {
  const loaded = useLoad<Sale>(`/sales/${id}`);
  const stats = saleStats.value?.sale_id === decodeURIComponent(id) ? saleStats.value : null;
  const sale = loaded.data && {...loaded.data, phase: stats?.phase ?? loaded.data.phase};
  if (!sale) return loaded.problem
    ? <><Head title={t('sale')} /><Trouble problem={loaded.problem} retry={loaded.reload} /></>
    : <Loading />;
  const items = sale.items ?? [];
  const total = stats?.total;
  const over = sale.cancelled || sale.phase === 'ended';
  const byItem = new Map(stats?.items.map((item) => [item.item_id, item]));
  return <>
    <p class="back"><Link to="/console/sales">{t('sales')}</Link></p>
    <Head title={sale.title}><Controls sale={sale} done={loaded.reload} /></Head>
    <p class="facts">
      <PhaseChip phase={sale.phase} cancelled={sale.cancelled} />
      <span><Time at={sale.starts_at} day /> – <Time at={sale.ends_at} day /></span>
      <span>{t('hold_of', sale.hold_seconds)}</span>
      <span class="code">{sale.id}</span>
      <Link to={`/console/orders?sale=${sale.id}`}>{t('orders_of_sale')}</Link>
    </p>
    {total && <>
      <dl class="tiles" id="sale-tiles">
        <Tile label="stock" value={count(total.stock)} tone="soft" />
        <Tile label="available" value={count(total.available)}
          {...(total.available === 0 ? {note: t('sold_out')} : {})} />
        <Tile label="held" value={count(total.held)} />
        <Tile label="sold" value={count(total.sold)} />
        <Tile label="refunded" value={count(total.refunded)} tone="soft" />
        <Tile label="conserved" value={total.conserved ? '✓' : '✗'} tone={total.conserved ? 'good' : 'bad'} />
      </dl>
      <Level {...total} />
    </>}
    <Chart title={t('units_chart')} sale={id}
      now={stats && {at: Date.parse(stats.now) / 1000,
        values: [stats.total.available, stats.total.held, stats.total.sold]}}
      lines={[{column: 'available', label: t('available'), color: '--water', fill: true},
        {column: 'held', label: t('held'), color: '--signal'},
        {column: 'sold', label: t('sold'), color: '--good'}]} />
    <section>
      <div class="section-head"><h2>{t('items')}</h2>
        {!over && <button class="button button-quiet" onClick={() => addItem(sale, loaded.reload)}>
          {t('add_item')}</button>}</div>
      {items.length === 0 ? <Empty title={t('none')} />
        : <Table label={t('items')} head={[t('title'), [t('price'), 'number'], [t('limit'), 'number'],
          [t('stock'), 'number'], [t('available'), 'number'], [t('held'), 'number'],
          [t('sold'), 'number'], [t('refunded'), 'number'], t('change')]}>
          {items.map((item) => <ItemRow key={item.id} item={item} stats={byItem.get(item.id)}
            done={loaded.reload} over={over} />)}
        </Table>}
    </section>
  </>;
}
