/// <reference lib="dom" />
/** Frames of every kind, each with the same widget in it, and whether they are the page's own. */

/** @typedef {import('./frame-site.mjs').Site} Site */
/**
 * @typedef {object} FrameKind
 * @property {string} name
 * @property {boolean} own whether the page can read it
 * @property {(site: Site) => unknown} build runs in the page
 * @property {string} [address] of an own frame's widget; default: that of the page around
 * @property {string} [page] where it is built; default: `/top`
 */

/** One element with its properties set. @param {string} tag @param {string} set */
const element = (tag, set) =>
  /** @type {FrameKind['build']} */ (
    new Function(
      'site',
      `const frame = document.createElement('${tag}'); ${set}; document.body.append(frame)`,
    )
  )

/** @type {FrameKind[]} */
export const frameKinds = [
  {
    name: 'http of the same origin',
    own: true,
    address: '/widget',
    build: element('iframe', `frame.src = '/widget'`),
  },
  {
    name: 'about:blank, written by the page',
    own: true,
    build: ({ html }) => {
      const frame = document.createElement('iframe')
      document.body.append(frame)
      frame.contentDocument?.write(html)
      frame.contentDocument?.close()
    },
  },
  {
    name: 'about:blank, filled by the page',
    own: true,
    build: ({ html }) => {
      const frame = document.createElement('iframe')
      frame.src = 'about:blank'
      document.body.append(frame)
      const inside = /** @type {Document} */ (frame.contentDocument)
      inside.body.innerHTML = html
    },
  },
  { name: 'srcdoc', own: true, build: element('iframe', 'frame.srcdoc = site.html') },
  {
    name: 'blob: of the page',
    own: true,
    build: element('iframe', `frame.src = URL.createObjectURL(new Blob([site.html], { type: 'text/html' }))`),
  },
  {
    name: 'javascript: of the page',
    own: true,
    build: element('iframe', `frame.src = 'javascript:' + JSON.stringify(site.html)`),
  },
  {
    name: 'sandboxed srcdoc with allow-same-origin',
    own: true,
    build: element('iframe', `frame.sandbox = 'allow-same-origin allow-scripts'; frame.srcdoc = site.html`),
  },
  {
    name: 'sandboxed http of the same origin with allow-same-origin',
    own: true,
    address: '/widget',
    build: element('iframe', `frame.sandbox = 'allow-same-origin allow-scripts'; frame.src = '/widget'`),
  },
  {
    name: 'http of the same origin in a frame of the same origin',
    own: true,
    address: '/widget',
    build: element('iframe', `frame.src = '/nest?src=/widget'`),
  },
  {
    name: 'srcdoc in a frame of the same origin',
    own: true,
    address: '/nest-srcdoc',
    build: element('iframe', `frame.src = '/nest-srcdoc'`),
  },
  {
    name: 'http of the same origin in an open shadow root',
    own: true,
    address: '/widget',
    build: () => {
      const host = document.createElement('div')
      host.attachShadow({ mode: 'open' }).innerHTML = '<iframe src="/widget"></iframe>'
      document.body.append(host)
    },
  },
  {
    name: 'srcdoc in a closed shadow root',
    own: true,
    build: ({ html }) => {
      const host = document.createElement('div')
      const frame = document.createElement('iframe')
      frame.srcdoc = html
      host.attachShadow({ mode: 'closed' }).append(frame)
      document.body.append(host)
    },
  },
  {
    name: '<object> of the same origin',
    own: true,
    address: '/widget',
    build: element('object', `frame.data = '/widget'`),
  },
  { name: '<frame> of the same origin', own: true, address: '/widget', page: '/frameset', build: () => {} },
  {
    name: 'http of another origin that goes to the origin of the page',
    own: true,
    address: '/widget',
    build: element('iframe', `frame.src = site.other + '/to-own?own=' + site.own`),
  },
  {
    name: 'srcdoc whose element says that it has no document',
    own: true,
    build: element(
      'iframe',
      `frame.srcdoc = site.html; Object.defineProperty(frame, 'contentDocument', { value: null })`,
    ),
  },

  {
    name: 'http of another origin',
    own: false,
    build: element('iframe', `frame.src = site.other + '/widget'`),
  },
  {
    name: 'http of another origin that goes to its own blob:',
    own: false,
    build: element('iframe', `frame.src = site.other + '/to-blob'`),
  },
  {
    name: 'http of another origin that goes to data:',
    own: false,
    build: element('iframe', `frame.src = site.other + '/to-data'`),
  },
  {
    name: 'http of another origin that another frame of that origin sends to about:blank',
    own: false,
    build: ({ other }) => {
      for (const path of ['/top', '/to-blank']) {
        const frame = document.createElement('iframe')
        frame.src = other + path
        document.body.append(frame)
      }
    },
  },
  {
    name: 'data:',
    own: false,
    build: element('iframe', `frame.src = 'data:text/html,' + encodeURIComponent(site.html)`),
  },
  {
    name: 'srcdoc in data:',
    own: false,
    build: ({ html }) => {
      const [frame, inside] = ['iframe', 'iframe'].map(name => document.createElement(name))
      inside.setAttribute('srcdoc', html)
      frame.setAttribute('src', `data:text/html,${encodeURIComponent(inside.outerHTML)}`)
      document.body.append(frame)
    },
  },
  {
    name: 'sandboxed srcdoc',
    own: false,
    build: element('iframe', `frame.sandbox = 'allow-scripts'; frame.srcdoc = site.html`),
  },
  {
    name: 'sandboxed srcdoc whose element claims a document',
    own: false,
    build: element(
      'iframe',
      `frame.sandbox = 'allow-scripts'; frame.srcdoc = site.html; Object.defineProperty(frame, 'contentDocument', { value: document })`,
    ),
  },
  {
    name: 'sandboxed blob: of the page',
    own: false,
    build: element(
      'iframe',
      `frame.sandbox = 'allow-scripts'; frame.src = URL.createObjectURL(new Blob([site.html], { type: 'text/html' }))`,
    ),
  },
  {
    name: 'sandboxed http of the same origin',
    own: false,
    build: element('iframe', `frame.sandbox = 'allow-scripts'; frame.src = '/widget'`),
  },
  {
    name: 'http of the same origin, sandboxed by its own header',
    own: false,
    build: element('iframe', `frame.src = '/sandboxed'`),
  },
  {
    name: 'http of the same origin in a frame of another origin',
    own: false,
    build: element('iframe', `frame.src = site.other + '/nest?src=' + site.own + '/widget'`),
  },
  {
    name: 'srcdoc in a frame of another origin',
    own: false,
    build: element('iframe', `frame.src = site.other + '/nest-srcdoc'`),
  },
  {
    name: 'http of another origin in a frame of the same origin',
    own: false,
    build: element('iframe', `frame.src = '/nest?src=' + site.other + '/widget'`),
  },
  {
    name: 'blob: of another origin in a srcdoc',
    own: false,
    build: element('iframe', `frame.srcdoc = '<iframe src="' + site.other + '/to-blob"></iframe>'`),
  },
  {
    name: 'blob: of another origin in a closed shadow root',
    own: false,
    build: ({ other }) => {
      const host = document.createElement('div')
      const frame = document.createElement('iframe')
      frame.src = `${other}/to-blob`
      host.attachShadow({ mode: 'closed' }).append(frame)
      document.body.append(host)
    },
  },
  {
    name: '<object> of another origin',
    own: false,
    build: element('object', `frame.data = site.other + '/widget'`),
  },
  {
    name: '<object> of another origin that goes to its own blob:',
    own: false,
    build: element('object', `frame.data = site.other + '/to-blob'`),
  },
  {
    name: '<embed> of another origin that goes to its own blob:',
    own: false,
    build: element('embed', `frame.src = site.other + '/to-blob'`),
  },
  // Scripts cannot read its document.
  { name: '<embed> of the same origin', own: false, build: element('embed', `frame.src = '/widget'`) },
  { name: '<frame> of another origin', own: false, page: '/foreign-frameset', build: () => {} },
]
