// Stays fresh: asks a few bytes whether anything has changed, only while somebody looks, and redraws what did.
const EVERY = 5000;
const AT_LEAST = 60000; // "3 min ago" ages also when nothing happens
let version = null;
let lastBeat = 0;
let lastDraw = Date.now();
let failures = 0;
let missed = false;     // news that could not be drawn: it is drawn at the next beat
let ended = false;

const pulses = () => document.querySelector('[data-op-pulse]');

async function beat(now) {
  const heart = pulses();
  if (document.hidden || ended || !heart) return;
  // Half a beat of patience: a browser that is busy calls late, and then seems early the next time.
  if (!now && Date.now() - lastBeat < EVERY * (Math.min(6, 1 + failures) - 0.5)) return;
  lastBeat = Date.now();
  try {
    const response = await fetch(heart.dataset.opPulse, { headers: version ? { 'If-None-Match': version } : {}, cache: 'no-store', credentials: 'same-origin', redirect: 'manual' });
    if ([0, 401, 403].includes(response.status)) return end(response.status === 403);
    if (response.status !== 304 && !response.ok) throw new Error('no pulse');
    const before = version;
    if (response.ok) version = response.headers.get('ETag');
    const changed = (before && before !== version) || failures > 0 || missed || Date.now() - lastDraw >= AT_LEAST;
    failures = 0;
    if (changed || now) refresh();
  } catch {
    failures += 1;
    refresh(); // says that it can't be reached, and since when
  }
}

// Nobody is signed in any more, or may look any more: say so once, and ask no further.
function end(forbidden) {
  ended = true;
  const text = forbidden ? 'You may no longer see payments. What is shown here is no longer kept up to date.' : 'You are signed out. What is shown here is no longer kept up to date. ';
  for (const box of [page(), ...Object.values(dialogs)]) if (box && box.querySelector('.op-frame')) signedOut(complain(box, text), forbidden);
  for (const note of document.querySelectorAll('.op-card .op-offline')) { note.hidden = false; note.textContent = text; signedOut(note, forbidden); }
}

function signedOut(note, forbidden) {
  if (forbidden) return;
  const link = document.createElement('a');
  link.href = location.href;
  link.textContent = 'Sign in again';
  note.append(link);
}

function refresh() {
  if (document.hidden || ended) return;
  lastDraw = Date.now();
  missed = false;
  for (const box of [page(), dialogs.modal, dialogs.drawer]) {
    if (!box || (box.matches('dialog') && !box.open)) continue;
    if (running.has(box)) missed = true;
    else if (box.querySelector('.op-frame[data-op-live]')) load(box, (shown.get(box) || { url: location.href }).url, { quiet: true });
  }
  for (const card of document.querySelectorAll('.op-card[data-op-src]')) freshen(card);
}

async function freshen(card) {
  try {
    const response = await fetch(card.dataset.opSrc, { headers: { Accept: ACCEPT }, credentials: 'same-origin' });
    if (response.headers.get('X-Overseer-Fragment') !== '1' || !response.ok) throw new Error('not a card');
    const next = document.createElement('template');
    next.innerHTML = await response.text();
    calm = true;
    morph(card, next.content.querySelector('.op-card'));
    card.querySelector('.op-offline').hidden = true;
  } catch {
    missed = true;
    card.querySelector('.op-offline').hidden = false;
  }
}

const started = Date.now();
setInterval(beat, EVERY);
document.addEventListener('visibilitychange', () => beat(true));

// A reload shows the address as a page: the layers of before are gone.
if ((history.state || {}).op) history.replaceState({ op: { page: location.href, modal: null, drawer: null, depth: 0 } }, '');
if (page()) { shown.set(page(), { url: location.href, text: '', at: started }); uncover(page()); reveal(page()); }
const go = document.querySelector('.op-page a[data-op-go]');
if (go) location.assign(go.href);
beat(false);
