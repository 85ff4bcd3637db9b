// What is around every page: the way around, the light, language and theme, and what is announced.
import {signOut} from './api';
import {AttentionPage} from './attention';
import {AuditPage} from './audit';
import {DeedDialog} from './deed';
import {ImportPage} from './import';
import {connected, live} from './live';
import {NewSalePage} from './new_sale';
import {OrderPage} from './order';
import {OrdersPage} from './orders';
import {OverviewPage} from './overview';
import {PaymentsPage} from './payments';
import {SalePage} from './sale';
import {SalesPage} from './sales';
import {SignInPage} from './sign_in';
import {announced, attentionCount, language, path, session, setLanguage, setTheme, t, theme,
  trial, type Theme} from './state';
import type {Word} from './text';
import {Empty, Head, Link, Loading} from './ui';
import {WebhookPage, WebhooksPage} from './webhooks';

const kWays: [string, Word][] = [
  ['/console', 'overview'],
  ['/console/sales', 'sales'],
  ['/console/orders', 'orders'],
  ['/console/attention', 'attention'],
  ['/console/payments', 'payments'],
  ['/console/webhooks', 'webhooks'],
  ['/console/audit', 'audit'],
];

function Page() {
  const [, , part = '', id = ''] = path.value.split('/');
  if (!part) return <OverviewPage />;
  if (part === 'sales' && id === 'new') return <NewSalePage />;
  if (part === 'sales' && id === 'import') return <ImportPage />;
  if (part === 'sales') return id ? <SalePage key={id} id={id} /> : <SalesPage />;
  if (part === 'orders') return id ? <OrderPage key={id} id={id} /> : <OrdersPage />;
  if (part === 'webhooks') return id ? <WebhookPage key={id} id={id} /> : <WebhooksPage />;
  if (!id) {
    if (part === 'attention') return <AttentionPage />;
    if (part === 'payments') return <PaymentsPage />;
    if (part === 'audit') return <AuditPage />;
  }
  return <><Head title={t('console')} /><Empty title={t('not_found')}>
    <Link class="button" to="/console">{t('overview')}</Link></Empty></>;
}

function Mark() {
  return <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
    <path class="mark-gate" d="M5 3h4v17H5zM23 3h4v17h-4zM9 6h14v9H9z" />
    <path class="mark-water"
      d="M2 22c3.5 0 3.5 2.5 7 2.5s3.5-2.5 7-2.5 3.5 2.5 7 2.5 3.5-2.5 7-2.5v8H2z" />
  </svg>;
}

/** Green while every item's counters add up; it is never off. */
function Light() {
  const now = live.value;
  if (!now) return null;
  return <Link to="/console" class={`light ${now.conserved ? 'light-good' : 'light-bad'}`}
    title={t('conserved_why')}>
    {t(now.conserved ? 'conserved' : 'not_conserved')}
  </Link>;
}

function Preferences() {
  const choice = (value: Theme) => <button type="button" aria-pressed={theme.value === value}
    onClick={() => setTheme(value)}>{t(value)}</button>;
  const other = language.value === 'zh' ? 'en' : 'zh';
  return <div class="preferences">
    <div class="choice" role="group" aria-label={t('theme')}>
      {choice('system')}{choice('light')}{choice('dark')}
    </div>
    <button type="button" class="plain" lang={other === 'zh' ? 'zh-CN' : 'en'}
      onClick={() => setLanguage(other)}>{t('other_language')}</button>
  </div>;
}

function Side() {
  const here = path.value;
  const current = (to: string) =>
    (to === '/console' ? here === to : here === to || here.startsWith(`${to}/`)) ? 'page' : undefined;
  return <header class="side">
    <Link class="brand" to="/console"><Mark /><span>Sluice</span></Link>
    <nav aria-label={t('navigation')}><ul>
      {kWays.map(([to, word]) => <li key={to}><Link to={to} aria-current={current(to)}>
        {t(word)}
        {word === 'attention' && attentionCount.value > 0 && <b class="badge">
          {attentionCount.value > 99 ? '99+' : attentionCount.value}</b>}
      </Link></li>)}
    </ul></nav>
    <div class="side-end">
      <a class="plain" href="/">{t('shop')}</a>
      <Preferences />
      <p class="who" title={session.value?.operator}>{session.value?.operator}</p>
      <button type="button" class="plain" onClick={() => void signOut()}>{t('sign_out')}</button>
    </div>
  </header>;
}

/** Present from the start, so that what appears in it is spoken. */
function Told() {
  const told = announced.value;
  return <div class="toast" role="status" data-bad={told?.bad ? '' : undefined}>{told?.text}</div>;
}

export function Frame() {
  if (session.value === undefined) return <main id="main"><Loading /></main>;
  if (session.value === null) return <><SignInPage preferences={<Preferences />} mark={<Mark />} /><Told /></>;
  return <div class="frame">
    <a class="skip" href="#main">{t('skip')}</a>
    <Side />
    <div class="body">
      <section class="bar" aria-label={t('live')}>
        <Light />
        {trial && <span class="trial">{t('trial')}</span>}
        {!connected.value && <span class="stale" role="alert">{t('no_connection')}</span>}
      </section>
      <main id="main" tabIndex={-1}><Page /></main>
    </div>
    <DeedDialog />
    <Told />
  </div>;
}
