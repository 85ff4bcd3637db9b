// Every change goes through one dialog: what will happen, why, the same as a command, and then it does.
import {signal} from '@preact/signals';
import {useState} from 'preact/hooks';
import {ask, kApi, Problem} from './api';
import {curl} from './command';
import {announce, t} from './state';
import {Copy, Dialog, Field, Trouble} from './ui';

export interface Extra {
  name: string;
  label: string;
  hint?: string;
  value?: string;
  type?: 'text' | 'number' | 'datetime-local' | 'textarea';
  required?: boolean;
}

export interface Deed {
  title: string;
  text?: string;
  confirm: string;
  danger?: boolean;
  method?: 'POST' | 'PATCH' | 'DELETE';
  path: string;
  extras?: Extra[];
  /** The body without its reason, made of what was typed; a text says what is wrong with it. */
  body?: (typed: Record<string, string>) => Record<string, unknown> | string;
  done?: (answer: unknown) => void;
}

const current = signal<Deed | null>(null);
export const perform = (deed: Deed) => (current.value = deed);

function Form({deed, close}: {deed: Deed; close: () => void}) {
  const [typed, setTyped] = useState<Record<string, string>>(
    Object.fromEntries((deed.extras ?? []).map((extra) => [extra.name, extra.value ?? ''])));
  const [reason, setReason] = useState('');
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const made = deed.body ? deed.body(typed) : {};
  const body = typeof made === 'string' ? {} : {...made, reason};
  const method = deed.method ?? 'POST';
  const command = curl(location.origin, method, kApi + deed.path, body);

  const submit = async (event: Event) => {
    event.preventDefault();
    if (typeof made === 'string') return setProblem(new Problem(0, '', made));
    setBusy(true);
    try {
      const answer = await ask(deed.path, {method, body});
      close();
      announce(t('done'));
      deed.done?.(answer);
    } catch (error) {
      setProblem(error instanceof Problem ? error : new Problem(0, '', ''));
      setBusy(false);
    }
    return undefined;
  };

  const field = (extra: Extra) => <Field key={extra.name} label={extra.label}
    {...(extra.hint ? {hint: extra.hint} : {})}>
    {(ids) => {
      const common = {...ids, name: extra.name, value: typed[extra.name],
        required: extra.required ?? false,
        onInput: (event: Event) => setTyped({...typed,
          [extra.name]: (event.currentTarget as HTMLInputElement).value})};
      return extra.type === 'textarea' ? <textarea rows={3} {...common} />
        : <input type={extra.type ?? 'text'} step={extra.type === 'datetime-local' ? 1 : undefined}
          autocomplete="off" {...common} />;
    }}
  </Field>;

  return <form class="stack" onSubmit={(event) => void submit(event)}>
    {deed.text && <p>{deed.text}</p>}
    {(deed.extras ?? []).map(field)}
    <Field label={t('reason')} hint={t('reason_hint')}>
      {(ids) => <input {...ids} name="reason" required maxLength={300} autocomplete="off"
        autofocus={!deed.extras} value={reason}
        onInput={(event) => setReason(event.currentTarget.value)} />}
    </Field>
    <details class="command">
      <summary>{t('command')}</summary>
      <pre tabIndex={0}>{command}</pre>
      <Copy text={command} />
    </details>
    {problem && <Trouble problem={problem} />}
    <div class="acts">
      <button type="button" class="button button-quiet" onClick={close}>{t('cancel')}</button>
      <button class={`button ${deed.danger ? 'button-danger' : 'button-strong'}`} disabled={busy}>
        {deed.confirm}
      </button>
    </div>
  </form>;
}

export function DeedDialog() {
  const deed = current.value;
  if (!deed) return null;
  const close = () => (current.value = null);
  return <Dialog title={deed.title} onClose={close}><Form deed={deed} close={close} /></Dialog>;
}
