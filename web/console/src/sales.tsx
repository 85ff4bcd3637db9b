// All sales, the newest first.
import {useList} from './load';
import {t} from './state';
import type {Sale} from './types';
import {count, Empty, Head, Link, Loading, PhaseChip, Table, Time, Trouble} from './ui';

export function SalesPage() {
  const list = useList<Sale>('/sales?limit=50', 'sales');
  return <>
    <Head title={t('sales')}>
      <Link class="button button-quiet" to="/console/sales/import">{t('import_file')}</Link>
      <Link class="button button-strong" to="/console/sales/new">{t('new_sale')}</Link>
    </Head>
    {list.problem && <Trouble problem={list.problem} retry={list.reload} />}
    {list.loading && list.rows.length === 0 ? <Loading />
      : list.rows.length === 0 && !list.problem
        ? <Empty title={t('no_sales')} hint={t('no_live_sales_hint')} />
        : <Table label={t('sales')} head={[t('title'), t('status'), t('starts_at'), t('ends_at'), [t('items'), 'number']]}>
          {list.rows.map((sale) => <tr key={sale.id}>
            <th scope="row"><Link to={`/console/sales/${sale.id}`}>{sale.title}</Link>
              <small class="code">{sale.id}</small></th>
            <td><PhaseChip phase={sale.phase} cancelled={sale.cancelled} /></td>
            <td><Time at={sale.starts_at} day /></td>
            <td><Time at={sale.ends_at} day /></td>
            <td class="number">{count(sale.item_count)}</td>
          </tr>)}
        </Table>}
    {list.more && <button class="button button-quiet" onClick={list.more}>{t('more')}</button>}
  </>;
}
