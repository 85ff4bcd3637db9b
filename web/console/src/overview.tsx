// The server at a glance: is it well, what is on sale, how fast does it go.
import {Chart} from './chart';
import {live} from './live';
import {named, t} from './state';
import type {Live, LiveSale, ServiceHealth} from './types';
import {Chip, count, Empty, Head, Level, Link, Loading, PhaseChip, Tile, Time} from './ui';

function Services({services}: {services: ServiceHealth[]}) {
  return <section class="card">
    <h2>{t('services')}</h2>
    <ul class="services">
      {services.map((service) => <li key={service.name}>
        <span>{named('svc', service.name)}</span>
        <Chip kind={service.ok ? 'good' : 'warn'}>{t(service.ok ? 'working' : 'not_working')}</Chip>
        {service.detail && <small>{service.detail}</small>}
      </li>)}
    </ul>
  </section>;
}

function SaleCard({sale}: {sale: LiveSale}) {
  return <li class="card sale-card">
    <div class="sale-card-head">
      <h3><Link to={`/console/sales/${sale.id}`}>{sale.title}</Link></h3>
      <PhaseChip phase={sale.phase} />
    </div>
    <p class="hint"><Time at={sale.starts_at} day /> – <Time at={sale.ends_at} day /></p>
    <Level {...sale} />
    <p class="counts">
      <span><b>{count(sale.available)}</b> {t('available')}</span>
      <span><b>{count(sale.held)}</b> {t('held')}</span>
      <span><b>{count(sale.sold)}</b> {t('sold')}</span>
      {sale.available === 0 && <Chip kind="plain">{t('sold_out')}</Chip>}
    </p>
  </li>;
}

function Tiles({now}: {now: Live}) {
  return <dl class="tiles" aria-live="off">
    <Tile label="available" value={count(now.units.available)} note={t('of', count(now.units.stock))} />
    <Tile label="held" value={count(now.units.held)} />
    <Tile label="sold" value={count(now.units.sold)} />
    <Tile label="granted_s" value={count(now.granted_per_second)} />
    <Tile label="refused_s" value={count(now.refused_per_second)} tone="soft" />
    <Tile label="turned_s" value={count(now.turned_away_per_second)}
      {...(now.turned_away_per_second > 0 ? {tone: 'bad' as const} : {tone: 'soft' as const})} />
    <Tile label="p99" value={now.p99_ms === null ? '–' : `≤ ${count(now.p99_ms)} ms`} tone="soft" />
    <Tile label="queue" value={count(now.queue_depth)} note={t('of', count(now.queue_bound))} tone="soft" />
    <Tile label="requests_s" value={count(now.requests_per_second)} tone="soft" />
    <Tile label="connections" value={count(now.connections)} tone="soft" />
    <Tile label="all_orders" value={count(now.orders)} tone="soft" />
    <Tile label="conserved" value={now.conserved ? '✓' : '✗'} tone={now.conserved ? 'good' : 'bad'} />
  </dl>;
}

export function OverviewPage() {
  const now = live.value;
  const at = now ? Date.parse(now.now) / 1000 : 0;
  return <>
    <Head title={t('overview')}>
      <Link class="button button-quiet" to="/console/sales/import">{t('import_file')}</Link>
      <Link class="button button-strong" to="/console/sales/new">{t('new_sale')}</Link>
    </Head>
    {!now ? <Loading /> : <>
      <Tiles now={now} />
      <div class="columns">
        <Chart title={t('grabs_chart')} now={{at, values: [now.granted_per_second,
          now.refused_per_second, now.turned_away_per_second]}} lines={[
          {column: 'granted_per_second', label: t('granted_s'), color: '--good', fill: true},
          {column: 'refused_per_second', label: t('refused_s'), color: '--water'},
          {column: 'turned_away_per_second', label: t('turned_s'), color: '--signal'}]} />
        <Chart title={t('load_chart')} now={{at, values: [now.queue_depth, now.p99_ms ?? 0]}} lines={[
          {column: 'queue_depth', label: t('queue'), color: '--water', fill: true},
          {column: 'p99_ms', label: `${t('p99')} (ms)`, color: '--signal'}]} />
      </div>
      <div class="columns columns-wide">
        <section>
          <h2 class="over">{t('on_sale')}</h2>
          {now.sales.length === 0
            ? <Empty title={t('no_live_sales')} hint={t('no_live_sales_hint')} />
            : <ul class="cards">{now.sales.map((sale) => <SaleCard key={sale.id} sale={sale} />)}</ul>}
          {now.sale_count > now.sales.length &&
            <p class="hint">{t('not_shown', now.sale_count - now.sales.length)}</p>}
        </section>
        <Services services={now.services} />
      </div>
      <p class="hint version">Sluice {now.version}</p>
    </>}
  </>;
}
