// Sales from a file: what it holds, line by line, before anything is put on sale.
import {useState} from 'preact/hooks';
import {ask, Problem} from './api';
import {fromField, offsetText} from './format';
import {announce, t} from './state';
import type {ImportReport, ImportStep, Notice} from './types';
import {Chip, count, Empty, Field, Head, Link, money, Table, Time, Trouble} from './ui';

const kMostBytes = 1024 * 1024; // what the server takes; more is for the command

interface Picked {
  name: string;
  text: string;
}

/** The file as text; throws what to tell. */
async function read(file: File): Promise<Picked> {
  if (file.size > kMostBytes) throw new Problem(0, '', t('file_too_large', file.name));
  try {
    const text = new TextDecoder('utf-8', {fatal: true}).decode(await file.arrayBuffer());
    return {name: file.name, text};
  } catch {
    throw new Problem(0, '', t('file_not_text', file.name));
  }
}

function Notices({title, notices}: {title: string; notices: Notice[]}) {
  if (notices.length === 0) return null;
  return <section>
    <h3>{title} ({notices.length})</h3>
    <ul class="notices">{notices.map((notice) => <li>
      {notice.line > 0 && <b>{t('line', notice.line)}</b>} {notice.subject} {notice.text}
    </li>)}</ul>
  </section>;
}

function Step({step, dry}: {step: ImportStep; dry: boolean}) {
  const word = step.action === 'open' ? (dry ? 'would_open' : 'opened') : (dry ? 'would_add' : 'added');
  return <section class="card">
    <h3>{t(word)} {dry && step.action === 'open' ? step.title
      : <Link to={`/console/sales/${step.sale_id}`}>{step.title || step.sale_id}</Link>}</h3>
    <p class="facts">
      {step.action === 'open' && <span><Time at={step.starts_at} day /> – <Time at={step.ends_at} day /></span>}
      {step.action === 'open' && <span>{t('hold_of', step.hold_seconds)}</span>}
      <span>{t('item_count', step.item_count)}</span>
      {!dry && step.done_count < step.item_count && <Chip kind="warn">{step.done_count} / {step.item_count}</Chip>}
    </p>
    <Table label={`${t('items')}: ${step.title || step.sale_id}`} head={[t('title'),
      [t('price'), 'number'], [t('list_price'), 'number'], [t('stock'), 'number'], [t('limit'), 'number']]}>
      {step.items.map((item) => <tr key={item.id}>
        <th scope="row">{item.title}<small class="code">{item.id}</small></th>
        <td class="number">{money(item.price, item.currency)}</td>
        <td class="number">{money(item.list_price, item.currency)}</td>
        <td class="number">{count(item.stock)}</td>
        <td class="number">{count(item.per_user_limit)}</td>
      </tr>)}
    </Table>
  </section>;
}

function Report({report}: {report: ImportReport}) {
  return <section class="stack" aria-live="polite" id="report">
    <h2>{t(report.dry_run ? 'report' : 'report_done')}</h2>
    <p>{t('rows_of', report.rows, report.rows - report.left_out_count, report.left_out_count)}</p>
    {report.failure && <Trouble problem={new Problem(0, '', report.failure)} />}
    {report.steps.length === 0 && <Empty title={t('nothing_to_do')} />}
    {report.steps.map((step, i) => <Step key={i} step={step} dry={report.dry_run} />)}
    <Notices title={t('left_out')} notices={report.left_out} />
    <Notices title={t('already_there')} notices={report.already_there} />
    <Notices title={t('notes')} notices={report.notes} />
  </section>;
}

export function ImportPage() {
  const [picked, setPicked] = useState<Picked | null>(null);
  const [options, setOptions] = useState({utc_offset: offsetText(-new Date().getTimezoneOffset()),
    starts_at: '', minutes: '', hold: '1800', title: ''});
  const [reason, setReason] = useState('');
  const [report, setReport] = useState<ImportReport | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);

  const send = async (dry: boolean) => {
    if (!picked) return;
    setBusy(true);
    try {
      const answer = await ask<ImportReport>('/imports', {method: 'POST', body: {...picked,
        dry_run: dry, utc_offset: options.utc_offset, hold_seconds: Number(options.hold),
        ...(options.starts_at && {starts_at: fromField(options.starts_at)}),
        ...(options.minutes && {duration_seconds: Number(options.minutes) * 60}),
        ...(options.title && {title: options.title}), ...(!dry && {reason})}});
      setReport(answer);
      setProblem(null);
      if (!dry && answer.complete) announce(t('done'));
    } catch (error) {
      setProblem(error instanceof Problem ? error : new Problem(0, '', ''));
    }
    setBusy(false);
  };
  const pick = async (file: File | undefined) => {
    setReport(null);
    setPicked(null);
    setProblem(null);
    if (!file) return;
    try {
      setPicked(await read(file));
    } catch (error) {
      setProblem(error as Problem);
    }
  };
  const field = (name: keyof typeof options, label: string, type = 'text') => <Field label={label}>
    {(ids) => <input {...ids} type={type} name={name} value={options[name]} autocomplete="off"
      step={type === 'datetime-local' ? 1 : undefined} min={type === 'number' ? 1 : undefined}
      onInput={(event) => {
        setOptions({...options, [name]: event.currentTarget.value});
        setReport(null); // what was checked is no longer what would be done
      }} />}
  </Field>;
  const can_apply = report?.dry_run && report.steps.length > 0;
  return <>
    <p class="back"><Link to="/console/sales">{t('sales')}</Link></p>
    <Head title={t('import_file')} />
    <form class="stack wide" onSubmit={(event) => {
      event.preventDefault();
      void send(!can_apply);
    }}>
      <section class="card">
        <Field label={t('file')} hint={t('file_hint')}>
          {(ids) => <input {...ids} type="file" name="file" accept=".csv,.json,.sql,.txt" required
            onChange={(event) => void pick(event.currentTarget.files?.[0])} />}
        </Field>
        <div class="grid">
          {field('utc_offset', t('times_are'))}
          {field('hold', t('hold'), 'number')}
          {field('starts_at', t('start_instead'), 'datetime-local')}
          {field('minutes', t('length_instead'), 'number')}
          {field('title', t('title'))}
        </div>
        {!can_apply && <div class="acts">
          <button class="button button-strong" disabled={busy || !picked}>{t('check_file')}</button></div>}
      </section>
      {problem && <Trouble problem={problem} />}
      {report && <Report report={report} />}
      {can_apply && <section class="card">
        <Field label={t('reason')} hint={t('reason_hint')}>
          {(ids) => <input {...ids} name="reason" required value={reason} autocomplete="off"
            onInput={(event) => setReason(event.currentTarget.value)} />}
        </Field>
        <div class="acts"><button class="button button-strong" disabled={busy}>{t('apply_import')}</button></div>
      </section>}
    </form>
  </>;
}
