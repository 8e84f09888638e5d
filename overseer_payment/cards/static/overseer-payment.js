// Opens the dashboard's views in dialogs and keeps them fresh. Everything works without it, as links and forms.
(() => {
  'use strict';
  const root = document.documentElement;
  if (root.dataset.opReady) return;
  root.dataset.opReady = '1';

  const ACCEPT = 'text/vnd.overseer.fragment+html';
  const dialogs = {};          // kind -> <dialog>
  const shown = new WeakMap(); // box -> {url, text, at}
  const running = new WeakMap();
  const titleAtStart = document.title;
  let pageUrl = location.href;
  let leaving = false;         // a close that history itself asked for must not go back again
  let changed = false;         // a write happened in the drawer: what lies below is old

  const page = () => document.querySelector('.op-page > [data-op-view]');
  const boxOf = (node) => node.closest('[data-op-view]');
  const isOpen = (kind) => Boolean(dialogs[kind] && dialogs[kind].open);

  // -- history: which layers are open over which page ------------------------------------------
  const ground = () => ({ page: pageUrl, modal: null, drawer: null, depth: 0 });
  let layers = ground();
  let moving = false;
  let steps = 0;

  function remember(change, url, replace) {
    if (!(history.state || {}).op) history.replaceState({ ...history.state, op: layers }, '');
    moving = false;
    layers = { ...layers, page: pageUrl, ...change };
    layers.depth = layers.modal || layers.drawer ? layers.depth + (replace ? 0 : 1) : 0;
    history[replace ? 'replaceState' : 'pushState']({ op: layers }, '', url);
  }

  // Going back takes a moment; two layers closed within it are two walks, one after the other.
  function back(count) {
    steps += count;
    if (moving || !steps) return;
    moving = true;
    history.go(-steps);
    steps = 0;
  }

  window.addEventListener('popstate', async () => {
    moving = false;
    if (steps) return back(0);
    const op = (history.state || {}).op || { ...ground(), page: location.href };
    if (op.page.split('#')[0] !== pageUrl.split('#')[0]) {
      if (!page() || op.modal || op.drawer) return location.reload();
      pageUrl = op.page;
      await load(page(), op.page);
    }
    layers = op;
    for (const kind of ['drawer', 'modal']) if (!op[kind] && isOpen(kind)) shut(kind);
    for (const kind of ['modal', 'drawer']) {
      if (op[kind] && !(isOpen(kind) && (shown.get(dialogs[kind]) || {}).url === op[kind])) await open(kind, op[kind]);
    }
  });

  // -- loading -------------------------------------------------------------------------------
  async function load(box, url, init = {}) {
    if (running.has(box)) running.get(box).abort();
    const stop = new AbortController();
    running.set(box, stop);
    box.setAttribute('aria-busy', 'true');
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
    const active = box.contains(document.activeElement) ? document.activeElement : null;
    const again = active && (active.id ? '#' + CSS.escape(active.id) : active.getAttribute('href') && `a[href="${CSS.escape(active.getAttribute('href'))}"]`);
    const typed = active && active.matches('input') ? active.value : null;
    const unfolded = [...box.querySelectorAll('details[id][open]')].map((node) => node.id);
    const scrolled = quiet && box.querySelector('.op-body') ? box.querySelector('.op-body').scrollTop : 0;
    box.innerHTML = text;
    if (quiet) for (const id of unfolded) { const node = box.querySelector('#' + CSS.escape(id)); if (node) node.open = true; }
    const body = box.querySelector('.op-body');
    if (body) body.scrollTop = scrolled;
    prepare(box);
    const title = box.querySelector('[data-op-title]');
    if (title && !quiet) document.title = title.dataset.opTitle;
    if (quiet && !active) return;
    const focus = (!quiet && box.querySelector('[data-op-focus]')) || (again && box.querySelector(again)) || (active && box.querySelector('h2[tabindex]'));
    if (focus) focus.focus({ preventScroll: quiet });
    if (typed !== null && focus && focus.matches('input')) { focus.value = typed; focus.setSelectionRange(typed.length, typed.length); }
    const go = box.querySelector('a[data-op-go]');
    if (go) location.assign(go.href);
  }

  function prepare(scope) {
    for (const button of scope.querySelectorAll('[data-op-copy]')) button.hidden = false;
    for (const link of scope.querySelectorAll('.op-tabs [aria-current], .op-chip[aria-current]')) link.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }

  function complain(box, text) {
    const note = document.createElement('p');
    note.className = 'op-notice op-notice-danger';
    note.setAttribute('role', 'alert');
    note.textContent = text;
    (box.querySelector('.op-body') || box).prepend(note);
    for (const button of box.querySelectorAll('button[disabled]')) button.disabled = false;
    return note;
  }

  // -- dialogs -------------------------------------------------------------------------------
  function dialog(kind) {
    if (dialogs[kind]) return dialogs[kind];
    const box = document.createElement('dialog');
    box.className = `op op-dialog op-dialog-${kind}`;
    box.dataset.opView = '';
    box.setAttribute('aria-labelledby', `op-${kind}-title`);
    // A click on the dialog itself is a click beside its content.
    box.addEventListener('mousedown', (event) => { if (event.target === box) box.close(); });
    box.addEventListener('close', () => closed(kind));
    document.body.append(box);
    return (dialogs[kind] = box);
  }

  async function open(kind, url) {
    const box = dialog(kind);
    if (!box.open) { box.opener = document.activeElement; box.innerHTML = ''; }
    const job = load(box, url);
    // What is in the database is there at once; a dialog without content is shown only when it is late.
    await Promise.race([job, new Promise((done) => setTimeout(done, 250))]);
    if (!box.open) box.showModal();
    const at = await job;
    const heading = box.querySelector('h2[tabindex]');
    if (heading && !box.querySelector('[data-op-focus]')) heading.focus();
    return at;
  }

  function shut(kind) {
    leaving = true;
    dialogs[kind].close();
  }

  function closed(kind) {
    const box = dialogs[kind];
    if (running.has(box)) running.get(box).abort();
    const opener = box.opener;
    const href = opener && opener.getAttribute('href');
    // The card may have been redrawn meanwhile: then its new link takes the focus.
    const target = opener && opener.isConnected ? opener : href && document.querySelector(`a[href="${CSS.escape(href)}"]`);
    if (target) target.focus();
    const below = kind === 'drawer' && isOpen('modal') ? dialogs.modal : page();
    const title = below && below.querySelector('[data-op-title]');
    document.title = title ? title.dataset.opTitle : titleAtStart;
    if (!leaving) {
      const count = kind === 'modal' ? layers.depth : Number(Boolean(layers.drawer));
      layers = kind === 'modal' ? ground() : { ...layers, drawer: null, depth: layers.depth - count };
      back(count);
    }
    leaving = false;
    if (changed) { changed = false; refresh(true); }
  }

  // -- what people do ------------------------------------------------------------------------
  async function follow(box, url, init, replace) {
    const at = await load(box, url, init);
    if (!at) return;
    if (box === dialogs.drawer) remember({ drawer: at }, at, true);
    else if (box === dialogs.modal) remember({ modal: at }, at, replace);
    else {
      if (!replace) remember({}, location.href, true);
      pageUrl = at;
      remember({ page: at }, at, replace);
    }
  }

  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const copy = event.target.closest('[data-op-copy]');
    if (copy) return void copyFrom(copy);
    // A moment lies above its row's link, so that it can show the exact time.
    const row = event.target.closest('time') && event.target.closest('.op-link-row, .op-card');
    const link = row ? row.querySelector('a[data-op]') : event.target.closest('a[data-op]');
    if (!link || link.origin !== location.origin) return;
    const kind = link.dataset.op;
    const box = boxOf(link);
    if (kind === 'modal' || kind === 'drawer') {
      event.preventDefault();
      open(kind, link.href).then((at) => { if (at) remember({ [kind]: at }, at); });
    } else if (kind === 'view' && box) {
      event.preventDefault();
      follow(box, link.href);
    } else if (kind === 'close' && box && box.matches('dialog')) {
      event.preventDefault();
      box.close();
    }
  });

  document.addEventListener('submit', (event) => {
    const form = event.target.closest('form[data-op="view"]');
    const box = form && boxOf(form);
    if (!box) return;
    event.preventDefault();
    const fields = new URLSearchParams(new FormData(form));
    if (form.method === 'get') {
      for (const [name, value] of [...fields]) if (!value) fields.delete(name);
      const url = new URL(form.action);
      url.search = fields;
      return void follow(box, url.href, {}, form.dataset.opTyping === '1');
    }
    if (form.dataset.opSent) return;
    form.dataset.opSent = '1';
    for (const button of form.querySelectorAll('button')) { button.disabled = true; button.textContent = button.dataset.opProgress || button.textContent; }
    if ('opChanges' in form.dataset) changed = true;
    follow(box, form.action, { method: 'POST', body: fields }).finally(() => { delete form.dataset.opSent; });
  });

  let typing;
  document.addEventListener('input', (event) => {
    const field = event.target.closest('[data-op-live]');
    if (!field) return;
    clearTimeout(typing);
    typing = setTimeout(() => { field.form.dataset.opTyping = '1'; field.form.requestSubmit(); }, 300);
  });

  function copyFrom(button) {
    const field = document.getElementById(button.dataset.opCopy);
    field.select();
    const done = () => { button.firstChild.textContent = 'Copied'; setTimeout(() => { button.firstChild.textContent = 'Copy'; }, 2000); };
    if (navigator.clipboard) navigator.clipboard.writeText(field.value).then(done, () => {});
  }

  document.addEventListener('pointerover', (event) => {
    const bar = event.target.closest && event.target.closest('[data-op-bar]');
    const box = bar && bar.closest('.op-chart-panel');
    if (box) box.querySelector('[data-op-readout]').textContent = bar.dataset.opBar;
  });

  // -- staying fresh: only what is seen, never while somebody types ----------------------------
  const due = (node, at) => Date.now() - at >= 1000 * Number(node.dataset.opPoll);

  function refresh(now) {
    if (document.hidden) return;
    const box = isOpen('drawer') ? null : isOpen('modal') ? dialogs.modal : page();
    const view = box && box.querySelector('.op-frame[data-op-poll]');
    if (view && !running.has(box) && !busy(box)) {
      const last = shown.get(box) || { url: location.href, at: started };
      if (now || due(view, last.at)) load(box, last.url, { quiet: true });
    }
    if (!isOpen('modal') && !isOpen('drawer')) for (const card of document.querySelectorAll('.op-card[data-op-src]')) freshen(card, now);
  }

  function busy(box) {
    const active = document.activeElement;
    const selected = getSelection();
    return (box.contains(active) && active.matches('input, select, textarea')) || (!selected.isCollapsed && box.contains(selected.anchorNode));
  }

  async function freshen(card, now) {
    const at = Number(card.dataset.opAt || started);
    if (!now && !due(card, at)) return;
    card.dataset.opAt = Date.now();
    try {
      const response = await fetch(card.dataset.opSrc, { headers: { Accept: ACCEPT }, credentials: 'same-origin' });
      if (response.headers.get('X-Overseer-Fragment') !== '1' || !response.ok) throw new Error('not a card');
      const shell = document.createElement('template');
      shell.innerHTML = await response.text();
      const fresh = shell.content.querySelector('.op-card');
      fresh.dataset.opAt = Date.now();
      const focused = card.contains(document.activeElement);
      card.replaceWith(fresh);
      if (focused) fresh.querySelector('a').focus({ preventScroll: true });
    } catch {
      card.querySelector('.op-offline').hidden = false;
    }
  }

  const started = Date.now();
  let timer = setInterval(refresh, 5000);
  document.addEventListener('visibilitychange', () => {
    clearInterval(timer);
    if (!document.hidden) { timer = setInterval(refresh, 5000); refresh(); }
  });

  // A reload shows the address as a page: the layers of before are gone.
  if ((history.state || {}).op) history.replaceState({ op: { page: location.href, modal: null, drawer: null, depth: 0 } }, '');
  if (page()) { shown.set(page(), { url: location.href, text: '', at: started }); prepare(page()); }
  const go = document.querySelector('.op-page a[data-op-go]');
  if (go) location.assign(go.href);
})();
