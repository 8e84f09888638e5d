// Loads views into boxes: the page, the modal, the drawer.
async function load(box, url, init = {}) {
  if (running.has(box)) running.get(box).abort();
  const stop = new AbortController();
  running.set(box, stop);
  if (!init.quiet) box.setAttribute('aria-busy', 'true');
  try {
    const response = await fetch(url, { ...init, headers: { Accept: ACCEPT }, credentials: 'same-origin', signal: stop.signal });
    if (response.headers.get('X-Overseer-Fragment') !== '1') {
      // Not ours: a login page, or the host's own error page.
      if (init.quiet) throw new Error('not a view');
      if (init.method !== 'POST') location.assign(url);
      else complain(box, 'The server answered with something unexpected. Look at the payment before you try again.');
      return null;
    }
    if (init.quiet && !response.ok) throw new Error('no news');
    const text = await response.text();
    const at = init.method === 'POST' && !response.redirected ? (shown.get(box) || {}).url || url : response.url;
    swap(box, text, at, init.quiet);
    return response.redirected || init.method !== 'POST' ? response.url : null;
  } catch (error) {
    if (error.name === 'AbortError') return null;
    missed ||= Boolean(init.quiet);
    if (!init.quiet) complain(box, 'The server can’t be reached. Check the connection and try again.');
    else if (!box.querySelector('.op-stale')) complain(box, `Not refreshed since ${new Date((shown.get(box) || {}).at || started).toLocaleTimeString()}. Trying again.`).classList.add('op-stale');
    return null;
  } finally {
    if (running.get(box) === stop) { running.delete(box); box.removeAttribute('aria-busy'); }
  }
}

function swap(box, text, url, quiet) {
  const before = shown.get(box);
  shown.set(box, { url, text, at: Date.now() });
  if (quiet && before && before.text === text && !box.querySelector('.op-stale')) return;
  const next = document.createElement('template');
  next.innerHTML = text;
  const wanted = box.cloneNode(false);
  wanted.append(next.content);
  const active = box.contains(document.activeElement) ? document.activeElement : null;
  calm = Boolean(quiet);
  morph(box, wanted);
  uncover(box);
  if (quiet) return;
  reveal(box);
  const body = box.querySelector('.op-body');
  if (body) body.scrollTop = 0;
  const title = box.querySelector('[data-op-title]');
  if (title) document.title = title.dataset.opTitle;
  const focus = box.querySelector('[data-op-focus]') || (active && !active.isConnected && box.querySelector('h2[tabindex]'));
  if (focus) focus.focus();
  const go = box.querySelector('a[data-op-go]');
  if (go) location.assign(go.href);
}

// Buttons that need the script are there only with it.
function uncover(box) {
  for (const button of box.querySelectorAll('[data-op-copy]')) button.hidden = false;
}

// In a row that is scrolled sideways, what is chosen is seen. Never with news: it would move who is reading.
function reveal(box) {
  for (const link of box.querySelectorAll('.op-tabs [aria-current], .op-chip[aria-current]')) link.scrollIntoView({ block: 'nearest', inline: 'nearest' });
}

function complain(box, text) {
  const note = document.createElement('p');
  note.className = 'op-notice op-notice-danger';
  note.setAttribute('role', 'alert');
  note.textContent = text;
  (box.querySelector('.op-body') || box).prepend(note);
  for (const button of box.querySelectorAll('[data-op-waits]')) button.disabled = false;
  return note;
}
