// Where the shop's own systems are told of events: each receiver's state, what it was sent, sending again.
import {useEffect, useState} from 'preact/hooks';
import {ask} from './api';
import {perform, type Extra} from './deed';
import {useList, useLoad} from './load';
import {announce, go, query, t} from './state';
import {kDeliveryStates, type Delivery, type DeliveryDetail, type Webhook} from './types';
import {deliveriesQuery, eventsOf, standingOf} from './webhook';
import {Chip, Copy, count, Definition, Empty, Field, Head, Link, Loading, Table, Time, Trouble} from './ui';

const kKinds = {well: 'good', trying: 'warn', held: 'warn', paused: 'plain'} as const;

function Standing({hook}: {hook: Webhook}) {
  const standing = standingOf(hook);
  return <Chip kind={kKinds[standing]}>{t(`wh_${standing}`)}</Chip>;
}

function Counts({hook}: {hook: Webhook}) {
  return <p class="counts">
    <span><b>{count(hook.pending)}</b> {t('dl_pending')}</span>
    <span><b>{count(hook.failed)}</b> {t('dl_failed')}</span>
    {hook.failures_in_a_row > 0 && <span>{t('wh_in_a_row', hook.failures_in_a_row)}</span>}
    {hook.held_until && <span>{t('wh_held_until')} <Time at={hook.held_until} /></span>}
  </p>;
}

/** A secret is shown this once; who leaves the page has seen it. */
function Secret({text}: {text: string}) {
  return <section class="card" role="status">
    <h2>{t('wh_secret')}</h2>
    <p>{t('wh_secret_once')}</p>
    <pre tabIndex={0}>{text}</pre>
    <Copy text={text} />
  </section>;
}

function add(done: (made: Webhook) => void): void {
  const extras: Extra[] = [
    {name: 'url', label: t('wh_url'), required: true, hint: t('wh_url_hint')},
    {name: 'events', label: t('wh_events'), hint: t('wh_events_hint')},
    {name: 'description', label: t('description')}];
  perform({title: t('wh_add'), confirm: t('wh_add'), path: '/webhooks', extras,
    body: ({url = '', events = '', description = ''}) => {
      const chosen = eventsOf(events);
      return {url, description, ...(chosen.length > 0 ? {events: chosen} : {})};
    },
    done: (answer) => done(answer as Webhook)});
}

export function WebhooksPage() {
  const loaded = useLoad<{webhooks: Webhook[]}>('/webhooks');
  const [secret, setSecret] = useState('');
  const hooks = loaded.data?.webhooks ?? [];
  return <>
    <Head title={t('webhooks')} lead={t('webhooks_lead')}>
      <button class="button button-strong" onClick={() => add((made) => {
        setSecret(made.secret ?? '');
        loaded.reload();
      })}>{t('wh_add')}</button>
    </Head>
    {secret && <Secret text={secret} />}
    {loaded.problem && <Trouble problem={loaded.problem} retry={loaded.reload} />}
    {!loaded.data && !loaded.problem && <Loading />}
    {loaded.data && hooks.length === 0 && <Empty title={t('no_webhooks')} hint={t('no_webhooks_hint')} />}
    {hooks.length > 0 && <ul class="cards">{hooks.map((hook) => <li key={hook.id} class="card webhook">
      <div class="sale-card-head">
        <h2><Link to={`/console/webhooks/${hook.id}`}>{hook.description || hook.url}</Link></h2>
        <Standing hook={hook} />
      </div>
      <p class="code">{hook.url}</p>
      <p class="hint">{hook.events.join(', ')}</p>
      <Counts hook={hook} />
    </li>)}</ul>}
  </>;
}

function Acts({hook, done, told}: {hook: Webhook; done: () => void; told: (secret: string) => void}) {
  const base = `/webhooks/${hook.id}`;
  const button = (word: string, act: () => void, kind = 'quiet') =>
    <button class={`button button-${kind}`} onClick={act}>{word}</button>;
  const pause = hook.paused ? 'resume' : 'pause';
  return <>
    {button(t('wh_ping'), () => perform({title: t('wh_ping_ask'), confirm: t('wh_ping'),
      path: `${base}/ping`, done}))}
    {hook.failed > 0 && button(t('wh_again_all'), () => perform({title: t('wh_again_all_ask', hook.failed),
      confirm: t('wh_again_all'), path: `${base}/redeliver`, done}))}
    {!hook.configured && button(t(pause), () => perform({title: t(hook.paused ? 'wh_resume_ask' : 'wh_pause_ask'),
      text: t('wh_pause_hint'), confirm: t(pause), path: `${base}/${pause}`, done}))}
    {!hook.configured && button(t('wh_renew'), () => perform({title: t('wh_renew_ask'), text: t('wh_renew_hint'),
      confirm: t('wh_renew'), danger: true, path: `${base}/secret`,
      done: (answer) => told((answer as Webhook).secret ?? '')}))}
    {!hook.configured && button(t('remove'), () => perform({title: t('wh_remove_ask'), text: t('wh_remove_hint'),
      confirm: t('remove'), danger: true, method: 'DELETE', path: base,
      done: () => go('/console/webhooks')}), 'danger')}
  </>;
}

/** What was sent and what every attempt came to; asked for when somebody opens it. */
function Sent({base, no}: {base: string; no: number}) {
  const [detail, setDetail] = useState<DeliveryDetail | null>(null);
  const load = async (event: Event) => {
    if (!(event.currentTarget as HTMLDetailsElement).open) return;
    try {
      setDetail(await ask<DeliveryDetail>(`${base}/deliveries/${no}`));
    } catch (error) {
      announce((error as Error).message || t('no_connection'), true);
    }
  };
  return <details onToggle={(event) => void load(event)}>
    <summary aria-label={`${t('wh_sent')} ${no}`}>{t('wh_sent')}</summary>
    {detail && <>
      <ol class="notices">{detail.log.map((attempt) => <li key={attempt.at}>
        <Time at={attempt.at} /> {attempt.status ?? '–'} {attempt.error} <small>{attempt.took_ms} ms</small>
      </li>)}</ol>
      <pre tabIndex={0}>{JSON.stringify(detail.body, null, 2)}</pre>
    </>}
  </details>;
}

function Row({base, entry, done}: {base: string; entry: Delivery; done: () => void}) {
  const again = () => perform({title: t('wh_again_ask', entry.sequence), text: t('wh_again_hint'),
    confirm: t('wh_again'), path: `${base}/deliveries/${entry.sequence}/redeliver`, done});
  const kind = entry.state === 'delivered' ? 'good' : entry.state === 'failed' ? 'warn' : 'plain';
  return <tr>
    <td class="number">{entry.sequence}</td>
    <td><span class="code">{entry.type}</span></td>
    <td>{/^No\d+$/.test(entry.subject)
      ? <Link class="code" to={`/console/orders/${entry.subject}`}>{entry.subject}</Link>
      : <span class="code">{entry.subject || '–'}</span>}</td>
    <td><Chip kind={kind}>{t(`dl_${entry.state}`)}</Chip>
      {entry.waits_for_earlier && <small>{t('wh_waits')}</small>}
      {entry.attempts > 0 && <small class="detail">{t('wh_attempts', entry.attempts)}
        {' · '}{entry.last_status ?? entry.last_error}</small>}</td>
    <td><Time at={entry.created_at} /></td>
    <td><Sent base={base} no={entry.sequence} /></td>
    <td>{entry.state === 'failed' && <button class="plain"
      aria-label={`${t('wh_again')} ${entry.sequence}`} onClick={again}>{t('wh_again')}</button>}</td>
  </tr>;
}

function Filters({at, given}: {at: string; given: URLSearchParams}) {
  const apply = (form: HTMLFormElement) => {
    const typed = new FormData(form);
    go(`${at}${deliveriesQuery(String(typed.get('state')), String(typed.get('subject')))}`);
  };
  // The fields belong to one address: another one brings fields of its own.
  return <form key={query.value} class="card filters" role="search" onSubmit={(event) => {
    event.preventDefault();
    apply(event.currentTarget);
  }}>
    <Field label={t('wh_subject')}>
      {(ids) => <input {...ids} type="search" name="subject" autocomplete="off"
        defaultValue={given.get('subject') ?? ''} />}
    </Field>
    <Field label={t('status')}>
      {(ids) => <select {...ids} name="state" onChange={(event) => apply(event.currentTarget.form!)}>
        <option value="">{t('any')}</option>
        {kDeliveryStates.map((state) => <option value={state} selected={given.get('state') === state}>
          {t(`dl_${state}`)}</option>)}
      </select>}
    </Field>
    <div class="filter-acts">
      <button class="button button-strong">{t('search')}</button>
      {query.value && <button type="button" class="button button-quiet" onClick={() => go(at)}>
        {t('clear')}</button>}
    </div>
  </form>;
}

export function WebhookPage({id}: {id: string}) {
  const base = `/webhooks/${id}`;
  const given = new URLSearchParams(query.value);
  const loaded = useLoad<Webhook>(base);
  const [secret, setSecret] = useState('');
  const list = useList<Delivery>(`${base}/deliveries${deliveriesQuery(given.get('state') ?? '',
    given.get('subject') ?? '', 50)}`, 'deliveries', 4000);
  useEffect(() => {
    const timer = setInterval(() => document.hidden || loaded.refresh(), 4000);
    return () => clearInterval(timer);
  }, [id]);
  const reload = () => {
    loaded.reload();
    list.reload();
  };
  const hook = loaded.data;
  if (!hook) return loaded.problem
    ? <><Head title={t('webhooks')} /><Trouble problem={loaded.problem} retry={reload} /></> : <Loading />;
  return <>
    <p class="back"><Link to="/console/webhooks">{t('webhooks')}</Link></p>
    <Head title={hook.description || t('webhook')}><Acts hook={hook} done={reload} told={setSecret} /></Head>
    {secret && <Secret text={secret} />}
    <section class="card">
      <p class="facts"><Standing hook={hook} />{hook.configured && <span>{t('wh_configured')}</span>}</p>
      <dl class="facts-list">
        <Definition word="wh_url"><span class="code">{hook.url}</span></Definition>
        <Definition word="wh_events">{hook.events.join(', ')}</Definition>
      </dl>
      <Counts hook={hook} />
    </section>
    <h2 class="over">{t('deliveries')}</h2>
    <Filters at={`/console/webhooks/${id}`} given={given} />
    {list.problem && <Trouble problem={list.problem} retry={list.reload} />}
    {list.loading && list.rows.length === 0 ? <Loading />
      : list.rows.length === 0 && !list.problem
        ? <Empty title={t('no_deliveries')} hint={t(query.value ? 'no_orders_hint' : 'no_deliveries_hint')} />
        : <Table label={t('deliveries')} head={[['#', 'number'], t('wh_event'), t('wh_subject'), t('status'),
          t('when'), t('wh_sent'), t('wh_again')]}>
          {list.rows.map((entry) => <Row key={entry.sequence} base={base} entry={entry} done={reload} />)}
        </Table>}
    {list.more && <button class="button button-quiet" onClick={list.more}>{t('more')}</button>}
  </>;
}
