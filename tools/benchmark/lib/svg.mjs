import { parse, View } from 'vega'

/** @param {object} spec of Vega @returns {Promise<string>} */
export async function render(spec) {
  const config = { axis: { labelFont: 'sans-serif', titleFont: 'sans-serif', titleFontWeight: 'normal' } }
  const view = new View(parse(/** @type {any} */ (spec), /** @type {any} */ (config)), { renderer: 'none' })
  const svg = await view.toSVG()
  view.finalize()
  return `${svg}\n`
}
