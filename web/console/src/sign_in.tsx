// Signing in: by the console's password, or by an admin token.
import type {ComponentChildren} from 'preact';
import {useState} from 'preact/hooks';
import {Problem, signIn} from './api';
import {sessionOver, t} from './state';
import {Field, Head, Trouble} from './ui';

export function SignInPage({preferences, mark}:
  {preferences: ComponentChildren; mark: ComponentChildren}) {
  const [by, setBy] = useState<'password' | 'token'>('password');
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const typed = Object.fromEntries(new FormData(event.currentTarget as HTMLFormElement));
    setBusy(true);
    try {
      await signIn(typed);
    } catch (error) {
      const refused = error instanceof Problem ? error : new Problem(0, '', '');
      setProblem(refused.code === 'rate_limited'
        ? new Problem(429, refused.code, t('wait_seconds', refused.retryAfter)) : refused);
      setBusy(false);
    }
  };
  const choice = (value: 'password' | 'token', label: string) =>
    <button type="button" aria-pressed={by === value} onClick={() => setBy(value)}>{label}</button>;
  return <main id="main" class="sign-in">
    <div class="sign-in-card">
      <div class="brand">{mark}<span>Sluice</span></div>
      <Head title={t('sign_in')} lead={t('sign_in_lead')} />
      {sessionOver.value && <p class="told-over" role="status">{t('session_over')}</p>}
      <div class="choice" role="group" aria-label={t('sign_in')}>
        {choice('password', t('by_password'))}{choice('token', t('by_token'))}
      </div>
      <form class="stack" onSubmit={(event) => void submit(event)}>
        {by === 'password' ? <>
          <Field label={t('your_name')} hint={t('your_name_hint')}>
            {(ids) => <input {...ids} name="name" required maxLength={100} autocomplete="username" />}
          </Field>
          <Field label={t('by_password')} hint={t('password_hint')}>
            {(ids) => <input {...ids} type="password" name="password" required maxLength={256}
              autocomplete="current-password" />}
          </Field>
        </> : <Field label={t('by_token')} hint={t('token_hint')}>
          {(ids) => <textarea {...ids} name="token" rows={5} required spellcheck={false}
            autocomplete="off" />}
        </Field>}
        {problem && <Trouble problem={problem} />}
        <button class="button button-strong" disabled={busy}>{t('sign_in')}</button>
      </form>
    </div>
    {preferences}
  </main>;
}
