// The audit log: who, when, what, why, and what it was before.
import {useList} from './load';
import {t} from './state';
import type {AuditEntry} from './types';
import {Empty, Head, Link, Loading, Table, Time, Trouble} from './ui';

function Subject({entry}: {entry: AuditEntry}) {
  const {action, subject} = entry;
  if (/^No\d+$/.test(subject)) return <Link class="code" to={`/console/orders/${subject}`}>{subject}</Link>;
  if (action.startsWith('sale.')) return <Link class="code" to={`/console/sales/${subject}`}>{subject}</Link>;
  return <span class="code">{subject}</span>;
}

function Changes({entry}: {entry: AuditEntry}) {
  const names = [...new Set([...Object.keys(entry.before), ...Object.keys(entry.after)])];
  if (names.length === 0) return <>–</>;
  return <ul class="changes">{names.map((name) => <li key={name}>
    <b>{name}</b> {entry.before[name] !== undefined && entry.before[name] !== '' &&
      <del>{String(entry.before[name])}</del>} {entry.after[name] !== undefined &&
      <ins>{String(entry.after[name])}</ins>}
  </li>)}</ul>;
}

export function AuditPage() {
  const list = useList<AuditEntry>('/audit?limit=50', 'entries');
  return <>
    <Head title={t('audit')} lead={t('audit_lead')} />
    {list.problem && <Trouble problem={list.problem} retry={list.reload} />}
    {list.loading && list.rows.length === 0 ? <Loading />
      : list.rows.length === 0 && !list.problem ? <Empty title={t('no_audit')} />
        : <Table label={t('audit')} head={[t('when'), t('who'), t('what'), t('reason'), t('changed')]}>
          {list.rows.map((entry) => <tr key={entry.sequence}>
            <td><Time at={entry.at} /></td>
            <td class="clip">{entry.actor}</td>
            <td>{entry.action} <Subject entry={entry} /></td>
            <td class="clip">{entry.reason}</td>
            <td><Changes entry={entry} /></td>
          </tr>)}
        </Table>}
    {list.more && <button class="button button-quiet" onClick={list.more}>{t('more')}</button>}
  </>;
}
