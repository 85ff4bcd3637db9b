// The console: finds out who is signed in, then shows the page that the address names.
import {render} from 'preact';
import {findSession} from './api';
import {Frame} from './frame';
import {followLive} from './live';
import './style.css';

followLive();
void findSession();
const app = document.getElementById('app')!;
app.textContent = '';
render(<Frame />, app);
