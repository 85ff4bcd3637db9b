// A new sale, typed in.
import {useState} from 'preact/hooks';
import {ask, Problem} from './api';
import {fromField, parseMoney, toField} from './format';
import {announce, go, t} from './state';
import type {Sale} from './types';
import {Field, Head, Link, Trouble} from './ui';

interface Draft {
  key: number;
  id: string;
  title: string;
  price: string;
  list_price: string;
  currency: string;
  stock: string;
  limit: string;
  image_url: string;
  description: string;
}

let keys = 0;
const empty = (): Draft => ({key: ++keys, id: '', title: '', price: '', list_price: '',
  currency: 'CNY', stock: '1', limit: '1', image_url: '', description: ''});

/** The item as the API takes it; a text says what is wrong. */
function itemOf(draft: Draft): Record<string, unknown> | string {
  const price = parseMoney(draft.price, draft.currency);
  if (price === null) return `${t('price')}: ${draft.price}`;
  const list = draft.list_price ? parseMoney(draft.list_price, draft.currency) : price;
  if (list === null) return `${t('list_price')}: ${draft.list_price}`;
  return {...(draft.id && {id: draft.id}), title: draft.title, price, list_price: list,
    currency: draft.currency, stock: Number(draft.stock), per_user_limit: Number(draft.limit),
    ...(draft.image_url && {image_url: draft.image_url}),
    ...(draft.description && {description: draft.description})};
}

export function NewSalePage() {
  const soon = new Date(Math.ceil(Date.now() / 3_600_000 + 1) * 3_600_000);
  const [sale, setSale] = useState({title: '', starts_at: toField(soon),
    ends_at: toField(new Date(soon.getTime() + 7_200_000)), hold: '1800', reason: ''});
  const [items, setItems] = useState<Draft[]>([empty()]);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);

  const submit = async (event: Event) => {
    event.preventDefault();
    const made = items.map(itemOf);
    const wrong = made.find((item) => typeof item === 'string');
    if (typeof wrong === 'string') return setProblem(new Problem(0, '', wrong));
    setBusy(true);
    try {
      const created = await ask<Sale>('/sales', {method: 'POST', body: {title: sale.title,
        starts_at: fromField(sale.starts_at), ends_at: fromField(sale.ends_at),
        hold_seconds: Number(sale.hold), items: made, reason: sale.reason}});
      announce(t('created', created.title));
      go(`/console/sales/${created.id}`);
    } catch (error) {
      setProblem(error instanceof Problem ? error : new Problem(0, '', ''));
      setBusy(false);
    }
    return undefined;
  };

  const saleField = (name: keyof typeof sale, label: string, type = 'text') =>
    <Field label={label} {...(name === 'reason' ? {hint: t('reason_hint')} : {})}>
      {(ids) => <input {...ids} type={type} required step={type === 'datetime-local' ? 1 : undefined}
        min={type === 'number' ? 1 : undefined} name={name} value={sale[name]} autocomplete="off"
        onInput={(event) => setSale({...sale, [name]: event.currentTarget.value})} />}
    </Field>;
  const itemField = (item: Draft, name: Exclude<keyof Draft, 'key'>, label: string, required = false, type = 'text') =>
    <Field label={label}>
      {(ids) => <input {...ids} type={type} required={required} min={type === 'number' ? 0 : undefined}
        name={name} value={item[name]} autocomplete="off"
        onInput={(event) => setItems(items.map((one) =>
          one.key === item.key ? {...one, [name]: event.currentTarget.value} : one))} />}
    </Field>;

  return <>
    <p class="back"><Link to="/console/sales">{t('sales')}</Link></p>
    <Head title={t('new_sale')}>
      <Link class="button button-quiet" to="/console/sales/import">{t('import_file')}</Link></Head>
    <form class="stack wide" onSubmit={(event) => void submit(event)}>
      <section class="card grid">
        {saleField('title', t('title'))}
        {saleField('hold', t('hold'), 'number')}
        {saleField('starts_at', t('starts_at'), 'datetime-local')}
        {saleField('ends_at', t('ends_at'), 'datetime-local')}
      </section>
      {items.map((item, i) => <fieldset key={item.key} class="card">
        <legend>{t('item')} {i + 1}</legend>
        <div class="grid">
          {itemField(item, 'title', t('title'), true)}
          {itemField(item, 'id', t('item_id'))}
          {itemField(item, 'price', t('price'), true)}
          {itemField(item, 'list_price', t('list_price'))}
          {itemField(item, 'currency', t('currency'), true)}
          {itemField(item, 'stock', t('stock'), true, 'number')}
          {itemField(item, 'limit', t('limit'), true, 'number')}
          {itemField(item, 'image_url', t('image_url'))}
        </div>
        {itemField(item, 'description', t('description'))}
        {items.length > 1 && <button type="button" class="plain"
          onClick={() => setItems(items.filter((one) => one.key !== item.key))}>{t('remove')}</button>}
      </fieldset>)}
      <button type="button" class="button button-quiet" onClick={() => setItems([...items, empty()])}>
        {t('add_item')}</button>
      <section class="card">{saleField('reason', t('reason'))}</section>
      {problem && <Trouble problem={problem} />}
      <div class="acts"><button class="button button-strong" disabled={busy}>{t('create')}</button></div>
    </form>
  </>;
}
